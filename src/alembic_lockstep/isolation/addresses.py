"""Addresses as the kernel sees them: in numbers."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlsplit

_PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521}
#: With a name that is to be resolved, name servers are to be reached.
_NAME_SERVERS = "*:53"


def addresses_of(url: str) -> list[str]:
    """Return the addresses of the server in a database's URL; none for a file."""
    path = socket_of(url)
    if path:
        return [path]
    parts = urlsplit(url)
    host = unquote(parts.hostname or "") or _options(url).get("host", "")
    return [f"{number}:{_port(url)}" for number in _numbers(host)] if host else []


def socket_of(url: str) -> str:
    """Return the path of the Unix socket that a database's URL names; empty if it names none."""
    options = _options(url)
    path = options.get("unix_socket") or options.get("unix_sock") or ""
    host = unquote(urlsplit(url).hostname or "") or options.get("host", "")
    # libpq names a directory of sockets.
    return f"{host}/.s.PGSQL.{_port(url)}" if not path and host.startswith("/") else path


def _options(url: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


def _port(url: str) -> int:
    parts = urlsplit(url)
    dialect = parts.scheme.partition("+")[0]
    return parts.port or int(_options(url).get("port") or _PORTS.get(dialect, 0))


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
    with suppress(OSError, UnicodeError):  # the project gets the same error
        return list(dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, None)))
    return []


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
