"""A clone to replay, and the commits of it that touch models or migrations."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MODEL = re.compile(rb"\b(?:Column|mapped_column|Table|Field)\(|\bMapped\[|\bdb\.Model\b")
_COMMIT = re.compile(r"commit ([0-9a-f]+) ([0-9a-f]*)")
_CHANGE = re.compile(r":\d+ \d+ ([0-9a-f]+) ([0-9a-f]+) \w\t(.*)")


@dataclass(frozen=True)
class Commit:
    """A commit and its first parent."""

    sha: str
    parent: str


@dataclass(frozen=True)
class Clone:
    """A clone that borrows the objects of the snapshot, and is ours to write to."""

    root: Path

    @classmethod
    def of(cls, snapshot: Path, root: Path) -> Clone:
        """Make the clone, if it is not there yet."""
        clone = cls(root)
        if not root.exists():
            command = ("git", "clone", "--quiet", "--shared", "--no-checkout", snapshot, root)
            subprocess.run(command, check=True)
            clone._stand_in_for_absent()
        return clone

    def git(self, *arguments: str) -> str:
        """Run git in the clone; give what it printed."""
        return self._bytes(*arguments).decode(errors="replace")

    def commits(
        self, since: str, until: str, migrations: Collection[str], models: Sequence[str] = ()
    ) -> list[Commit]:
        """Return the commits between two days that touch a model or a migration, newest first.

        With `models`, only files below these paths count as models.
        """
        days = (f"--since={since}T00:00:00Z", f"--until={until}T23:59:59Z")
        changes = ("--diff-merges=first-parent", "--raw", "--no-abbrev", "--no-renames")
        printed = self.git(
            *("-c", "core.quotePath=false", "log", *days, *changes, "--format=commit %H %P")
        )
        commits: list[Commit] = []
        with self._blobs() as is_model:
            for commit, lines in _logged(printed):
                if any(self._counts(line, migrations, tuple(models), is_model) for line in lines):
                    commits.append(commit)
        return commits

    @contextmanager
    def worktree(self, sha: str, folder: Path) -> Iterator[Path]:
        """Give a fresh working tree of a commit."""
        shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
        self.git("worktree", "prune")
        self.git("worktree", "add", "--quiet", "--detach", "--force", str(folder), sha)
        try:
            yield folder
        finally:
            self.git("worktree", "remove", "--force", str(folder))

    def _bytes(self, *arguments: str) -> bytes:
        command = ("git", "-C", str(self.root), *arguments)
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return done.stdout

    def _stand_in_for_absent(self) -> None:
        """Put something empty in the place of each large file that the snapshot was stored without.

        Without them no tree that has one can be checked out.
        """
        listed = self.git("rev-list", "--objects", "--missing=print", "--all")
        for line in listed.splitlines():
            if line.startswith("?"):
                file = self.root / ".git" / "objects" / line[1:3] / line[3:]
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(zlib.compress(b"blob 0\0"))

    @staticmethod
    def _counts(
        line: str, migrations: Collection[str], models: tuple[str, ...], is_model: _Blobs
    ) -> bool:
        match = _CHANGE.fullmatch(line)
        if match is None or not match[3].endswith(".py"):
            return False
        if any(match[3].startswith(f"{folder}/") for folder in migrations):
            return True
        if models and not match[3].startswith(models):
            return False
        return is_model(match[1]) or is_model(match[2])

    @contextmanager
    def _blobs(self) -> Iterator[_Blobs]:
        command = ("git", "-C", str(self.root), "cat-file", "--batch")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            yield _Blobs(process)
            process.communicate()


class _Blobs:
    """Says whether a blob looks like models; each is read once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._known: dict[str, bool] = {}

    def __call__(self, sha: str) -> bool:
        if sha not in self._known:
            self._known[sha] = sha.strip("0") != "" and _MODEL.search(self._read(sha)) is not None
        return self._known[sha]

    def _read(self, sha: str) -> bytes:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{sha}\n".encode())
        self._process.stdin.flush()
        header = self._process.stdout.readline().split()
        if header[1] != b"blob":  # a submodule's commit, or missing
            return b""
        return self._process.stdout.read(int(header[2]) + 1)


def _logged(printed: str) -> Iterator[tuple[Commit, Sequence[str]]]:
    """Commits that have a parent, each with the lines of its changes."""
    for part in re.split(r"^(?=commit )", printed, flags=re.MULTILINE):
        head, *lines = part.splitlines() or [""]
        match = _COMMIT.match(head)
        if match and match[2]:
            yield Commit(match[1], match[2]), lines
