"""Record which functions of the checkout ran, where Python has `sys.monitoring` (3.12 and later).

The body of a function that did not run cannot change what a run did: whoever changes only such
bodies gets the same run again. https://docs.python.org/3/library/sys.monitoring.html
"""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any, Dict, Optional, Set

# Ids that the documentation gives to no kind of tool.
TOOL_IDS = (4, 3)
NAME = "alembic-lockstep"
MODULE = "<module>"
# Functions that read from a function's code object what its signature says as well: its
# parameters, and whether it is a coroutine or a generator; or the file that it stands in.
INTERFACE_READERS = (
    inspect.__file__,
    os.path.join("", "asyncio", "coroutines.py"),
    os.path.join("", "sqlalchemy", "util", "langhelpers.py"),
)
BODY_READERS = {"getclosurevars"}


class ExecutedFunctions:
    """Recorder of the code objects that started to run, by file.

    Its callback disables itself for a code object at the first call, so it costs next to nothing.

    Attributes:
        by_file: From absolute file names to qualified names, as in `code.co_qualname`.
        inspected: Files with a function whose code object was looked at, and not only called.
    """

    def __init__(self) -> None:
        self.by_file: Dict[str, Set[str]] = {}
        self.inspected: Set[str] = set()
        self._monitoring: Any = getattr(sys, "monitoring", None)
        self._tool: Optional[int] = None

    def start(self) -> None:
        """Begin to record."""
        monitoring = self._monitoring
        if monitoring is None:
            return
        free = [tool for tool in TOOL_IDS if monitoring.get_tool(tool) is None]
        if free:
            self._tool = free[0]
            monitoring.use_tool_id(self._tool, NAME)
            monitoring.register_callback(self._tool, monitoring.events.PY_START, self._note)
            monitoring.set_events(self._tool, monitoring.events.PY_START)

    def stop(self) -> None:
        """Stop recording, and forget everything if the project has interfered."""
        if self._tool is None:
            return
        monitoring = self._monitoring
        is_ours = monitoring.get_tool(self._tool) == NAME
        if not is_ours or monitoring.get_events(self._tool) != monitoring.events.PY_START:
            self.by_file.clear()
            return
        monitoring.set_events(self._tool, 0)
        monitoring.free_tool_id(self._tool)

    def of(self, name: str) -> Set[str]:
        """Return the functions of a file that ran; empty if what did cannot be told.

        Of a module whose own code did not start while recording, functions may have run before.
        """
        functions = self.by_file.get(name, set())
        return functions if MODULE in functions and name not in self.inspected else set()

    def _note(self, code: Any, _offset: int) -> Any:
        name = code.co_filename
        if not os.path.isabs(name):
            name = os.path.join(os.getcwd(), name)
        self.by_file.setdefault(name, set()).add(code.co_qualname)
        return self._monitoring.DISABLE


def reads_interface(code: Any) -> bool:
    """Return whether a reader of code objects looks at parameters and kinds only.

    `inspect` reads bodies too, from their files, which are then recorded as texts.
    """
    return code.co_filename.endswith(INTERFACE_READERS) and code.co_name not in BODY_READERS
