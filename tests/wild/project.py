"""What the runner knows about a public project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Wild:
    """A public project, and how a column is added to it.

    In its texts ``{url}`` stands for the URL of the database that it is configured with,
    ``{user}``, ``{password}``, ``{port}`` and ``{database}`` for parts of that, ``{root}`` for
    its folder and ``{home}`` for the home of who runs it.

    Attributes:
        name: Its row in the table.
        source: A requirement (``name==version``) whose wheel or sdist has the sources, or the
            absolute folder of a git repository and a commit (``/folder@commit``).
        models: The file that gets a new column.
        after: The line after which the column goes, as a text that only that line has.
        column: The column's line.
        versions: Where its migrations go.
        kind: What makes it unlike the others.
        python: The version of Python that it is run with.
        dialect: Of its database.
        driver: Of its database, as in ``postgresql+asyncpg``.
        install: Requirements beside itself.
        path: Where its packages are.
        directory: Where its Alembic is run.
        command: The program and arguments to which upgrade, stamp and revision are given.
        upgrade: What upgrades an empty database.
        options: Arguments that each of them needs.
        revise: What makes a migration; its message follows.
        environ: Variables that it needs.
        files: Files that its repository has and its wheel lacks: an ini, a wsgi.py.
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
    kind: str = ""
    python: str = "3.12"
    dialect: str = "sqlite"
    driver: str = ""
    install: tuple[str, ...] = ()
    path: str = "."
    directory: str = "."
    command: tuple[str, ...] = ("alembic",)
    upgrade: tuple[str, ...] = ("upgrade", "heads")
    options: tuple[str, ...] = ()
    revise: tuple[str, ...] = ("revision", "--autogenerate", "-m")
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    replace: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    settings: str = ""
    start: str = ""
    create: str = ""

    def url(self, place: str) -> str:
        """Give the URL of a file, or of user, host, port and name of a database."""
        return f"{self.dialect}{self.driver}://{'/' if self.dialect == 'sqlite' else ''}{place}"

    @property
    def slug(self) -> str:
        """A folder's name: projects of one source share sources and Python."""
        return re.sub(r"[^\w.-]+", "-", self.source.rstrip("/").rpartition("/")[2])

    @property
    def version(self) -> str:
        """As the table shows it."""
        return re.split("==|@", self.source)[1][:12]
