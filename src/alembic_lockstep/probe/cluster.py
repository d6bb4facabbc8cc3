"""What the project does to the server itself: marked as its own, and noted where it may not.

A role or another database outlives the scratch database. On a server that is not ours, the host
removes such things only where our mark proves that the project made them.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Tuple

from sqlalchemy import event
from sqlalchemy.engine import Engine

#: PostgreSQL's SQLSTATE for a lack of privileges.
_SQLSTATE = "42501"
#: MySQL's and MariaDB's numbers: no right to a database, table, column or routine, to do what SUPER
#: may, to grant, to use a file, to define a function with binary logging.
_NUMBERS = {1044, 1045, 1142, 1143, 1227, 1370, 1410, 1419}

_MAKES = re.compile(
    r"""(?ix) \b CREATE \s+ (ROLE | USER | GROUP | DATABASE | TABLESPACE) \s+
    (?! MAPPING \b) ("(?:[^"]|"")+" | [^\W\d][\w$]*)"""
)
_LISTS = {
    "ROLE": "SELECT rolname FROM pg_roles",
    "DATABASE": "SELECT datname FROM pg_database",
    "TABLESPACE": "SELECT spcname FROM pg_tablespace",
}
_KEPT = "alembic-lockstep cluster"

Thing = Tuple[str, str]


class ClusterWatch:
    """Listens to all engines.

    Attributes:
        marks: By dialect, the comment for what the project makes beside its databases; for a
            server that is ours there is none.
        denied: Dialect and statement of what a server refused for want of a privilege.
    """

    def __init__(self) -> None:
        self.marks: Dict[str, str] = {}
        self.denied: List[Dict[str, str]] = []

    def install(self) -> None:
        """Start listening."""
        event.listen(Engine, "handle_error", self._note_error)
        event.listen(Engine, "before_cursor_execute", self._before)
        event.listen(Engine, "after_cursor_execute", self._after)

    def note(self, error: BaseException, dialect: str) -> None:
        """Note what ended the run, be it past SQLAlchemy: a driver's own error, also wrapped."""
        for one in _chain(error):
            if is_denied(one) and not self.denied:
                said = str(one).strip().partition("\n")[0]
                self.denied.append({"dialect": dialect, "statement": said})

    def _note_error(self, context: Any) -> None:
        if is_denied(context.original_exception):
            engine = context.connection or context.engine
            refused = {"dialect": engine.dialect.name, "statement": str(context.statement)}
            self.denied.append(refused)

    def _before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        made = named(statement) if self.marks.get(connection.dialect.name) else []
        if made:
            connection.info[_KEPT] = [one for one in made if not _exists(connection, one)]

    def _after(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not self.marks.get(connection.dialect.name) or not named(statement):
            return
        mark = self.marks[connection.dialect.name]
        for kind, name in connection.info.pop(_KEPT, ()):
            if _exists(connection, (kind, name)):
                quoted = name.replace('"', '""').replace("%", "%%")
                connection.exec_driver_sql(f"COMMENT ON {kind} \"{quoted}\" IS '{mark}'")


def named(statement: str) -> List[Thing]:
    """What a statement of PostgreSQL's may make for the whole server, also inside of a DO block."""
    if "create" not in statement.lower():
        return []
    things = []
    for kind, name in _MAKES.findall(statement):
        plain = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
        things.append(("ROLE" if kind.upper() in ("USER", "GROUP") else kind.upper(), plain))
    return things


def is_denied(error: Any) -> bool:
    """Whether a driver's error says that the user lacks a privilege."""
    codes = [getattr(error, name, None) for name in ("sqlstate", "pgcode")]
    arguments = getattr(error, "args", ())
    if arguments and isinstance(arguments[0], dict):  # pg8000
        codes.append(arguments[0].get("C"))
    if _SQLSTATE in codes:
        return True
    is_driver = type(error).__module__.partition(".")[0] not in ("builtins", "sqlalchemy")
    number = arguments[0] if arguments else getattr(error, "errno", None)
    return is_driver and isinstance(number, int) and number in _NUMBERS


def _exists(connection: Any, thing: Thing) -> bool:
    kind, name = thing
    return name in {row[0] for row in connection.exec_driver_sql(_LISTS[kind])}


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = set()
    waiting: List[Any] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [getattr(one, "orig", None), one.__cause__, one.__context__]
