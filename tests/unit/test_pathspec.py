"""Commands that stage files, typed in a subfolder, for names that git could take for its magic."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from alembic_lockstep.git.pathspec import add_command


@pytest.mark.parametrize(
    "path",
    [
        "shop/versions/a1_it's the one.py",
        "_versions/a1.py",
        "!a/a1.py",
        "-x/a1.py",
        ":(exclude)a.py",
        "[ab]c.py",
        ".hidden/a1.py",
        "größe/a1.py",
        "λ.py",
    ],
)
def test_a_file_is_staged_from_a_subfolder(tmp_path: Path, path: str) -> None:
    below = tmp_path / "below"
    below.mkdir()
    for name in (path, "other.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    def run(command: str) -> str:
        shell = ("bash", "-ec", command)
        return subprocess.run(shell, cwd=below, capture_output=True, text=True, check=True).stdout

    run("git init --quiet ..")
    run(add_command([path]))
    assert run("git -C .. ls-files -z") == f"{path}\0"
