"""Files of a tree and changes between two trees, as git lists them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from alembic_lockstep.git.command import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True)
class Change:
    """A file of a change set.

    Attributes:
        status: `A`dded, `M`odified, `D`eleted, `R`enamed or `T`ype changed.
        path: POSIX path from the root; the new one of a rename.
        old_path: The old path of a rename, else the same as `path`.
        sha: The new content's blob; zeros for a deleted file.
        old_sha: The old content's blob; zeros for an added file.
    """

    status: str
    path: str
    old_path: str
    sha: str = field(default="", compare=False)
    old_sha: str = field(default="", compare=False)


@dataclass(frozen=True)
class TreeEntry:
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
        """True for a symbolic link; its blob holds the target."""
        return self.mode == "120000"


def parse_entries(listed: bytes) -> Iterator[TreeEntry]:
    """Parse `git ls-tree -r -z`; submodules are left out."""
    for record in records(listed):
        facts, _, path = record.partition(b"\t")
        mode, kind, sha = facts.decode().split()
        if kind == "blob":
            yield TreeEntry(mode, sha, os.fsdecode(path))


def parse_changes(listed: bytes) -> Iterator[Change]:
    """Parse `git diff-tree -r -z --raw`, and `git diff-index` likewise."""
    fields = iter(map(os.fsdecode, records(listed)))
    for facts in fields:
        *_, old_sha, sha, status = facts.split(" ")
        old = next(fields)
        path = next(fields) if status[0] in "RC" else old
        yield Change(status[0], path, old, sha, old_sha)


def parent_folders(path: str) -> Iterator[str]:
    """Yield the folders that a path lies in, the innermost first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def folders_of(paths: Iterable[str]) -> set[str]:
    """Return the folders that paths lie in, without the root."""
    return {folder for path in paths for folder in parent_folders(path)}
