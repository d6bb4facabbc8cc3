"""Commits and trees that lie in files of their own, as those of the last commits do.

To read them takes a tenth of the time that a process of git takes. What is packed is git's to read.
"""

from __future__ import annotations

import os

from alembic_lockstep.git.entries import Change

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    #: From a name to mode and id.
    Entries = dict[bytes, tuple[bytes, str]]

_HEX = frozenset(b"0123456789abcdef")
_TREE = b"40000"


class PackedError(LookupError):
    """An object that has no file of its own."""


def tree_of_commit(objects: str, commit: str) -> str:
    """Return the id of a commit's tree.

    Args:
        objects: The folder of the objects.
        commit: The commit's id.

    Raises:
        PackedError: git has to be asked.
    """
    first = _content(objects, "commit", commit).partition(b"\n")[0]
    if not first.startswith(b"tree ") or not is_id(first[5:]):
        raise PackedError(commit)
    return first[5:].decode()


def tree_changes(objects: str, old: str, new: str, folder: str = "") -> Iterator[Change]:
    """Yield the changes of files between two trees, without renames.

    Args:
        objects: The folder of the objects.
        old: The id of the tree before.
        new: The id of the tree after.
        folder: The path of both, ending in a slash; "" for the root.

    Raises:
        PackedError: git has to be asked.
    """
    before, now = _entries(objects, old), _entries(objects, new)
    nothing = (b"", "0" * len(old))
    for name in sorted(before.keys() | now.keys()):
        (old_mode, old_id), (mode, sha) = before.get(name, nothing), now.get(name, nothing)
        path = folder + os.fsdecode(name)
        if (old_mode, old_id) == (mode, sha):
            continue
        if old_mode == mode == _TREE:
            yield from tree_changes(objects, old_id, sha, f"{path}/")
        elif _TREE in (old_mode, mode):
            raise PackedError(path)  # a folder in a file's place, or new, or gone
        else:
            yield Change(_status(old_mode, mode), path, path, sha, old_id)


def is_id(text: bytes) -> bool:
    """Return whether a text is the id of an object."""
    return len(text) in (40, 64) and _HEX.issuperset(text)


def _status(old_mode: bytes, mode: bytes) -> str:
    if not old_mode or not mode:
        return "D" if old_mode else "A"
    return "M" if old_mode[:3] == mode[:3] else "T"


def _entries(objects: str, tree: str) -> Entries:
    content, size, start = _content(objects, "tree", tree), len(tree) // 2, 0
    entries = {}
    while start < len(content):
        end = content.index(b"\0", start)
        mode, _, name = content[start:end].partition(b" ")
        start = end + 1 + size
        entries[name] = (mode, content[end + 1 : start].hex())
    return entries


def _content(objects: str, kind: str, name: str) -> bytes:
    import zlib

    try:
        with open(f"{objects}/{name[:2]}/{name[2:]}", "rb") as file:
            head, _, content = zlib.decompress(file.read()).partition(b"\0")
    except (OSError, zlib.error) as error:
        raise PackedError(name) from error
    if head != f"{kind} {len(content)}".encode():
        raise PackedError(name)
    return content
