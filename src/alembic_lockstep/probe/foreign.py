"""Describe operations that other packages add to Alembic."""

from __future__ import annotations

import re
from typing import Any, Dict

# Prefixes and suffixes of the classes of operations and of their targets.
_AFFIXES = re.compile(
    r"^(?:PG|Add|Create|Drop|Remove|Replace|Revert|Sync|Alter|Update|Refresh)|Op$"
)


def describe_foreign(op: Any, default_schema: str) -> Dict[str, Any]:
    """Return the facts of an operation, from the attributes that such classes usually have.

    alembic-postgresql-enum has `name`, `schema` and `affected_columns`, alembic_utils a `target`
    with `signature` and `schema`.
    """
    thing = getattr(op, "target", op)
    names = (getattr(thing, attribute, None) for attribute in ("signature", "name", "table_name"))
    name = next((str(value) for value in names if value), "")
    schema = getattr(thing, "schema", None)
    whole = f"{schema}.{name}" if schema and schema != default_schema else name
    table, columns = "", []
    for user in getattr(op, "affected_columns", None) or ():
        own = getattr(user, "table_schema", None)
        within = f"{own}." if isinstance(own, str) and own not in ("", default_schema) else ""
        table, columns = f"{within}{user.table_name}", [str(user.column_name)]
        break
    text = f"{_words(type(thing).__name__)} {whole}".rstrip()
    return {"table": table, "name": name, "columns": columns, "text": text}


def _words(name: str) -> str:
    """Return the subject of a class's name: `enum values` of AddEnumValuesOp."""
    bare = name
    while _AFFIXES.search(bare) and _AFFIXES.sub("", bare):
        bare = _AFFIXES.sub("", bare)
    return " ".join(re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", bare)).lower() or name
