"""Record the names of files that the project reads; `trace.py` sorts them.

Python raises audit events for opened files, listed folders and started processes, but none for
`os.stat` and its like: these are wrapped. The import system's own `stat` cannot be recorded; it
looks for nothing that the folders which it lists do not have. https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, Optional, Set

from .executed import ExecutedFunctions, reads_interface
from .recorded_calls import is_of, record_calls

OUR_PACKAGE = __name__.partition(".")[0]
# Each with the position of the program among the event's arguments.
PROCESSES = {
    "subprocess.Popen": 0,
    "os.system": 0,
    "os.exec": 0,
    "os.posix_spawn": 0,
    "os.spawn": 1,
    "os.fork": 0,
    "os.forkpty": 0,
    "pty.spawn": 0,
}
IMPORT_SYSTEM = "<frozen importlib._bootstrap_external>"
STARTERS = {"subprocess", "os", "pty"}
# The attribute of a function that shows its body to who reads it.
BODY = "__code__"
# Modules of the standard library that ask the machine about itself by running programs.
ABOUT_MACHINE = {"ctypes.util", "platform", "uuid"}

readlink = os.readlink


class Names:
    """Names of files that were read, all absolute, as the project spelt them.

    Attributes:
        opened: Files that were opened to be read, whether they exist or not.
        looked: Paths that were looked at without being opened.
        existing: Paths of which only the existence, or whether it is a folder, was asked.
        absent: Paths that were looked at and do not exist.
        listed: Folders that were listed by anything but the import system.
        searched: Folders that the import system listed.
        imported: Last components of the names of modules that were looked for.
        texts: Python files that were opened by anything but the import system.
        settings: Files `pyproject.toml` that were opened by anything but Alembic.
    """

    def __init__(self) -> None:
        self.opened: Set[str] = set()
        self.looked: Set[str] = set()
        self.existing: Set[str] = set()
        self.absent: Set[str] = set()
        self.listed: Set[str] = set()
        self.searched: Set[str] = set()
        self.imported: Set[str] = set()
        self.texts: Set[str] = set()
        self.settings: Set[str] = set()


class Reads(Names):
    """Recorder of all reads, and of those while revisions ran: a run from a snapshot has not these.

    Attributes:
        during: Reads while revisions ran.
        is_migrating: True while a revision runs.
        untraced: Calls that may have read further files, in words.
        scratch: Our own databases, to be left out.
        shadow: Our folder for the project's writes elsewhere, to be left out; may be empty.
        executed: The functions that ran.
    """

    def __init__(self) -> None:
        super().__init__()
        self.during = Names()
        self.is_migrating = False
        self.untraced: Set[str] = set()
        self.scratch: Set[str] = set()
        self.shadow = ""
        self.executed = ExecutedFunctions()
        self._recording = False
        self._unnoted = threading.local()
        self._notes: Dict[str, Callable[[str, Any], None]] = {
            "open": self._open,
            "import": self._import,
            "os.listdir": self._list,
            "os.scandir": self._list,
            "object.__getattr__": self._inspect,
            **dict.fromkeys(PROCESSES, self._process),
        }

    def start(self) -> None:
        """Begin to record. Neither hook nor wrappers are ever removed."""
        self._recording = True
        self.executed.start()
        sys.addaudithook(self._audit)
        record_calls(self.look, self.is_recording, self.imported)

    def stop(self) -> None:
        """Stop recording: later reads are ours."""
        self._recording = False
        self.executed.stop()

    @contextmanager
    def unnoted(self) -> Iterator[None]:
        """Record nothing that this thread opens or looks at in the context."""
        self._unnoted.now = True
        try:
            yield
        finally:
            self._unnoted.now = False

    def is_recording(self) -> bool:
        """Return whether reads of this thread are recorded."""
        return self._recording and not getattr(self._unnoted, "now", False)

    def note_opened(self, name: str) -> None:
        """Note that a copy of a file was read."""
        if self._recording:
            self._note("opened", name)

    def _note(self, kind: str, name: str) -> None:
        getattr(self, kind).add(name)
        if self.is_migrating:
            getattr(self.during, kind).add(name)

    def look(self, path: Any, folder: Optional[int], kind: str) -> None:
        """Note that a path was looked at: as `looked`, `existing` or `absent`."""
        if not self.is_recording() or isinstance(path, int):  # what has a descriptor was opened
            return
        try:
            self._note(kind, _absolute(path, folder))
        except OSError:
            self.untraced.add("a file by the descriptor of its folder")

    def _audit(self, event: str, arguments: Any) -> None:
        note = self._notes.get(event)
        if note is not None and self.is_recording():
            try:
                note(event, arguments)
            except Exception:  # it would end the project's call
                self.untraced.add(f"an unusual call (of {event})")

    def _open(self, _event: str, arguments: Any) -> None:
        path, _mode, flags = arguments
        if isinstance(path, int) or _only_writes(flags):
            return
        name = _absolute(path)
        self._note("opened", name)
        if name.endswith(".py") and not _is_import(sys._getframe(2)):
            self._note("texts", name)
        if name.endswith("pyproject.toml") and not _is_alembic(sys._getframe(2)):
            self._note("settings", name)

    def _import(self, _event: str, arguments: Any) -> None:
        # `importlib.import_module` raises none: the finder in front of all others notes those.
        self._note("imported", arguments[0].rpartition(".")[2])

    def _list(self, _event: str, arguments: Any) -> None:
        by_import_system = sys._getframe(2).f_code.co_filename == IMPORT_SYSTEM
        (path,) = arguments
        try:
            name = _of_descriptor(path) if isinstance(path, int) else _absolute(path or os.curdir)
        except OSError:
            self.untraced.add("a folder by its descriptor")
            return
        self._note("searched" if by_import_system else "listed", name)

    def _inspect(self, _event: str, arguments: Any) -> None:
        function, attribute = arguments
        if attribute == BODY and not reads_interface(sys._getframe(2).f_code):
            with self.unnoted():
                self.executed.inspected.add(_absolute(function.__code__.co_filename))

    def _process(self, event: str, arguments: Any) -> None:
        frame: Any = sys._getframe(2)
        while frame.f_back and frame.f_globals.get("__name__") in STARTERS:
            frame = frame.f_back
        if frame.f_globals.get("__name__") in ABOUT_MACHINE:
            return
        self.untraced.add(f"a subprocess ({_program(event, arguments)})")


def _absolute(path: Any, folder: Optional[int] = None) -> str:
    name = os.fsdecode(path)
    if os.path.isabs(name):
        return name
    return os.path.join(os.getcwd() if folder is None else _of_descriptor(folder), name)


def _of_descriptor(descriptor: int) -> str:
    """Return the folder's name, from Linux; raise `OSError` elsewhere."""
    return readlink(f"/proc/self/fd/{descriptor}")


def _only_writes(flags: int) -> bool:
    new = os.O_CREAT | os.O_EXCL
    return bool(flags & (os.O_WRONLY | os.O_TRUNC)) or flags & new == new


def _is_import(frame: Any) -> bool:
    """Return whether a file is opened to be compiled; a loader's `get_source` reads its text."""
    caller = frame.f_back
    while caller and is_of(caller, OUR_PACKAGE):  # `bytecode.py`
        caller = caller.f_back
    return frame.f_code.co_filename == IMPORT_SYSTEM and (
        caller is not None and caller.f_code.co_name == "get_code"
    )


def _is_alembic(frame: Any) -> bool:
    """Return whether Alembic's own code opens its configuration, of which it shows its table only.

    `pathlib` may stand between.
    """
    while frame.f_back and is_of(frame, "pathlib"):
        frame = frame.f_back
    return is_of(frame, "alembic") and frame.f_globals["__name__"] == "alembic.config"


def _program(event: str, arguments: Any) -> str:
    if not arguments:
        return event.partition(".")[2]  # a fork
    command = arguments[PROCESSES[event]]
    command = command[0] if isinstance(command, (list, tuple)) else command
    name = os.fsdecode(command)
    return os.path.basename(name.split()[0] if event == "os.system" else name)
