"""JSON lines between host and probe, over the probe's original standard streams."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any, Dict, Optional, TextIO


class Channel:
    """The pipe to the host; the project gets other streams in its place.

    Standard output is taken away from the project (its prints go where its errors go), and
    standard input is empty for it.
    """

    def __init__(self, top: str) -> None:
        self.top = top
        self._input: TextIO = os.fdopen(os.dup(0), encoding="utf-8")
        self._output: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        streams: Any = (sys.stdout, sys.stderr)
        for stream in streams:
            if stream is not None:
                stream.reconfigure(line_buffering=True, errors="backslashreplace")
        self._lines: "queue.Queue[str]" = queue.Queue()
        self._lock = threading.Lock()
        self.request: Dict[str, Any] = json.loads(self._input.readline())
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._input:
            self._lines.put(line)
        # The host is gone, perhaps by kill -9: nothing of this run may stay.
        if os.getpid() == os.getpgid(0):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    def send(self, event: str, **facts: Any) -> None:
        """Report one event."""
        self._output.write(json.dumps({"event": event, **facts}) + "\n")
        self._output.flush()

    def ask(self, event: str, **facts: Any) -> Dict[str, Any]:
        """Report one event and wait for the host's answer."""
        with self._lock:
            self.send(event, **facts)
            answer: Dict[str, Any] = json.loads(self._lines.get())
        return answer


def described(error: BaseException, root: str) -> Dict[str, Any]:
    """An exception as facts: its type, its message, and the frames of its traceback.

    Frames of files below `root` carry `path`, relative to it in POSIX form.
    """
    frames = []
    traceback = error.__traceback__
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        frames.append(
            {
                "path": relative(name, root),
                "line": traceback.tb_lineno,
                "function": traceback.tb_frame.f_code.co_name,
            }
        )
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        frames.append(
            {"path": relative(error.filename, root), "line": error.lineno or 1, "function": ""}
        )
    # A DBAPI's own words are clearer than SQLAlchemy's wrapping of them.
    original: Optional[BaseException] = getattr(error, "orig", None)
    return {
        "type": type(original or error).__name__,
        "message": str(original or error).replace(root + os.sep, "").strip(),
        "statement": str(getattr(error, "statement", None) or ""),
        "module": str(getattr(error, "name", None) or ""),
        "variable": _variable(error),
        "frames": frames,
    }


def _variable(error: BaseException) -> str:
    """The name in `os.environ[name]`, if that is what failed."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    inside = traceback.tb_frame.f_globals.get("__name__") if traceback is not None else ""
    return str(error.args[0]) if isinstance(error, KeyError) and inside == "os" else ""


def relative(path: str, root: str) -> str:
    """`path` relative to `root` in POSIX form; empty if it is not below it."""
    if path.startswith("<"):
        return ""  # `<string>`: no file
    path = os.path.abspath(path)
    if not path.startswith(root + os.sep):
        return ""
    return path[len(root) + 1 :].replace(os.sep, "/")
