"""The host's side: a process of the project behind the guard that this machine offers."""

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

#: The guards of files, strongest first; `python` is that of the probe.
GUARDS = ("namespaces", "landlock", "python")

#: Seconds for the supervisor to report its guard, and to end all processes that it started.
_STARTING = 60.0
_ENDING = 10.0


@dataclass(frozen=True)
class Policy:
    """The files that the project's processes may change, and the guards to try.

    Attributes:
        guards: Which guards to try, strongest first.
        writable: Folders and files that are written for real.
        shown: Sockets in a view of the machine; they can be reached if their addresses are allowed.
        base: An empty folder, in which a view of the machine can be mounted.
        own: Folders of the user. In a view of the machine that an account without privileges has,
            files can be changed below these, and where all parent folders are the account's own.
    """

    guards: tuple[str, ...]
    writable: tuple[str, ...]
    base: Path
    shown: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """The guard that is active.

    Attributes:
        files: One of `GUARDS`; empty if none of those that were tried works.
        network: `seccomp` or `python`.
        tried: Why no stronger guard is active, a line each.
    """

    files: str = "python"
    network: str = "python"
    tried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """The accesses that the kernel refused.

    Attributes:
        addresses: Addresses that the project tried to reach.
        writes: Files whose mode, owner, times or attributes were to be changed.
    """

    addresses: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


@dataclass
class Cell:
    """A process and its descendants behind a guard. They end when the host ends.

    Attributes:
        process: The supervisor, which ends with the exit status of the project's process; that
            process itself where there is no supervisor.
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
        """Wait until the guard is active and return it."""
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
        """Allow addresses: `host:port` or `host` in numbers, `*:port`, a path."""
        self._send("allow", addresses)

    def forbid(self, addresses: Iterable[str]) -> None:
        """Forbid addresses that were allowed."""
        self._send("forbid", addresses)

    def refused(self) -> Refused:
        """Return the refused accesses; to be called once, after the end of the process."""
        if self._control is None:
            return Refused()
        self._control.settimeout(_ENDING)
        messages = list(self._messages())
        return Refused(
            addresses=tuple(text for word, text in messages if word == "contact"),
            writes=tuple(text for word, text in messages if word == "write"),
        )

    def kill(self) -> None:
        """Begin to end the process and its descendants."""
        if self._control is None:
            self._kill_group()
            return
        with suppress(OSError):  # it has ended
            self._control.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """Wait until the process has ended; kill it if that takes too long."""
        try:
            self.process.wait(_ENDING)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self.process.wait()

    def close(self) -> None:
        """End the process and close the socket."""
        self.kill()
        self.end()
        if self._control is not None:
            self._control.close()

    def _kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):  # it has ended
            os.killpg(self.process.pid, signal.SIGKILL)

    def _send(self, word: str, texts: Iterable[str]) -> None:
        if self._control is not None:
            with suppress(OSError):  # it has ended
                self._control.sendall(b"".join(os.fsencode(f"{word} {text}\n") for text in texts))

    def _messages(self) -> Iterable[tuple[str, str]]:
        """Yield words and texts until the supervisor has ended, or is silent for too long."""
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
