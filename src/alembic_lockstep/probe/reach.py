"""Statements that change a database server beyond the run's own databases.

On a server that others use, too, they are not run: nobody could take back what they do.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Pattern, Tuple

#: The kind of a thing of the server's, and its name as the server keeps it.
Thing = Tuple[str, str]

_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'
_NAMES = rf"{_NAME}(?:\s*,\s*{_NAME})*"
_KINDS = r"(ROLE|USER|GROUP|DATABASE|TABLESPACE)"


def _compiled(pattern: str) -> Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


_NOT_RUN = _compiled(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$")
_COMMENTS = _compiled(r"--[^\n]*|/\*.*?\*/")
_IS_BLOCK = _compiled(r"\s*DO\b")
_IS_VIEW = _compiled(r"\s*CREATE\s+(?:OR\s+REPLACE\s+|TEMP\w*\s+|RECURSIVE\s+)*VIEW\b")

#: Where a statement begins, also one of a block's.
_START = r"(?:\A|[;'($]|\b(?:BEGIN|THEN|ELSE|LOOP))\s*"

_BEYOND_POSTGRESQL = _compiled(
    rf"{_START}ALTER\s+SYSTEM\b"
    rf"|{_START}COPY\b[^;]*\b(?:(?:TO|FROM)\s+PROGRAM\b|TO\s+E?')"
    r"|\bCREATE\s+SUBSCRIPTION\b(?![^;]*\bconnect\s*=\s*(?:false|off|0)\b)"
    r"|\bIMPORT\s+FOREIGN\s+SCHEMA\b"
    r"|\b(?:lo_export|pg_file_write|dblink(?:_\w+)?|pg_replication_origin_(?:create|drop)"
    r"|pg_(?:create|copy)_physical_replication_slot|pg_drop_replication_slot)\s*\("
)
_CHANGES = _compiled(
    rf"{_START}(ALTER|DROP|COMMENT\s+ON)\s+{_KINDS}\s+(?!MAPPING\b)(?:IF\s+EXISTS\s+)?({_NAMES})"
)
_OWNED = _compiled(rf"{_START}(DROP|REASSIGN)\s+(OWNED)\s+BY\s+({_NAMES})")
_MEMBERS = _compiled(
    rf"{_START}(?:GRANT|REVOKE)\s+(?:\w+\s+OPTION\s+FOR\s+)?({_NAMES})\s+(?:TO|FROM)\s+({_NAMES})"
)
_RIGHTS = _compiled(
    rf"\bON\s+(DATABASE|TABLESPACE|PARAMETER)\s+([\w.\"$]+(?:\s*,\s*[\w.\"$]+)*)\s+"
    rf"(?:TO|FROM)\s+(?:GROUP\s+)?({_NAMES})"
)
_OF_POSTGRESQL = {
    "ROLE": "SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles",
    "DATABASE": "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database",
    "TABLESPACE": "SELECT spcname, shobj_description(oid, 'pg_tablespace') FROM pg_tablespace",
}
_MYSELF = ("current_user", "current_role", "session_user")

_BEYOND_MYSQL = _compiled(
    rf"{_START}(?:CREATE|ALTER|DROP|RENAME)\s+(?:OR\s+REPLACE\s+)?(?:USER|ROLE|SERVER|TABLESPACE)\b"
    rf"|{_START}(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:DATABASE|SCHEMA)\s+"
    # Without a name it is the run's own.
    r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(?!`?lockstep_|(?:DEFAULT|CHAR\w*|COLLATE)\b)[\w`$]+"
    rf"|{_START}(?:GRANT|REVOKE)\b|\bSET\s+(?:GLOBAL|PERSIST(?:_ONLY)?|PASSWORD|DEFAULT\s+ROLE)\b"
    r"|@@(?:GLOBAL|PERSIST\w*)\.\w+\s*:?=|\bINTO\s+(?:OUTFILE|DUMPFILE)\b"
    rf"|{_START}(?:UN)?INSTALL\s|{_START}CREATE\b[^;]*\bFUNCTION\b[^;]*\bSONAME\b"
    rf"|{_START}(?:CHANGE\s+(?:MASTER|REPLICATION)|RESET\s|PURGE\s|SHUTDOWN\b|KILL\s)"
)


class RefusedStatementError(PermissionError):
    """A statement that was not sent to a server that others use, too."""


def refuse(connection: Any, statement: str, mark: str) -> None:
    """Raise `RefusedStatementError` for a statement that changes more than the run's databases.

    Args:
        connection: Where it would be executed.
        mark: The comment on what the project has made on the server; empty if nothing can have it.
    """
    dialect = connection.dialect.name
    text = _run_part(statement)
    if dialect in ("mysql", "mariadb"):
        change = _matched(_BEYOND_MYSQL, text)
    elif dialect == "postgresql":
        change = _matched(_BEYOND_POSTGRESQL, text) or _foreign_change(connection, text, mark)
    else:
        return
    if change:
        raise RefusedStatementError(
            f"alembic-lockstep refused {change}: it changes the server of scratch.urls "
            "for all who use it"
        )


def _run_part(statement: str) -> str:
    """Return what of a statement runs: no comment and, except in a DO block, no literal."""
    plain = _COMMENTS.sub(" ", statement)
    if _IS_BLOCK.match(plain):
        return plain
    if _IS_VIEW.match(plain):
        return ""
    return _NOT_RUN.sub(lambda match: "''" if match[0][0] in "'$" else " ", statement)


def _matched(pattern: Pattern[str], text: str) -> str:
    """Return the match of a pattern in one line, without what may be secret."""
    match = pattern.search(text)
    words = match[0].lstrip("'(;$ \t\n").split("'")[0] if match else ""
    return " ".join(words.strip("(=: ").split())[:80]


def _foreign_change(connection: Any, text: str, mark: str) -> str:
    """Describe a change of an object of a PostgreSQL server that the project has not made."""
    for words, kind, names in [*_CHANGES.findall(text), *_OWNED.findall(text)]:
        kind = kind.upper() if kind.upper() in ("DATABASE", "TABLESPACE") else "ROLE"
        for name in _split(names):
            if not _is_own(connection, (kind, name), mark):
                return f"{' '.join(words.upper().split())} {kind} {name}"
    for groups, members in _MEMBERS.findall(text):
        if _has_foreign(connection, groups, mark) and _has_foreign(connection, members, mark):
            return f"a change of the members of {groups}"
    for kind, names, grantees in _RIGHTS.findall(text):
        things = [] if kind.upper() == "PARAMETER" else [(kind.upper(), n) for n in _split(names)]
        is_foreign = not things or not all(_is_own(connection, thing, mark) for thing in things)
        if is_foreign and _has_foreign(connection, grantees, mark):
            return f"a change of rights on {kind.lower()} {names}"
    return ""


def _has_foreign(connection: Any, roles: str, mark: str) -> bool:
    return not all(_is_own(connection, ("ROLE", name), mark) for name in _split(roles))


def _is_own(connection: Any, thing: Thing, mark: str) -> bool:
    """Return whether the project made a thing (its comment has the mark), or it does not exist."""
    kind, name = thing
    if kind == "ROLE" and name in _MYSELF:
        name = _scalar(connection, "SELECT current_user")
    if kind == "ROLE" and name in ("all", "public"):
        return False
    # The project's own role is set back by the next run.
    if kind == "ROLE" and name.startswith("lockstep_project_"):
        return True
    if kind == "DATABASE" and name == _scalar(connection, "SELECT current_database()"):
        return True
    comments = dict(map(tuple, connection.exec_driver_sql(_OF_POSTGRESQL[kind])))
    return name not in comments or (bool(mark) and comments[name] == mark)


def _scalar(connection: Any, question: str) -> str:
    return str(connection.exec_driver_sql(question).scalar())


def _split(names: str) -> Iterator[str]:
    """Yield names as the server keeps them."""
    quoted: List[str] = re.findall(_NAME, names)
    for name in quoted:
        yield name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
