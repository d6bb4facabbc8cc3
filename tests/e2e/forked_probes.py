"""Start the project's Python as a fork of a process that has imported SQLAlchemy and Alembic.

Each check starts the project's Python once or several times, and three quarters of what that costs
are these imports. A fork has run what a new process runs until its request comes, and nothing of
any project: see `probe_server.py`. The supervisor, its guards and all that follows are the check's.

What a fork would not be like is started as usual: another interpreter, a virtual environment with
packages or start-up code of its own, Python's variables. `test_forked_probes.py` compares both.
"""

from __future__ import annotations

import array
import marshal
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO

from alembic_lockstep.dryrun.probe_process import LOCAL, PROBE, START
from alembic_lockstep.isolation import cell

SERVER = Path(__file__).with_name("probe_server.py")
LIMITS = [getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")]
#: The bytes of the variables that a fork can show in /proc.
SHOWN = 4096
#: What the server runs. Its module is not in `sys.modules`, as no project has it there.
CODE = """\
import sys; sys.path[:1] = filter(None, sys.path[:1])
import importlib.util as u
before = {*sys.modules}, {*sys.path_importer_cache}
spec = u.spec_from_file_location("probe_server", sys.argv[1])
module = u.module_from_spec(spec)
spec.loader.exec_module(module)
module.serve(int(sys.argv[2]), *sys.argv[3:], *before)
"""


class ProbeServer:
    """The process of which probes are forks; it ends with this process.

    Args:
        python: The interpreter of a virtual environment that sees what projects see. It is needed
            only until the server has started.
        environ: Python's own variables are those that projects start with.

    Attributes:
        address: The name of its socket.
    """

    def __init__(self, python: Path, environ: Mapping[str, str]) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind("")  # Linux chooses an abstract name
            listener.listen(64)
            self.address = listener.getsockname().decode("ascii").lstrip("\0")
            number = listener.fileno()
            arguments = [str(SERVER), str(number), str(cell.SUPERVISOR), START, str(PROBE)]
            self._process = subprocess.Popen(
                [str(python), "-c", CODE, *arguments],
                stdin=subprocess.PIPE,  # the server ends when it is closed
                stdout=subprocess.PIPE,
                env={**environ, "PYTHONHASHSEED": "0", "SHOWN": " " * SHOWN},
                cwd=os.sep,  # as probes are
                pass_fds=[number],
                start_new_session=True,
            )
        assert self._process.stdout
        assert self._process.stdout.readline(), "the server of probes has not started"


class ForkedProcess:
    """A supervisor that is a fork: what a cell asks of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self._connection = connection
        self.stdin = stdin
        self.stdout = stdout
        self.pid = int(connection.recv(16))
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self.returncode = int(self._connection.recv(16) or -signal.SIGKILL)
            except TimeoutError:
                raise subprocess.TimeoutExpired("a forked probe", timeout or 0) from None
            self._connection.close()
        return self.returncode


def fork_probes(address: str) -> None:
    """Have cells of this process start their probes as forks, where these are like new processes.

    Args:
        address: The name of the server's socket.
    """
    start = cell._popen

    def start_or_fork(
        command: Sequence[str],
        environ: Mapping[str, str],
        folder: str | None,
        log: IO[bytes],
        *descriptors: int,
    ) -> subprocess.Popen[bytes] | ForkedProcess:
        if LOCAL not in command or not descriptors:
            return start(command, environ, folder, log, *descriptors)
        return _fork(address, command, environ, folder, [*descriptors, log.fileno()])

    cell._popen = start_or_fork  # type: ignore[assignment]


def _fork(
    address: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    folder: str | None,
    descriptors: Sequence[int],
) -> ForkedProcess:
    control, log = descriptors
    request = {
        # Behind Python's options, the supervisor's file and the number of its socket.
        "arguments": [*command[command.index(str(cell.SUPERVISOR)) + 2 :]],
        "environ": dict(environ),
        "folder": folder or str(Path.cwd()),
        "limits": [(number, resource.getrlimit(number)) for number in LIMITS],
    }
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(f"\0{address}")
    theirs, stdin = os.pipe()
    stdout, theirs_too = os.pipe()
    rights = array.array("i", [control, theirs, theirs_too, log])
    connection.sendmsg([marshal.dumps(request)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    for descriptor in (theirs, theirs_too):
        os.close(descriptor)
    return ForkedProcess(connection, os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"))


if __name__ == "__main__":  # the tool, as a hook starts it: ADDRESS ARGUMENT…
    sys.path[0] = ""  # as `python -m` does
    fork_probes(sys.argv.pop(1))
    import_module("alembic_lockstep.start").entry()
