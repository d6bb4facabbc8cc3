"""Test the probe's tables: programs, addresses of drivers, statements that open files."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.probe.attach import guarded, rewritten
from alembic_lockstep.probe.dsn import addresses_of, is_memory
from alembic_lockstep.probe.programs import client, is_harmless, shell_commands


def is_permitted(line: str) -> bool:
    commands = shell_commands(line)
    return commands is not None and all(map(is_harmless, commands))


@pytest.mark.parametrize(
    "line",
    [
        "git rev-parse --short HEAD",
        "git -C .. describe --tags --always --dirty",
        "git --no-pager log -1 --format=%cd",
        "git status --porcelain && git diff --stat | wc -l",
        "git config --get user.email",
        "git branch --show-current",
        "git tag -l 'v*'",
        "git remote get-url origin",
        "git --version",
        "git symbolic-ref HEAD",
        "uname -a 2>&1",
        "hostname -f",
        "date '+%Y-%m-%d'",
        "LC_ALL=C locale -a > /dev/null",
        "which psql",
        "psql --version",
        "node --version; npm -v",
        "cat < /etc/os-release",
        "sleep 1 &",
    ],
)
def test_a_harmless_line(line: str) -> None:
    assert is_permitted(line)


@pytest.mark.parametrize(
    "line",
    [
        "git push",
        "git fetch origin",
        "git -c core.pager=x log",
        "git log --output=file",
        "git diff --ext-diff",
        "git config user.name x",
        "git config --global --get-all x; git config --unset x",
        "git branch new",
        "git branch -D old",
        "git tag v1",
        "git remote add a b",
        "git symbolic-ref HEAD refs/heads/x",
        "git checkout .",
        "git",
        "hostname new",
        "hostname -F file",
        "date -s yesterday",
        "date 01010000",
        "ldconfig",
        "echo x > file",
        "echo x >> file",
        "echo x >| file",
        "echo x 2> file",
        "cat < (evil)",
        "echo $(evil)",
        "echo `evil`",
        "true; evil",
        "true & evil",
        "true | evil",
        "true\nevil",
        "PATH=. uname",
        "LD_PRELOAD=x.so uname",
        "echo 'unfinished",
        "node server.js",
        "python -m alembic upgrade head",
        "psql --version postgresql://prod",
        "sh -c uname",
        "command evil",
        "env evil",
        "xargs evil",
        "sysctl -w a=b",
        "file -C",
    ],
)
def test_a_line_that_may_do_harm_or_is_unclear(line: str) -> None:
    assert not is_permitted(line)


def test_database_clients_but_for_their_versions() -> None:
    assert client(["/usr/bin/psql", "-f", "x.sql"]) == "psql"
    assert not client(["psql", "--version"])
    assert not client(["python"])


@pytest.fixture(autouse=True)
def no_libpq_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PGSYSCONFDIR", str(tmp_path))


@pytest.mark.parametrize(
    ("driver", "arguments", "keywords", "expected"),
    [
        ("psycopg2", [""], {}, ["localhost:5432"]),
        ("psycopg2", ["host=db port=1 dbname=x"], {}, ["db:1"]),
        ("psycopg2", ["host='db' hostaddr=10.0.0.1"], {}, ["10.0.0.1:5432"]),
        ("psycopg2", ["postgresql://a:b@db:1/x?host=other"], {}, ["other:1"]),
        ("psycopg2", ["postgresql:///x?host=/run&port=1"], {}, ["/run"]),
        ("psycopg2", ["postgresql://a@db:1,other:2/x"], {}, ["db:1", "other:2"]),
        ("psycopg2", ["postgresql://[::1]:1/x"], {}, ["::1:1"]),
        ("psycopg2", ["host=a,b port=1,2"], {}, ["a:1", "b:2"]),
        ("psycopg2", ["host=a,b port=1"], {}, ["a:1", "b:1"]),
        ("psycopg2", ["service=nowhere"], {}, ["service=nowhere:5432"]),
        ("psycopg", [b"host=db"], {}, ["db:5432"]),
        ("psycopg", [], {"host": "db", "hostaddr": "10.0.0.1", "port": 1}, ["10.0.0.1:1"]),
        ("MySQLdb", ["db"], {}, ["localhost:3306"]),
        ("MySQLdb", [], {"host": "db"}, ["db:3306"]),
        ("MySQLdb", [], {"host": "localhost", "unix_socket": "/run/x"}, ["/run/x"]),
        ("MySQLdb", [], {"read_default_file": "~/.my.cnf"}, ["~/.my.cnf:3306"]),
        ("pyodbc", ["DSN=prod;UID=a"], {}, ["prod"]),
        ("pyodbc", ["Server=tcp:db,1433;PWD=x"], {}, ["tcp:db,1433"]),
        ("duckdb", [], {}, []),
        ("duckdb", ["a.duckdb"], {}, ["a.duckdb"]),
        ("apsw", [":memory:"], {}, []),
    ],
)
def test_where_a_driver_would_go(
    driver: str, arguments: list[Any], keywords: dict[str, Any], expected: list[str]
) -> None:
    assert addresses_of(driver, arguments, keywords) == expected


def test_variables_and_services_of_libpq(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".pg_service.conf").write_text("[prod]\nhost=db.example\nport=7\n")
    assert addresses_of("psycopg2", ["service=prod"], {}) == ["db.example:7"]
    monkeypatch.setenv("PGSERVICE", "prod")
    assert addresses_of("psycopg2", [""], {}) == ["db.example:7"]
    monkeypatch.delenv("PGSERVICE")
    monkeypatch.setenv("PGHOST", "other")
    monkeypatch.setenv("PGPORT", "8")
    assert addresses_of("psycopg", [], {}) == ["other:8"]
    assert addresses_of("psycopg", ["host=db"], {}) == ["db:8"]
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    assert addresses_of("psycopg", ["host=db"], {}) == ["10.0.0.1:8"]


@pytest.mark.parametrize("name", ["", ":memory:", "file::memory:", "file:x?mode=memory", "file:"])
def test_no_file_is_opened(name: str) -> None:
    assert is_memory(name)


@pytest.mark.parametrize(
    "name",
    [
        "x?mode=memory",
        "file:real.db?x=mode=memory",
        "file:real.db?mode=rw&y=mode=memory",
        "file:real.db?mode=memory&mode=rw",
        "file:real.db#?mode=memory",
        "file:real.db",
    ],
)
def test_a_file_is_opened(name: str) -> None:
    assert not is_memory(name)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("ATTACH 'a' AS x", "ATTACH '/copy/a' AS x"),
        ('attach database "a" as x', "attach database '/copy/a' as x"),
        (
            " ;-- why\n/* so */ ATTACH/**/'a''b'/**/AS x",
            " ;-- why\n/* so */ ATTACH/**/'/copy/a''b'/**/AS x",
        ),
        ("ATTACH a AS x", "ATTACH '/copy/a' AS x"),
        ("VACUUM INTO 'a'", "VACUUM INTO '/copy/a'"),
        ("VACUUM main INTO 'a';", "VACUUM main INTO '/copy/a';"),
        ("VACUUM", "VACUUM"),
        ("INSERT INTO attachments VALUES ('attach ''a'' as b')",) * 2,
        ("CREATE TABLE vacuum_cleaners (into_use TEXT)",) * 2,
    ],
)
def test_the_path_in_a_statement_is_replaced(sql: str, expected: str) -> None:
    assert rewritten(sql, (), lambda path: f"/copy/{path}")[0] == expected


@pytest.mark.parametrize(
    "sql", ["ATTACH 'a' || 'b' AS x", "ATTACH upper('a') AS x", "VACUUM INTO 'a' || 'b'"]
)
def test_a_path_that_is_computed_is_refused(sql: str) -> None:
    def refuse(path: str) -> str:
        raise PermissionError(path)

    with pytest.raises(PermissionError):
        rewritten(sql, (), refuse)


def test_the_drivers_own_classes_are_extended(tmp_path: Path) -> None:
    class Named(sqlite3.Cursor):
        pass

    connection = sqlite3.connect(
        ":memory:",
        factory=guarded(sqlite3.Connection, sqlite3.Cursor, lambda path: f"{tmp_path}/{path}"),
    )
    connection.execute("ATTACH ? AS a", ("a.db",))
    connection.cursor(Named).execute("ATTACH :file AS b", {"file": "b.db"})
    connection.executescript(
        "ATTACH 'c.db' AS c; CREATE TABLE c.t (x DEFAULT ';'); "
        "CREATE TRIGGER c.r AFTER INSERT ON t BEGIN SELECT 1; SELECT 2; END; VACUUM INTO 'd.db'"
    )
    names = [Path(row[2]).name for row in connection.execute("PRAGMA database_list")]
    assert names == ["", "a.db", "b.db", "c.db"]
    assert {file.name for file in tmp_path.iterdir()} >= {"a.db", "b.db", "c.db", "d.db"}
    assert isinstance(connection.cursor(Named), Named)
