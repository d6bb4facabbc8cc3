"""Reading a git tree."""

from __future__ import annotations

import importlib.util
import os
import posixpath

from alembic_lockstep.git.entries import parent_folders
from alembic_lockstep.git.repository import Repository

# Links may form a circle; Linux follows this many.
MOST_LINKS = 40


class Tree:
    """A git tree to read from: the judged tree, or its base.

    Attributes:
        sha: Its id.
        files: All its files with their blobs' ids; files below a linked folder only once, by
            their own paths.
        links: Those files that are symbolic links.
        paths_read: Paths that were read or looked for so far.
    """

    def __init__(self, repository: Repository, sha: str) -> None:
        self.sha = sha
        entries = repository.entries(sha)
        self.files = {entry.path: entry.sha for entry in entries}
        self.paths_read: set[str] = set()
        self.links = {entry.path for entry in entries if entry.is_link}
        self._root = repository.root.as_posix()
        self._objects = repository.contents

    def read(self, path: str) -> str | None:
        """Return the text of a file, None if the tree has no such file; links are followed.

        Python's rules for source encodings apply (PEP 263); other bytes are replaced, so that
        a message can still point into the file.
        """
        self.paths_read.add(path)
        path = self.real(path)
        self.paths_read.add(path)
        blob = self.files.get(path)
        if blob is None or path in self.links:
            return None
        content = self._objects.read(blob)
        try:
            return importlib.util.decode_source(content)
        except (SyntaxError, UnicodeDecodeError):
            return content.decode("utf-8", "replace")

    def real(self, path: str) -> str:
        """Return a path with symbolic links resolved, as far as they stay in the tree."""
        for _ in range(MOST_LINKS if self.links else 0):
            prefixes = (*reversed([*parent_folders(path)]), path)
            link = next((prefix for prefix in prefixes if prefix in self.links), None)
            if link is None:
                return path
            target = posixpath.normpath(self.link_target(link) + path[len(link) :])
            if not target.startswith(f"{self._root}/"):
                return path
            path = target[len(self._root) + 1 :]
        return path

    def link_target(self, link: str) -> str:
        """Return the absolute path in the working tree that a symbolic link of the tree names."""
        target = os.fsdecode(self._objects.read(self.files[link]))
        return posixpath.join(self._root, posixpath.dirname(link), target)
