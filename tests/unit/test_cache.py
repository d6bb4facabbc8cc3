"""The cache, also with damaged entries, killed writers and several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import platformdirs
import pytest

import alembic_lockstep
from alembic_lockstep.cache.store import Cache, cache_root

SOURCE = str(Path(alembic_lockstep.__file__).parents[1])
#: Writes entries of many pages until it is killed; prints a line once the first is there.
WRITE = """
import sys
from itertools import count
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from alembic_lockstep.cache.store import Cache, cache_root
cache = Cache(Path(sys.argv[2]))
for number in count():
    cache.write("records", sys.argv[3], [number] * 200_000)
    if not number:
        print(flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def files(cache: Cache) -> list[Path]:
    return sorted(path for path in Path(cache._folder).rglob("*") if path.is_file())


def set_used(cache: Cache, name: str, seconds_ago: float) -> None:
    used = time.time() - seconds_ago
    os.utime(Path(cache._folder, "records", name), (used, used))


def start_writer(cache: Cache, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, SOURCE, str(cache._root), name]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "\n"
    return writer


def is_whole(content: Any) -> bool:
    """Tell whether it is one of a writer's entries."""
    return bool(content == content[:1] * 200_000)


def kill(writers: Sequence[subprocess.Popen[str]]) -> None:
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()


def test_what_was_written_is_read(cache: Cache) -> None:
    assert cache.read("records", "one") is None
    content = {"paths": ["models.py", "na\udcefve.py"], "ok": True}
    cache.write("records", "one", {})
    cache.write("records", "one", content)
    assert cache.read("records", "one") == content
    assert cache.read("other", "one") is None
    assert cache.usage()["records"][0] == 1
    cache.forget("records", "one")
    assert cache.read("records", "one") is None


def test_it_is_the_users_alone(cache: Cache) -> None:
    cache.write("records", "one", 1)
    modes = [path.stat().st_mode & 0o777 for path in sorted(Path(cache._folder).rglob("*"))]
    assert (Path(cache._folder).stat().st_mode & 0o777, modes) == (0o700, [0o700, 0o600])


@pytest.mark.parametrize("length", [0, 10, 33, 40, -1])
def test_a_truncated_entry_is_gone(cache: Cache, length: int) -> None:
    cache.write("records", "one", ["a", "long", "list"])
    (file,) = files(cache)
    os.truncate(file, length % file.stat().st_size)
    assert cache.read("records", "one") is None
    assert files(cache) == []


def test_an_altered_entry_is_gone(cache: Cache) -> None:
    cache.write("records", "one", ["clean"])
    (file,) = files(cache)
    file.write_bytes(file.read_bytes().replace(b"clean", b"dirty"))
    assert cache.read("records", "one") is None
    assert files(cache) == []


def test_an_entry_under_another_name_is_gone(cache: Cache) -> None:
    cache.write("records", "one", 1)
    (file,) = files(cache)
    file.rename(file.with_name("two"))
    assert cache.read("records", "two") is None
    assert files(cache) == []


def test_names_are_those_used_last_first(cache: Cache) -> None:
    for number, name in enumerate(("a-old", "a-new", "b-new", "a-between")):
        cache.write("records", name, number)
    for name, ago in (("a-old", 400), ("a-between", 300), ("a-new", 200), ("b-new", 100)):
        set_used(cache, name, ago)
    assert cache.names("records", "a-") == ["a-new", "a-between", "a-old"]
    assert cache.names("records")[0] == "b-new"
    cache.read("records", "a-old")
    assert cache.names("records", "a-")[0] == "a-old"
    assert cache.names("nonesuch") == []


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = Cache(tmp_path, limit=4000)
    for name, ago in (("a", 400), ("b", 300), ("c", 200)):
        cache.write("records", name, "x" * 900)
        set_used(cache, name, ago)
    cache.read("records", "a")
    for name in ("d", "e"):
        cache.write("records", name, "x" * 900)
    assert set(cache.names("records")) == {"a", "c", "d", "e"}
    assert sum(size for _, size in cache.usage().values()) <= 4000


def test_the_number_of_entries_is_bounded(tmp_path: Path) -> None:
    cache = Cache(tmp_path, entries=3)
    for number in range(5):
        cache.write("records", str(number), number)
        set_used(cache, str(number), 100 - number)
    assert cache.names("records") == ["4", "3", "2"]


def test_what_would_push_out_all_else_is_not_kept(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=4000)
    cache.write("records", "small", 1)
    cache.write("records", "large", "x" * 1001)
    (tmp_path / "file").write_bytes(bytes(1001))
    assert not cache.write_files("snapshots", "large", [tmp_path / "file"])
    assert [path.name for path in files(cache)] == ["small"]


def test_files_come_back_as_they_were(cache: Cache, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").touch()
    sources = [tmp_path / name for name in ("a", "b", "absent")]
    targets = [tmp_path / f"new {name}" for name in ("a", "b", "absent")]
    assert not cache.read_files("snapshots", "one", targets)
    assert cache.write_files("snapshots", "one", sources)
    assert cache.read_files("snapshots", "one", targets)
    assert (targets[0].read_bytes(), targets[1].read_bytes()) == (content, b"")
    assert not targets[2].exists()


@pytest.mark.parametrize("damage", ["cut", "longer", "bit", "sizes", "head", "fewer"])
def test_damaged_files_do_not_come_back(cache: Cache, tmp_path: Path, damage: str) -> None:
    (tmp_path / "a").write_bytes(b"x" * 5000)
    targets = [tmp_path / "new a", tmp_path / "new b"]
    assert cache.write_files("snapshots", "one", [tmp_path / "a", tmp_path / "b"])
    (file,) = files(cache)
    whole = file.read_bytes()
    damaged = {
        "cut": whole[:-1],
        "longer": whole + b"x",
        "bit": whole[:-1] + b"y",
        "sizes": whole.replace(b"[5000, -1]", b"[4000, -1]"),
        "head": whole.replace(b"[5000, -1]", b"[null, -1]"),
        "fewer": whole.replace(b"[5000, -1]", b"[5000]    "),
    }[damage]
    assert damaged != whole
    file.write_bytes(damaged)
    assert not cache.read_files("snapshots", "one", targets)
    assert files(cache) == []
    assert not any(target.exists() for target in targets)


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "cache")
    cache.write("records", "one", 1)
    assert not cache.write_files("snapshots", "one", [tmp_path / "file"])
    assert cache.read("records", "one") is None
    assert cache.names("records") == []
    assert cache.usage() == {}
    cache.clear()


def test_a_killed_writer_leaves_the_entry_whole_and_nothing_for_long(cache: Cache) -> None:
    for _ in range(8):
        kill([start_writer(cache, "one")])
        assert is_whole(cache.read("records", "one"))
    left = Path(cache._folder) / "records" / ".killed"  # as a writer leaves it, an hour ago
    left.write_bytes(b"half")
    set_used(cache, ".killed", 4000)
    cache.write("records", "two", 2)
    assert not left.exists()


def test_two_writers_and_a_reader_at_once(cache: Cache) -> None:
    writers = [start_writer(cache, "one"), start_writer(cache, "one")]
    try:
        for _ in range(50):
            assert is_whole(cache.read("records", "one"))
    finally:
        kill(writers)
    assert cache.names("records") == ["one"]


def test_clear_deletes_all_entries(cache: Cache) -> None:
    cache.write("records", "one", 1)
    cache.write("other", "two", 2)
    cache.clear()
    assert files(cache) == []
    cache.write("records", "one", 1)
    assert cache.read("records", "one") == 1


@pytest.mark.parametrize("folder", [None, "", " ", "relative", "/srv/cache", " /srv"])
def test_the_users_folder_is_that_of_platformdirs(
    monkeypatch: pytest.MonkeyPatch, folder: str | None
) -> None:
    if folder is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", folder)
    assert cache_root() == platformdirs.user_cache_path("alembic-lockstep", appauthor=False)
