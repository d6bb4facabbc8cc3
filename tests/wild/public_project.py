"""The description of a public project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PublicProject:
    """A public project, and how a column is added to it.

    In its texts ``{url}`` stands for the URL of the database that it is configured with,
    ``{user}``, ``{password}``, ``{port}`` and ``{database}`` for parts of that, ``{folder}`` for
    the folder of a SQLite file, ``{root}`` for the project's folder and ``{home}`` for the home of
    who runs it.

    Attributes:
        name: Its row in the table.
        source: A requirement (``name==version``) whose wheel or sdist has the sources, or a git
            repository and a commit (``https://github.com/owner/name@commit``, ``/folder@commit``).
        leave_out: Paths of a git repository that are not checked out: large data.
        models: The file that gets a new column.
        after: The line after which the column goes, as a text that only that line has.
        column: The column's line.
        table: Lines at the end of the models that declare a new table, for a project that looks
            for its tables when it starts: the fourth check. Its first line is where it is blocked.
        versions: Where its migrations go.
        kind: What makes it unlike the others.
        python: The version of Python that it is run with.
        dialect: Of its database.
        driver: Of its database, as in ``postgresql+asyncpg``.
        install: Requirements beside itself, as arguments of ``uv pip install`` in its folder.
        override: Requirements that replace what the project requires by the same name, for what
            has no wheel.
        path: Where its packages are.
        directory: Where its Alembic is run.
        command: The program and arguments to which upgrade, stamp and revision are given.
        upgrade: What upgrades an empty database.
        options: Arguments that each of them needs.
        revise: What makes a migration; its message follows.
        environ: Variables that it needs.
        files: Files that its repository has and its wheel lacks (an ini, a wsgi.py), or that a
            developer writes to configure it.
        own_files: What a developer has in the working tree and git ignores: uploads, logs.
        database: The configured SQLite file, below the home, where the project fixes its name. It
            is a copy of a real, upgraded one then, as the project looks at the file itself.
        replace: Texts of its files to be replaced, file by file: a URL that stands in the ini.
        settings: What `[tool.alembic-lockstep]` must say, and could not be found out.
        start: Python that prints the SQL file which the setting `start` needs.
        create: Python that makes the tables where the history does not replay; it runs with the
            environment of the project. Empty: the history is replayed.
    """

    name: str
    source: str
    models: str
    after: str
    column: str
    versions: str
    table: str = ""
    kind: str = ""
    python: str = "3.12"
    dialect: str = "sqlite"
    driver: str = ""
    leave_out: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    path: str = "."
    directory: str = "."
    command: tuple[str, ...] = ("alembic",)
    upgrade: tuple[str, ...] = ("upgrade", "heads")
    options: tuple[str, ...] = ()
    revise: tuple[str, ...] = ("revision", "--autogenerate", "-m")
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    own_files: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    replace: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    settings: str = ""
    start: str = ""
    create: str = ""

    def url(self, target: str) -> str:
        """Give the URL of a file, or of user, host, port and name of a database."""
        return f"{self.dialect}{self.driver}://{'/' if self.dialect == 'sqlite' else ''}{target}"

    @property
    def is_repository(self) -> bool:
        """True for sources in a git repository, not in a package."""
        return "@" in self.source

    @property
    def slug(self) -> str:
        """A folder's name: projects of one source share sources and Python."""
        return re.sub(r"[^\w.-]+", "-", self.source.rstrip("/").rpartition("/")[2])

    @property
    def version(self) -> str:
        """Return the version as the table shows it."""
        return re.split("==|@", self.source)[1][:12]
