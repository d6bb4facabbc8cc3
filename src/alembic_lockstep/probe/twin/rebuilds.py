"""Note which operations make SQLite drop a table to which rows refer, to make it again or not.

With foreign keys on, `DROP TABLE` deletes the table's rows first, so that `ON DELETE` deletes or
changes those that refer to them. https://www.sqlite.org/foreignkeys.html#fk_schemacommands
"""

from __future__ import annotations

import re
from typing import List, Sequence, Set, Tuple

from sqlalchemy import MetaData
from sqlalchemy.engine import Connection

from ..database_facts import OperationFacts
from .merge import recreates_table
from .sqltext import fold

# From 3.16 on; no table is listed that only the models have.
_REFERENCES = """\
SELECT tables.name, keys."table" FROM sqlite_master AS tables, pragma_foreign_key_list(tables.name)
AS keys WHERE tables.type = 'table'"""
_DROP = re.compile(r"op\.execute\([\"']DROP TABLE ")


def with_rebuilds(
    operations: List[OperationFacts], connection: Connection, metadatas: Sequence[MetaData]
) -> List[OperationFacts]:
    """Return the operations; those that drop a table to which rows refer say so."""
    dropping = [operation for operation in operations if _drops_table(operation)]
    if connection.dialect.name != "sqlite" or not dropping:
        return operations
    removed = {fold(op["table"]) for op in operations if op["kind"] == "remove_table"}
    referenced = {
        target
        for table, target in _references(connection, metadatas)
        if table not in removed and (table != target or target not in removed)
    }
    return [
        {**operation, "drops_referenced": True}
        if operation in dropping and fold(operation["table"]) in referenced
        else operation
        for operation in operations
    ]


def _references(connection: Connection, metadatas: Sequence[MetaData]) -> Set[Tuple[str, str]]:
    """Return pairs of a table and one to which it refers, in the database or in the models."""
    rows = connection.exec_driver_sql(_REFERENCES).fetchall()
    pairs = {(fold(table), fold(target)) for table, target in rows}
    for metadata in metadatas:
        for table in metadata.tables.values():
            for key in table.foreign_keys:
                target = key.target_fullname.rpartition(".")[0]
                pairs.add((fold(table.name), fold(target.rpartition(".")[2])))
    return pairs


def _drops_table(operation: OperationFacts) -> bool:
    if operation["kind"] == "remove_table":
        return True
    lines = [*operation["code"], *operation.get("instead", ())]
    if any(_DROP.match(line) for line in lines):
        return True
    return bool(operation.get("in_batch")) and recreates_table(operation)
