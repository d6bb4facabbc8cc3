"""What SQL in a migration does to the schema, as far as that is plain."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.static.steps import AddLabel, Step, Unread

# It changes rows, sessions, rights, or what models do not make.
_NO_SCHEMA = re.compile(
    r"""\s*(?:
        select|insert|update|delete|with|merge|truncate|copy|values|explain|call
        |set|reset|pragma|begin|commit|savepoint|release|rollback|lock|unlock|use|show
        |grant|revoke|vacuum|analyze|cluster|reindex|refresh|notify
        |(?:create|drop|alter)\s+(?:or\s+replace\s+)?(?:temp\w*\s+|materialized\s+)?
         (?:extension|function|procedure|trigger|view|policy|role|user|rule|sequence|aggregate)
        |(?:create|drop)\s+type
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LABEL = r"'((?:[^']|'')*)'"
_ADD_VALUE = re.compile(
    rf"\s*alter\s+type\s+([\w.\"]+)\s+add\s+value\s+(?:if\s+not\s+exists\s+)?{_LABEL}"
    rf"(?:\s+(?:before|after)\s+{_LABEL})?\s*",
    re.IGNORECASE,
)
_RENAME_VALUE = re.compile(
    rf"\s*alter\s+type\s+([\w.\"]+)\s+rename\s+value\s+{_LABEL}\s+to\s+{_LABEL}\s*", re.IGNORECASE
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def steps_of_sql(text: str, path: str, line: int) -> Iterator[Step]:
    """The steps of one or several statements."""
    for statement in _COMMENT.sub(" ", text).split(";"):
        if not statement.strip() or _NO_SCHEMA.match(statement):
            continue
        added, renamed = _ADD_VALUE.fullmatch(statement), _RENAME_VALUE.fullmatch(statement)
        if added:
            yield AddLabel(_bare(added[1]), added[2].replace("''", "'"))
        elif renamed:
            yield AddLabel(_bare(renamed[1]), renamed[3], old=renamed[2])
        else:
            words = frozenset(re.findall(r"\w+", statement))
            shown = " ".join(statement.split())
            yield Unread(f"it executes SQL ({shown[:60]})", path, line, words)


def changes_no_schema(beginning: str) -> bool:
    """Whether a statement that begins so leaves the schema alone."""
    return bool(_NO_SCHEMA.match(beginning))


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"')
