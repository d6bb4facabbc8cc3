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

from .old_operations import cut
from .project_folders import Place

DATABASE = "alembic_lockstep_wild"


@dataclass(frozen=True)
class Migration:
    """What autogenerate writes for the added column.

    Attributes:
        name: Its file's name.
        text: The file, without what autogenerate writes also without the column.
        old: How many operations those are: the differences that the project has anyway.
    """

    name: str
    text: str
    old: int


def autogenerate(place: Place) -> Migration:
    """Have the project's own Alembic write the migration for the added column."""
    wild, root = place.wild, place.top / "workshop"
    with _database(place) as url:
        shop = _Workshop(place, root, url)
        shop.build()
        without = shop.revise()
        text_without = without.read_text() if without else ""
        if without:
            without.unlink()
        place.add_column(root)
        made = shop.revise()
        assert made is not None, f"autogenerate does not see {wild.column.strip()}"
        text, _ = cut(made.read_text(), text_without)
        return Migration(made.name, text, cut(text_without, "")[1])


def upgrade_configured(place: Place, url: str) -> str:
    """Have the project's own Alembic upgrade what is configured; give what it said."""
    shop = _Workshop(place, place.top / "workshop", url)
    shop.clone()
    return shop.alembic(*place.wild.upgrade, check=False).output


@dataclass(frozen=True)
class _Workshop:
    place: Place
    root: Path
    url: str

    def clone(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        command = ("git", "clone", "--quiet", "-b", "first", str(self.place.root), str(self.root))
        run(command, cwd=self.place.top, environ=self._environ(), check=True)
        self.place.configure(self.root, self.url)

    def build(self) -> None:
        self.clone()
        if self.place.wild.create:
            self._program("python", "-c", self.place.wild.create, self.url)
            self.alembic("stamp", "heads")
        else:
            self.alembic(*self.place.wild.upgrade)

    def revise(self) -> Path | None:
        folder = self.root / self.place.wild.versions
        before = set(folder.glob("*.py"))
        self.alembic(*self.place.wild.revise, "lockstep")
        new = set(folder.glob("*.py")) - before
        assert len(new) <= 1, new
        return new.pop() if new else None

    def alembic(self, command: str, *arguments: str, check: bool = True) -> Result:
        wild = self.place.wild
        fill = self.place.fill
        words = [fill(word, self.root, self.url) for word in wild.command]
        return self._program(*words, command, *wild.options, *arguments, check=check)

    def _program(self, name: str, *arguments: str, check: bool = True) -> Result:
        # Not `python -m`: a project's folder may hold an `alembic`, or a types.py.
        command = (str(self.place.python.with_name(name)), *arguments)
        directory = self.root / self.place.wild.directory
        return run(command, cwd=directory, environ=self._environ(), check=check)

    def _environ(self) -> dict[str, str]:
        environ = self.place.environ(self.root, self.url)
        programs = self.place.python.parent  # on PATH for Alembic's post-write hooks
        return environ | {
            "PATH": f"{programs}{os.pathsep}{environ['PATH']}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(self.root / self.place.wild.path),
        }


@contextmanager
def _database(place: Place) -> Iterator[str]:
    wild = place.wild
    if wild.dialect == "sqlite":
        file = place.workshop_database
        if wild.database:
            shutil.rmtree(file.parent, ignore_errors=True)
            file.parent.mkdir()
        file.unlink(missing_ok=True)
        yield wild.url(str(file))
        return
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as server:
        drop = f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"
        server.execute(drop)
        server.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield wild.url(f"postgres@127.0.0.1:5432/{DATABASE}")
        finally:
            server.execute(drop)
