"""Keep the project's log files from deciding a verdict."""

from __future__ import annotations

import functools
import logging
import os
from typing import Any


def tolerate_log_files() -> None:
    """Write the log nowhere where its file cannot be opened.

    `fileConfig()` opens the files of `alembic.ini`. Their folder is often made when a service is
    installed, or is one that git ignores, and neither is there in a checkout.
    """
    handler: Any = logging.FileHandler
    open_file = handler._open

    @functools.wraps(open_file)
    def open_or_discard(self: Any) -> Any:
        try:
            return open_file(self)
        except OSError:
            return open(os.devnull, "a", encoding="utf-8")

    handler._open = open_or_discard
