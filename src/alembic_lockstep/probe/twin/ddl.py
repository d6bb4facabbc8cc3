"""Render the DDL of `create_all()` without a database."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

from sqlalchemy import MetaData
from sqlalchemy.engine import Connection
from sqlalchemy.engine.mock import MockConnection


def models_ddl(connection: Connection, metadatas: Sequence[MetaData]) -> Optional[str]:
    """Return the text of all statements; None if they depend on a database's answers.

    Listeners of the models' DDL events run, too.
    """
    dialect = connection.dialect
    texts: List[str] = [repr(connection.get_execution_options().get("schema_translate_map"))]

    def note(statement: Any, *parameters: Any, **options: Any) -> None:
        text = statement if isinstance(statement, str) else statement.compile(dialect=dialect)
        texts.append(f"{text} {parameters} {options}")

    try:
        for metadata in metadatas:
            metadata.create_all(MockConnection(dialect, note), checkfirst=False)
    except Exception:  # a listener is the project's code
        return None
    return "\0".join(texts)
