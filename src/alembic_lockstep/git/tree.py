"""A git tree to read from."""

from __future__ import annotations

import importlib.util
import os
import posixpath

from alembic_lockstep.git.repository import Repository

# Links may lead in a circle; this many are followed, as Linux does.
MOST_LINKS = 40


class Tree:
    """A git tree to read from: what is being judged, or what it is compared with.

    `files` are all its files by their own paths, with their blobs' ids; `links` are those that
    are symbolic links. What stands behind a link to a folder is not listed twice. `asked` are the
    paths that were read or looked for.
    """

    def __init__(self, repository: Repository, sha: str) -> None:
        self.sha = sha
        entries = repository.entries(sha)
        self.files = {entry.path: entry.sha for entry in entries}
        self.asked: set[str] = set()
        self.links = {entry.path for entry in entries if entry.is_link}
        self._root = repository.root.as_posix()
        self._objects = repository.contents

    def read(self, path: str) -> str | None:
        """The text of a file, None if the tree has no such file; links are followed.

        Python's own rules for source encodings apply (PEP 263); bytes that do not fit
        are replaced, because the reader wants to say where and not to fail.
        """
        self.asked.add(path)
        path = self.real(path)
        self.asked.add(path)
        blob = self.files.get(path)
        if blob is None or path in self.links:
            return None
        content = self._objects.read(blob)
        try:
            return importlib.util.decode_source(content)
        except (SyntaxError, UnicodeDecodeError):
            return content.decode("utf-8", "replace")

    def real(self, path: str) -> str:
        """Where a path leads behind symbolic links, but not further than they stay in the tree."""
        for _ in range(MOST_LINKS if self.links else 0):
            link = next((part for part in _upward(path) if part in self.links), None)
            if link is None:
                return path
            there = posixpath.normpath(self.link_target(link) + path[len(link) :])
            if not there.startswith(f"{self._root}/"):
                return path
            path = there[len(self._root) + 1 :]
        return path

    def link_target(self, link: str) -> str:
        """Return where a symbolic link of the tree leads in the working tree, absolute."""
        target = os.fsdecode(self._objects.read(self.files[link]))
        return posixpath.join(self._root, posixpath.dirname(link), target)


def _upward(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
