"""What bypasses SQLAlchemy is refused: a DBAPI's own connect, a socket, a DNS look-up."""

from __future__ import annotations

import functools
import os
import socket
import sys
import threading
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Sequence

from .dsn import address_of

# In place of a port, where only the number behind a name is asked for.
LOOK_UP = "dns"
LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}


class RefusedError(ConnectionRefusedError):
    """An `OSError`, so that an application that tolerates a dead service goes on."""


class Guard:
    """Knows the addresses that may be connected to, and refuses and remembers the others."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self._allowed = {known for address in allowed for known in _spellings(address)}
        self._ours = threading.local()
        self.refused: List[str] = []

    def install(self) -> None:
        """Start listening. An audit hook cannot be taken away again, by nobody."""
        sys.addaudithook(self._audit)

    @contextmanager
    def opening(self, address: str) -> Iterator[None]:
        """Allow one address from now on, and any driver of this thread meanwhile."""
        if address not in self._allowed:
            # The name may be looked up first: a socket will know its numbers only.
            self._allowed.add(f"{address.rpartition(':')[0]}:{LOOK_UP}")
            self._allowed.update(_spellings(address))
        self._ours.now = True
        try:
            yield
        finally:
            self._ours.now = False

    def _audit(self, event: str, arguments: Any) -> None:
        check = CHECKS.get(event)
        if check is not None:
            address = check(arguments)
            if address is not None and not self._may(address):
                self._refuse(address)

    def _may(self, address: str) -> bool:
        return address in self._allowed or address.rpartition(":")[0] in self._allowed

    def _refuse(self, address: str) -> None:
        if address not in self.refused:
            self.refused.append(address)
        raise RefusedError(
            f"alembic-lockstep refused a connection to {address}: "
            "a dry run contacts nobody that allow-connect does not name"
        )

    def wrap_driver(self, module: ModuleType) -> None:
        """Guard a driver that connects in C, where no audit event is raised."""
        for path in C_DRIVERS[module.__name__]:
            *owners, name = path.split(".")
            owner: Any = functools.reduce(getattr, owners, module)
            setattr(owner, name, self._wrapped(getattr(owner, name), module.__name__))

    def _wrapped(self, connect: Callable[..., Any], driver: str) -> Callable[..., Any]:
        @functools.wraps(connect)
        def guarded(*arguments: Any, **keywords: Any) -> Any:
            address = address_of(driver, arguments, keywords)
            if not getattr(self._ours, "now", False) and not self._may(address):
                self._refuse(address)
            return connect(*arguments, **keywords)

        return guarded


def _spellings(address: str) -> Iterator[str]:
    """An allowed name, and the numbers by which a socket will know it."""
    yield address
    host, colon, port = address.rpartition(":") if ":" in address else (address, "", "")
    if os.sep not in address and not _is_literal(host):
        try:
            found = socket.getaddrinfo(host, None)
        except OSError:
            return  # the project will be told so itself
        yield f"{host}:{LOOK_UP}"
        for *_, known in found:
            yield f"{known[0]}{colon}{port}"


def _socket_address(arguments: Any) -> Any:
    address = arguments[1]
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address) if isinstance(address, (str, bytes)) and address else None


def _looked_up(arguments: Any) -> Any:
    host = arguments[0]
    host = host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host
    if host is None or host in LOCAL_NAMES or _is_literal(host):
        return None
    port = arguments[1] if len(arguments) > 1 and arguments[1] else LOOK_UP
    return f"{host}:{port}"


def _is_literal(host: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _sqlite_path(arguments: Any) -> Any:
    path = os.fsdecode(arguments[0])
    return None if path in {"", ":memory:"} or "mode=memory" in path else path


# https://docs.python.org/3/library/audit_events.html; `socket.connect` covers connect_ex.
CHECKS: Dict[str, Callable[[Any], Any]] = {
    "socket.connect": _socket_address,
    "socket.sendto": _socket_address,
    "socket.sendmsg": _socket_address,
    "socket.getaddrinfo": _looked_up,
    "socket.gethostbyname": _looked_up,
    "sqlite3.connect": _sqlite_path,
}

# Drivers built on a C client library, and the names through which they connect.
C_DRIVERS: Dict[str, Sequence[str]] = {
    "psycopg2": ["connect"],
    "psycopg": ["connect", "Connection.connect", "AsyncConnection.connect"],
    "MySQLdb": ["connect", "Connect", "Connection"],
    "mariadb": ["connect"],
    "mysql.connector": ["connect", "Connect"],
    "pyodbc": ["connect"],
    "pymssql": ["connect"],
    "oracledb": ["connect"],
    "cx_Oracle": ["connect"],
}
