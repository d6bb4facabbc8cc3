"""JSON lines between host and probe, over the probe's original standard streams."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import Any, TextIO

from .protocol import (
    Bodies,
    ConnectAnswer,
    DraftedDatabases,
    Message,
    Question,
    Request,
    TrialAnswer,
    TrialStep,
)


class Channel:
    """Pipe to the host; the project gets other streams in its place.

    The project's standard output goes where its errors go, and its standard input is empty.
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
        self.request: Request = json.loads(self._input.readline())
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self._input:
            self._lines.put(line)
        # The host is gone, perhaps by kill -9: nothing of this run may stay.
        if os.getpid() == os.getpgid(0):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    def send(self, message: Message) -> None:
        """Send a message to the host."""
        self._output.write(json.dumps(message) + "\n")
        self._output.flush()

    def ask(self, question: Question) -> ConnectAnswer:
        """Send a message and wait for the host's answer, which is empty but for `Connect`."""
        answer: ConnectAnswer = self._answer_to(question)
        return answer

    def goes_on(self, step: TrialStep) -> bool:
        """Send the next step of a trial; return whether the host has prepared it."""
        answer: TrialAnswer = self._answer_to(step)
        return answer["goes_on"]

    def bodies(self, databases: DraftedDatabases) -> Bodies:
        """Send the compared databases; return the bodies of the migration."""
        answer: Bodies = self._answer_to(databases)
        return answer

    def _answer_to(self, question: Question) -> Any:
        with self._lock:
            self.send(question)
            return json.loads(self._lines.get())


def relative(path: str, root: str) -> str:
    """Return `path` relative to `root` in POSIX form; empty if it is not below it."""
    if path.startswith("<"):
        return ""  # `<string>`: no file
    path = os.path.abspath(path)
    if not path.startswith(root + os.sep):
        return ""
    return path[len(root) + 1 :].replace(os.sep, "/")
