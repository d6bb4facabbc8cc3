"""Refuse connections that bypass SQLAlchemy: a DBAPI's own connect, a socket, a DNS look-up."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, Sequence, Set

from .dsn import addresses_of, is_memory
from .refusals import Refusals

# In place of a port, where only the number behind a name is asked for.
LOOK_UP = "dns"
LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost"}
# Functions by which drivers ask a server to give up a statement of their own connection: they dial
# again, outside of SQLAlchemy's connecting. libpq does so where no audit event is raised.
CANCELLING = {("asyncpg.connect_utils", "_cancel")}


class ConnectionGuard:
    """Guard that knows the allowed addresses and refuses the others."""

    def __init__(self, allowed: Sequence[str], checkout: str, refusals: Refusals) -> None:
        self._checkout = checkout + os.sep
        self._allowed = {spelling for address in allowed for spelling in _spellings(address)}
        self._ours = threading.local()
        self._scratch: Dict[str, FrozenSet[str]] = {}
        self._files: Set[str] = set()
        self._refusals = refusals

    @contextmanager
    def opening(self, address: str, is_file: bool = False) -> Iterator[None]:
        """Allow a scratch database's address to this thread meanwhile.

        An event loop dials in the thread that waits for it. Only its look-ups of names run in other
        threads: those stay allowed. So does a database file: a driver's own thread may open it, and
        only the dry run uses it.
        """
        if is_file:
            self._files.add(address)
        elif address not in self._scratch:
            # The name may be looked up first: a socket will know its numbers only.
            self._allowed.add(f"{address.rpartition(':')[0]}:{LOOK_UP}")
            spellings = frozenset(_spellings(address))
            self._allowed.update(
                spelling for spelling in spellings if spelling.endswith(f":{LOOK_UP}")
            )
            self._scratch[address] = spellings
        self._dialling.append(address)
        try:
            yield
        finally:
            self._dialling.remove(address)

    def is_scratch(self, path: str) -> bool:
        """Return whether a path is one of our own database files."""
        return path in self._files

    @property
    def is_dialling(self) -> bool:
        """True while this thread is connecting to a scratch database."""
        return bool(self._dialling)

    @property
    def _dialling(self) -> List[str]:
        """Addresses of scratch databases that this thread is connecting to."""
        if not hasattr(self._ours, "addresses"):
            self._ours.addresses = []
        addresses: List[str] = self._ours.addresses
        return addresses

    def audit(self, event: str, arguments: Any) -> None:
        """Raise `RefusedError` for an address that may not be reached."""
        check = CHECKS.get(event)
        if check is not None:
            address = check(arguments)
            if address is not None:
                self._check(address)

    def check_driver(self, driver: str, arguments: Sequence[Any], keywords: Dict[str, Any]) -> None:
        """Raise `RefusedError` if a driver would connect where it may not."""
        if self._dialling:
            return
        for address in addresses_of(driver, arguments, keywords):
            self._check(address)

    def _check(self, address: str) -> None:
        # A file of the checkout is named from there: the setting cannot have a path of ours.
        if address.startswith(self._checkout):
            address = address[len(self._checkout) :]
        if not self._is_allowed(address):
            raise self._refusals.address(address)

    def _is_allowed(self, address: str) -> bool:
        if address in self._allowed or address.rpartition(":")[0] in self._allowed:
            return True
        return address in self._files or any(
            address in self._scratch[scratch_address] for scratch_address in self._dialable()
        )

    def _dialable(self) -> List[str]:
        """Return the scratch addresses that may be dialled now."""
        dialling = [address for address in self._dialling if address in self._scratch]
        return list(self._scratch) if not dialling and _is_cancelling() else dialling


def _is_cancelling() -> bool:
    frame: Any = sys._getframe(1)
    while frame is not None:
        if (frame.f_globals.get("__name__"), frame.f_code.co_name) in CANCELLING:
            return True
        frame = frame.f_back
    return False


def _spellings(address: str) -> Iterator[str]:
    """Yield an allowed name, and the numbers by which a socket will know it."""
    yield address
    host, colon, port = address.rpartition(":") if ":" in address else (address, "", "")
    if os.sep not in address and not _is_literal(host):
        try:
            infos = socket.getaddrinfo(host, None)
        except OSError:
            return  # the project's own look-up will fail
        yield f"{host}:{LOOK_UP}"
        for *_, numbers in infos:
            yield f"{numbers[0]}{colon}{port}"


def _socket_address(arguments: Any) -> Any:
    address = arguments[1]
    if isinstance(address, tuple) and len(address) >= 2:
        return f"{address[0]}:{address[1]}"
    return os.fsdecode(address) if isinstance(address, (str, bytes)) and address else None


def _looked_up(arguments: Any) -> Any:
    host = _text(arguments[0])
    if host is None or host in LOCAL_NAMES or _is_literal(host):
        return None
    port = arguments[1] if len(arguments) > 1 and arguments[1] else LOOK_UP
    return f"{host}:{port}"


def _looked_up_backwards(arguments: Any) -> Any:
    """Return the address of a reverse look-up, which contacts a server, too."""
    host = _text(arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0])
    is_local = host in LOCAL_NAMES or host in ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104
    return None if host is None or is_local else f"{host}:{LOOK_UP}"


def _text(host: Any) -> Any:
    return host.decode("ascii", "replace") if isinstance(host, (bytes, bytearray)) else host


def _is_literal(host: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _sqlite_path(arguments: Any) -> Any:
    path = os.fsdecode(arguments[0])
    return None if is_memory(path) else path


# https://docs.python.org/3/library/audit_events.html; `socket.connect` covers connect_ex.
CHECKS: Dict[str, Callable[[Any], Any]] = {
    "socket.connect": _socket_address,
    "socket.sendto": _socket_address,
    "socket.sendmsg": _socket_address,
    "socket.getaddrinfo": _looked_up,
    "socket.gethostbyname": _looked_up,  # gethostbyname_ex, too
    "socket.gethostbyaddr": _looked_up_backwards,  # getfqdn, too
    "socket.getnameinfo": _looked_up_backwards,
    "sqlite3.connect": _sqlite_path,
}
