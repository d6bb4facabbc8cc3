"""Every connection of every engine opens a scratch database instead.

SQLAlchemy's `do_connect` event, listened to on the class `Engine`, comes before the
driver is called, for sync and async engines alike:
https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.DialectEvents.do_connect

There are two places to go. What env.py opens while migrations run is the *scratch*
database, empty before the first revision. What the application opens while it starts
(to create tables, to seed, to query) is a *decoy*, so that it cannot spoil the former.
"""

from __future__ import annotations

import os
import sys
from types import FrameType
from typing import Any, Dict, Iterator, List, Optional

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool

from .channel import Channel
from .guard import Guard
from .places import Places

SCRATCH = "scratch"
DECOY = "decoy"
MARK = "alembic-lockstep"

# Connect arguments that say where and as whom; the others (timeouts, type codecs, session
# settings) are the project's and stay.
# fmt: off
TARGET_ARGUMENTS = {
    "host", "hostaddr", "hosts", "port", "user", "username",
    "password", "passwd", "database", "dbname", "db", "dsn",
    "service", "passfile", "unix_socket", "unix_sock", "uri", "ssl",
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "ssl_context",
    "ssl_ca", "ssl_cert", "ssl_key", "direct_tls", "read_default_file", "read_default_group",
    "channel_binding", "target_session_attrs", "krbsrvname", "gsslib", "gssencmode",
}
# fmt: on


class Redirect:
    """Sends connections to the scratch database or to the decoy, and knows which went where."""

    def __init__(self, channel: Channel, guard: Guard, places: Places) -> None:
        self._channel = channel
        self._guard = guard
        self._places = places
        self._urls: Dict[Any, Any] = {}
        self.env_script = ""
        # Set while migrations run: then every connection is theirs.
        self.migrating = False
        self.connections: List[Dict[str, str]] = []

    def install(self) -> None:
        """Start listening, before the project is imported."""
        event.listen(Engine, "do_connect", self._connect)
        event.listen(Pool, "checkout", self._checkout)

    def _place(self) -> str:
        if self.migrating:
            return SCRATCH
        opener = next(
            (file for file in _files(sys._getframe(2)) if self._places.in_checkout(file)), None
        )
        return SCRATCH if self.env_script and opener == self.env_script else DECOY

    def _connect(self, dialect: Any, record: Any, cargs: List[Any], cparams: Dict[str, Any]) -> Any:
        place = self._place()
        url = self._url(dialect, place, self._target(dialect, cargs, cparams))
        arguments, keywords = dialect.create_connect_args(url)
        kept = {name: cparams[name] for name in cparams if name not in TARGET_ARGUMENTS}
        with self._guard.opening(_address(url)):
            connection = dialect.connect(*arguments, **{**kept, **keywords})
        if record is not None:
            record.info[MARK] = place
        return connection

    def _target(self, dialect: Any, cargs: List[Any], cparams: Dict[str, Any]) -> str:
        """What the project would have connected to, without password: tells targets apart.

        A file's path is told from the checkout, so that it is the same in tree and base.
        """
        names = ("host", "port", "dsn", "unix_socket", "database", "dbname", "db", "service")
        parts = [str(part).replace(self._places.checkout, "") for part in cargs]
        parts += [f"{name}={cparams[name]}" for name in names if cparams.get(name)]
        return " ".join(parts) or str(dialect.name)

    def _url(self, dialect: Any, place: str, target: str) -> Any:
        key = (place, dialect.name, target)
        if key not in self._urls:
            facts = {"dialect": dialect.name, "driver": dialect.driver, "target": target}
            answer = self._channel.ask("connect", place=place, **facts)
            url = answer["url"]
            if self._channel.top and dialect.name == "sqlite":
                # The host's files are not here; a file of our own is as good.
                url = f"sqlite:///{self._channel.top}/{len(self._urls)}.db"
            self._urls[key] = make_url(url)
            if place == SCRATCH:
                self.connections.append(facts)
        return self._urls[key]

    def _checkout(self, _connection: Any, record: Any, _proxy: Any) -> None:
        # A pool may hand to env.py a connection that the application opened at its start.
        place = record.info.get(MARK)
        if place is not None and place != self._place():
            raise DisconnectionError("alembic-lockstep: reconnect to the other database")

    def claim(self, connection: Connection) -> None:
        """Make sure that the connection on which migrations will run is the scratch database."""
        self.migrating = True
        if _mark(connection) == DECOY:
            transaction = connection.get_transaction()
            if transaction is not None:
                transaction.rollback()
            connection.invalidate()
        if _mark(connection) != SCRATCH:
            raise RuntimeError(
                "env.py's connection does not come from a SQLAlchemy engine's own connect; "
                "the dry run cannot tell what database it is, and does not upgrade it"
            )


def _mark(connection: Connection) -> Optional[str]:
    pooled: Any = connection.connection
    info: Dict[str, Any] = pooled.info
    return info.get(MARK)


def _files(frame: Optional[FrameType]) -> Iterator[str]:
    """The files of the calling functions, innermost first, across greenlets.

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


def _address(url: Any) -> str:
    return f"{url.host}:{url.port}" if url.host else str(url.database)
