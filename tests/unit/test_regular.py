"""Whatever lies in the place of a file that is read: a device, a pipe, a folder, a link to one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.cache.digests import THERE, content_of
from alembic_lockstep.cache.upkeep import scratch_urls
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.candidates import tools_in_use
from alembic_lockstep.rules import unknown_parent
from alembic_lockstep.system.regular import read_regular, read_text

pytestmark = pytest.mark.skipif(not Path("/dev/random").exists(), reason="needs devices")

ODD: dict[str, Callable[[Path], object]] = {
    "device": lambda file: file.symlink_to("/dev/random"),
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "nothing": lambda file: file.symlink_to("nowhere"),
    "circle": lambda file: file.symlink_to(file),
}
odd = pytest.mark.parametrize("put", ODD.values(), ids=ODD.keys())


@odd
def test_it_is_not_read(tmp_path: Path, put: Callable[[Path], object]) -> None:
    put(tmp_path / "file")
    assert read_regular(tmp_path / "file") is None
    assert read_text(tmp_path / "file") is None
    assert content_of(tmp_path / "file", is_read=True) == THERE


def test_a_regular_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\xff")
    assert read_text(tmp_path / "file") == "a\ufffd"
    assert read_regular(tmp_path / "\0") is None


@odd
def test_as_settings_of_the_working_tree(tmp_path: Path, put: Callable[[Path], object]) -> None:
    graph = Graph(tmp_path)
    put(graph.root / "pyproject.toml")
    assert scratch_urls(graph.root, {}) == ()
    assert tools_in_use(graph.root, "") == {}


@odd
def test_as_a_migration_on_disk(tmp_path: Path, put: Callable[[Path], object]) -> None:
    graph = Graph(tmp_path)
    graph.commit({"1": None})
    graph.put({"2": "gone"})
    put(tmp_path / "m/versions/3.py")
    (finding,) = unknown_parent.check(graph.facts())
    assert "No file on disk" in finding.hint


@pytest.mark.parametrize("path", ["pyproject.toml", "m/env.py"])
def test_as_what_alembic_reads(tmp_path: Path, path: str) -> None:
    graph = Graph(tmp_path)
    graph.commit({"1": None})
    (tmp_path / path).unlink(missing_ok=True)
    (tmp_path / path).symlink_to("/dev/random")
    graph.put({"2": "1"})
    with pytest.raises(CouldNotJudge, match=rf"{path} is a link to /dev/random, which is no file"):
        graph.facts()
