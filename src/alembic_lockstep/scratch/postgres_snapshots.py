"""Snapshots on a PostgreSQL server: databases that nobody may connect to, copied as templates.

A snapshot is a scratch database that was renamed, so to keep one copies nothing. What is known of
it stands in its comment. Its name ends in its owner's number: two users of one server neither get
into each other's way nor believe each other's snapshots.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from alembic_lockstep.scratch.postgres_role import BY_URL, PRIVATE

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

#: Of one user on one server: databases, and their bytes together. A large project's takes 32 MB.
NUMBER = 32
LIMIT = 1 << 30
#: A larger part of the limit is not kept, as it would push out all else.
_SHARE = 4

_PREFIX = "lockstep_keep_"
_COMMENT = "alembic-lockstep's snapshot of migrations: "
#: Seconds. Use is noted no more often than that.
_USED = 60
#: Seconds unused, after which whoever may drop another user's snapshot does.
_STALE = 30 * 24 * 60 * 60
#: Seconds to wait for the server's side of a connection that was closed.
_PATIENCE = 5.0
_TRIES = 3

_ALL = r"""
    SELECT datname, rolname::text = ANY(%s), rolname::text = coalesce(%s, rolname::text),
        shobj_description(d.oid, 'pg_database')
    FROM pg_database d JOIN pg_roles r ON r.oid = datdba
    WHERE datname ~ '^lockstep_keep_[0-9a-f]{32}_[0-9a-f]+$' AND NOT datallowconn
