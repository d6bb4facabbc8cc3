"""Questions to git, one method each."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.command import QUIET, lost_objects_advice, paths, run_git
from alembic_lockstep.git.entries import TreeEntry, parse_entries
from alembic_lockstep.git.working_tree import WorkingTree, literal

if TYPE_CHECKING:
    from alembic_lockstep.git.configuration import Configuration
    from alembic_lockstep.git.references import References

UNSHALLOW = (
    "git fetch --unshallow\n"
    "# in GitHub's workflow, below actions/checkout:  with: { fetch-depth: 0 }\n"
    "# in GitLab's job:  variables: { GIT_DEPTH: 0 }"
)

# An object's id resolves, whether the clone has the object or not.
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Repository(WorkingTree):
    """A git repository with a working tree.

    Attributes:
        root: The working tree's top folder, absolute.
        git_dir: This working tree's git directory, absolute.
        common_dir: The git directory that all its working trees share, absolute.
        main_root: The main working tree of a linked one, else the same as `root`.
        object_dir: The folder of its objects, absolute.
        object_environ: Variables that let git find the objects of submodules, too.
        stores: Folders of objects of submodules, and of the trees that they are filled into.
        plain_trees: From trees with submodules filled in to git's own trees.
        submodules: Folders of submodules that are checked out, and the git directory of each.
        absent_submodules: Folders of submodules that the trees have and this clone lacks.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    main_root: Path
    object_dir: Path
    object_environ: Mapping[str, str] = field(default_factory=dict)
    stores: tuple[Path, ...] = ()
    plain_trees: Mapping[str, str] = field(default_factory=dict)
    submodules: Mapping[str, Path] = field(default_factory=dict)
    absent_submodules: tuple[str, ...] = ()

    @classmethod
    def discover(cls, cwd: Path) -> Repository:
        """Find the repository around `cwd`; `CouldNotJudge` if there is none."""
        names = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        objects = ("--git-path", "objects")
        fix = "Run it inside a git working tree."
        lines = run_git(cwd, "rev-parse", *names, *objects, fix=fix).splitlines()
        if len(lines) != len(names) + 1:  # a folder's name holds a newline
            questions = (*((name,) for name in names), objects)
            lines = [run_git(cwd, "rev-parse", *words).removesuffix(b"\n") for words in questions]
        # Some answers are relative to `cwd`.
        root, git_dir, common, stored = ((cwd / os.fsdecode(line)).resolve() for line in lines)
        return cls(root, git_dir, common, _main_root(root, git_dir, common), stored)

    @property
    def private(self) -> Path:
        """Our own folder below the git directory, made if need be."""
        folder = self.git_dir / "alembic-lockstep"
        folder.mkdir(exist_ok=True)
        return folder

    @cached_property
    def configuration(self) -> Configuration:
        """Git's configuration, of all scopes."""
        from alembic_lockstep.git.configuration import Configuration  # not for the answer at once

        try:
            return Configuration.parse(self.git("config", "--list", "-z", "--show-scope"))
        except CouldNotJudge:  # before git 2.26
            return Configuration.parse_unscoped(self.git("config", "--list", "-z"))

    @cached_property
    def references(self) -> References:
        """HEAD, branches and tags at the first call."""
        from alembic_lockstep.git.references import References  # not for the answer at once

        return References.read(self.git_dir, self.git)

    @cached_property
    def _entries_by_tree(self) -> dict[str, list[TreeEntry]]:
        return {}

    @cached_property
    def empty_tree(self) -> str:
        """Id of the tree without files, in this repository's hash."""
        with tempfile.TemporaryFile() as nothing:
            answer = self.git("hash-object", "-w", "-t", "tree", "--stdin", stdin=nothing)
        return answer.decode().strip()

    def has_commit(self, revision: str) -> bool:
        """Return whether a revision names a commit; HEAD does not before the first commit."""
        try:
            self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except CouldNotJudge:
            return False
        return True

    def resolves(self, revision: str) -> bool:
        """Return whether a revision names an object, which may have been lost."""
        command = ("rev-parse", "--verify", "--quiet", "--end-of-options", revision)
        return bool(self.git(*command, accepted=(0, 1, 128)).strip())

    def is_shallow(self) -> bool:
        """Return whether history was cut off by a shallow clone."""
        return self.git("rev-parse", "--is-shallow-repository").strip() == b"true"

    def tree_of(self, revision: str) -> str:
        """Return the tree that a revision (commit, tag, branch, tree) names.

        Raises:
            CouldNotJudge: git cannot find it.
        """
        try:
            answer = self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}"
            )
        except CouldNotJudge:
            raise self._no_such_revision(revision) from None
        return answer.decode().strip()

    def _no_such_revision(self, revision: str) -> CouldNotJudge:
        if self.is_shallow():
            return CouldNotJudge(f"'{revision}' is not in this shallow clone", fix=UNSHALLOW)
        from alembic_lockstep.git.references import fetch_command

        if self.resolves(revision) and not _ID.fullmatch(revision):
            return CouldNotJudge(
                f"this clone does not have what '{revision}' names",
                fix=lost_objects_advice(self.root),
            )
        suggestion = self.references.suggest(revision)
        has_origin = b"origin" in self.git("remote").splitlines()
        return CouldNotJudge(
            f"git knows no commit or tree named '{revision}'{suggestion}",
            fix=fetch_command(revision) if has_origin else "Name another --base or --tree.",
        )

    def staged_tree(self, environ: Mapping[str, str]) -> str:
        """Write what is staged to a tree object and return its id.

        The index is the hook's `GIT_INDEX_FILE` (`git commit -a` and `git commit PATH`
        make their own). Git works on a copy, so that it cannot touch the original.
        """
        file = environ.get("GIT_INDEX_FILE")
        with self.scratch_index(self.root / file if file else self._index) as copy:
            try:
                return self.git(*QUIET, "write-tree", environ=copy).decode().strip()
            except CouldNotJudge:
                self._refuse_conflicts(copy)
                raise

    def _refuse_conflicts(self, index: Mapping[str, str]) -> None:
        command = ("diff", "--cached", "--name-only", "--diff-filter=U", "-z")
        conflicts = paths(self.git(*command, environ=index))
        if conflicts:
            from alembic_lockstep.git.pathspec import add_command  # not for the answer at once

            raise CouldNotJudge(
                "the index has conflicts of a merge",
                tried=conflicts,
                fix=f"Once they are resolved:\n{add_command(conflicts)}",
            )

    @property
    def _index(self) -> Path:
        """Path of the index; a hook's own if it has one."""
        return self.root / os.fsdecode(self.git("rev-parse", "--git-path", "index")).rstrip("\n")

    @contextmanager
    def scratch_index(self, source: Path | None) -> Iterator[Mapping[str, str]]:
        """Yield the variables for git that name a copy of an index; without one, an empty one."""
        from alembic_lockstep.system.slots import acquire_slot  # not for the answer at once

        with acquire_slot(self.private / "indexes") as slot:
            for leftover in slot.iterdir():  # of a killed run, git's lock included
                leftover.unlink()
            copy = slot / "index"
            if source is not None:
                with suppress(FileNotFoundError):  # nothing was ever staged
                    shutil.copyfile(source, copy)
            yield {"GIT_INDEX_FILE": str(copy)}
            copy.unlink(missing_ok=True)

    def tree_on_disk(self) -> str:
        """Write the tree of the files on disk: tracked ones, and untracked Python; return its id.

        Alembic's own command sees these.
        """
        new = [path for path in self.untracked() if path.endswith(".py")]
        with self.scratch_index(self._index) as index:
            self.git(*QUIET, "add", "--update", ":/", environ=index)
            if new:
                self.git(*QUIET, "add", "--", *map(literal, new), environ=index)
            return self.git(*QUIET, "write-tree", environ=index).decode().strip()

    def tree_with(self, tree: str, paths: Sequence[str]) -> str:
        """Write the tree that `git add paths` on top of `tree` would give; return its id."""
        with self.scratch_index(None) as index:
            self.git(*QUIET, "read-tree", tree, environ=index)
            self.git(*QUIET, "add", "--force", "--", *map(literal, paths), environ=index)
            return self.git(*QUIET, "write-tree", environ=index).decode().strip()

    def tree_with_file(self, tree: str, path: str, blob: str) -> str:
        """Write a tree with another file, whose content is an existing blob; return its id."""
        with self.scratch_index(None) as index:
            self.git(*QUIET, "read-tree", tree, environ=index)
            entry = f"100644,{blob},{path}"
            self.git(*QUIET, "update-index", "--add", "--cacheinfo", entry, environ=index)
            return self.git(*QUIET, "write-tree", environ=index).decode().strip()

    def entries(self, tree: str) -> list[TreeEntry]:
        """Return the files of a tree, without submodules."""
        if tree not in self._entries_by_tree:
            listed = self.git("ls-tree", "-r", "-z", "--full-tree", tree)
            self._entries_by_tree[tree] = list(parse_entries(listed))
        return self._entries_by_tree[tree]

    def untracked(self) -> list[str]:
        """Return the files that git neither tracks nor ignores: the forgotten ones."""
        return paths(self.git("ls-files", "--others", "--exclude-standard", "-z"))

    def unstaged(self) -> list[str]:
        """Return tracked files whose content on disk differs from what is staged.

        Files of `git add --intent-to-add` count as added; copied and touched ones do not count.
        """
        # `diff-files` would compare times alone; this compares content, and notes it in the index.
        options = ("-z", "--diff-filter=AM", "--no-relative", "--no-ext-diff", "--no-renames")
        refresh = ("-c", "diff.autoRefreshIndex=true")
        with self.scratch_index(self._index) as copy:
            return paths(self.git(*refresh, "diff", "--name-only", *options, environ=copy))

    def is_partial_commit(self) -> bool:
        """Return whether this is `git commit PATH …`, which leaves out what else is staged.

        Git then makes an index for the hook, `next-index-PID.lock`.
        """
        return b"next-index-" in self.git("rev-parse", "--git-path", "index")

    def grep(self, tree: str, *pattern: str, among: str = ".") -> list[str]:
        """Return the files of a tree in which `git grep` finds a pattern.

        Args:
            pattern: As options: `-F word` or `-E regex`.
            among: A pathspec: `*.py`.
        """
        command = ("grep", "--no-color", "--no-recurse-submodules", "-l", "-z", *pattern, tree)
        matches = paths(self.git(*command, "--", among, accepted=(0, 1)))  # 1: in none
        return [path.removeprefix(f"{tree}:") for path in matches]


def _main_root(root: Path, git_dir: Path, common: Path) -> Path:
    """Return the main working tree, or `root` for a bare repository, which has none."""
    if git_dir == common or common.name != ".git":
        return root
    bare = ("config", "--file", str(common / "config"), "--type=bool", "--default=false")
    is_bare = run_git(root, *bare, "--get", "core.bare").strip() == b"true"
    return root if is_bare else common.parent
