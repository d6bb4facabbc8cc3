"""Snapshots on a PostgreSQL server: databases without connections, copied as templates.

A snapshot is a renamed scratch database, so keeping it copies nothing. Its comment has the facts
about it. Its name ends in its owner's number: users of one server neither disturb nor trust each
other's snapshots.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from alembic_lockstep.scratch.postgres_databases import copy_settings, drop_statements
from alembic_lockstep.scratch.postgres_role import BY_URL, PRIVATE

if TYPE_CHECKING:
    from psycopg import Connection
    from psycopg.sql import Composed

#: For one user on one server: databases, and their bytes together. A large project's takes 32 MB.
NUMBER = 32
LIMIT = 1 << 30
#: A snapshot that takes a larger part of the limit is not kept: it would push out all others.
_SHARE = 4

_PREFIX = "lockstep_keep_"
_COMMENT = "alembic-lockstep's snapshot of migrations: "
#: Seconds between two notes of a snapshot's use.
_USED = 60
#: Seconds unused, after which another user who may drop a snapshot does so.
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
#: Without the file of cached catalogue entries, which a server deletes when it recovers.
_PRIVATE_SIZE = """
    SELECT pg_database_size(oid) - coalesce(
        (pg_stat_file('base/' || oid || '/pg_internal.init', true)).size, 0)
    FROM pg_database WHERE datname = %(name)s
"""
_FACTS = """
    SELECT oid::bigint, current_setting('fsync') = 'on',
        extract(epoch FROM pg_postmaster_start_time())::text
    FROM pg_roles WHERE rolname = current_user
"""


@dataclass(frozen=True)
class _Facts:
    """The facts in a snapshot's comment.

    Attributes:
        used: The time of its last use, in seconds since 1970.
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
        is_ours: It belongs to this user or the project's role, so this user may drop it.
        is_owners: Its owner is the role that would own it if it were made now.
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
            deleted, so there a copy has to be as large as the snapshot.

    Attributes:
        owner: The role that owns this run's databases and each valid snapshot. None until the run
            has such a role: then all snapshots of this user count.
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
        """Return the fastest way of CREATE DATABASE: file by file, where fsync is off."""
        new = self._connection.info.server_version >= 150000
        return " STRATEGY FILE_COPY" if self._era and new else ""

    def keep(self, database: str, name: str) -> bool:
        """Rename a database to a snapshot; return False and leave it alone if that fails."""
        import psycopg

        try:
            size = self._size(database)
            if size > LIMIT // _SHARE or not self._is_unused(database):
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
        """Make a new database of a snapshot; False if there is no valid one."""
        import psycopg

        snapshots = {snapshot.database: snapshot for snapshot in self._all()}
        snapshot = snapshots.get(self._database(name))
        if snapshot is None or not self._is_valid(snapshot):
            return False
        with suppress(psycopg.Error):
            if self._copy(snapshot.database, new) and self._is_whole(snapshot, new):
                self._note_use(snapshot)
                return True
        self._drop(new)
        self._drop(snapshot.database)
        return False

    def sweep(self) -> None:
        """Drop snapshots that are invalid, beyond the limits or long unused by others."""
        for snapshot in self._superfluous():
            self._drop(snapshot.database)

    def usage(self) -> tuple[int, int]:
        """Return the number of snapshots and their bytes."""
        snapshots = [snapshot for snapshot in self._all() if snapshot.is_ours]
        sizes = [snapshot.facts.size for snapshot in snapshots if snapshot.facts]
        return len(sizes), sum(sizes)

    def clear(self) -> int:
        """Drop all snapshots of this user; return their number."""
        ours = [snapshot for snapshot in self._all() if snapshot.is_ours]
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

    def _is_valid(self, snapshot: _Snapshot) -> bool:
        facts = snapshot.facts
        return (
            snapshot.is_ours and snapshot.is_owners and facts is not None and facts.era == self._era
        )

    def _superfluous(self) -> Iterator[_Snapshot]:
        valid, size = [], 0
        for snapshot in self._all():
            facts = snapshot.facts
            if self._is_valid(snapshot):
                valid.append(snapshot)
            elif snapshot.is_ours or (facts and facts.used < time.time() - _STALE):
                yield snapshot
        valid.sort(key=lambda snapshot: -snapshot.facts.used if snapshot.facts else 0)
        for number, snapshot in enumerate(valid, 1):
            size += snapshot.facts.size if snapshot.facts else 0
            if number > NUMBER or size > LIMIT:
                yield snapshot

    def _size(self, database: str) -> int:
        query = _PRIVATE_SIZE if self._is_private else "SELECT pg_database_size(%(name)s)"
        row = self._connection.execute(query, {"name": database}).fetchone()
        return int(row[0]) if row else 0

    def _is_unused(self, database: str) -> bool:
        """Wait until no session is connected; return whether that happened in time."""
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
            # The server waits for five seconds before it refuses for a connected session.
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


def _keep_statements(database: str, snapshot: str, facts: _Facts) -> Iterator[Composed]:
    from psycopg.sql import SQL, Identifier

    # A private server is killed: what is not on disk by then is lost.
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
