"""The command imports installed libraries, and nothing of the repository that it judges."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alembic_lockstep import start
from alembic_lockstep.start import installed

OURS = str(Path(start.__file__).parents[1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "shop/.git").mkdir(parents=True)
    (tmp_path / "shop/src/.venv/lib").mkdir(parents=True)
    return tmp_path / "shop"


@pytest.mark.parametrize(
    ("cwd", "entries", "pythonpath", "left"),
    [
        ("", ["", "/usr/lib"], "", ["/usr/lib"]),
        ("src", ["", "{root}/src/.venv/lib"], "", ["{root}/src/.venv/lib"]),
        ("src", ["{root}", "{root}/src", "/usr/lib"], "..:.", ["/usr/lib"]),
        ("", ["/srv/lib", "{root}/lib"], "/srv/lib:lib", ["/srv/lib"]),
        ("", [OURS, "{root}/../other"], f"{OURS}:../other", [OURS, "{root}/../other"]),
    ],
)
def test_the_projects_folders_are_left_out(
    root: Path, cwd: str, entries: list[str], pythonpath: str, left: list[str]
) -> None:
    path = [entry.format(root=root) for entry in entries]
    expected = [entry.format(root=root) for entry in left]
    assert list(installed(path, str(root / cwd), pythonpath)) == expected


@pytest.mark.parametrize("name", ["click.py", "shlex.py", "__future__.py", "git/__init__.py"])
def test_a_library_of_the_branch_is_not_imported(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("raise SystemExit('the branch ran')\n")
    for command in (
        ["-m", "alembic_lockstep"],
        ["-c", "from alembic_lockstep.start import entry; entry()"],
    ):
        done = subprocess.run(
            [sys.executable, *command, "--version"],
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), OURS])},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
