"""Set up a guard in a child process that becomes the project's."""

from __future__ import annotations

import os

from alembic_lockstep.isolation import kernel, landlock, namespaces, seccomp
from alembic_lockstep.isolation.lean import signal, socket, suppress
from alembic_lockstep.isolation.processes import end_like, leave_streams, wait_for
from alembic_lockstep.isolation.task import Task


class Child:
    """A child process that sets up one guard and becomes the project's.

    It reports over a socket: the listener of its filter, or why the guard does not work.
    """

    def __init__(self, task: Task, guard: str, report: socket.socket) -> None:
        self._task = task
        self._guard = guard
        self._report = report

    def run(self) -> None:
        """Set up the guard and execute the command; does not return."""
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            if self._guard == "namespaces":
                self._enter_namespaces()
            self._execute()
        except OSError as error:
            with suppress(OSError):  # it has reported already: the program is missing
                self._report.send(f"-{error}".encode())
            os.write(2, f"{self._task.command[0]}: {error}\n".encode())
        os._exit(127)

    def _enter_namespaces(self) -> None:
        """Fork twice; return in the process that executes the command. Its ancestors wait."""
        task = self._task
        root = namespaces.prepare(task.base, [*task.writable, *task.shown], task.own)
        reading, writing = os.pipe2(os.O_CLOEXEC)
        first = os.fork()
        if first:
            self._leave_streams()
            os.close(writing)
            os.waitpid(first, 0)
            end_like(int(os.read(reading, 16) or 9))
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        namespaces.enter(root)
        project = os.fork()
        if project:
            # The first process of a PID namespace gets no signal without a handler and adopts all
            # orphans: the project must not be that process.
            self._leave_streams()
            os.write(writing, str(wait_for(project)).encode())
            os._exit(0)
        namespaces.drop_capabilities()

    def _execute(self) -> None:
        os.setsid()
        descriptors = self._restrict()
        seccomp.send(self._report, b"+", descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if not self._task.keeps_locale:
            os.environ.pop("LC_CTYPE", None)
        os.execvp(self._task.command[0], self._task.command)

    def _restrict(self) -> list[int]:
        """Drop the rights that the guard forbids; return the filter's listener, if there is one."""
        if self._guard == "python":
            return []
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if self._guard == "landlock":
            landlock.restrict_writes(self._task.writable)
        try:
            return [seccomp.install(watch_files=self._guard == "landlock")]
        except OSError:
            return []

    def _leave_streams(self) -> None:
        """Close this process's streams, so that the project's end with the project."""
        self._report.close()
        leave_streams()
