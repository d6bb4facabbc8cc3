"""End processes, and end as another process did."""

from __future__ import annotations

import os
import time

from alembic_lockstep.isolation.lean import signal, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds until killed processes must have ended.
_PATIENCE = 5.0


def wait_for(process: int) -> int:
    """Reap every child until one process ends; return its status."""
    while True:
        ended, status = os.wait()
        if ended == process:
            return status


def leave_streams() -> None:
    """Replace the standard streams by /dev/null, so that they end with the project."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def end_descendants() -> None:
    """Kill all descendants until none is left, or the time is up."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for process in _descendants(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.001)


def _descendants(top: int) -> Iterator[int]:
    children: dict[int, list[int]] = {}
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
            # Behind the name, which may hold anything: the state, then the parent. proc(5)
            parent = int(file.read().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    waiting = children.get(top, [])
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, [])


def end_like(status: int) -> None:
    """End this process with the wait status of another one."""
    if os.WIFSIGNALED(status):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        number = os.WTERMSIG(status)
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
