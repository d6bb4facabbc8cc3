"""The checkout's own `.git`: that of a clone in which the judged tree has just been committed.

It reads the repository's objects in place (gitrepository-layout(5), `alternates`) and has its own
files for all that git writes, so nothing that a project does there (`git commit`, `git stash`,
`git gc`) reaches the user's repository.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from alembic_lockstep.git.command import QUIET, run_git
from alembic_lockstep.git.deletion import delete
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.system.regular import read_regular

_AUTHOR = "alembic-lockstep <alembic-lockstep@localhost>"
_DATE = re.compile(rb"^committer .*> (\d+ [+-]\d+)$", re.MULTILINE)
#: Files that are copied if they exist: the ends of a shallow clone's history, its attributes.
_COPIED_FILES = ("shallow", "info/attributes")


@dataclass(frozen=True)
class Replica:
    """The `.git` of a checkout.

    Attributes:
        tree: The tree that is checked out, with submodules filled in.
        checkout: The top folder.
    """

    repository: Repository
    tree: str
    checkout: Path

    def write(self, index: Path, *, altered: Iterable[str], ignored: Iterable[str]) -> None:
        """Write the `.git`, replacing that of the last run.

        Args:
            index: The index that the checkout was written with.
            altered: Files whose content differs from the tree's: links, large files.
            ignored: Ignored paths of the user's working tree, whatever the tree itself ignores.
        """
        delete(self._git_dir)
        for folder in ("refs", "objects/info", "objects/pack", "info"):
            (self._git_dir / folder).mkdir(parents=True)
        self._write_alternates()
        self._write_settings(ignored)
        commit = self._commit()
        self._write_references(commit)
        self._write_index(index, list(altered))

    @property
    def _git_dir(self) -> Path:
        return self.checkout / ".git"

    @property
    def _plain(self) -> str:
        """Git's own tree, which has commits in the place of submodules' files."""
        return self.repository.plain_trees.get(self.tree, self.tree)

    def _write_alternates(self) -> None:
        """Name the other folders of objects for git."""
        # In a pre-receive hook the first is the quarantine.
        own = (self.repository.object_dir, self.repository.common_dir / "objects")
        stores = dict.fromkeys((*own, *self.repository.stores))
        lines = "".join(f"{_quoted(str(store))}\n" for store in stores)
        (self._git_dir / "objects/info/alternates").write_bytes(os.fsencode(lines))

    def _write_settings(self, ignored: Iterable[str]) -> None:
        for name in _COPIED_FILES:
            with suppress(FileNotFoundError):
                shutil.copyfile(self.repository.common_dir / name, self._git_dir / name)
        exclude = self.repository.common_dir / "info/exclude"
        own = read_regular(exclude) or b""
        # Without the slash of folders: large ones are links here.
        patterns = "".join(f"/{_escaped(path.rstrip('/'))}\n" for path in ignored)
        (self._git_dir / "info/exclude").write_bytes(own + b"\n" + os.fsencode(patterns))
        config = self._git_dir / "config"
        config.touch(0o600)
        object_format = "sha256" if len(self.tree) == 64 else "sha1"
        text = self.repository.configuration.clone_text(object_format)
        config.write_bytes(text.encode("utf-8", "surrogateescape"))

    def _commit(self) -> str:
        """Return HEAD's commit if it has the tree; else write a commit on top of it."""
        head = self.repository.references.head
        content = self.repository.contents.read(head) if head else b""
        if content.startswith(f"tree {self._plain}\n".encode()):
            return head
        match = _DATE.search(content)
        date = match[1].decode() if match else "0 +0000"
        parent = f"parent {head}\n" if head else ""
        people = f"author {_AUTHOR} {date}\ncommitter {_AUTHOR} {date}\n"
        text = f"tree {self._plain}\n{parent}{people}\nJudged tree\n"
        return self._write_commit(text.encode())

    def _write_commit(self, content: bytes) -> str:
        """Write a loose object: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
        whole = b"commit %d\0" % len(content) + content
        digest = hashlib.sha256 if len(self.tree) == 64 else hashlib.sha1
        name = digest(whole).hexdigest()
        file = self._git_dir / "objects" / name[:2] / name[2:]
        file.parent.mkdir()
        file.write_bytes(zlib.compress(whole))
        file.chmod(0o444)
        return name

    def _write_references(self, commit: str) -> None:
        references = self.repository.references
        branch = references.branch
        names = {**references.names, **({branch: commit} if branch else {})}
        lines = "".join(f"{sha} {name}\n" for name, sha in sorted(names.items()))
        (self._git_dir / "packed-refs").write_bytes(os.fsencode(lines))
        for name, target in references.symbolic.items():
            (self._git_dir / name).parent.mkdir(parents=True, exist_ok=True)
            (self._git_dir / name).write_bytes(os.fsencode(f"ref: {target}\n"))
        head = f"ref: {branch}\n" if branch else f"{commit}\n"
        (self._git_dir / "HEAD").write_bytes(os.fsencode(head))

    def _write_index(self, index: Path, altered: list[str]) -> None:
        """Write an index by which no file differs from the commit."""
        target = self._git_dir / "index"
        if self._plain == self.tree:
            shutil.copy2(index, target)  # with its time: git compares newer files by content
        else:
            self._run("read-tree", self._plain)
        if altered:
            with tempfile.TemporaryFile() as listed:
                listed.write(b"".join(os.fsencode(name) + b"\0" for name in altered))
                listed.seek(0)
                self._run("update-index", "--assume-unchanged", "-z", "--stdin", stdin=listed)

    def _run(self, *command: str, stdin: BinaryIO | None = None) -> None:
        environ = {
            "GIT_DIR": str(self._git_dir),
            "GIT_WORK_TREE": str(self.checkout),
            "GIT_INDEX_FILE": str(self._git_dir / "index"),
        }
        run_git(self.checkout, *QUIET, *command, environ=environ, stdin=stdin)


def _quoted(path: str) -> str:
    """Return a path as a line of `alternates`: in C's quotes, where it could be misread."""
    if path[:1] not in '"#' and "\n" not in path:
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _escaped(path: str) -> str:
    """Return a path as a pattern of gitignore(5) that matches it alone."""
    return re.sub(r"([\\*?\[\] \r])", r"\\\1", path)
