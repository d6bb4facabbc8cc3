"""The demo's messages; the demo itself is run at night: it makes three commits."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from alembic_lockstep import demo
from alembic_lockstep.demo import run_demo
from alembic_lockstep.errors import CouldNotJudge


def test_a_folder_that_is_not_empty_is_left_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(CouldNotJudge, match="is not empty") as caught, demo._game(str(tmp_path)):
        pass
    assert caught.value.fix == "Name a new folder."
    with demo._game(str(tmp_path / "new")) as game:
        game.quietly("git", "init", "--quiet")
    assert (tmp_path / "new/.git").is_dir()


def test_the_users_configuration_of_git_is_not_the_games(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hooks elsewhere, or a key for signatures that is not here: `git commit` failed."""
    (tmp_path / ".gitconfig").write_text("[core]\nhooksPath = x\n[commit]\ngpgsign = true\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with demo._game(str(tmp_path / "new")) as game:
        game.quietly("git", "init", "--quiet")
        listed = subprocess.run(
            ("git", "config", "--list"), cwd=game.folder, env=game.environ, capture_output=True
        )
    assert b"gpgsign" not in listed.stdout
    assert b"hookspath" not in listed.stdout


def test_without_git_the_demo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CouldNotJudge, match="git is not installed or not on PATH"):
        run_demo(str(tmp_path / "new"))


def test_a_command_of_the_demo_that_fails_leads_to_an_environment_of_its_own(
    tmp_path: Path,
) -> None:
    failure = pytest.raises(CouldNotJudge, match="`git nonesuch` failed")
    with demo._game(str(tmp_path / "new")) as game, failure as caught:
        game.quietly("git", "nonesuch")
    assert "is not a git command" in caught.value.log
    _, make, install, start = caught.value.fix.splitlines()
    assert make == "python3 -m venv lockstep-demo"
    assert install.split()[1:] == ["install", "alembic-lockstep"]
    assert start == "lockstep-demo/bin/alembic-lockstep demo"
    typed = (sys.executable, *make.split()[1:], "--without-pip")
    subprocess.run(typed, cwd=tmp_path, check=True)
    assert (tmp_path / "lockstep-demo/bin/python").exists()


def test_what_could_not_be_installed_is_installed_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python without `venv`, as Debian has one; then its packages are there."""
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / ".venv").touch()
    with pytest.raises(CouldNotJudge, match="could not install what it needs") as caught:
        demo._install(folder)
    command = shlex.split(caught.value.fix.splitlines()[-1])
    assert command == [sys.executable, "-m", "pip", "install", "Flask-Migrate", "pre-commit"]
    monkeypatch.setattr(demo, "_install", pytest.fail)
    assert demo._environ(folder)["PATH"].startswith(str(Path(sys.executable).parent))


@pytest.mark.skipif(os.environ.get("LOCKSTEP_NIGHTLY") != "1", reason="ten seconds of a CPU")
def test_the_demo(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_demo(str(tmp_path / "new")) == 0
    printed = capfd.readouterr()
    assert "Blocked: 2 missing-migration." in printed.err
    assert re.search(r"\.\.Passed", printed.err)
