"""Makes the subjects: the generated project in each size, on each database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.databases import Databases, PostgresServer, SQLiteFile
from bench.generated import AFTER, COLUMN, MODELS, VARIABLE, files, next_migration
from bench.machine import developer, empty_folder
from bench.subject import Change, Subject

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
#: So that the tool makes its scratch databases on the very server that its rivals use.
SCRATCH = "ALEMBIC_LOCKSTEP_SCRATCH"


@dataclass(frozen=True)
class Workshop:
    """The folder of one benchmark, with what all subjects share.

    Attributes:
        folder: Everything is in there.
        tool: The program `alembic-lockstep`, in its own environment.
        project: The programs of the generated projects' environment.
        postgres: None if nothing runs on PostgreSQL.
    """

    folder: Path
    tool: Path
    project: Path
    postgres: PostgresServer | None

    def databases(self, dialect: str, name: str) -> Databases:
        """Give the database of a subject."""
        if dialect == "sqlite":
            return SQLiteFile(self.folder / f"{name}.db")
        assert self.postgres is not None
        return self.postgres.database(f"bench_{name.replace('-', '_')}")

    def environ(self, environment: Path, cache: Path) -> dict[str, str]:
        """Give the variables of a developer."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        server = {SCRATCH: self.postgres.url} if self.postgres else {}
        return developer(home, cache, environment) | server

    def generate(self, revisions: int, dialect: str) -> Subject:
        """Make a generated project, whose last revision was judged when it was committed."""
        name = f"generated-{revisions}-{dialect}"
        databases = self.databases(dialect, name)
        driver = "postgresql+psycopg2" if dialect == "postgresql" else dialect
        url = f"{driver}:{databases.url.partition(':')[2]}"
        cache = empty_folder(self.folder / "cache" / name)
        path, migration = next_migration(revisions)
        alembic = str(self.project / "alembic")
        subject = Subject(
            label=f"{revisions:,} revisions, {NAMES[dialect]}",
            revisions=revisions,
            dialect=dialect,
            root=empty_folder(self.folder / name),
            directory=".",
            environ=self.environ(self.project.parent, cache) | {VARIABLE: url},
            programs=self.project,
            tool=self.tool,
            cache=cache,
            databases=databases,
            upgrade=(alembic, "upgrade", "head"),
            check=(alembic, "check"),
            drifts=False,
            config="alembic.ini",
            module="app.registry",
            sync_url=url,
            change=Change(MODELS, AFTER, COLUMN, "note", path, migration),
            has_model_test=True,
        )
        subject.begin()
        write(subject.root, files(revisions - 1))
        subject.commit("The project so far")
        write(subject.root, files(revisions))
        subject.git("add", "--all")
        subject.commit_judged("One more revision")
        return subject


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write the files of a project."""
    for path, text in texts.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
