"""Which repositories need more rights on a scratch server than a project has by itself."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.scratch.waits import shortened

#: Seconds, after which a run tries again without: what needed them may be gone from the history.
_REMEMBERED = 7 * 24 * 60 * 60


@dataclass(frozen=True)
class Privileges:
    """What is remembered for a repository in a file of its private folder.

    The file has, by dialect, what needed the rights and when that was seen, in seconds since 1970.
    """

    file: Path

    def read(self) -> dict[str, str]:
        """Give what needs more rights, by dialect; nothing if the file is damaged."""
        since = time.time() - _REMEMBERED
        return {
            dialect: str(one["need"])
            for dialect, one in self._stored().items()
            if isinstance(one, dict) and float(one.get("at", 0)) > since and "need" in one
        }

    def remember(self, dialect: str, need: str) -> None:
        """Have the next run begin with more rights. That it cannot be written costs time only."""
        stored = {**self._stored(), dialect: {"need": need, "at": int(time.time())}}
        new = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        with suppress(OSError):
            new.write_text(json.dumps(stored), encoding="utf-8")
            new.replace(self.file)

    def _stored(self) -> dict[str, Any]:
        try:
            stored = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return stored if isinstance(stored, dict) else {}


def lacked(seen: Observation) -> Mapping[str, str]:
    """Give what a run was refused for want of a privilege: by dialect, the first statement."""
    needs: dict[str, str] = {}
    for refusal in seen.denied:
        needs.setdefault(refusal["dialect"], shortened(refusal["statement"]))
    return needs
