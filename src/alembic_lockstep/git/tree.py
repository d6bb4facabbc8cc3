"""A git tree to read from."""

from __future__ import annotations

import importlib.util

from alembic_lockstep.git.command import Git
from alembic_lockstep.git.repository import Repository


class Tree:
    """A git tree to read from: what is being judged, or what it is compared with."""

    def __init__(self, repository: Repository, sha: str) -> None:
        self.sha = sha
        self.files = repository.files(sha)
        # One `git cat-file --batch` for all reads.
        self._git = Git(str(repository.root))

    def read(self, path: str) -> str | None:
        """The text of a file, None if the tree has no such file.

        Python's own rules for source encodings apply (PEP 263); bytes that do not fit
        are replaced, because the reader wants to say where and not to fail.
        """
        blob = self.files.get(path)
        if blob is None:
            return None
        content = self._git.get_object_data(blob)[3]
        try:
            return importlib.util.decode_source(content)
        except (SyntaxError, UnicodeDecodeError):
            return content.decode("utf-8", "replace")
