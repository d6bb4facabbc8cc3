"""Files that the working tree lacks and git still has: on branches, in stashes, in lost commits."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.command import ObjectReader, run_git
from alembic_lockstep.git.commit_ranges import SHORT
from alembic_lockstep.git.repository import Repository

#: Seconds for each search; a history of 100,000 commits takes a few.
PATIENCE = 20.0
#: Unreachable objects that are read.
_MOST_BLOBS = 2000
#: What is not here is not fetched for this, as git 2.44 and later understand.
_OFFLINE = {"GIT_NO_LAZY_FETCH": "1"}
#: A user's configuration may change the log.
_PLAIN_LOG = (
    *("-c", "log.showSignature=false"),
    *("-c", "log.showRoot=true"),
    *("-c", "log.follow=false"),
)
_BRANCHES = ("--branches", "--remotes", "--tags")
_REFERENCES = ("refs/heads", "refs/remotes", "refs/tags")

#: Returns whether a file, by its path ("" if unknown) and text, is the file that is looked for.
Match = Callable[[str, str], bool]


@dataclass(frozen=True)
class LostFile:
    """A file that git has.

    Attributes:
        holder: What has it, as the subject of a sentence: `The branch side`.
        source: The branch, tag or commit to check it out from; "" if only its content is left.
        path: POSIX path from the root; "" if only its content is left.
        blob: The id of its content.
        remark: What is to be said about the holder, "" for nothing.
    """

    holder: str
    source: str
    path: str
    blob: str
    remark: str = ""

    @property
    def is_on_branch(self) -> bool:
        """Return whether a branch has it, which can be merged."""
        return self.holder.startswith("The branch ")


def find_lost_file(repository: Repository, folders: Sequence[str], match: Match) -> LostFile | None:
    """Return the newest file below some folders that matches, preferably one of a branch.

    Searched are branches and tags, stashes, reflogs, then commits and contents that nothing refers
    to any more.

    Raises:
        CouldNotJudge: a search took longer than `PATIENCE`.
    """
    search = _Search(repository, folders, match)
    return search.of_branches() or search.of_reflogs() or search.of_unreachable()


@dataclass(frozen=True)
class _LoggedFile:
    """A file as a commit added or changed it."""

    commit: str
    blob: str
    path: str


class _Search:
    def __init__(self, repository: Repository, folders: Sequence[str], match: Match) -> None:
        self._repository = repository
        self._folders = [folder or "." for folder in folders]
        self._match = match
        environ = {**repository.object_environ, **_OFFLINE}
        self._contents = ObjectReader(repository.root, environ)
        self._answers: dict[str, bool] = {}

    def of_branches(self) -> LostFile | None:
        """Search the commits of branches and tags."""
        entry = self._first(self._log(*_BRANCHES))
        if entry is None:
            return None
        contains = ("--contains", entry.commit, "--format=%(refname)")
        names = self._run("for-each-ref", *contains, *_REFERENCES).decode().split()
        for name in names:
            if self._run("rev-parse", "--verify", "--quiet", f"{name}:{entry.path}"):
                _, kind, short = name.split("/", 2)
                word = "tag" if kind == "tags" else "branch"
                return LostFile(f"The {word} {short}", short, entry.path, entry.blob)
        return self._of_commit(entry, "a later one deleted it")

    def of_reflogs(self) -> LostFile | None:
        """Search stashes, and what branches and HEAD were at before."""
        entry = self._first(self._log("--all", "--reflog"))
        if entry is None:
            return None
        stashes = self._run("stash", "list", "--format=%gd %H %P").decode().splitlines()
        for name, *commits in (line.split() for line in stashes):
            if entry.commit in commits:
                return LostFile(f"The stash {name}", entry.commit[:12], entry.path, entry.blob)
        return self._of_commit(entry, "no branch has that commit any more")

    def of_unreachable(self) -> LostFile | None:
        """Search what no reference and no reflog leads to."""
        listed = self._run("fsck", "--unreachable", "--connectivity-only", "--no-progress")
        words = (line.split() for line in listed.decode("utf-8", "replace").splitlines())
        objects = [(kind, sha) for _, kind, sha, *_ in filter(_is_unreachable, words)]
        commits = "\n".join(sha for kind, sha in objects if kind == "commit")
        entry = self._first(self._log("--stdin", stdin=commits)) if commits else None
        if entry:
            return self._of_commit(entry, "no branch has that commit any more")
        for blob in [sha for kind, sha in objects if kind == "blob"][:_MOST_BLOBS]:
            if self._is_match("", blob):
                return LostFile("A file that was staged and never committed", "", "", blob)
        return None

    def _of_commit(self, entry: _LoggedFile, remark: str) -> LostFile:
        subject = self._run("log", "-1", "--format=%s", entry.commit).decode("utf-8", "replace")
        holder = f"Commit {entry.commit[:SHORT]} ({subject.strip()})"
        return LostFile(holder, entry.commit[:12], entry.path, entry.blob, remark)

    def _log(self, *revisions: str, stdin: str = "") -> Iterator[_LoggedFile]:
        """Yield the files that commits added or changed, the newest first, each before its parents.

        A stash and an octopus are merges: what they have is compared with each parent.
        """
        shown = ("--raw", "--no-abbrev", "--no-renames", "--diff-filter=AM", "-m", "-z")
        log = (*_PLAIN_LOG, "log", "--format=%x00%H", "--full-history", "--date-order", *shown)
        output = self._run(*log, *revisions, "--", *self._folders, stdin=stdin)
        commit = ""
        records = iter(output.split(b"\0"))
        for record in records:
            text = os.fsdecode(record).strip("\n")
            if text.startswith(":"):
                yield _LoggedFile(commit, text.split()[3], os.fsdecode(next(records)))
            elif text:
                commit = text

    def _first(self, entries: Iterator[_LoggedFile]) -> _LoggedFile | None:
        return next((entry for entry in entries if self._is_match(entry.path, entry.blob)), None)

    def _is_match(self, path: str, blob: str) -> bool:
        if blob not in self._answers:
            try:
                text = self._contents.read(blob).decode("utf-8", "replace")
            except CouldNotJudge:  # a partial clone does not have it
                text = ""
            self._answers[blob] = self._match(path, text)
        return self._answers[blob]

    def _run(self, *command: str, stdin: str = "") -> bytes:
        """Run git, and return what it printed."""
        with tempfile.TemporaryFile() as file:
            file.write(stdin.encode())
            file.seek(0)
            return run_git(
                self._repository.root,
                *command,
                environ={**self._repository.object_environ, **_OFFLINE},
                stdin=file,
                accepted=range(256),
                timeout=PATIENCE,
            )


def _is_unreachable(words: Sequence[str]) -> bool:
    return len(words) == 3 and words[0] == "unreachable"
