"""Makes and drops databases on a PostgreSQL server; run by the tool's Python, which has psycopg.

The server is the one whose URL is given, else a private one as the tool itself starts it. Obeys
lines of JSON on standard input and answers each with one; at the end all that was made is dropped.
The tool's snapshots are dropped on the private server only: on another they may be somebody's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

from alembic_lockstep.scratch import ScratchServers


def main(folder: str, url_given: str) -> None:
    """Answer until the input ends."""
    with (
        _server(Path(folder), url_given) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        created: set[str] = set()
        before = _databases(connection)
        version = connection.info.server_version // 10000
        kind = "" if url_given else ", private"
        _say({"url": url, "description": f"PostgreSQL {version}{kind}"})
        for line in sys.stdin:
            command, *names = json.loads(line)
            if command == "renew":
                _drop(connection, names)
                connection.execute(SQL("CREATE DATABASE {}").format(Identifier(*names)))
                created.update(names)
            elif not url_given:
                new = _databases(connection) - before
                _drop(connection, [name for name in new if name.startswith("lockstep_")])
            _say({})
        _drop(connection, sorted(created))


@contextmanager
def _server(folder: Path, url_given: str) -> Iterator[str]:
    if url_given:
        yield url_given
        return
    with ScratchServers(urls=(), setup=(), directory=folder, cache=folder / "cache") as servers:
        parts = urlsplit(servers.create("postgresql"))
        yield urlunsplit(parts._replace(path="/postgres"))


def _databases(connection: psycopg.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


def _drop(connection: psycopg.Connection, names: list[str]) -> None:
    for name in names:
        drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(drop.format(Identifier(name)))


def _say(answer: dict[str, str]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
