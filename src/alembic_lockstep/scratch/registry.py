"""The dialects that have scratch databases, and the function that starts a server of each."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pkgutil import resolve_name

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.server import Server, ServerSettings

Starter = Callable[[ServerSettings], Server]

#: Other packages' starters: the name is a SQLAlchemy dialect, the value is a `Starter`.
GROUP = "alembic_lockstep.scratch"

#: SQLAlchemy dialect name → our starter, imported when it is needed: some import SQLAlchemy.
STARTERS = {
    "mariadb": "mysql_start:start_mariadb",
    "mysql": "mysql_start:start_mysql",
    "postgresql": "postgres_start:start_postgresql",
    "sqlite": "sqlite_files:SQLiteServer",
}


def find_starter(dialect: str) -> Starter:
    """Return the starter of a dialect; another package's goes before ours.

    Raises:
        CouldNotJudge: there is none, or it cannot be imported.
    """
    others = entry_points(group=GROUP)
    for entry_point in others.select(name=dialect):
        return _load(entry_point)
    if dialect in STARTERS:
        starter: Starter = resolve_name(f"{__package__}.{STARTERS[dialect]}")
        return starter
    names = sorted({*STARTERS, *others.names})
    raise CouldNotJudge(
        f"scratch databases of the dialect {dialect!r} are not supported",
        tried=(f"supported dialects: {', '.join(names)}",),
        fix="alembic-lockstep check --static\n"
        "That is the weaker check. A package of twenty lines can add the dialect: "
        "https://github.com/alembic-lockstep/alembic-lockstep/blob/main/docs/databases.md",
    )


def _load(entry_point: EntryPoint) -> Starter:
    try:
        starter: Starter = entry_point.load()
    except Exception as error:  # another package may raise anything
        package = entry_point.dist.name if entry_point.dist else "PACKAGE"
        raise CouldNotJudge(
            f"the package that makes scratch databases of the dialect {entry_point.name!r} "
            f"cannot be imported: {type(error).__name__}: {error}",
            tried=(f"entry point {GROUP}: {entry_point.name} = {entry_point.value}",),
            fix="Install what it needs beside alembic-lockstep, another version of it, or remove "
            f"it:\npip uninstall {package}",
        ) from None
    return starter
