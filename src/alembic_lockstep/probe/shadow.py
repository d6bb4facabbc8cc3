"""Make Python's own functions write to copies of files outside of the writable folders.

The functions are replaced by objects that look up each name in an `Overlay`. Other ways to write
(a function that a module bound before, `io.FileIO`, compiled code) reach the machine, where a
kernel guard or the audit hook refuses them (writes.py).
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Set

from .overlay import Overlay
from .recorded_calls import SUPPORTS
from .shadow_calls import Call, Open, OpenFile, ShadowLook
from .shadow_changes import Link, Make, Modify, Remove, Rename, Symlink
from .shadow_listing import GetCwd, ListFolder, ScanFolder

# Modules whose own names for the functions stay: ours, and those that implement the others.
# `_io.open` is what the import system opens sources with, by its name.
UNPATCHED = ("alembic_lockstep_probe", "posix", "importlib.", "_frozen_importlib", "_io")
# Modules of the standard library whose classes and defaults have bound the functions, too.
PATCHED_CLASSES_OF = (
    "tempfile",
    "glob",
    "pathlib",
    "pathlib._local",
    "pathlib._abc",
    "pathlib._os",
)


# The replacement of each function, and whether it follows the last link.
CALLS: Dict[str, Any] = {
    **dict.fromkeys(
        ("stat", "access", "chdir", "statvfs", "getxattr", "listxattr"), (ShadowLook, True)
    ),
    **dict.fromkeys(("lstat", "readlink"), (ShadowLook, False)),
    "open": (Open, True),
    **dict.fromkeys(("truncate", "chmod", "chown", "utime", "chflags"), (Modify, True)),
    **dict.fromkeys(("setxattr", "removexattr"), (Modify, True)),
    **dict.fromkeys(("lchmod", "lchown", "lchflags"), (Modify, False)),
    **dict.fromkeys(("mkdir", "mkfifo", "mknod"), (Make, False)),
    **dict.fromkeys(("unlink", "remove", "rmdir"), (Remove, False)),
    **dict.fromkeys(("rename", "replace"), (Rename, False)),
    "link": (Link, False),
    "symlink": (Symlink, False),
    "listdir": (ListFolder, True),
    "scandir": (ScanFolder, True),
    **dict.fromkeys(("getcwd", "getcwdb"), (GetCwd, False)),
}


class Shadow:
    """Overlay under Python's functions, for the rest of the process."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self._bypass = threading.local()

    def install(self) -> None:
        """Replace the functions wherever a module has them already."""
        calls: Dict[int, Call] = {}
        for name, (kind, follow) in CALLS.items():
            call = getattr(os, name, None)
            if call is not None:
                calls[id(call)] = kind(call, self.overlay, self._bypass, follow)
                _support(call, calls[id(call)])
        opens: Any = calls[id(os.open)]
        calls[id(builtins.open)] = OpenFile(builtins.open, opens, self.overlay)
        for owner in _owners():
            for name, value in list(vars(owner).items()):
                _replace(owner, name, value, calls)

    @contextmanager
    def bypass(self) -> Iterator[None]:
        """Show this thread the machine's files in the context."""
        self._bypass.now = True
        try:
            yield
        finally:
            self._bypass.now = False


def _owners() -> Iterator[Any]:
    yield builtins
    for name, module in list(sys.modules.items()):
        if isinstance(module, type(sys)) and not name.startswith(UNPATCHED):
            yield module
            if name in PATCHED_CLASSES_OF:
                yield from (value for value in vars(module).values() if isinstance(value, type))


def _replace(owner: Any, name: str, value: Any, calls: Dict[int, Call]) -> None:
    if id(value) in calls:
        setattr(owner, name, calls[id(value)])
    elif isinstance(value, staticmethod) and id(value.__func__) in calls:
        call: Any = calls[id(value.__func__)]
        setattr(owner, name, staticmethod(call))
    elif isinstance(owner, type) and getattr(value, "__defaults__", None):
        value.__defaults__ = tuple(
            calls.get(id(default), default) for default in value.__defaults__
        )


def _support(call: Any, wrapped: Call) -> None:
    for feature in SUPPORTS:
        supporting: Set[Any] = getattr(os, f"supports_{feature}")
        if call in supporting:
            supporting.add(wrapped)
