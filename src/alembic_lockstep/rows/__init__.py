"""Rows for scratch databases: made from the catalogue, read, and compared around migrations."""

from alembic_lockstep.rows.content import ReadTable, Rows, read_rows
from alembic_lockstep.rows.described_tables import TableName
from alembic_lockstep.rows.fill import Filled, FilledTable, fill
from alembic_lockstep.rows.row_comparison import RowChange, compare_rows
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError, open_rows_database
from alembic_lockstep.rows.sql_file import RowsFileError, run_sql

__all__ = [
    "Filled",
    "FilledTable",
    "ReadTable",
    "RowChange",
    "Rows",
    "RowsDatabase",
    "RowsFileError",
    "StatementError",
    "TableName",
    "compare_rows",
    "fill",
    "open_rows_database",
    "read_rows",
    "run_sql",
]
