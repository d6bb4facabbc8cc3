"""Copy a database on MySQL or MariaDB, which have no templates.

There is no statement for that. The server's own definitions of everything are run again in the new
database, and rows go from table to table inside the server, which is quicker than a dump and needs
no other programs.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from alembic_lockstep.scratch.by_url import execute


def copy_database(connection: Connection, old: str, new: str) -> None:
    """Copy what is in old to new, which is empty and the connection's database.

    Tables with their rows, MariaDB's sequences, views, triggers and routines are copied; events,
    which would run, and the past of system-versioned tables are not.
    """
    copy = _Copy(connection, old, new)
    # The definitions were accepted once, perhaps in a laxer mode.
    for setting in ("foreign_key_checks = 0", "unique_checks = 0", "sql_mode = ''"):
        execute(connection, f"SET SESSION {setting}")
    copy.defaults()
    copy.routines()
    copy.tables()
    copy.views()
    copy.triggers()


class _Copy:
    """The parts of one copy."""

    def __init__(self, connection: Connection, old: str, new: str) -> None:
        self._connection = connection
        self._old = old
        self._new = new

    def defaults(self) -> None:
        """Set the defaults of new tables: the database's character set and collation."""
        ((_, definition),) = self._execute(f"SHOW CREATE DATABASE {_quoted(self._old)}")
        options = definition.partition(_quoted(self._old))[2]
        self._execute(f"ALTER DATABASE {_quoted(self._new)} {options}")

    def tables(self) -> None:
        for name, kind in self._listed():
            if kind == "SEQUENCE":
                self._sequence(name)
            elif kind != "VIEW":
                self._redo(self._show("TABLE", name)[1])
                self._rows(name)

    def views(self) -> None:
        """Make views after those that they select from: views that fail are tried again."""
        views = [self._show("VIEW", name)[1] for name, kind in self._listed() if kind == "VIEW"]
        while views:
            failed = [definition for definition in views if not self._succeeds(definition)]
            if len(failed) == len(views):
                self._redo(failed[0])  # raises the reason
            views = failed

    def triggers(self) -> None:
        for row in self._execute(f"SHOW TRIGGERS FROM {_quoted(self._old)}"):
            shown = self._show("TRIGGER", row[0])
            self._redo(shown[2], mode=shown[1])

    def routines(self) -> None:
        for kind in ("FUNCTION", "PROCEDURE"):
            listed = self._execute(f"SHOW {kind} STATUS WHERE Db = '{self._old}'")
            for name in (row[1] for row in listed):
                shown = self._show(kind, name)
                self._redo(shown[2], mode=shown[1])

    def _listed(self) -> list[tuple[str, str]]:
        rows = self._execute(f"SHOW FULL TABLES FROM {_quoted(self._old)}")
        return [(row[0], row[1]) for row in rows]

    def _sequence(self, name: str) -> None:
        self._redo(self._show("SEQUENCE", name)[1])
        source = f"{_quoted(self._old)}.{_quoted(name)}"
        value = f"SELECT next_not_cached_value FROM {source}"  # noqa: S608 - quoted
        ((following,),) = self._execute(value)
        self._execute(f"ALTER SEQUENCE {_quoted(name)} RESTART WITH {following}")

    def _rows(self, table: str) -> None:
        """Copy rows; computed columns compute themselves."""
        shown = self._execute(f"SHOW COLUMNS FROM {_quoted(self._old)}.{_quoted(table)}")
        columns = ", ".join(_quoted(row[0]) for row in shown if not _is_computed(str(row[5])))
        source, target = f"{_quoted(self._old)}.{_quoted(table)}", _quoted(table)
        if columns:
            rows = f"SELECT {columns} FROM {source}"  # noqa: S608 - all quoted
            self._execute(f"INSERT INTO {target} ({columns}) {rows}")

    def _show(self, kind: str, name: str) -> Any:
        (row,) = self._execute(f"SHOW CREATE {kind} {_quoted(self._old)}.{_quoted(name)}")
        return row

    def _succeeds(self, definition: str) -> bool:
        try:
            self._redo(definition)
        except SQLAlchemyError:
            return False
        return True

    def _redo(self, definition: str, *, mode: str = "") -> None:
        """Run a definition; a scratch database's name matches nothing else in it."""
        self._execute(f"SET SESSION sql_mode = '{mode}'")
        self._execute(definition.replace(_quoted(self._old), _quoted(self._new)))

    def _execute(self, statement: str) -> list[Any]:
        return execute(self._connection, statement)


def _is_computed(extra: str) -> bool:
    # Not DEFAULT_GENERATED, which MySQL says of a column whose default is an expression.
    return bool(re.search(r"(?i)\bgenerated\b", extra))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
