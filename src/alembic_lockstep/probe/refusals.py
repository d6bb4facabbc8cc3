"""Record refused calls, with the line of the project's code."""

from __future__ import annotations

import errno
import os
import sys
from typing import List


class RefusedError(ConnectionRefusedError):
    """Raised for a refused connection. An `OSError`: code that tolerates a dead service goes on."""


class RefusedWriteError(PermissionError):
    """Raised for a refused change of a file of the user's."""


class RefusedProgramError(PermissionError):
    """Raised for a program that was not started."""


class Refusals:
    """Record of refusals, once each, for the summary.

    Attributes:
        addresses: Where a connection or a look-up would have gone.
        writes: Files that would have been changed.
        programs: Programs that would have been started, by their base names.
    """

    def __init__(self, checkout: str) -> None:
        self._checkout = checkout
        self.addresses: List[str] = []
        self.writes: List[str] = []
        self.programs: List[str] = []

    def address(self, address: str) -> RefusedError:
        """Return the error for a connection."""
        _add(self.addresses, address)
        return RefusedError(
            f"alembic-lockstep refused a connection to {address}: "
            "a dry run contacts nobody that allow-connect does not name"
        )

    def write(self, call: str, path: str) -> RefusedWriteError:
        """Return the error for a call that would change a file."""
        _add(self.writes, path)
        return RefusedWriteError(
            errno.EACCES,
            f"alembic-lockstep refused {call} of {path}{self._line()}: "
            "a dry run changes no file outside of its checkout that allow-write does not name, "
            "and has no copy for this call",
        )

    def program(self, call: str, program: str, advice: str = "") -> RefusedProgramError:
        """Return the error for a call that would start a program."""
        _add(self.programs, program)
        return RefusedProgramError(
            errno.EACCES,
            f"alembic-lockstep refused to start {program} by {call}{self._line()}: "
            + (advice or "a dry run starts no program that allow-run does not name"),
        )

    def _line(self) -> str:
        frame = sys._getframe(1)
        while frame is not None:
            name = os.path.join(self._checkout, frame.f_code.co_filename)
            if name.startswith(self._checkout + os.sep) and os.sep + "<" not in name:
                return f" ({name[len(self._checkout) + 1 :]}:{frame.f_lineno})"
            frame = frame.f_back  # type: ignore[assignment]
        return ""


def _add(names: List[str], name: str) -> None:
    if name not in names:
        names.append(name)
