"""A home and a working tree as a developer has them: with files that no tool may touch."""

from __future__ import annotations

import shutil
from pathlib import Path

from .project_folders import ProjectFolders

_HOME_FILES = {
    ".bashrc": "export EDITOR=vim\nalias gs='git status'\n",
    ".pgpass": "db.example.org:5432:prod:ada:not the real one\n",
    ".config/app.toml": 'theme = "dark"\n',
    ".cache/app/thumbnails.idx": "1 2 3\n",
    ".local/state/app/app.log": "2026-11-02 09:14:07 started\n",
    "notes.txt": "Call the bank.\n",
}


def empty_home(folders: ProjectFolders) -> None:
    """Begin with a home in which nothing is left of an earlier trial."""
    shutil.rmtree(folders.home, ignore_errors=True)
    folders.home.mkdir(parents=True)


def furnish(folders: ProjectFolders) -> None:
    """Write the developer's files, and the configured database."""
    for path, text in _HOME_FILES.items():
        _write(folders.home / path, text)
    (folders.home / ".pgpass").chmod(0o600)
    for path, text in folders.project.own_files.items():
        _write(folders.root / path, text)
    folders.database.parent.mkdir(parents=True, exist_ok=True)
    if folders.project.database:
        shutil.copytree(
            folders.workshop_database.parent, folders.database.parent, dirs_exist_ok=True
        )
    else:
        folders.database.write_bytes(b"Not a database.\n")


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
