"""Run an SQL file with a team's own rows."""

from __future__ import annotations

import re

from alembic_lockstep.probe.attach import statements as sqlite_statements
from alembic_lockstep.probe.script import statements as mysql_statements
from alembic_lockstep.rows.rows_database import RowsDatabase, StatementError


class RowsFileError(Exception):
    """Error in a rows file; its text is the database's message.

    Attributes:
        statement: The beginning of the statement that failed; empty if it is not known.
    """

    def __init__(self, message: str, statement: str) -> None:
        super().__init__(message)
        self.statement = statement


def run_sql(database: RowsDatabase, text: str) -> None:
    """Run the statements of a file in one transaction; on PostgreSQL also those of pg_dump.

    Raises:
        RowsFileError: a statement fails; the database is as before.
    """
    text = re.sub(r"(?m)^\\.*$", "", text)  # commands of psql
    if database.dialect == "postgresql":
        parts = [text]
    elif database.dialect == "sqlite":
        parts = list(sqlite_statements(text))
    else:
        parts = list(mysql_statements(text))
    database.run("BEGIN")
    statement = ""
    try:
        for statement in parts:
            database.run(statement)
        database.run("COMMIT")
    except StatementError as error:
        _roll_back(database)
        shown = "" if database.dialect == "postgresql" else " ".join(statement.split())[:200]
        raise RowsFileError(str(error), shown) from None
    finally:
        if database.dialect == "postgresql":
            database.run("RESET search_path")  # a dump sets it to nothing


def _roll_back(database: RowsDatabase) -> None:
    try:
        database.run("ROLLBACK")
    except StatementError:  # the file has ended the transaction itself
        return
