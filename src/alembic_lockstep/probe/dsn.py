"""Whom a driver's own `connect` would call: the address in its arguments, never a password."""

from __future__ import annotations

import re
from typing import Any, Dict, Sequence

# fmt: off
PORTS = {
    "psycopg2": "5432", "psycopg": "5432", "MySQLdb": "3306", "mariadb": "3306",
    "mysql.connector": "3306", "pymssql": "1433", "oracledb": "1521", "cx_Oracle": "1521",
}
# fmt: on
URL = re.compile(r"\w+://(?:[^@/]*@)?(?P<host>\[[^\]]*\]|[^:/?]*)(?::(?P<port>\d+))?")
PAIRS = re.compile(r"(?i)\b(host|hostaddr|server|port)\s*=\s*(?:'([^']*)'|([^\s;]+))")
SECRET = re.compile(r"(?i)\b(?:password|passwd|pwd)\s*=\s*(?:'[^']*'|\{[^}]*\}|[^\s;]*);?")
USERINFO = re.compile(r"(?<=://)[^@/\s]*@")


def without_password(text: str) -> str:
    """A connection string without what may be a password in it."""
    return USERINFO.sub("", SECRET.sub("", text))


def address_of(driver: str, arguments: Sequence[Any], keywords: Dict[str, Any]) -> str:
    """`host:port` as far as the arguments tell; without a host, the machine's own server."""
    text = next((one for one in arguments if isinstance(one, str)), "")
    text = str(keywords.get("dsn") or keywords.get("conninfo") or text)
    found = _parsed(text)
    found.update((name, str(value)) for name, value in keywords.items() if value)
    names = ("host", "hostaddr", "server", "unix_socket")
    host = next((found[name] for name in names if found.get(name)), "localhost")
    port = found.get("port") or PORTS.get(driver, "")
    return host if host.startswith("/") or not port else f"{host}:{port}"


def _parsed(text: str) -> Dict[str, str]:
    url = URL.match(text)
    if url:
        return {name: value.strip("[]") for name, value in url.groupdict().items() if value}
    return {name.lower(): quoted or plain for name, quoted, plain in PAIRS.findall(text)}
