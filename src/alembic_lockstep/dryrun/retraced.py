"""Outcome of a retracing: the tree's history on a database that the base's migrations made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Retraced:
    """What became of a database of the base's migrations when the tree's history took it on.

    Attributes:
        differences: In what it differs from a fresh one, in words.
        revision: The revision that failed on it; empty if none did.
        error: Its exception.
        note: Why this was not judged; empty if it was.
    """

    differences: tuple[str, ...] = ()
    revision: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def is_same(self) -> bool:
        """Return whether it came to the same end, or was not judged."""
        return not self.differences and not self.error
