"""What the benchmark runs in: environments of the tool and of a project, and clean variables."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: What a generated project is run with. pytest-alembic 0.13 fails to collect on pytest 9.
PROJECT = ("alembic", "sqlalchemy", "psycopg2-binary", "pytest<9", "pytest-alembic")
TOOL = (f"{ROOT}[postgres]",)
#: What tests/wild needs to make real projects.
WILD = (f"{ROOT}[postgres]", "pytest", "uv")

#: Variables that would change what is measured; PYTHONDONTWRITEBYTECODE is one of them.
_FOREIGN = ("ALEMBIC_", "CONDA_", "DATABASE_URL", "GIT_", "PG", "PRE_COMMIT", "PYTEST_", "PYTHON")
_FOREIGN_NAMES = {"UV_PROJECT_ENVIRONMENT", "VIRTUAL_ENV"}


def make_environment(folder: Path, packages: Sequence[str]) -> Path:
    """Make a virtual environment, or bring one that is there up to date; give its programs."""
    programs = folder / "bin"
    if not programs.exists():
        venv.create(folder, with_pip=True, symlinks=True)
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet"]
    run([*install, "--disable-pip-version-check", *packages], cwd=folder, environ=os.environ)
    if any(str(ROOT) in package for package in packages):
        # The version stays the same while the sources change.
        run([*install, "--no-deps", "--force-reinstall", str(ROOT)], cwd=folder, environ=os.environ)
    return programs


def developer(home: Path, cache: Path, environment: Path) -> dict[str, str]:
    """Give the variables of a developer who has activated the project's environment."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and name not in _FOREIGN_NAMES
    }
    return {
        **inherited,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(home),
        "NO_COLOR": "1",
        "PATH": f"{environment / 'bin'}{os.pathsep}{inherited.get('PATH', '')}",
        "VIRTUAL_ENV": str(environment),
        "XDG_CACHE_HOME": str(cache),
    }


def run(command: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> str:
    """Run a command that has to succeed; give what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def empty_folder(folder: Path) -> Path:
    """Make an empty folder, whatever was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def describe(project: Path, server: str) -> str:
    """Say in words what was measured on; no names."""
    versions = (
        "import alembic, sqlalchemy, platform;"
        "print(f'Python {platform.python_version()}, Alembic {alembic.__version__}, '"
        "f'SQLAlchemy {sqlalchemy.__version__}')"
    )
    printed = run([str(project / "python"), "-c", versions], cwd=project, environ=os.environ)
    words = [f"{os.cpu_count()} cores", printed.strip()]
    return ", ".join([*words, server] if server else words)
