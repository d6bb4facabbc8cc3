"""Find and remove what the project made on a PostgreSQL server outside of its databases.

A migration's CREATE ROLE outlives its scratch database, and the next replay of it would fail.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from alembic_lockstep.scratch.postgres_role import BY_URL, PRIVATE

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

#: On a server that is not ours, the probe comments each object that the project makes with this and
#: the run's token, in the same transaction: `COMMENT ON ROLE app IS 'alembic-lockstep 0a1b2c3d'`.
MARK = "alembic-lockstep "

#: How often a statement is tried that fails for others' changes of the catalogue.
_TRIES = 5

#: In the order of removal: owned objects before their owners.
_KINDS = ("database", "subscription", "slot", "setting", "parameter", "tablespace", "role")

_LOOK = r"""
    SELECT 'database', datname::text, shobj_description(oid, 'pg_database')
    FROM pg_database WHERE datname !~ '^lockstep_([0-9a-f]{8}_[0-9]+|keep_[0-9a-f]{32}_[0-9a-f]+)$'
    UNION ALL SELECT 'role', rolname::text, shobj_description(oid, 'pg_authid')
    FROM pg_roles WHERE rolname !~ '^pg_'
    UNION ALL SELECT 'tablespace', spcname::text, shobj_description(oid, 'pg_tablespace')
    FROM pg_tablespace WHERE spcname !~ '^pg_'
    UNION ALL SELECT 'slot', slot_name::text, CASE WHEN database LIKE %(own)s THEN %(mark)s END
    FROM pg_replication_slots
    WHERE NOT temporary AND (database IS NULL OR database !~ '^lockstep_' OR database LIKE %(own)s)
    UNION ALL SELECT 'subscription', subname::text, %(mark)s
    FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE datname LIKE %(own)s
    UNION ALL SELECT 'setting', coalesce(r.rolname::text, ''), NULL
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE s.setdatabase = 0
"""
#: Superusers only, so of private servers only.
_PARAMETERS = """
    UNION ALL SELECT 'parameter', name::text, NULL FROM pg_file_settings
    WHERE sourcefile LIKE '%%postgresql.auto.conf'
"""
_LIVING = """
    SELECT lpad(to_hex(objid::bigint), 8, '0') FROM pg_locks
    WHERE locktype = 'advisory' AND classid = %s
"""
_PREPARED = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
_SUBSCRIPTIONS = """
    SELECT subname FROM pg_subscription
    WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class ServerObject(NamedTuple):
    """An object of the server: its kind, and its name."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".rstrip()


class Cluster:
    """The objects on a server besides scratch databases and snapshots.

    Args:
        connection: The administrator's, or that of the URL's user; in autocommit mode.
        token: This run's, with which the probe marks what the project makes.
        is_private: All objects that are not ours can be removed.
    """

    def __init__(self, connection: Connection, token: str, *, is_private: bool) -> None:
        self._connection = connection
        self._token = token
        self._is_private = is_private
        names = ("postgres", "template0", "template1")
        own = [ServerObject("role", connection.info.user), ServerObject("role", PRIVATE)]
        own += [ServerObject("database", name) for name in names]
        self._before = frozenset(own) if is_private else frozenset(self._look())

    @property
    def mark(self) -> str:
        """Return the comment for what the project makes; empty on a private server."""
        return "" if self._is_private else MARK + self._token

    def foreign(self) -> dict[ServerObject, str | None]:
        """Return objects made since the run began (privately: all but ours), with their comments.

        Objects of another run's project are left to that run.
        """
        return {
            thing: comment
            for thing, comment in self._look().items()
            if thing not in self._before and not self._is_of_another_run(thing, comment)
        }

    def remove(self) -> None:
        """Remove what the project made: privately all that is foreign, else what is marked."""
        foreign = self.foreign()
        self._remove(thing for thing in foreign if self._is_private or foreign[thing] == self.mark)

    def remove_abandoned(self, locks: int) -> None:
        """Remove what the projects of killed runs made on a server that is not ours."""
        living = {token for (token,) in self._connection.execute(_LIVING, [locks]).fetchall()}
        tokens = {
            thing: comment.removeprefix(MARK)
            for thing, comment in self._look().items()
            if comment and comment.startswith(MARK)
        }
        self._remove(
            thing for thing, token in tokens.items() if len(token) == 8 and token not in living
        )
        self._before -= frozenset(tokens)

    def _is_of_another_run(self, thing: ServerObject, comment: str | None) -> bool:
        is_marked = (comment or "").startswith(MARK) and comment != self.mark
        return thing.name.startswith(BY_URL) or is_marked

    def _remove(self, things: Iterable[ServerObject]) -> None:
        import psycopg

        for thing in sorted(things, key=lambda thing: _KINDS.index(thing.kind)):
            for statement in _removal(thing):
                # Another replay that is running may need it: it is removed later.
                with suppress(psycopg.Error):
                    self._insist(statement)

    def _insist(self, statement: Composed) -> None:
        """Execute a statement, again where another run changes the same catalogue just now."""
        import psycopg

        for _ in range(_TRIES):
            with suppress(psycopg.errors.InternalError):  # "tuple concurrently updated"
                self._connection.execute(statement)
                return
            time.sleep(0.05)

    def _look(self) -> dict[ServerObject, str | None]:
        query = _LOOK + (_PARAMETERS if self._is_private else "")
        own = rf"lockstep\_{self._token}\_%"
        facts = {"own": own, "mark": self.mark}
        rows = self._connection.execute(query.encode(), facts).fetchall()
        return {ServerObject(kind, name): comment for kind, name, comment in rows}


def _removal(thing: ServerObject) -> Iterator[Composed]:
    from psycopg.sql import SQL, Identifier, Literal

    name = Identifier(thing.name or "ALL")
    if thing.kind == "subscription":
        return  # it goes with its database
    if thing.kind == "database":
        others = SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        yield others.format(Literal(thing.name))
        yield SQL("DROP DATABASE IF EXISTS {}").format(name)
    elif thing.kind == "slot":
        yield SQL("SELECT pg_drop_replication_slot({})").format(Literal(thing.name))
    elif thing.kind == "setting":
        whose = name if thing.name else SQL("ALL")
        yield SQL("ALTER ROLE {} RESET ALL").format(whose)
    elif thing.kind == "parameter":
        yield SQL("ALTER SYSTEM RESET {}").format(Identifier(*thing.name.split(".")))
        yield SQL("SELECT pg_reload_conf()").format()
    elif thing.kind == "tablespace":
        yield SQL("DROP TABLESPACE IF EXISTS {}").format(name)
    else:
        yield SQL("DROP OWNED BY {}").format(name)
        yield SQL("DROP ROLE IF EXISTS {}").format(name)


def release(connection: Connection) -> None:
    """Undo what makes DROP DATABASE fail in the database of a connection, and close it.

    These are transactions prepared for a second phase, and subscriptions.
    """
    from psycopg.sql import SQL, Identifier, Literal

    with connection:
        for (gid,) in connection.execute(_PREPARED).fetchall():
            connection.execute(SQL("ROLLBACK PREPARED {}").format(Literal(gid)))
        for (name,) in connection.execute(_SUBSCRIPTIONS).fetchall():
            alter = SQL("ALTER SUBSCRIPTION {} ").format(Identifier(name))
            connection.execute(alter + SQL("DISABLE"))
            connection.execute(alter + SQL("SET (slot_name = NONE)"))
            connection.execute(SQL("DROP SUBSCRIPTION {}").format(Identifier(name)))
