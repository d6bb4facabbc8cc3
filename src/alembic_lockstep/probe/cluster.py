"""Mark the server's objects that the project makes, and note statements that lacked a privilege.

A role or another database outlives the scratch database. On a server that is not ours, the host
removes such objects only where our mark proves that the project made them.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Set, Tuple

from sqlalchemy import event
from sqlalchemy.engine import Engine

from .protocol import Denial
from .reach import refuse

#: PostgreSQL's SQLSTATE for a lack of privileges.
_SQLSTATE = "42501"
#: MySQL's and MariaDB's numbers: no right to a database, table, column or routine, to do what SUPER
#: may, to grant, to use a file, to define a function with binary logging.
_NUMBERS = {1044, 1045, 1142, 1143, 1227, 1370, 1410, 1419}

_CREATES = re.compile(
    r"""(?ix) \b CREATE \s+ (ROLE | USER | GROUP | DATABASE | TABLESPACE) \s+
    (?! MAPPING \b) ("(?:[^"]|"")+" | [^\W\d][\w$]*)"""
)
_LISTS = {
    "ROLE": "SELECT rolname FROM pg_roles",
    "DATABASE": "SELECT datname FROM pg_database",
    "TABLESPACE": "SELECT spcname FROM pg_tablespace",
}
_PENDING = "alembic-lockstep cluster"

ServerObject = Tuple[str, str]


class ClusterWatch:
    """Listener on all engines.

    Attributes:
        marks: By dialect, the comment for roles, databases and tablespaces that the project makes;
            none for a server of ours.
        shared: Dialects whose server others use, too: what would change more of it than the run's
            databases is refused.
        denied: Dialect and statement that a server refused for lack of a privilege.
    """

    def __init__(self) -> None:
        self.marks: Dict[str, str] = {}
        self.shared: Set[str] = set()
        self.denied: List[Denial] = []

    def install(self) -> None:
        """Start listening."""
        event.listen(Engine, "handle_error", self._note_error)
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)

    def note(self, error: BaseException, dialect: str) -> None:
        """Note the error that ended the run: SQLAlchemy's or a driver's own, wrapped or not."""
        for cause in _chain(error):
            if is_denied(cause) and not self.denied:
                message = str(cause).strip().partition("\n")[0]
                self.denied.append({"dialect": dialect, "statement": message})

    def _note_error(self, context: Any) -> None:
        if is_denied(context.original_exception):
            engine = context.connection or context.engine
            statement = str(context.statement)
            self.denied.append({"dialect": engine.dialect.name, "statement": statement})

    def _before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        mark = self.marks.get(connection.dialect.name, "")
        is_ours = bool(mark) and statement.endswith(f" IS '{mark}'")
        if connection.dialect.name in self.shared and not is_ours:
            refuse(connection, statement, mark)
        objects = named(statement) if mark else []
        if objects:
            connection.info[_PENDING] = [item for item in objects if not _exists(connection, item)]

    def _after(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not self.marks.get(connection.dialect.name) or not named(statement):
            return
        mark = self.marks[connection.dialect.name]
        for kind, name in connection.info.pop(_PENDING, ()):
            if _exists(connection, (kind, name)):
                quoted = name.replace('"', '""').replace("%", "%%")
                connection.exec_driver_sql(f"COMMENT ON {kind} \"{quoted}\" IS '{mark}'")


def named(statement: str) -> List[ServerObject]:
    """Return the objects of the whole server that a PostgreSQL statement or DO block may make."""
    if "create" not in statement.lower():
        return []
    objects = []
    for kind, name in _CREATES.findall(statement):
        plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
        objects.append(("ROLE" if kind.upper() in ("USER", "GROUP") else kind.upper(), plain))
    return objects


def is_denied(error: Any) -> bool:
    """Return whether a driver's error is about a privilege that the user lacks."""
    codes = [getattr(error, name, None) for name in ("sqlstate", "pgcode")]
    arguments = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], dict):  # pg8000
        codes.append(arguments[0].get("C"))
    if _SQLSTATE in codes:
        return True
    is_driver = type(error).__module__.partition(".")[0] not in ("builtins", "sqlalchemy")
    number = arguments[0] if arguments else getattr(error, "errno", None)
    return is_driver and isinstance(number, int) and number in _NUMBERS


def _exists(connection: Any, item: ServerObject) -> bool:
    kind, name = item
    return name in {row[0] for row in connection.exec_driver_sql(_LISTS[kind])}


def _chain(raised: BaseException) -> Iterator[BaseException]:
    visited = set()
    pending: List[Any] = [raised]
    while pending:
        error = pending.pop()
        if error is not None and id(error) not in visited:
            visited.add(id(error))
            yield error
            pending += [getattr(error, "orig", None), error.__cause__, error.__context__]
