"""A second clone of a project, on a real throwaway database, in which its own Alembic runs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from e2e.harness import SCRATCH_SERVER, Result, run

from .old_operations import without_old
from .project_folders import ProjectFolders

DATABASE = "alembic_lockstep_wild"


@dataclass(frozen=True)
class Migration:
    """The migration that autogenerate writes for the added column.

    Attributes:
        name: Its file's name.
        text: The file, without what autogenerate writes also without the column.
        old: How many operations those are: the differences that the project has anyway.
    """

    name: str
    text: str
    old: int


def autogenerate(folders: ProjectFolders) -> Migration:
    """Have the project's own Alembic write the migration for the added column."""
    project, root = folders.project, folders.top / "workshop"
    with _database(folders) as url:
        clone = _Clone(folders, root, url)
        clone.build()
        without = clone.revise()
        text_without = without.read_text() if without else ""
        if without:
            without.unlink()
        folders.add_column(root)
        migration_file = clone.revise()
        assert migration_file is not None, f"autogenerate does not see {project.column.strip()}"
        text, _ = without_old(migration_file.read_text(), text_without)
        return Migration(migration_file.name, text, without_old(text_without, "")[1])


def upgrade_configured(folders: ProjectFolders, url: str) -> str:
    """Have the project's own Alembic upgrade the configured database; return its output."""
    clone = _Clone(folders, folders.top / "workshop", url)
    clone.make()
    return clone.alembic(*folders.project.upgrade, check=False).output


@dataclass(frozen=True)
class _Clone:
    folders: ProjectFolders
    root: Path
    url: str

    def make(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        command = ("git", "clone", "--quiet", "-b", "first", str(self.folders.root), str(self.root))
        run(command, cwd=self.folders.top, environ=self._environ(), check=True)
        self.folders.configure(self.root, self.url)

    def build(self) -> None:
        self.make()
        if self.folders.project.create:
            self._program("python", "-c", self.folders.project.create, self.url)
            self.alembic("stamp", "heads")
        else:
            self.alembic(*self.folders.project.upgrade)

    def revise(self) -> Path | None:
        folder = self.root / self.folders.project.versions
        before = set(folder.glob("*.py"))
        self.alembic(*self.folders.project.revise, "lockstep")
        new = set(folder.glob("*.py")) - before
        assert len(new) <= 1, new
        return new.pop() if new else None

    def alembic(self, command: str, *arguments: str, check: bool = True) -> Result:
        project = self.folders.project
        fill = self.folders.fill
        words = [fill(word, self.root, self.url) for word in project.command]
        return self._program(*words, command, *project.options, *arguments, check=check)

    def _program(self, name: str, *arguments: str, check: bool = True) -> Result:
        # Not `python -m`: a project's folder may hold an `alembic`, or a types.py.
        command = (str(self.folders.python.with_name(name)), *arguments)
        directory = self.root / self.folders.project.directory
        return run(command, cwd=directory, environ=self._environ(), check=check)

    def _environ(self) -> dict[str, str]:
        environ = self.folders.environ(self.root, self.url)
        programs = self.folders.python.parent  # on PATH for Alembic's post-write hooks
        return environ | {
            "PATH": f"{programs}{os.pathsep}{environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(self.root / self.folders.project.path),
        }


@contextmanager
def _database(folders: ProjectFolders) -> Iterator[str]:
    project = folders.project
    if project.dialect == "sqlite":
        file = folders.workshop_database
        if project.database:
            shutil.rmtree(file.parent, ignore_errors=True)
            file.parent.mkdir()
        file.unlink(missing_ok=True)
        yield project.url(str(file))
        return
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as server:
        drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
        server.execute(drop)
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield project.url(f"postgres@127.0.0.1:5432/{DATABASE}")
        finally:
            server.execute(drop)
