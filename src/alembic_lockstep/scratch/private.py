"""Run a private server of any kind: its data is in a slot, a guard runs it for one run."""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from alembic_lockstep.advice.lacks import scratch_server_advice
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch import server_watch
from alembic_lockstep.scratch.account import (
    Account,
    base_directory,
    last_words,
    make_directory,
    make_private_directory,
    server_account,
    server_environment,
)
from alembic_lockstep.scratch.server import Server, ServerSettings
from alembic_lockstep.system.slots import acquire_slot

#: Seconds; a start takes 0.1 to 0.3 s, a recovery after a crash somewhat longer.
_START_TIMEOUT = 60.0


class Program(Protocol):
    """The programs of one install of a database server.

    Attributes:
        folder: The folder of its slots below the cache; other installs with this folder can run
            them.
        stop: The signal that ends the server at once.
        connects: Whether the server connects to itself.
    """

    folder: str
    stop: signal.Signals
    connects: bool

    def initialise(self, new: Path, account: Account | None) -> None:
        """Make the directory ``new/data`` with an empty server's files in it."""
        ...

    def settle(self, data: Path) -> None:
        """Delete settings that a project has stored in the server, which may not start with them.

        Called before each start.
        """
        ...

    def command(self, slot: Path, port: int) -> list[str]:
        """Return the command that runs the server on the slot's data, on the loopback address.

        The slot's ``tmp`` is the server's folder for temporary files.
        """
        ...

    def mark(self, data: Path) -> str:
        """Return the words of that command that name the data directory."""
        ...

    def pid_file(self, data: Path) -> Path:
        """Return the file whose first line is the running server's process number."""
        ...

    def is_ready(self, slot: Path, port: int) -> bool:
        """Return whether this server listens on the port, without connecting to it.

        Connecting could give the password to a server of somebody else.
        """
        ...


@dataclass(frozen=True)
class Unusable:
    """The reason why a directory or package has no programs that work."""

    reason: str


class Install(Protocol):
    """A server's programs on this machine."""

    @property
    def description(self) -> str:
        """Return their name and directory, for people."""
        ...


_Install = TypeVar("_Install", bound=Install)


def start_private(
    settings: ServerSettings,
    *,
    accounts: Iterable[str],
    find: Callable[[Path, Account | None], Iterable[_Install | Unusable]],
    run: Callable[[_Install, Account | None, Path, tuple[str, ...]], Server],
    product: str,
    fix: str,
) -> Server:
    """Start a private server with the first programs that work.

    Args:
        accounts: Names of accounts to run as, where we are root.
        find: Returns the programs of this machine, best first.
        run: Starts a server with them; OSError or RuntimeError if they do not work.
        product: The server's name in the message if none works: "PostgreSQL".
        fix: The lines to paste then.

    Raises:
        CouldNotJudge: none works.
    """
    tried = ["server URL: none in the settings"]
    try:
        account = server_account(*accounts)
        base = base_directory(settings.cache, account)
        for install in find(base, account):
            if isinstance(install, Unusable):
                tried.append(install.reason)
                continue
            try:
                return run(install, account, base, settings.setup)
            except (OSError, RuntimeError) as error:  # broken binaries: the next ones may work
                tried.append(f"{install.description}: {error}")
    except OSError as error:
        tried.append(f"a directory for a private server: {error}")
    raise CouldNotJudge(
        f"no {product} server could be started for scratch databases",
        tried=tried,
        fix=scratch_server_advice("\n".join(tried)) or fix,
    )


@dataclass(frozen=True)
class RunningServer:
    """A private server that runs.

    Attributes:
        slot: The folder of its data, log and temporary files.
        port: Its port on the loopback address.
        notes: How it runs otherwise than it should, for people, a line each.
    """

    slot: Path
    port: int
    notes: tuple[str, ...]


