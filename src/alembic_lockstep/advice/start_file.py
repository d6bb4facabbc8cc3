"""Advice on an SQL file for the setting `start`: how a dump of a database is made."""

from __future__ import annotations

from alembic_lockstep.git.pathspec import add_command

FILE = "start.sql"

# What makes the schema of a database `app`, and the revision that it is at. Rows as INSERT: no
# driver runs the COPY of a dump.
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
    """Return the commands that make the file and the setting that names it.

    Args:
        dialect: That of the project's databases, where it has a program that dumps a schema.
    """
    what = "Start from an SQL file that makes the schema of your databases at a revision"
    dumps = _DUMPS.get(dialect, ())
    title = f"{what}, at the root, such as the dump of one (app):" if dumps else f"{what}:"
    lines = [title, *dumps, add_command([FILE]), "[tool.alembic-lockstep]", f'start = "{FILE}"']
    return "\n".join(lines)
