"""Make every connection of every engine open a scratch database instead.

SQLAlchemy's `do_connect` event, listened to on the class `Engine`, comes before the
driver is called, for sync and async engines alike:
https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.DialectEvents.do_connect

There are three destinations. Connections of env.py while migrations run open the *scratch*
database, empty before the first revision; in a trial, another one that takes its place. Connections
of the application while it starts (to create tables, to seed, to query) open a *decoy*, so that
they cannot change the scratch database. Our own connection, in which the models make their tables,
opens the *twin*.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import contextmanager, suppress
from threading import Lock, get_ident
from types import FrameType
from typing import Any, Dict, Iterator, List, Optional, Set
from weakref import WeakSet

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool

from .channel import Channel
from .cluster import ClusterWatch
from .connect_arguments import (
    TARGET_FILES,
    connect_arguments,
    create_empty_file,
    is_project_target,
    skip_disk_sync,
    socket_address,
)
from .creators import replace_creators
from .dsn import without_password
from .isolation import Isolation
from .places import Places
from .protocol import DECOY, SCRATCH, TWIN, Connect, Target

MARK = "alembic-lockstep"


class Redirect:
    """Sends connections to the scratch database, a decoy or the twin, and records the former."""

    def __init__(self, channel: Channel, isolation: Isolation, places: Places) -> None:
        self._channel = channel
        self._isolation = isolation
        self._guard = isolation.guard
        self.places = places
        self._urls: Dict[Any, Any] = {}
        # Databases on servers that hold others, and how many threads connect to each.
        self._shared: Dict[Any, str] = {}
        self._opening: Dict[str, int] = {}
        self._lock = Lock()
        self.env_script = ""
        # True while migrations run: then every connection is theirs.
        self.is_migrating = False
        # The destination of env.py's connections, and the pools' records of those.
        self._main = SCRATCH
        self._records: "WeakSet[Any]" = WeakSet()
        self._twins = 0
        self._twins_thread: Optional[int] = None
        self.connections: List[Target] = []
        self.cluster = ClusterWatch()

    @property
    def files(self) -> Set[str]:
        """Our databases that are files."""
        names = (url.database for url in self._urls.values() if url.get_backend_name() == "sqlite")
        return {os.path.abspath(name) for name in names if name}

    def install(self) -> None:
        """Start listening, before the project is imported."""
        event.listen(Engine, "do_connect", self._connect)
        event.listen(Pool, "checkout", self._checkout)
        replace_creators(self._connect_for_creator)
        self.cluster.install()

    @contextmanager
    def to_twin(self) -> Iterator[None]:
        """Send this thread's connections to an empty database, a new one each time."""
        self._twins += 1
        self._twins_thread = get_ident()
        try:
            yield
        finally:
            self._twins_thread = None

    def begin_phase(self, destination: str) -> None:
        """Send env.py's connections to another destination from now on."""
        self._main = destination
        self.is_migrating = False

    def release(self) -> None:
        """Close connections that env.py has left open: their locks would stop the next phase."""
        if not any(record.in_use for record in self._records):
            return
        gc.collect()
        for record in list(self._records):
            connection = record.fairy_ref() if record.in_use else None
            if connection is not None:
                with suppress(Exception):  # each driver raises its own
                    connection.invalidate()

    def _destination(self) -> str:
        if self._twins_thread == get_ident():
            return f"{TWIN}-{self._twins}"
        if self.is_migrating:
            return self._main
        opener = next(
            (file for file in _files(sys._getframe(2)) if self.places.in_checkout(file)), None
        )
        return self._main if self.env_script and opener == self.env_script else DECOY

    def _connect_for_creator(self, dialect: Any, url: Any, creator: str, record: Any) -> Any:
        """Connect instead of a project's function, which is not called."""
        cargs, cparams = dialect.create_connect_args(url)
        return self._connect(dialect, record, cargs, cparams, creator)

    def _connect(
        self,
        dialect: Any,
        record: Any,
        cargs: List[Any],
        cparams: Dict[str, Any],
        creator: str = "",
    ) -> Any:
        destination = self._destination()
        target = " ".join(filter(None, [self._target(dialect, cargs, cparams), creator]))
        url = self._url(dialect, destination, target)
        arguments, keywords = connect_arguments(dialect, url)
        settings = {name: cparams[name] for name in cparams if not is_project_target(name)}
        is_file = dialect.name == "sqlite"
        if is_file:
            settings.update(self._isolation.sqlite_options(dialect, settings))
        with self._guard.opening(socket_address(dialect, url), is_file), self._open_address(url):
            connection = dialect.connect(*arguments, **{**keywords, **settings})
        skip_disk_sync(dialect, connection)
        if is_file and self._twins_thread != get_ident():
            create_empty_file(cargs[0] if cargs else cparams.get("database"))
        if record is not None:
            record.info[MARK] = destination
            if destination == self._main:
                self._records.add(record)
        return connection

    @contextmanager
    def _open_address(self, url: Any) -> Iterator[None]:
        """Open the kernel's guard for a server that holds other databases, in the context.

        Several threads may be connecting: the last of them closes it again.
        """
        address = self._shared.get(url, "")
        if not address:
            yield
            return
        with self._lock:
            self._opening[address] = self._opening.get(address, 0) + 1
            self._channel.ask({"event": "open", "url": address})
        try:
            yield
        finally:
            with self._lock:
                self._opening[address] -= 1
                if not self._opening[address]:
                    self._channel.ask({"event": "shut", "url": address})

    def _target(self, dialect: Any, cargs: List[Any], cparams: Dict[str, Any]) -> str:
        """Return the project's own target, without password: a key that distinguishes targets.

        A file's path is relative to the checkout, so that it is the same in tree and base.
        """
        names = ("host", "port", "dsn", "database", "dbname", "db", "service", *TARGET_FILES)
        parts = [str(part) for part in cargs]
        parts += [f"{name}={cparams[name]}" for name in names if cparams.get(name)]
        target = without_password(" ".join(parts)).replace(self.places.checkout, "")
        return target or str(dialect.name)

    def _url(self, dialect: Any, destination: str, target: str) -> Any:
        key = (destination, dialect.name, target)
        if key not in self._urls:
            facts: Target = {
                "dialect": dialect.name,
                "driver": dialect.driver,
                "target": target,
            }
            question: Connect = {"event": "connect", "destination": destination, **facts}
            answer = self._channel.ask(question)
            url = answer["url"]
            self.cluster.marks[dialect.name] = answer["mark"]
            if self._channel.top and dialect.name == "sqlite":
                # The host's files are not here; a file of our own is as good.
                url = f"sqlite:///{self._channel.top}/{len(self._urls)}.db"
            self._urls[key] = make_url(url)
            if answer["is_shared"]:
                self._shared[self._urls[key]] = url
                self.cluster.shared.add(dialect.name)
            if destination == SCRATCH:
                self.connections.append(facts)
        return self._urls[key]

    def _checkout(self, _connection: Any, record: Any, _proxy: Any) -> None:
        # A pool may hand to env.py a connection that the application opened at its start.
        destination = record.info.get(MARK)
        if destination is not None and destination != self._destination():
            raise DisconnectionError("alembic-lockstep: reconnect to the other database")

    def claim(self, connection: Connection) -> None:
        """Make sure that the connection on which migrations will run is the scratch database."""
        self.is_migrating = True
        if _marked_destination(connection) not in (None, self._main):
            transaction = connection.get_transaction()
            if transaction is not None:
                transaction.rollback()
            connection.invalidate()
        if _marked_destination(connection) != self._main:
            raise RuntimeError(
                "env.py's connection does not come from a SQLAlchemy engine's own connect; "
                "the dry run cannot tell what database it is, and does not upgrade it"
            )


def _marked_destination(connection: Connection) -> Optional[str]:
    pooled: Any = connection.connection
    info: Dict[str, Any] = pooled.info
    return info.get(MARK)


def _files(frame: Optional[FrameType]) -> Iterator[str]:
    """Yield the files of the calling functions, innermost first, across greenlets.

    SQLAlchemy runs a driver's coroutines in a greenlet, whose stack ends where it starts.
    """
    while frame is not None:
        yield os.path.abspath(frame.f_code.co_filename)
        frame = frame.f_back
    greenlet = sys.modules.get("greenlet")
    current: Any = greenlet.getcurrent().parent if greenlet is not None else None
    while current is not None:
        frame = current.gr_frame
        while frame is not None:
            yield os.path.abspath(frame.f_code.co_filename)
            frame = frame.f_back
        current = current.parent
