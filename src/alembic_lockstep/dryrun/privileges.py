"""Rights on a scratch server that a repository needs besides those of every project."""

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

#: Seconds, after which a run starts without them again: the history may not need them any more.
_MAX_AGE = 7 * 24 * 60 * 60


@dataclass(frozen=True)
class Privileges:
    """The rights that a repository needs, in a file of its private folder.

    The file has, by dialect, the statement that needed them and the time, in seconds since 1970.
    """

    file: Path

    def read(self) -> dict[str, str]:
        """Return the statements that need more rights, by dialect; none if the file is damaged."""
        since = time.time() - _MAX_AGE
        return {
            dialect: str(entry["need"])
            for dialect, entry in self._stored().items()
            if isinstance(entry, dict) and float(entry.get("at", 0)) > since and "need" in entry
        }

    def store(self, dialect: str, need: str) -> None:
        """Store that the next run begins with more rights; if that fails, it takes longer."""
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


def missing_privileges(observation: Observation) -> Mapping[str, str]:
    """Return by dialect the first statement that was refused for lack of a privilege."""
    needs: dict[str, str] = {}
    for refusal in observation.denied:
        needs.setdefault(refusal["dialect"], shortened(refusal["statement"]))
    return needs