"""
#: A transaction that is prepared for a second phase hinders a copy as a connection does.
_BUSY = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = %(name)s)
         + (SELECT count(*) FROM pg_prepared_xacts WHERE database = %(name)s)
"""
#: Without a file of what the catalogue holds, which a server deletes when it recovers.
_PRIVATE_SIZE = """
    SELECT pg_database_size(oid) - coalesce(
        (pg_stat_file('base/' || oid || '/pg_internal.init', true)).size, 0)
    FROM pg_database WHERE datname = %(name)s
"""
_SETTINGS = """
    SELECT rolname, unnest(setconfig) FROM pg_db_role_setting
    JOIN pg_database d ON d.oid = setdatabase LEFT JOIN pg_roles r ON r.oid = setrole
    WHERE datname = %s
"""
_FACTS = """
    SELECT oid::bigint, current_setting('fsync') = 'on',
        extract(epoch FROM pg_postmaster_start_time())::text
    FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class _Facts:
    """What a snapshot's comment says.

    Attributes:
        used: When it was used last, in seconds since 1970.
        size: Its bytes when it was kept.
        era: See `Snapshots`.
    """

    used: int
    size: int
    era: str


@dataclass(frozen=True)
class _Snapshot:
    """A snapshot on the server.

    Attributes:
        is_ours: It is this user's or the project's role's, so this user may drop it.
        is_owners: Its owner is who would own it if it were made now.
    """

    database: str
    is_ours: bool
    is_owners: bool
    facts: _Facts | None


class Snapshots:
    """The snapshots of one user on the server of a connection.

    A server that does not wait for the disk (`fsync` is off) may come back damaged from a crash of
    the machine without noticing. There a snapshot belongs to an era, the time without such a
    crash, and is dropped in the next one.

    Args:
        connection: In autocommit mode.
        era: Of a private server. Its files are in a cache folder, from which something may be
            deleted, so there a copy has to be as large as what was kept.

    Attributes:
        owner: The role that owns this run's databases, and a snapshot that is to be believed. None
            until the run has one: then this user's snapshots count, whoever of his roles owns them.
    """

    def __init__(self, connection: Connection, era: str | None = None) -> None:
        self._connection = connection
        self.owner: str | None = None
        row = connection.execute(_FACTS).fetchone()
        assert row is not None
        self._user, waits, started = row
        self._is_private = era is not None
        self._era = era or ("" if waits else str(started))

    @property
    def strategy(self) -> str:
        """How CREATE DATABASE copies fastest: where nothing waits for the disk, file by file."""
        new = self._connection.info.server_version >= 150000
        return " STRATEGY FILE_COPY" if self._era and new else ""

    def keep(self, database: str, name: str) -> bool:
        """Rename a database to a snapshot; False if that cannot be, and then it is as it was."""
        import psycopg

        try:
            size = self._size(database)
            if size > LIMIT // _SHARE or not self._is_left(database):
                return False
            facts = _Facts(int(time.time()), size, self._era)
            with self._connection.transaction():
                for statement in _keep_statements(database, self._database(name), facts):
                    self._connection.execute(statement)
        except psycopg.errors.DuplicateDatabase:
            return True  # another run was faster; ours is dropped when this run ends
        except psycopg.Error:
            return False
        with suppress(psycopg.Error):
            self.sweep()
        return True

    def restore(self, name: str, new: str) -> bool:
        """Make a new database of a snapshot; False if there is none that can be believed."""
        import psycopg

        found = [one for one in self._all() if one.database == self._database(name)]
        if not found or not self._is_believed(found[0]):
            return False
        snapshot = found[0]
        with suppress(psycopg.Error):
            if self._copy(snapshot.database, new) and self._is_whole(snapshot, new):
                self._note_use(snapshot)
                return True
        self._drop(new)
        self._drop(snapshot.database)
        return False

    def sweep(self) -> None:
        """Drop what cannot be believed, what is beyond the limits, and what others forgot."""
        for snapshot in self._superfluous():
            self._drop(snapshot.database)

    def usage(self) -> tuple[int, int]:
        """Give the number of snapshots and their bytes."""
        sizes = [one.facts.size for one in self._all() if one.is_ours and one.facts]
        return len(sizes), sum(sizes)

    def clear(self) -> int:
        """Drop all snapshots of this user; give their number."""
        ours = [one for one in self._all() if one.is_ours]
        for snapshot in ours:
            self._drop(snapshot.database)
        return len(ours)

    def _database(self, name: str) -> str:
        return f"{_PREFIX}{name}_{self._user:x}"

    def _all(self) -> list[_Snapshot]:
        projects = PRIVATE if self._is_private else f"{BY_URL}{self._user:x}"
        owners = [self._connection.info.user, projects]
        rows = self._connection.execute(_ALL, [owners, self.owner]).fetchall()
        return [_Snapshot(name, ours, owners, _read(text)) for name, ours, owners, text in rows]

    def _is_believed(self, snapshot: _Snapshot) -> bool:
        facts = snapshot.facts
        return (
            snapshot.is_ours and snapshot.is_owners and facts is not None and facts.era == self._era
        )

    def _superfluous(self) -> Iterator[_Snapshot]:
        believed, size = [], 0
        for one in self._all():
            if self._is_believed(one):
                believed.append(one)
            elif one.is_ours or (one.facts and one.facts.used < time.time() - _STALE):
                yield one
        believed.sort(key=lambda one: -one.facts.used if one.facts else 0)
        for number, one in enumerate(believed, 1):
            size += one.facts.size if one.facts else 0
            if number > NUMBER or size > LIMIT:
                yield one

    def _size(self, database: str) -> int:
        asked = _PRIVATE_SIZE if self._is_private else "SELECT pg_database_size(%(name)s)"
        row = self._connection.execute(asked, {"name": database}).fetchone()
        return int(row[0]) if row else 0

    def _is_left(self, database: str) -> bool:
        """Wait until nobody is connected; tell whether that is so."""
        # PostgreSQL waits as well, but looks only every 0.1 seconds.
        deadline = time.monotonic() + _PATIENCE
        while self._connection.execute(_BUSY, {"name": database}).fetchone() != (0,):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def _copy(self, template: str, new: str) -> bool:
        import psycopg
        from psycopg.sql import SQL, Identifier

        names = Identifier(new), Identifier(template), Identifier(str(self.owner))
        statement = SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}" + self.strategy).format(*names)
        for _ in range(_TRIES):
            # The server has waited for five seconds until it says that somebody is connected.
            with suppress(psycopg.errors.ObjectInUse):
                self._connection.execute(statement)
                copy_settings(self._connection, template, new)
                return True
        return False

    def _is_whole(self, snapshot: _Snapshot, new: str) -> bool:
        return not self._is_private or (
            snapshot.facts is not None and self._size(new) == snapshot.facts.size
        )

    def _note_use(self, snapshot: _Snapshot) -> None:
        import psycopg

        now = int(time.time())
        if snapshot.facts and now - snapshot.facts.used > _USED:
            facts = _Facts(now, snapshot.facts.size, snapshot.facts.era)
            with suppress(psycopg.Error):  # another run, at the same moment
                self._connection.execute(_comment(snapshot.database, facts))

    def _drop(self, database: str) -> None:
        import psycopg

        with suppress(psycopg.Error):  # another run sweeping, or another user's
            for statement in drop_statements(self._connection.info.server_version, database):
                self._connection.execute(statement)


def copy_settings(connection: Connection, template: str, new: str) -> None:
    """Give a database what ALTER DATABASE … SET gave its template: CREATE DATABASE does not.

    A migration may set the search path for those that come after it.
    """
    for role, entry in connection.execute(_SETTINGS, [template]).fetchall():
        name, _, value = entry.partition("=")
        with connection.transaction():
            # Taken from the session, as the value may be a list, which is not quoted as a whole.
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
            connection.execute(_setting(role, new, name))


def _setting(role: str | None, database: str, name: str) -> Composed:
    from psycopg.sql import SQL, Identifier

    alter = SQL("ALTER DATABASE {}").format(Identifier(database))
    if role is not None:
        alter = SQL("ALTER ROLE {} IN DATABASE {}").format(Identifier(role), Identifier(database))
    return alter + SQL(" SET {} FROM CURRENT").format(Identifier(*name.split(".")))


def drop_statements(server_version: int, name: str) -> Iterator[Composed]:
    """Yield what drops a database, also while somebody is connected."""
    from psycopg.sql import SQL, Identifier, Literal

    drop = SQL("DROP DATABASE IF EXISTS {}").format(Identifier(name))
    if server_version >= 130000:
        yield drop + SQL(" WITH (FORCE)")
        return
    others = SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
    yield others.format(Literal(name))
    yield drop


def _keep_statements(database: str, snapshot: str, facts: _Facts) -> Iterator[Composed]:
    from psycopg.sql import SQL, Identifier

    # A private server ends without a farewell: what was not written until then is lost.
    yield SQL("SET LOCAL synchronous_commit = on").format()
    yield SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(database))
    yield _comment(database, facts)
    yield SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(database), Identifier(snapshot))


def _comment(database: str, facts: _Facts) -> Composed:
    from psycopg.sql import SQL, Identifier, Literal

    text = _COMMENT + json.dumps(asdict(facts))
    return SQL("COMMENT ON DATABASE {} IS {}").format(Identifier(database), Literal(text))


def _read(comment: str | None) -> _Facts | None:
    try:
        facts = json.loads((comment or "").removeprefix(_COMMENT))
        return _Facts(int(facts["used"]), int(facts["size"]), str(facts["era"]))
    except (KeyError, TypeError, ValueError):
        return None
