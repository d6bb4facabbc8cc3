"""The host's side: a process of the project's behind the guard that this machine offers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

SUPERVISOR = Path(__file__).with_name("supervisor.py")

#: The guards of files, strongest first; `python` is what the probe does itself.
GUARDS = ("namespaces", "landlock", "python")

#: Seconds for the supervisor to say which guard is at work, and to end all that it started.
_STARTING = 60.0
_ENDING = 10.0


@dataclass(frozen=True)
class Policy:
    """What the project's processes may change.

    Attributes:
        guards: Which guards to try, strongest first.
        writable: Folders and files that are written for real.
        shown: Sockets that can be reached if their addresses are allowed: a view of the machine has
            only those.
        base: An empty folder, in which a view of the machine can be mounted.
        own: Folders of the user's. In a view of the machine that an account without privileges has,
            files can be changed below these, and where no folder on the way is another account's.
    """

    guards: tuple[str, ...]
    writable: tuple[str, ...]
    base: Path
    shown: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """The guard that is at work.

    Attributes:
        files: One of `GUARDS`; empty if none of those that were to be tried works.
        network: `seccomp` or `python`.
        tried: Why no stronger one is at work, a line each.
    """

    files: str = "python"
    network: str = "python"
    tried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """What the kernel refused.

    Attributes:
        addresses: Who was to be reached.
        writes: Files whose mode, owner, times or attributes were to be changed.
    """

    addresses: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@dataclass
class Cell:
    """A process, and all that it starts, behind a guard. It ends when the host ends.

    Attributes:
        process: The supervisor, which ends as the project's process does; the process itself where
            there is no supervisor.
    """

    process: subprocess.Popen[bytes]
    _control: socket.socket | None = None
    _unread: bytes = b""
    _guard: Guard | None = None

    @classmethod
    def start(
        cls,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        folder: str | None,
        log: IO[bytes],
        policy: Policy | None,
    ) -> Cell:
        """Start a command; without a policy, or on other systems than Linux, without supervisor."""
        if policy is None or sys.platform != "linux":
            return cls(_popen(command, environ, folder, log), _guard=Guard())
        ours, theirs = socket.socketpair()
        with theirs:
            supervised = _supervised(command, environ, policy, theirs.fileno())
            process = _popen(supervised, environ, folder, log, theirs.fileno())
        return cls(process, ours)

    @property
    def guard(self) -> Guard:
        """Wait for the guard that is at work."""
        if self._guard is None:
            assert self._control is not None
            self._control.settimeout(_STARTING)
            facts, tried = {"files": "", "network": ""}, []
            for word, text in self._messages():
                if word == "tried":
                    tried.append(text)
                elif word in facts:
                    facts[word] = text
                if word == "files":
                    break
            self._guard = Guard(**facts, tried=tuple(tried))
        return self._guard

    def allow(self, addresses: Iterable[str]) -> None:
        """Let the project reach addresses: `host:port` or `host` in numbers, `*:port`, a path."""
        self._tell("allow", addresses)

    def forbid(self, addresses: Iterable[str]) -> None:
        """Take back what was allowed."""
        self._tell("forbid", addresses)

    def refused(self) -> Refused:
        """Take what the kernel refused; once, after the end of the process."""
        if self._control is None:
            return Refused()
        self._control.settimeout(_ENDING)
        messages = list(self._messages())
        contacts, writes = ([t for word, t in messages if word == w] for w in ("contact", "write"))
        return Refused(tuple(contacts), tuple(writes))

    def kill(self) -> None:
        """Begin to end the process and all that it started."""
        if self._control is None:
            self._kill_group()
            return
        with suppress(OSError):  # it has ended
            self._control.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """Wait until the process has ended; one that takes too long for that is killed."""
        try:
            self.process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self.process.wait()

    def close(self) -> None:
        """Leave nothing of it."""
        self.kill()
        self.end()
        if self._control is not None:
            self._control.close()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it has gone
            os.killpg(self.process.pid, signal.SIGKILL)

    def _tell(self, word: str, texts: Iterable[str]) -> None:
        if self._control is not None:
            with suppress(OSError):  # it has ended
                self._control.sendall(b"".join(os.fsencode(f"{word} {text}\n") for text in texts))

    def _messages(self) -> Iterable[tuple[str, str]]:
        """Yield words and texts until the supervisor has ended, or says nothing for too long."""
        assert self._control is not None
        while True:
            while b"\n" in self._unread:
                line, _, self._unread = self._unread.partition(b"\n")
                word, _, text = os.fsdecode(line).partition(" ")
                yield word, text
            try:
                part = self._control.recv(65536)
            except OSError:
                return
            if not part:
                return
            self._unread += part


def _supervised(
    command: Sequence[str], environ: Mapping[str, str], policy: Policy, control: int
) -> list[str]:
    """Return the command that runs another one under the supervisor; see `task.py`."""
    keeps_locale = "1" if "LC_CTYPE" in environ else "0"
    task = [str(control), keeps_locale, ",".join(policy.guards), str(policy.base)]
    for paths in (policy.writable, policy.shown, policy.own):
        task += [str(len(paths)), *paths]
    return [sys.executable, "-I", "-S", str(SUPERVISOR), *task, *command]


def _popen(
    command: Sequence[str],
    environ: Mapping[str, str],
    folder: str | None,
    log: IO[bytes],
    *descriptors: int,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        cwd=folder,
        env=environ,
        pass_fds=descriptors,
        start_new_session=True,
    )
