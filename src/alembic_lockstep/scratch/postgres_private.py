"""Run a private PostgreSQL server: make its cluster, call its programs."""

from __future__ import annotations

import secrets
import signal
from contextlib import ExitStack
from pathlib import Path

from alembic_lockstep.scratch.account import Account, give, make_private_directory, run
from alembic_lockstep.scratch.postgres_admin import PostgresServer
from alembic_lockstep.scratch.postgres_installs import PostgresInstall
from alembic_lockstep.scratch.private import boot_id, running

_USER = "lockstep"
_PASSWORD = "lockstep.password"  # noqa: S105 - a file name
#: Durability is off, since nothing here outlives a crash of the machine (the snapshots' era). So
#: are background processes.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "20",
    "max_prepared_transactions": "20",  # an env.py may commit several databases in two phases
    "max_locks_per_transaction": "512",  # few connections, but a whole history in one transaction
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "logical",  # a migration may make a replication slot
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_parallel_workers": "0",
    "autovacuum": "off",
    "jit": "off",
    "checkpoint_timeout": "1d",
    "logging_collector": "off",
    "log_destination": "stderr",
    "timezone": "UTC",
}


def run_private_server(
    install: PostgresInstall, account: Account | None, base: Path, setup: tuple[str, ...]
) -> PostgresServer:
    """Start a server of an install in a free slot; its `close` also stops the server.

    Raises:
        OSError, RuntimeError: the binaries do not work on this machine.
    """
    with ExitStack() as stack:
        private = stack.enter_context(running(_Postgres(install), account, base))
        password = (private.slot / "data" / _PASSWORD).read_text()
        url = f"postgresql://{_USER}:{password}@127.0.0.1:{private.port}/postgres"
        server = PostgresServer(
            url,
            setup=setup,
            description=install.description,
            era=boot_id(),
            own_notes=private.notes,
        )
        server.when_closed(stack.pop_all().close)
        return server


class _Postgres:
    """initdb and postgres of one install."""

    stop = signal.SIGQUIT

    def __init__(self, install: PostgresInstall) -> None:
        self._install = install
        self.folder = f"postgresql/{install.key}"
        self.connects = install.major < 15

    def initialise(self, new: Path, account: Account | None) -> None:
        password, data = new / _PASSWORD, new / "data"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        give(password, account)
        make_private_directory(data, account)
        options = ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C"]
        options += [
            "--data-checksums",
            "--no-sync",
            "--wal-segsize=1",
            f"--username={_USER}",
            f"--pgdata={data}",
        ]
        run([str(self._install.directory / "initdb"), *options], account)
        password.rename(data / _PASSWORD)

    def settle(self, data: Path) -> None:
        """Delete the settings of ALTER SYSTEM."""
        settings = data / "postgresql.auto.conf"
        if settings.is_file() and not settings.is_symlink():
            settings.write_text("")

    def command(self, slot: Path, port: int) -> list[str]:
        settings = {**_SETTINGS, "port": str(port)}
        if self._install.major >= 18:
            settings["io_method"] = "sync"  # else three more processes
        command = [str(self._install.directory / "postgres"), "-D", str(slot / "data")]
        return command + [f"--{name}={value}" for name, value in settings.items()]

    def mark(self, data: Path) -> str:
        return f"-D {data}"

    def pid_file(self, data: Path) -> Path:
        return data / "postmaster.pid"

    def is_ready(self, slot: Path, port: int) -> bool:
        """Return whether the PID file says so, as pg_ctl does."""
        try:
            lines = self.pid_file(slot / "data").read_text().splitlines()
        except OSError:
            return False
        # https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h
        return len(lines) > 7 and lines[3] == str(port) and lines[7].strip() == "ready"
