"""`alembic-lockstep demo`: a forgotten migration, blocked and fixed, with real commands."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.command import run_git

APP = """\
from flask import Flask
from flask_migrate import Migrate

from backend.models import db


def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///trivia.db"
    db.init_app(app)
    Migrate(app, db)
    return app
"""

MODELS = """\
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Game(db.Model):
    __tablename__ = "games"

    id = db.Column(db.Integer, primary_key=True)
    title = db.Column(db.String(80), nullable=False)
"""

CHANGE = """\
    completed_at = db.Column(db.DateTime)
    winners = db.Column(db.JSON)
"""

CONFIG = """\
repos:
  - repo: local
    hooks:
      - id: alembic-lockstep
        name: models and migrations in lockstep
        language: system
        entry: "'{python}' -m alembic_lockstep check"
        always_run: true
        pass_filenames: false
        require_serial: true
"""

FLASK = ("flask", "--app", "backend.app:create_app")

#: The packages whose programs the demo runs, each with its program.
_PACKAGES = {"Flask-Migrate": "flask", "pre-commit": "pre-commit"}
_OWN = (
    "python3 -m venv lockstep-demo\n"
    "lockstep-demo/bin/pip install alembic-lockstep\n"
    "lockstep-demo/bin/alembic-lockstep demo"
)
#: The user's hooks and signatures are not the game's.
_NO_CONFIG = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


@dataclass(frozen=True)
class Game:
    """Repository of the demo, and the environment variables of its commands."""

    folder: Path
    environ: Mapping[str, str]

    def write(self, path: str, text: str) -> None:
        """Write a file of the game."""
        file = self.folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def quietly(self, *command: str) -> None:
        """Run a command that has to succeed, and do not show it."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise CouldNotJudge(
                f"the demo's `{' '.join(command)}` failed",
                fix=f"In an environment of its own the demo installs what it needs:\n{_OWN}",
                log=done.stdout + done.stderr,
            )

    def show(self, *command: str) -> int:
        """Show a command, run it and return its exit code."""
        shown = " ".join(f'"{word}"' if " " in word else word for word in command)
        _print(f"$ {shown}", bold=True)
        return subprocess.run(command, cwd=self.folder, env=self.environ, check=False).returncode


def run_demo(keep: str | None) -> int:
    """Run the demo; return 0 if the commit was blocked and the fixed commit passed, else 1.

    Args:
        keep: A folder for the game, which stays; a temporary one if None.
    """
    with _game(keep) as game:
        _say("A trivia game, with its first migration committed and the hook installed.")
        _prepare(game)
        _say("Somebody adds two columns to backend/models.py and commits only that:")
        game.write("backend/models.py", MODELS + CHANGE)
        game.show("git", "diff", "--unified=0", "backend/models.py")
        game.quietly("git", "add", "backend")
        blocked = game.show("git", "commit", "--quiet", "-m", "Keep the winners")
        _say("Blocked. Now the fix from the message, and the same commit again:")
        game.show(*FLASK, "db", "migrate", "-m", "add games.completed_at and 1 more")
        game.show("git", "add", ":/migrations/versions")
        passed = game.show("git", "commit", "--quiet", "-m", "Keep the winners")
        game.show("git", "log", "--oneline", "--stat")
        if keep:
            _say(f"The game is in {game.folder}.")
        return int(blocked == 0 or passed != 0)


def _prepare(game: Game) -> None:
    game.write("backend/__init__.py", "")
    game.write("backend/app.py", APP)
    game.write("backend/models.py", MODELS)
    game.write("pyproject.toml", '[tool.alembic-lockstep]\nflask-app = "backend.app:create_app"\n')
    game.write(".gitignore", ".venv/\ninstance/\n__pycache__/\n")
    game.write(".pre-commit-config.yaml", CONFIG.format(python=sys.executable))
    for step in (["db", "init"], ["db", "migrate", "-m", "games"], ["db", "upgrade"]):
        game.quietly(*FLASK, *step)
    game.quietly("git", "init", "--quiet", "--initial-branch=main")
    game.quietly("git", "config", "user.name", "Demo")
    game.quietly("git", "config", "user.email", "demo@example.invalid")
    game.quietly("git", "add", ".")
    game.quietly("git", "commit", "--quiet", "-m", "The game")
    game.quietly("pre-commit", "install")


@contextmanager
def _game(keep: str | None) -> Iterator[Game]:
    if keep:
        folder = Path(keep).resolve()
        if folder.exists() and any(folder.iterdir()):
            raise CouldNotJudge(f"the folder {folder} is not empty", fix="Name a new folder.")
        folder.mkdir(parents=True, exist_ok=True)
        yield Game(folder, _environ(folder))
        return
    with tempfile.TemporaryDirectory(prefix="alembic-lockstep-demo-") as temporary:
        yield Game(Path(temporary).resolve(), _environ(Path(temporary)))


def _environ(folder: Path) -> dict[str, str]:
    """Return variables with which the commands are found: in this environment, or a new one."""
    run_git(folder, "version")
    scripts = Path(sys.executable).parent
    programs = (shutil.which(program, path=scripts) for program in _PACKAGES.values())
    if not (importlib.util.find_spec("flask_migrate") and all(programs)):
        scripts = _install(folder)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    path = f"{scripts}{os.pathsep}{environ.get('PATH', '')}"
    return {**environ, **_NO_CONFIG, "PATH": path}


def _install(folder: Path) -> Path:
    _say(f"Installing {' and '.join(_PACKAGES)} into {folder / '.venv'} …")
    scripts = folder / ".venv" / "bin"
    for command in (
        [sys.executable, "-m", "venv", str(folder / ".venv")],
        [str(scripts / "python"), "-m", "pip", "install", "--quiet", *_PACKAGES],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CouldNotJudge(
                "the demo could not install what it needs",
                fix="Install it beside alembic-lockstep:\n"
                f"{shlex.join([sys.executable, '-m', 'pip', 'install', *_PACKAGES])}",
                log=done.stdout + done.stderr,
            )
    return scripts


def _say(text: str) -> None:
    _print(text, bold=True, fg="cyan")


def _print(text: str, **style: Any) -> None:
    """Print a paragraph at once: the output of commands follows."""
    styled = text if os.environ.get("NO_COLOR") else click.style(text, **style)
    click.echo(f"\n{styled}")
    sys.stdout.flush()
