"""Standard input, output and error, which the caller may have closed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def open_streams() -> None:
    """Open the null device in the place of closed standard streams.

    Otherwise a file or socket of ours would get its number, and output would be written to it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            _discard(number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def flush_streams(code: int) -> int:
    """Flush stdout and stderr; return the exit code: 2 if a report could not be written."""
    are_written = [_flush(stream) for stream in (sys.stdout, sys.stderr)]
    return code if all(are_written) or code not in (0, 1) else 2


def _flush(stream: TextIO) -> bool:
    """Flush a stream; return False if that failed, unless the reader has closed the pipe."""
    try:
        stream.flush()
    except OSError as error:
        discard(stream)
        return isinstance(error, BrokenPipeError)
    return True


def discard(stream: TextIO) -> None:
    """Redirect a stream that cannot be written to, and its buffer, to the null device."""
    with suppress(OSError, ValueError):
        _discard(stream.fileno())
        stream.flush()


def _discard(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(null, number)
        os.close(null)
