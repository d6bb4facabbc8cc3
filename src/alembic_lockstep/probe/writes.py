"""Guard the user's files by Python's audit events, where no kernel guards them.

Calls that the shadow replaces never come here. The rest, such as `io.FileIO` or a function that was
bound before, is refused. https://docs.python.org/3/library/audit_events.html
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Iterator, Optional, Sequence, Tuple

from .overlay import WRITES, Overlay
from .reads import IMPORT_SYSTEM
from .refusals import Refusals
from .shadow_calls import name_of
from .unwrapped import getcwd

# Of each event: the positions of paths among its arguments, each with that of its folder's
# descriptor; whether the last link is followed.
Paths = Sequence[Tuple[int, Optional[int]]]
EVENTS: Dict[str, Tuple[Paths, bool]] = {
    "os.rename": (((0, 2), (1, 3)), False),
    "os.remove": (((0, 1),), False),
    "os.rmdir": (((0, 1),), False),
    "os.mkdir": (((0, 2),), False),
    "os.link": (((0, 2), (1, 3)), False),
    "os.symlink": (((1, 2),), False),
    "os.truncate": (((0, None),), True),
    "os.chmod": (((0, 2),), True),
    "os.chown": (((0, 3),), True),
    "os.utime": (((0, 3),), True),
    "os.setxattr": (((0, None),), True),
    "os.removexattr": (((0, None),), True),
    "os.chflags": (((0, None),), True),
}
CHANGES = ("open", *EVENTS)


class WriteGuard:
    """Guard that refuses events that would change a file outside of some folders."""

    def __init__(self, writable: Sequence[str], refusals: Refusals) -> None:
        # A view that never changes: the machine's files, and no upper layer.
        self._machine = Overlay(os.path.join(os.devnull, "none"), writable)
        self._refusals = refusals

    def audit(self, event: str, arguments: Any) -> None:
        """Raise `RefusedWriteError` for a change outside of the writable folders."""
        if event == "open":
            path, _mode, flags = arguments
            if not flags & WRITES or isinstance(path, int):
                return
            self._check(event, path, None, True)
        elif event in EVENTS:
            paths, follow = EVENTS[event]
            for number, folder in paths:
                descriptor = None if folder is None else arguments[folder]
                self._check(event, arguments[number], descriptor, follow)

    def _check(self, event: str, path: Any, descriptor: Optional[int], follow: bool) -> None:
        if event == "os.truncate" and isinstance(path, int):
            return  # open for writing already
        name = self._name(path, descriptor, follow)
        if not self._machine.is_outside(name):
            return
        if _is_import_system():
            raise PermissionError(f"no bytecode beside {name}")
        raise self._refusals.write(event, name)

    def _name(self, path: Any, descriptor: Optional[int], follow: bool) -> str:
        if isinstance(path, int):
            return name_of(path)
        is_here = descriptor is None or descriptor < 0
        folder = getcwd() if is_here else name_of(descriptor or 0)
        self._machine.forget_links()
        return self._machine.resolve(os.fsdecode(path), folder, follow).path


def _is_import_system() -> bool:
    return any(frame.f_code.co_filename == IMPORT_SYSTEM for frame in _callers())


def _callers() -> Iterator[Any]:
    """Yield the frame that raised the event and the one that called it."""
    frame: Any = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(__package__):
        frame = frame.f_back
    if frame is not None:
        yield frame
        if frame.f_back is not None:
            yield frame.f_back
