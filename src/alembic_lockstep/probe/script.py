"""Run a file of SQL statements, split where a driver takes only one at a time."""

from __future__ import annotations

import re
from typing import Any, Iterator

# May contain a delimiter that ends no statement: strings, quoted names, comments.
QUOTED = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`|--\s[^\n]*|\#[^\n]*|/\*.*?\*/"
# Such as mysqldump writes around triggers: DELIMITER ;;
CLIENT = r"^[ \t]*DELIMITER[ \t]+(?P<new>\S+)[^\n]*"
# MySQL runs what is in a comment that begins with an exclamation mark.
COMMENT = re.compile(r"--\s[^\n]*|#[^\n]*|/\*(?!M?!).*?\*/", re.DOTALL)
FLAGS = re.DOTALL | re.IGNORECASE | re.MULTILINE


def execute_script(connection: Any, script: str) -> None:
    """Run a file of statements through the driver, also a dump of pg_dump."""
    script = re.sub(r"(?m)^\\.*$", "", script)  # commands of psql
    raw = connection.connection
    cursor = raw.cursor()
    postgresql = connection.dialect.name == "postgresql"
    if postgresql:
        cursor.execute("SHOW search_path")
        search_path = cursor.fetchone()[0]
    if connection.dialect.name not in {"postgresql", "sqlite"}:
        for statement in statements(script):
            cursor.execute(statement)
    elif hasattr(raw.dbapi_connection, "run_async"):
        raw.dbapi_connection.run_async(lambda own: _execute(own, script))
    else:
        _execute(cursor, script)
    if postgresql:  # a dump sets it to nothing
        quoted = search_path.replace("'", "''")
        cursor.execute(f"SELECT set_config('search_path', '{quoted}', false)")
    raw.commit()
    cursor.close()


def _execute(driver: Any, script: str) -> Any:
    """Run several statements at once, for which sqlite3 and aiosqlite have another method."""
    return getattr(driver, "executescript", driver.execute)(script)


def statements(script: str) -> Iterator[str]:
    """Yield the statements, split as MySQL's own client does."""
    delimiter, start, position = ";", 0, 0
    while True:
        pattern = f"{QUOTED}|{CLIENT}|(?P<end>{re.escape(delimiter)})"
        match = re.compile(pattern, FLAGS).search(script, position)
        end = match.start() if match else len(script)
        if match is None or match["new"] or match["end"]:
            statement = script[start:end].strip()
            if COMMENT.sub("", statement).strip():
                yield statement
        if match is None:
            return
        position = match.end()
        if match["new"] or match["end"]:
            delimiter, start = match["new"] or delimiter, position
