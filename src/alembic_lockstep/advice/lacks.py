"""Recognise errors about features that a scratch server lacks: the migration has no fault."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alembic_lockstep.advice.database_servers import DATABASE_SERVERS

if TYPE_CHECKING:
    from alembic_lockstep.dryrun.observation import Observation

LACKS = re.compile(
    r'(?i)extension "(?P<extension>[^"]+)" is not available'
    r'|could not open extension control file "[^"]*?(?P<file>[^/"]+)\.control"'
    r'|could not access file "[^"]*": No such file|could not load library'
    r"|directory \"[^\"]+\" does not exist|could not (?:create|set permissions on) directory"
    r"|must be loaded via \"?shared_preload_libraries|ICU is not supported in this build"
    r"|requires the server to be built with"
    r"|Unknown storage engine|Unknown collation|Unknown character set"
    r"|Plugin '[^']*' is not loaded|doesn't yet support"
    r"|(?P<module>no such module: )"
)
#: Names that belong to the server: two replays at a time cannot both create them.
_TAKEN = re.compile(
    r"(?i)(role|database|tablespace|replication slot) \"[^\"]+\" already exists"
    r"|Operation CREATE (USER|ROLE) failed|Can't create database '[^']+'; database exists"
    r"|duplicate key value violates unique constraint \"pg_(authid|database|tablespace)_"
)
#: The probe's error for a statement that a shared server must not run.
REFUSED = "RefusedStatementError"
#: Errors about exhausted resources of the machine or the server, with what to do about them.
_USED_UP = (
    (
        re.compile(
            r"(?i)no space left on device|disk is full|disk full|errcode: 28\b|disk quota exceeded"
        ),
        "The disk of the scratch server is full. Free space on it; how much there is:\ndf -h",
    ),
    (
        re.compile(r"(?i)too many (clients|connections)|connection slots are reserved"),
        "The scratch server takes no more connections: close some, or let it take more "
        "(max_connections).",
    ),
)
#: From extensions that PostgreSQL does not ship to Debian's packages, after its version.
_PACKAGES = {"postgis": "postgis-3", "vector": "pgvector"}
_NEWEST = "$(ls /usr/lib/postgresql | sort -n | tail -n1)"


def server_lacks(observation: Observation) -> bool:
    """Return whether a run failed for a feature that another server of the dialect may have."""
    error = observation.error
    return error["type"] == REFUSED or LACKS.search(str(error["message"])) is not None


def is_name_taken(observation: Observation) -> bool:
    """Return whether a run failed because the server already has a role (or the like) so named."""
    return bool(observation.error) and _TAKEN.search(str(observation.error["message"])) is not None


def scratch_server_advice(message: str, dialect: str = "postgresql") -> str:
    """Return what to set or do where a scratch server lacks something; "" for other errors."""
    used_up = next((advice for pattern, advice in _USED_UP if pattern.search(message)), "")
    if used_up:
        return used_up
    lack = LACKS.search(message)
    if lack is None:
        return ""
    if lack["module"]:
        return (
            "The SQLite of the project's Python lacks it. Name a Python that has it:\n"
            '[tool.alembic-lockstep]\npython = "path/to/python"'
        )
    server = DATABASE_SERVERS.get(dialect)
    url = server.url("127.0.0.1") if server else f"{dialect}://…"
    lines = [
        "The scratch server lacks it. Name one that has it, such as the image of production:",
        f'[tool.alembic-lockstep.scratch]\nurls = ["{url}"]',
    ]
    extension = lack["extension"] or lack["file"]
    if extension:
        lines += [
            "Or install it for server binaries of this machine, which come before the wheel's:",
            "apt install postgresql",
        ]
        if extension in _PACKAGES:
            lines += [
                f'apt install "postgresql-{_NEWEST}-{_PACKAGES[extension]}"',
                "If apt has no such package, see https://apt.postgresql.org",
            ]
    return "\n".join(lines)
