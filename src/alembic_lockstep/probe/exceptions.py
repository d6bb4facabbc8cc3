"""Exceptions as facts for the host."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Dict, Iterator, List, Optional

from .channel import relative
from .protocol import Error, Frame
from .refusals import RefusedProgramError


def describe_error(error: BaseException, root: str) -> Error:
    """Describe an exception: its type, its message, and the frames of its traceback.

    Frames of files below `root` carry `path`, relative to it in POSIX form. An exception that only
    wraps a failed import stands for that import; `raised` is its own type. `modules` are those of
    the frames of the exception and of its causes: clients of services wrap what libraries raise.
    """
    raised, error = error, _unwrapped(error)
    # A DBAPI's own message is clearer than SQLAlchemy's wrapping of it.
    original: Optional[BaseException] = getattr(error, "orig", None)
    return {
        "type": type(original or error).__name__,
        "raised": type(raised).__name__,
        "message": str(original or error).replace(root + os.sep, "").strip(),
        "statement": str(getattr(error, "statement", None) or ""),
        "module": str(getattr(error, "name", None) or ""),
        "variable": _variable(error),
        "attribute": str(getattr(error, "attribute", "")),
        "program": _refused_program(error),
        "frames": _frames(error, root),
        "modules": _modules(error),
    }


def _unwrapped(error: BaseException) -> BaseException:
    """Return the failed import that an exception was raised for, if there is one.

    Flask puts the whole traceback of one, or its module, into a message of its own, `from None`.
    """
    inner = error
    while not isinstance(inner, ImportError):
        cause, context = inner.__cause__, inner.__context__
        if cause is None and context is not None and _is_told_in(context, str(inner)):
            cause = context
        if cause is None:
            return error
        inner = cause
    return inner


def _is_told_in(error: BaseException, message: str) -> bool:
    name = getattr(error, "name", None) if isinstance(error, ImportError) else None
    return str(error) in message or (bool(name) and repr(name)[:-1] in message)


def _frames(error: BaseException, root: str) -> List[Frame]:
    frames: List[Frame] = [
        {
            "path": relative(traceback.tb_frame.f_code.co_filename, root),
            "line": traceback.tb_lineno,
            "function": traceback.tb_frame.f_code.co_name,
        }
        for traceback in _tracebacks(error)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(
            {"path": relative(error.filename, root), "line": error.lineno or 1, "function": ""}
        )
    return frames


def _modules(error: BaseException) -> List[str]:
    names: Dict[str, None] = {}
    part: Optional[BaseException] = error
    while part is not None:
        for traceback in _tracebacks(part):
            names[str(traceback.tb_frame.f_globals.get("__name__"))] = None
        part = part.__cause__ or part.__context__
    return list(names)


def _tracebacks(error: BaseException) -> Iterator[TracebackType]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _refused_program(error: BaseException) -> str:
    """Return the program whose refusal the exception is, or quotes, if allow-run permits it."""
    cause: Optional[BaseException] = error
    while cause is not None:
        if isinstance(cause, RefusedProgramError) and str(cause.strerror) in str(error):
            return cause.program
        cause = cause.__cause__ or cause.__context__
    return ""


def _variable(error: BaseException) -> str:
    """Return the name in `os.environ[name]`, if that failed."""
    inside = [traceback.tb_frame.f_globals.get("__name__") for traceback in _tracebacks(error)]
    return str(error.args[0]) if isinstance(error, KeyError) and inside[-1:] == ["os"] else ""
