"""The program between the host and the project's process: it guards the process and ends it.

Its arguments are read by `Task`. Over the socket to the host go lines of a word and a text:

- to the host: `files GUARD`, `network GUARD` (the active guards), `tried REASON` (why another guard
  does not work), `contact ADDRESS` and `write PATH` (refused accesses);
- from the host: `allow ADDRESS`, `forbid ADDRESS`.

When the host closes the socket, or is killed, the process and all of its descendants are ended,
daemons too.
"""

from __future__ import annotations

import errno
import os
import select
import sys

# Isolated from the working directory and from site-packages: the package is found by this file.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from alembic_lockstep.isolation import kernel, seccomp
from alembic_lockstep.isolation.attempts import Contact, InodeChange
from alembic_lockstep.isolation.child import Child
from alembic_lockstep.isolation.lean import signal, socket, suppress
from alembic_lockstep.isolation.processes import end_descendants, end_like, leave_streams
from alembic_lockstep.isolation.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds for a guard to be set up; it takes milliseconds.
_SETTING_UP = 30.0
#: Most refusals that are reported, so that the socket to the host never fills.
_MOST_REPORTED = 200
#: Services that the C library asks by itself, and can do without.
_OF_THE_LIBRARY = ("/run/nscd/", "/var/run/nscd/", "/run/systemd/resolve/", "/run/systemd/userdb/")


class _Supervisor:
    """The loop that waits for the host, the kernel and the end of the project's process.

    Args:
        host: The socket to it.
        child: The project's process, or its ancestor that ends with the same status.
        listener: The filter's, if there is one.
        wakeup: A descriptor that can be read when a child has ended.
        writable: Folders and files that are written for real.
    """

    def __init__(
        self,
        host: socket.socket,
        child: int,
        listener: int | None,
        wakeup: int,
        writable: Sequence[str],
    ) -> None:
        self._host = host
        self._child = child
        self._listener = listener
        self._wakeup = wakeup
        self._writable = [os.path.realpath(path) for path in writable]
        self._allowed: set[str] = set()
        self._refused: set[str] = set()
        self._unread = b""

    def run(self) -> int | None:
        """Return the project's wait status; None if the host has ended."""
        poll = select.poll()
        watched = (self._host.fileno(), self._wakeup, self._listener)
        for descriptor in watched:
            if descriptor is not None:
                poll.register(descriptor, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self._host.fileno() in ready and not self._read_host():
                return None
            if self._listener is not None and self._listener in ready:
                if ready[self._listener] & select.POLLIN:
                    self._decide(self._listener)
                else:  # no process has the filter any more
                    poll.unregister(self._listener)
            if self._wakeup in ready:
                os.read(self._wakeup, 4096)
                status = self._reap()
                if status is not None:
                    return status

    def _reap(self) -> int | None:
        """Reap ended children; return the status of the project's process if it is one."""
        with suppress(ChildProcessError):
            while True:
                process, status = os.waitpid(-1, os.WNOHANG)
                if process in (0, self._child):
                    return status if process else None
        return None

    def _read_host(self) -> bool:
        """Read the host's messages; return False if it has ended."""
        while True:
            try:
                part = self._host.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not part:
                return False
            *lines, self._unread = (self._unread + part).split(b"\n")
            for line in lines:
                word, _, address = os.fsdecode(line).partition(" ")
                change = self._allowed.add if word == "allow" else self._allowed.discard
                change(address)

    def _decide(self, listener: int) -> None:
        """Allow or refuse one call that waits."""
        notification = seccomp.receive(listener)
        if notification is None:
            return
        self._read_host()  # the host allows an address before it sends it to the project
        attempt = notification.attempt
        if isinstance(attempt, InodeChange):
            number = 0 if self._is_ours(attempt.path) else errno.EACCES
            refused = f"write {attempt.path}"
        elif attempt is not None:
            number = 0 if self._may_reach(attempt) else errno.ECONNREFUSED
            refused = f"contact {attempt.address}"
        else:
            number, refused = 0, ""
        seccomp.answer(listener, notification, number)
        if number:
            self._report(refused)

    def _may_reach(self, contact: Contact) -> bool:
        address = contact.address
        if contact.is_path:
            return address in self._allowed or self._is_ours(address)
        host, _, port = address.rpartition(":")
        return bool(self._allowed & {address, host, f"*:{port}"})

    def _is_ours(self, path: str) -> bool:
        """Return whether the project may write a path for real."""
        real = os.path.realpath(path)
        if real.startswith(("pipe:", "socket:", "anon_inode:", "/memfd:")):
            return True
        return any(real == top or real.startswith(f"{top}/") for top in self._writable)

    def _report(self, refused: str) -> None:
        word, _, target = refused.partition(" ")
        is_news = refused not in self._refused and not target.startswith(_OF_THE_LIBRARY)
        if is_news and len(self._refused) < _MOST_REPORTED:
            self._refused.add(refused)
            _send(self._host, word, target)


def main(arguments: Sequence[str]) -> None:
    """Run the project's process and end with its status."""
    task = Task(arguments)
    host = socket.socket(fileno=task.control)
    os.set_inheritable(task.control, False)
    # Orphans become children of this process.
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing)
    child, listener = _start(task, host)
    leave_streams()
    status = _Supervisor(host, child, listener, reading, task.writable).run()
    end_descendants()
    host.close()
    end_like(signal.SIGKILL if status is None else status)


def _send(host: socket.socket, word: str, text: str) -> None:
    with suppress(OSError):  # the host has ended: the next read shows it
        host.sendall(os.fsencode(f"{word} {' '.join(text.split())}\n"))


def _start(task: Task, host: socket.socket) -> tuple[int, int | None]:
    """Start the command under the first guard that works; return its process and listener."""
    for guard in task.guards:
        child, answer, descriptors = _try(task, guard)
        if answer.startswith("+"):
            _send(host, "network", "seccomp" if descriptors else "python")
            _send(host, "files", guard)
            return child, descriptors[0] if descriptors else None
        _send(host, "tried", f"{guard}: {answer[1:] or 'it ended without a report'}")
    os._exit(127)


def _try(task: Task, guard: str) -> tuple[int, str, list[int]]:
    ours, theirs = socket.socketpair()
    child = os.fork()
    if not child:
        signal.set_wakeup_fd(-1)
        ours.close()
        Child(task, guard, theirs).run()
    theirs.close()
    ours.settimeout(_SETTING_UP)
    try:
        answer, descriptors = seccomp.take(ours)
    except OSError as error:
        answer, descriptors = f"-{error}".encode(), []
    ours.close()
    if not answer.startswith(b"+"):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return child, answer.decode("utf-8", "replace"), descriptors


if __name__ == "__main__":
    main(sys.argv[1:])
