"""Digest what the models declare of a table, part by part, as SQLAlchemy compiles it.

Where the models of the base cannot make a table, an older difference is recognised by this alone:
both models declare the same of the part.
"""

from __future__ import annotations

import hashlib
from typing import Any, Callable, Dict, Iterator, List, Tuple

from sqlalchemy import Enum, Table
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateColumn, CreateIndex

from ..operation_facts import PARTS


def declared_parts(table: Table, dialect: Dialect) -> Dict[str, str]:
    """Return digests by `kind name`; those of one kind that have no name together under `kind `."""
    texts: Dict[str, List[str]] = {}
    for key, text in _texts(table, dialect):
        texts.setdefault(key, []).append(text)
    return {
        key: hashlib.sha256("\0".join(sorted(several)).encode()).hexdigest()[:12]
        for key, several in texts.items()
    }


def _texts(table: Table, dialect: Dialect) -> Iterator[Tuple[str, str]]:
    for column in table.columns:
        text = _compiled(lambda part: CreateColumn(part).compile(dialect=dialect), column)
        yield f"column {column.name}", f"{text} {column.comment}"
        if isinstance(column.type, Enum):
            yield f"enum {column.type.name}", repr(column.type.enums)
    compiler: Any = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type]
    for constraint in table.constraints:
        kind = PARTS.get(constraint.__visit_name__, constraint.__visit_name__)
        text = _compiled(compiler.process, constraint)
        yield _named(kind, constraint), text
    for index in table.indexes:
        text = _compiled(lambda part: CreateIndex(part).compile(dialect=dialect), index)
        yield _named("index", index), text
    yield "options ", repr(sorted(table.dialect_kwargs.items()))
    yield "comment ", repr(table.comment)


def _named(kind: str, part: Any) -> str:
    name = part.name if isinstance(part.name, str) else ""
    return f"{kind} {name}"


def _compiled(compiled: Callable[[Any], Any], part: Any) -> str:
    """Return the SQL of a part; the name of its class if it cannot be compiled."""
    try:
        return str(compiled(part))
    except Exception:  # a type, or a part of an expression, may be the project's code
        return type(part).__name__
