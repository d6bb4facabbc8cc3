"""Extract addresses from the arguments of a driver's own `connect`, never a password."""

from __future__ import annotations

import configparser
import os
import re
from typing import Any, Dict, List, Optional, Sequence
from urllib.parse import parse_qsl, unquote

# fmt: off
PORTS = {
    "psycopg2": "5432", "psycopg": "5432", "MySQLdb": "3306", "mariadb": "3306",
    "mysql.connector": "3306", "pymssql": "1433", "oracledb": "1521", "cx_Oracle": "1521",
}
# fmt: on
LIBPQ = {"psycopg2", "psycopg"}
# libpq's variables for what its arguments leave out.
VARIABLES = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "service": "PGSERVICE"}
# Drivers of databases that are files, by the name of their first argument.
FILES = {"apsw": "filename", "duckdb": "database"}
FILES.update(
    dict.fromkeys(("pysqlcipher3.dbapi2", "sqlcipher3.dbapi2", "pysqlite3.dbapi2"), "database")
)
URL = re.compile(
    r"\w+://(?:[^@/]*@)?(?P<hosts>[^/?#]*)(?:/[^?#]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?$"
)
HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>\d*))?$")
PAIRS = re.compile(
    r"(?i)\b(host|hostaddr|server|port|service|dsn)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|([^\s;]+))"
)
SECRET = re.compile(r"(?i)\b(?:password|passwd|pwd)\s*=\s*(?:'[^']*'|\{[^}]*\}|[^\s;]*);?")
USERINFO = re.compile(r"(?<=://)[^@/\s]*@")
OPTION_FILES = ("read_default_file", "default_file", "option_files")


def without_password(text: str) -> str:
    """Return a connection string without passwords and user names."""
    return USERINFO.sub("", SECRET.sub("", text))


def addresses_of(driver: str, arguments: Sequence[Any], keywords: Dict[str, Any]) -> List[str]:
    """Return `host:port` of each server that a driver would try; the path of a database file.

    Without a host it is the machine's own server. An option file or an ODBC data source
    stands for hosts that are known only there.
    """
    if driver in FILES:
        path = keywords.get(FILES[driver], arguments[0] if arguments else "")
        name = os.fsdecode(path) if path else ""
        return [] if is_memory(name) else [name]
    options = _parsed(_text(arguments, keywords))
    options.update((name, str(value)) for name, value in keywords.items() if value)
    if driver in LIBPQ:
        options = _completed(options)
    elif options.get("unix_socket") and options.get("host", "localhost") == "localhost":
        return [options["unix_socket"]]
    files = next((options[name] for name in OPTION_FILES if options.get(name)), "")
    names = ("hostaddr", "host", "server", "dsn")
    hosts = next((options[name] for name in names if options.get(name)), files or "localhost")
    port = options.get("port") or PORTS.get(driver, "")
    return _listed(hosts, port) if driver in LIBPQ else [_address(hosts, port)]


def is_memory(name: str) -> bool:
    """Return whether SQLite opens no file under a name or URI."""
    if name in ("", ":memory:"):
        return True
    if not name.startswith("file:"):
        return False
    path, _, query = name[len("file:") :].partition("#")[0].partition("?")
    modes = [value for key, value in parse_qsl(query) if key == "mode"]
    return unquote(path) in ("", ":memory:") or (bool(modes) and set(modes) == {"memory"})


def _text(arguments: Sequence[Any], keywords: Dict[str, Any]) -> str:
    first = next((argument for argument in arguments if isinstance(argument, (str, bytes))), "")
    text = keywords.get("dsn") or keywords.get("conninfo") or first
    return os.fsdecode(text) if isinstance(text, (str, bytes)) else ""


def _listed(hosts: str, ports: str) -> List[str]:
    """Pair hosts and ports, of which libpq takes several."""
    port_of = ports.split(",")
    return [
        _address(host, port_of[number] if number < len(port_of) else port_of[0])
        for number, host in enumerate(hosts.split(","))
    ]


def _address(host: str, port: str) -> str:
    return host if host.startswith("/") or not port else f"{host}:{port}"


def _parsed(text: str) -> Dict[str, str]:
    url = URL.match(text)
    if url:
        pairs = [HOST.match(host) for host in unquote(url["hosts"]).split(",")]
        hosts = [pair["host"].strip("[]") if pair else "" for pair in pairs]
        ports = [(pair["port"] or "") if pair else "" for pair in pairs]
        parts = {"host": ",".join(hosts), "port": ",".join(ports)}
        parts.update(parse_qsl(url["query"] or ""))  # libpq: these win
        return {name: value for name, value in parts.items() if value.strip(",")}
    return {name.lower(): quoted or plain for name, quoted, plain in PAIRS.findall(text)}


def _completed(options: Dict[str, str]) -> Dict[str, str]:
    """Add what libpq takes from a service file, and then from variables."""
    whole = dict(options)
    service = options.get("service") or os.environ.get("PGSERVICE", "")
    if service:
        for name, value in _service(service).items():
            whole.setdefault(name, value)
    for name, variable in VARIABLES.items():
        if os.environ.get(variable) and not whole.get(name):
            whole[name] = os.environ[variable]
    return whole


def _service(name: str) -> Dict[str, str]:
    """Read a service; an unreadable one is an address of its own, which is refused."""
    for path in _service_files():
        parser = configparser.RawConfigParser(strict=False, delimiters=("=",), interpolation=None)
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                parser.read_file(file)
        except (OSError, configparser.Error):
            continue
        if parser.has_section(name):
            return dict(parser.items(name))
    return {"host": f"service={name}"}


def _service_files() -> List[str]:
    own: Optional[str] = os.environ.get("PGSERVICEFILE")
    folder = os.environ.get("PGSYSCONFDIR", "/etc/postgresql-common")
    return [
        own or os.path.join(os.path.expanduser("~"), ".pg_service.conf"),
        os.path.join(folder, "pg_service.conf"),
    ]
