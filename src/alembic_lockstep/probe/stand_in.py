"""Run the project's stand-in: a file that replaces services that only production has."""

from __future__ import annotations

import os
from contextlib import suppress

from .protocol import Request


def run_stand_in(request: Request) -> None:
    """Run the file of the setting, in the version of the settings' tree, in every checkout."""
    path = request["stand_in"]["path"]
    if not path:
        return
    file = os.path.join(request["checkout"], path)
    with suppress(OSError), open(file, "rb"):
        pass  # recorded as read, so that a change of it makes cached verdicts stale
    code = compile(request["stand_in"]["text"], file, "exec")
    exec(code, {"__name__": "lockstep_stand_in", "__file__": file})  # noqa: S102
