"""Standard input, output and error, whatever the caller has left of them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


def open_streams() -> None:
    """Open the null device where a standard stream is closed.

    Else a file or socket of ours would get its number, and what is printed would land in there.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            _discard(number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, closefd=False))


def flush_streams(code: int) -> int:
    """Write what is left to write; return the exit code: 2 where a clean or blocked run cannot."""
    are_written = [_flush(stream) for stream in (sys.stdout, sys.stderr)]
    return code if all(are_written) or code not in (0, 1) else 2


def _flush(stream: TextIO) -> bool:
    """Write what is left; return false where that failed and somebody is there to read it."""
    try:
        stream.flush()
    except OSError as error:
        discard(stream)
        return isinstance(error, BrokenPipeError)
    return True


def discard(stream: TextIO) -> None:
    """Lead a stream that cannot be written to into the null device, with what it still holds."""
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
