"""Addresses as the kernel sees them: in numbers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
#: With a name that is to be looked up, name servers are to be reached.
_NAME_SERVERS = "*:53"


def addresses_of(url: str) -> list[str]:
    """Return how the server of a database's URL is reached: nothing for a file's."""
    parts = urlsplit(url)
    dialect = parts.scheme.partition("+")[0]
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    path = options.get("unix_socket") or options.get("unix_sock")
    if path:
        return [path]
    host = unquote(parts.hostname or "") or options.get("host", "")
    port = parts.port or int(options.get("port") or _PORTS.get(dialect, 0))
    if host.startswith("/"):  # a directory of sockets, as libpq names them
        return [f"{host}/.s.PGSQL.{port}"]
    return [f"{number}:{port}" for number in _numbers(host)] if host else []


def allowed_addresses(names: Iterable[str]) -> list[str]:
    """Return the addresses of the setting `allow-connect`, each name with its numbers."""
    allowed: list[str] = []
    for name in names:
        allowed.append(name)
        host, colon, port = name.rpartition(":") if ":" in name else (name, "", "")
        if name.startswith("/") or _is_number(host):
            continue
        allowed += [f"{number}{colon}{port}" for number in _numbers(host)]
        if host != "localhost":
            allowed.append(_NAME_SERVERS)
    return allowed


def _numbers(host: str) -> list[str]:
    with suppress(OSError, UnicodeError):  # the project will be told so itself
        return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, None)))
    return []


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
