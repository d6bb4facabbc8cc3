"""Judge child processes: no database clients; without a kernel's guard only harmless programs."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .programs import ADVICE, client, commands, is_harmless, shell_commands
from .reads import ABOUT_MACHINE
from .refusals import Refusals
from .unwrapped import is_there

# Parts of the standard library that are between the project and a call.
LIBRARY_MODULES = {
    *("subprocess", "os", "pty", "asyncio", "concurrent", "threading", "multiprocessing"),
    "contextlib",  # in which our own check is called
}
FORKS = {"os.fork", "os.forkpty"}
# A forked child keeps the audit hook and the wrapped functions: these fork to run Python.
FORKING = {"multiprocessing.popen_fork", "multiprocessing.forkserver"}
OWN_PYTHON = (
    "a new Python would have none of this one's guards. In a migration, call the function; "
    "for multiprocessing, use the start method fork; or name it in allow-run"
)


class Children:
    """Judge of each process that is to be started.

    Args:
        allowed: Base names of programs, the setting `allow-run`.
        guarded: Whether the kernel guards children, too.
        writable: Folders whose programs are the project's own, whatever their names.
    """

    def __init__(
        self, allowed: Sequence[str], guarded: bool, writable: Sequence[str], refusals: Refusals
    ) -> None:
        self._allowed = set(allowed)
        self._guarded = guarded
        self._writable = tuple(os.path.realpath(folder) + os.sep for folder in writable)
        self._refusals = refusals

    def audit(self, event: str, arguments: Any) -> None:
        """Raise `RefusedProgramError` for what must not be started."""
        if event in FORKS:
            self._check_fork(event)
            return
        command = _command(event, arguments)
        if command is not None:
            self._check(event, *command)

    def audit_signal(self, event: str, arguments: Any) -> None:
        """Raise `RefusedProgramError` for a signal to a process that is not of this run.

        The probe has a session of its own, in which its children are.
        """
        process = arguments[0]
        try:
            is_ours = process in (0, os.getpid()) or os.getsid(process) == os.getsid(0)
        except ProcessLookupError:
            return
        if not is_ours:
            raise self._refusals.program(event, f"a signal to process {process}")

    def _check_fork(self, event: str) -> None:
        if not self._guarded and not any(name in FORKING for name in _calling_modules()):
            if "fork" in self._allowed:
                return
            raise self._refusals.program(event, "fork")

    def _check(self, event: str, program: str, argv: Sequence[str]) -> None:
        if os.path.basename(program) in self._allowed or _is_about_machine():
            return
        lines = shell_commands(program) if event == "os.system" else commands(program, argv)
        if lines is None and not self._guarded:
            raise self._refusals.program(event, os.path.basename(program.split()[0]))
        for command in lines or ():
            self._check_command(event, command)

    def _check_command(self, event: str, command: List[str]) -> None:
        name = os.path.basename(command[0])
        if name in self._allowed:
            return
        if client(command):
            raise self._refusals.program(event, name, ADVICE, is_permissible=False)
        if self._guarded or (is_harmless(command) and not self._is_projects(command[0])):
            return
        is_python = command[0] in (sys.executable, os.path.realpath(sys.executable))
        raise self._refusals.program(event, name, OWN_PYTHON if is_python else "")

    def _is_projects(self, program: str) -> bool:
        """Return whether the name leads to a program of the project's own, also by PATH."""
        if os.sep in program:
            return os.path.realpath(program).startswith(self._writable)
        folders = map(os.path.realpath, os.environ.get("PATH", "").split(os.pathsep))
        own = (entry for entry in folders if f"{entry}{os.sep}".startswith(self._writable))
        return any(is_there(os.path.join(owned, program)) for owned in own)

    def wrap_multiprocessing(self, module: ModuleType) -> None:
        """Guard `multiprocessing.util`, which starts Python without an audit event."""
        spawn: Any = module.spawnv_passfds

        def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:
            words = [os.fsdecode(argument) for argument in args]
            if not _is_tracker(words):
                self._check("multiprocessing", os.fsdecode(path), words)
            return spawn(path, args, passfds)

        module.spawnv_passfds = spawnv_passfds  # type: ignore[attr-defined]


def _is_tracker(words: List[str]) -> bool:
    """Return whether it is the standard library's own process that only counts semaphores."""
    return words[-1].startswith("from multiprocessing.resource_tracker import main;main(")


def _command(event: str, arguments: Any) -> Optional[Tuple[str, List[str]]]:
    """Return the program that an event starts and its argv; None for other events."""
    if event == "os.system":
        return os.fsdecode(arguments[0]), []
    if event == "pty.spawn":
        words = _decoded(arguments[0])
        return words[0], words
    if event not in EVENTS:
        return None
    program, argv = EVENTS[event]
    words = _decoded(arguments[argv])
    executable = arguments[program]
    return os.fsdecode(executable) if executable else words[0], words


# The positions of program and argv among the events' arguments.
EVENTS: Dict[str, Tuple[int, int]] = {
    "subprocess.Popen": (0, 1),
    "os.exec": (0, 1),
    "os.posix_spawn": (0, 1),
    "os.spawn": (1, 2),
}
SIGNALS = ("os.kill", "os.killpg")
STARTS = (*FORKS, *EVENTS, "os.system", "pty.spawn")


def _decoded(argv: Any) -> List[str]:
    if isinstance(argv, (str, bytes, os.PathLike)):
        argv = [argv]
    return [os.fsdecode(word) for word in argv]


def _calling_modules() -> List[str]:
    """Return the names of the calling modules, up to the first that is not the library's."""
    names = []
    frame: Any = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(__package__):
            names.append(name)
            if name.partition(".")[0] not in LIBRARY_MODULES:
                break
        frame = frame.f_back
    return names


def _is_about_machine() -> bool:
    """Return whether the library asks the machine about itself: `platform`, `ctypes.util`."""
    return any(name in ABOUT_MACHINE for name in _calling_modules())