@contextmanager
def running(program: Program, account: Account | None, base: Path) -> Iterator[RunningServer]:
    """Run a server in a free slot until exit.

    Raises:
        OSError, RuntimeError: the binaries do not work on this machine.
    """
    parent = base
    for name in Path(program.folder).parts:
        parent = make_directory(parent / name, account)
    with acquire_slot(parent) as slot:
        if account is not None:
            slot.chmod(0o711)
        process, port = _start(program, account, slot)
        try:
            yield RunningServer(slot, port, tuple(_unguarded(slot)))
        finally:
            _stop(program, process, slot)


def _start(
    program: Program, account: Account | None, slot: Path
) -> tuple[subprocess.Popen[bytes], int]:
    # The second attempt is for a port that was taken meanwhile, the third for data that a power
    # cut has damaged.
    for attempt in (1, 2, 3):
        _prepare(program, account, slot, from_scratch=attempt == 3)
        port = _free_port()
        process = _launch(program, account, slot, port)
        try:
            _wait_until_ready(program, process, slot, port)
            return process, port
        except BaseException as error:
            _stop(program, process, slot)
            if attempt == 3 or not isinstance(error, RuntimeError):
                raise
    raise AssertionError("the last attempt returns or raises")


def _prepare(program: Program, account: Account | None, slot: Path, *, from_scratch: bool) -> None:
    """Make the slot's data unless it has some, and an empty ``tmp``.

    The data is moved to its folder when it is complete.
    """
    for leftover in slot.glob("new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    data = slot / "data"
    if from_scratch:
        shutil.rmtree(data, ignore_errors=True)
    if not data.exists():
        new = Path(tempfile.mkdtemp(prefix="new-", dir=slot))
        if account is not None:
            new.chmod(0o711)
        program.initialise(new, account)
        (new / "data").rename(data)
        shutil.rmtree(new)
    program.settle(data)
    shutil.rmtree(slot / "tmp", ignore_errors=True)
    make_private_directory(slot / "tmp", account)


def _launch(
    program: Program, account: Account | None, slot: Path, port: int
) -> subprocess.Popen[bytes]:
    data = slot / "data"
    options = {
        "command": program.command(slot, port),
        "stop": int(program.stop),
        "pid_file": str(program.pid_file(data)),
        "mark": program.mark(data),
        "lock": str(slot / "guard.lock"),
        "account": account.options if account else {},
        "writable": [str(data), str(slot / "tmp"), "/dev/shm"],  # noqa: S108 - shared memory
        "connects": program.connects,
        "unguarded": str(slot / "unguarded"),
    }
    (slot / "log").touch(mode=0o600)
    with (slot / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", server_watch.__file__, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            env=server_environment(),
            start_new_session=True,
        )


def _unguarded(slot: Path) -> Iterator[str]:
    """Yield a note for each access that the kernel could not refuse the server."""
    for line in (slot / "unguarded").read_text().splitlines():
        yield f"the scratch server is not guarded against {line}; see docs/isolation.md"


def _wait_until_ready(
    program: Program, process: subprocess.Popen[bytes], slot: Path, port: int
) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not program.is_ready(slot, port):
        if process.poll() is not None or time.monotonic() > deadline:
            name = Path(program.command(slot, port)[0]).name
            log = (slot / "log").read_text(errors="replace")
            raise RuntimeError(f"{name} did not start: {last_words(log)}")
        time.sleep(0.005)


def _stop(program: Program, process: subprocess.Popen[bytes], slot: Path) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(3 * server_watch.PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # In case the guard was killed.
    data = slot / "data"
    server_watch.stop_leftover(program.pid_file(data), program.mark(data), program.stop)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def boot_id() -> str:
    """Return an identifier of the machine's boot; a new one at each call if that is unknown.

    Data written without waiting for the disk outlives a killed server, not a power cut.
    """
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    command = ["sysctl", "-n", "kern.bootsessionuuid"]  # macOS
    with suppress(OSError, subprocess.CalledProcessError):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return secrets.token_hex(16)
