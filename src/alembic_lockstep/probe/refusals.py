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
    """Raised for a program that was not started.

    Attributes:
        program: The program, if the setting allow-run would permit it; else empty.
    """

    program = ""


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
            f"alembic-lockstep refused a connection to {address}: allow-connect does not list it"
        )

    def write(self, call: str, path: str) -> RefusedWriteError:
        """Return the error for a call that would change a file."""
        _add(self.writes, path)
        return RefusedWriteError(
            errno.EACCES,
            f"alembic-lockstep refused {call} of {path}{self._line()}: "
            "it is outside of the dry run's checkout, allow-write does not list it, and this call "
            "cannot be made on a copy",
        )

    def program(
        self, call: str, program: str, advice: str = "", *, is_permissible: bool = True
    ) -> RefusedProgramError:
        """Return the error for a call that would start a program."""
        _add(self.programs, program)
        error = RefusedProgramError(
            errno.EACCES,
            f"alembic-lockstep refused to start {program} by {call}{self._line()}: "
            + (advice or "allow-run does not list it"),
        )
        error.program = program if is_permissible else ""
        return error

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
