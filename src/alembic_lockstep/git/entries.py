"""What git lists: the files of a tree, and what differs between two trees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from alembic_lockstep.git.command import records


@dataclass(frozen=True)
class Change:
    """One entry of a change set.

    Attributes:
        status: `A`dded, `M`odified, `D`eleted, `R`enamed or `T`ype changed.
        path: POSIX path from the root; the new one of a rename.
        old_path: The old path of a rename, else the same as `path`.
    """

    status: str
    path: str
    old_path: str


@dataclass(frozen=True)
class Entry:
    """A file of a tree.

    Attributes:
        mode: As git has it: 100644, 100755, or 120000 for a symbolic link.
        sha: The blob's id.
        path: POSIX path from the root.
    """

    mode: str
    sha: str
    path: str

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link; its blob is where it points."""
        return self.mode == "120000"


def parse_entries(listed: bytes) -> Iterator[Entry]:
    """Parse `git ls-tree -r -z`; submodules are left out."""
    for record in records(listed):
        facts, _, path = record.partition(b"\t")
        mode, kind, sha = facts.decode().split()
        if kind == "blob":
            yield Entry(mode, sha, os.fsdecode(path))


def parse_changes(listed: bytes) -> Iterator[Change]:
    """Parse `git diff-tree -r -z --raw`."""
    fields = iter(map(os.fsdecode, records(listed)))
    for facts in fields:
        status = facts.rsplit(" ", 1)[1][0]
        old = next(fields)
        yield Change(status, next(fields) if status in "RC" else old, old)
