"""Advise on an SQL file for the setting `start`: how to dump a database."""

from __future__ import annotations

from alembic_lockstep.git.pathspec import add_command

FILE = "start.sql"

# Commands that dump the schema of a database `app` and its revision. Rows as INSERT: no driver
# runs the COPY of a dump.
_DUMPS = {
    "sqlite": (
        f"sqlite3 app.db '.schema --nosys' > {FILE}",
        f"sqlite3 app.db '.dump --data-only alembic_version' >> {FILE}",
    ),
    "postgresql": (
        f"pg_dump --schema-only --no-owner --no-privileges app > {FILE}",
        f"pg_dump --data-only --inserts --table=alembic_version app >> {FILE}",
    ),
    "mysql": (
        f"mysqldump --no-data app > {FILE}",
        f"mysqldump --no-create-info --skip-add-locks app alembic_version >> {FILE}",
    ),
}
_DUMPS["mariadb"] = _DUMPS["mysql"]


def start_file_advice(dialect: str = "") -> str:
    """Return the commands that make the file, and the setting that names it.

    Args:
        dialect: The dialect of the project's databases; without one there are no commands.
    """
    instruction = "Start from an SQL file that makes the schema of your databases at a revision"
    dumps = _DUMPS.get(dialect, ())
    example = ", at the root, such as the dump of one (app)" if dumps else ""
    title = f"{instruction}{example}:"
    lines = [title, *dumps, add_command([FILE]), "[tool.alembic-lockstep]", f'start = "{FILE}"']
    return "\n".join(lines)
