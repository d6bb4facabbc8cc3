"""A private PostgreSQL server: a cluster kept in a slot, run under a guard for one run."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from alembic_lockstep.dryrun.scratch import postgres_guard
from alembic_lockstep.dryrun.scratch.postgres_account import (
    Account,
    last_words,
    make_directory,
    run,
    server_environment,
)
from alembic_lockstep.dryrun.scratch.postgres_admin import PostgresServer
from alembic_lockstep.dryrun.scratch.postgres_installs import Install
from alembic_lockstep.slots import acquire_slot

_USER = "lockstep"
_PASSWORD = "lockstep.password"  # noqa: S105 - a file name
#: Seconds; a start takes 0.1 s, a recovery after a crash somewhat longer.
_START_TIMEOUT = 60.0
#: Nothing here outlives the run, so durability is off; so is what works in the background.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "20",
    "max_locks_per_transaction": "512",  # few connections, but a whole history in one transaction
    "shared_buffers": "16MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
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
    install: Install, account: Account | None, base: Path, setup: tuple[str, ...]
) -> PostgresServer:
    """Start a server of an install in a free slot; closing it stops the server, too.

    Raises:
        OSError, RuntimeError: the binaries do not work here.
    """
    with ExitStack() as stack:
        parent = base
        for name in ("postgresql", install.key):
            parent = make_directory(parent / name, account)
        slot = stack.enter_context(acquire_slot(parent))
        if account is not None:
            slot.chmod(0o711)
        url = stack.enter_context(_running(install, account, slot))
        server = PostgresServer(url, setup=setup, description=install.description)
        server.when_closed(stack.pop_all().close)
        return server


@contextmanager
def _running(install: Install, account: Account | None, slot: Path) -> Iterator[str]:
    guard, url = _start(install, account, slot)
    try:
        yield url
    finally:
        _stop(guard, slot)


def _start(
    install: Install, account: Account | None, slot: Path
) -> tuple[subprocess.Popen[bytes], str]:
    # A second try is for a port that another took meanwhile, the third for a cluster that a power
    # cut has damaged.
    for attempt in (1, 2, 3):
        _prepare(install, account, slot, anew=attempt == 3)
        port = _free_port()
        guard = _launch(install, account, slot, port)
        try:
            _wait_until_ready(guard, slot, port)
            password = (slot / "data" / _PASSWORD).read_text()
            return guard, f"postgresql://{_USER}:{password}@127.0.0.1:{port}/postgres"
        except BaseException as error:
            _stop(guard, slot)
            if attempt == 3 or not isinstance(error, RuntimeError):
                raise
    raise AssertionError("the last attempt returns or raises")


def _prepare(install: Install, account: Account | None, slot: Path, *, anew: bool) -> None:
    """Make the slot's cluster unless it has one. It appears whole, or not at all."""
    for leftover in slot.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    data = slot / "data"
    if anew:
        shutil.rmtree(data, ignore_errors=True)
    if not data.exists():
        new = Path(tempfile.mkdtemp(prefix="new-", dir=slot))
        _initialise(install, account, new)
        (new / "data").rename(data)
        shutil.rmtree(new)


def _initialise(install: Install, account: Account | None, new: Path) -> None:
    password, data = new / _PASSWORD, new / "data"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    data.mkdir(mode=0o700)
    if account is not None:
        new.chmod(0o711)
        os.chown(password, account.uid, account.gid)
        os.chown(data, account.uid, account.gid)
    options = ["--auth=scram-sha-256", f"--pwfile={password}", "--encoding=UTF8", "--locale=C"]
    options += ["--no-sync", "--wal-segsize=1", f"--username={_USER}", f"--pgdata={data}"]
    run([str(install.directory / "initdb"), *options], account)
    password.rename(data / _PASSWORD)


def _launch(
    install: Install, account: Account | None, slot: Path, port: int
) -> subprocess.Popen[bytes]:
    settings = {**_SETTINGS, "port": str(port)}
    if install.major >= 18:
        settings["io_method"] = "sync"  # else three more processes
    command = [str(install.directory / "postgres"), "-D", str(slot / "data")]
    command += [f"--{name}={value}" for name, value in settings.items()]
    options = {
        "command": command,
        "data": str(slot / "data"),
        "lock": str(slot / "guard.lock"),
        "account": account.options if account else {},
    }
    (slot / "log").touch(mode=0o600)
    with (slot / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", postgres_guard.__file__, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env=server_environment(),
            start_new_session=True,
        )


def _wait_until_ready(guard: subprocess.Popen[bytes], slot: Path, port: int) -> None:
    # As pg_ctl does it. To connect until it works could hand the password to another's server.
    deadline = time.monotonic() + _START_TIMEOUT
    while not _is_ready(slot, port):
        if guard.poll() is not None or time.monotonic() > deadline:
            log = (slot / "log").read_text(errors="replace")
            raise RuntimeError(f"postgres did not start: {last_words(log)}")
        time.sleep(0.005)


def _is_ready(slot: Path, port: int) -> bool:
    try:
        lines = (slot / "data" / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    # https://github.com/postgres/postgres/blob/master/src/include/utils/pidfile.h
    return len(lines) > 7 and lines[3] == str(port) and lines[7].strip() == "ready"


def _stop(guard: subprocess.Popen[bytes], slot: Path) -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    try:
        guard.wait(3 * postgres_guard.PATIENCE)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()
    postgres_guard.stop_leftover(slot / "data")  # where somebody has killed the guard


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
