"""Questions to git, one method each."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.command import QUIET, Objects, paths, run_git
from alembic_lockstep.git.entries import Change, Entry, parse_changes, parse_entries
from alembic_lockstep.git.index import scratch_index
from alembic_lockstep.git.pathspec import add_command

if TYPE_CHECKING:
    from alembic_lockstep.git.configuration import Configuration
    from alembic_lockstep.git.references import References

UNSHALLOW = (
    "git fetch --unshallow\n"
    "# in GitHub's workflow, below actions/checkout:  with: { fetch-depth: 0 }\n"
    "# in GitLab's job:  variables: { GIT_DEPTH: 0 }"
)
BYTECODE = re.compile(r"(^|/)__pycache__/|\.pyc$")


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree.

    Attributes:
        root: The working tree's top folder, absolute.
        git_dir: This working tree's git directory, absolute.
        common_dir: The git directory that all its working trees share, absolute.
        main_root: The main working tree of a linked one, else the same as `root`.
        object_dir: The folder of its objects, absolute.
        objects: Variables that let git find the objects of submodules, too.
        stores: Folders of objects of submodules, and of the trees that they are filled into.
        plain_trees: From trees with submodules filled in to what git has of them.
        submodules: Folders of submodules that are here, and the git directory of each.
        absent: Folders of submodules that the trees have and this clone has not.
    """

    root: Path
    git_dir: Path
    common_dir: Path
    main_root: Path
    object_dir: Path
    objects: Mapping[str, str] = field(default_factory=dict)
    stores: tuple[Path, ...] = ()
    plain_trees: Mapping[str, str] = field(default_factory=dict)
    submodules: Mapping[str, Path] = field(default_factory=dict)
    absent: tuple[str, ...] = ()

    @classmethod
    def discover(cls, cwd: Path) -> Repository:
        """Find the repository around `cwd`; `CouldNotJudge` if there is none."""
        names = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        objects = ("--git-path", "objects")
        fix = "Run it inside a git working tree."
        lines = run_git(cwd, "rev-parse", *names, *objects, fix=fix).splitlines()
        if len(lines) != len(names) + 1:  # a folder's name holds a newline
            asked = (*((name,) for name in names), objects)
            lines = [run_git(cwd, "rev-parse", *one).removesuffix(b"\n") for one in asked]
        # Some answers are relative to the folder that git was asked in.
        root, git_dir, common, stored = ((cwd / os.fsdecode(line)).resolve() for line in lines)
        return cls(root, git_dir, common, _main_root(root, git_dir, common), stored)

    def git(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        stdin: BinaryIO | None = None,
        accepted: Collection[int] = (0,),
    ) -> bytes:
        """Run one git command at the root and return what it printed."""
        variables = {**self.objects, **(environ or {})}
        return run_git(self.root, *arguments, environ=variables, stdin=stdin, accepted=accepted)

    @property
    def private(self) -> Path:
        """Our own folder below the git directory; nothing in it is the user's."""
        folder = self.git_dir / "alembic-lockstep"
        folder.mkdir(exist_ok=True)
        return folder

    @cached_property
    def contents(self) -> Objects:
        """The contents of its objects."""
        return Objects(self.root, self.objects)

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
        """HEAD, branches and tags, as they were when first asked for."""
        from alembic_lockstep.git.references import References  # not for the answer at once

        return References.read(self)

    @cached_property
    def _listed(self) -> dict[str, list[Entry]]:
        return {}

    @cached_property
    def empty_tree(self) -> str:
        """The tree without files, in this repository's hash."""
        with tempfile.TemporaryFile() as nothing:
            answer = self.git("hash-object", "-w", "-t", "tree", "--stdin", stdin=nothing)
        return answer.decode().strip()

    def has_commit(self, revision: str) -> bool:
        """Whether a revision names a commit; HEAD does not before the first one."""
        try:
            self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
            )
        except CouldNotJudge:
            return False
        return True

    def is_shallow(self) -> bool:
        """Whether history was cut off by a shallow clone."""
        return self.git("rev-parse", "--is-shallow-repository").strip() == b"true"

    def tree_of(self, revision: str) -> str:
        """The tree that a revision (commit, tag, branch, tree) names."""
        try:
            answer = self.git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{tree}}"
            )
        except CouldNotJudge:
            raise self._no_such_revision(revision) from None
        return answer.decode().strip()

    def _no_such_revision(self, revision: str) -> CouldNotJudge:
        if self.is_shallow():
            return CouldNotJudge(
                f"'{revision}' is not in this shallow clone",
                fix=UNSHALLOW,
            )
        from alembic_lockstep.git.references import fetch_command

        near = self.references.near(revision)
        has_origin = b"origin" in self.git("remote").splitlines()
        return CouldNotJudge(
            f"git knows no commit or tree named '{revision}'{near}",
            fix=fetch_command(revision) if has_origin else "Name another --base or --tree.",
        )

    def staged_tree(self, environ: Mapping[str, str]) -> str:
        """Write what is staged to a tree object and return its id.

        The index is the hook's `GIT_INDEX_FILE` (`git commit -a` and `git commit PATH`
        have one of their own). A copy is written from, so that git cannot touch the original.
        """
        named = environ.get("GIT_INDEX_FILE") or os.fsdecode(
            self.git("rev-parse", "--git-path", "index")
        ).rstrip("\n")
        index = self.root / named
        with self.scratch_index(index if index.exists() else None) as copy:
            try:
                return self.git(*QUIET, "write-tree", environ=copy).decode().strip()
            except CouldNotJudge:
                self._refuse_conflicts(copy)
                raise

    def _refuse_conflicts(self, index: Mapping[str, str]) -> None:
        asked = ("diff", "--cached", "--name-only", "--diff-filter=U", "-z")
        conflicts = paths(self.git(*asked, environ=index))
        if conflicts:
            raise CouldNotJudge(
                "the index has conflicts of a merge",
                tried=conflicts,
                fix=f"Once they are resolved:\n{add_command(conflicts)}",
            )

    def scratch_index(self, source: Path | None) -> AbstractContextManager[Mapping[str, str]]:
        """A throwaway copy of an index, as an environment for git commands."""
        return scratch_index(self.private / "indexes", source)

    def tree_with(self, tree: str, paths: Sequence[str]) -> str:
        """The tree that `git add paths` on top of `tree` would give."""
        with self.scratch_index(None) as index:
            self.git(*QUIET, "read-tree", tree, environ=index)
            self.git(*QUIET, "add", "--force", "--", *map(_literal, paths), environ=index)
            return self.git(*QUIET, "write-tree", environ=index).decode().strip()

    def tree_with_file(self, tree: str, path: str, blob: str) -> str:
        """Return the tree with one more file, whose content is a blob that exists."""
        with self.scratch_index(None) as index:
            self.git(*QUIET, "read-tree", tree, environ=index)
            entry = f"100644,{blob},{path}"
            self.git(*QUIET, "update-index", "--add", "--cacheinfo", entry, environ=index)
            return self.git(*QUIET, "write-tree", environ=index).decode().strip()

    def entries(self, tree: str) -> list[Entry]:
        """Every file of a tree; no submodules."""
        if tree not in self._listed:
            listed = self.git("ls-tree", "-r", "-z", "--full-tree", tree)
            self._listed[tree] = list(parse_entries(listed))
        return self._listed[tree]

    def changes(self, base: str, tree: str, *, renames: bool = True) -> list[Change]:
        """The change set between two trees.

        Args:
            renames: Whether to find them, which takes 0.7 s between trees that are far apart.
        """
        how = "-M" if renames else "--no-renames"
        return list(parse_changes(self.git("diff-tree", "-r", "-z", how, "--raw", base, tree)))

    def staged_changes(self, base: str) -> list[Change]:
        """What is staged against a tree, without writing anything; the hook's index counts."""
        listed = self.git("diff-index", "--cached", "--raw", "-z", "--no-renames", base)
        return list(parse_changes(listed))

    def still_ignored(self, names: Collection[str]) -> set[str]:
        """Those of the files and folders that git ignores, or in which it ignores something.

        Bytecode does not count: every folder of tests has some, and none is loaded without source.
        """
        if not names:
            return set()
        asked = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
        listed = paths(self.git("ls-files", *asked, "--", *map(_literal, names)))
        found = [path for path in listed if "__pycache__" not in path.split("/")]
        return {
            name
            for name in names
            for one in found
            if name == one.rstrip("/")
            or one.startswith(f"{name}/")
            or (one.endswith("/") and name.startswith(one))
        }

    def untracked(self) -> list[str]:
        """Files that git neither tracks nor ignores: the forgotten ones."""
        return paths(self.git("ls-files", "--others", "--exclude-standard", "-z"))

    def unstaged(self) -> list[str]:
        """Tracked files whose content on disk differs from what is staged.

        What was only announced (`git add --intent-to-add`) counts as added.
        """
        return paths(self.git("diff-files", "--name-only", "--diff-filter=AM", "-z"))

    def names_paths(self) -> bool:
        """Whether this is `git commit PATH …`, which leaves out what else is staged.

        Git then has an index made for the hook, `next-index-PID.lock`.
        """
        return b"next-index-" in self.git("rev-parse", "--git-path", "index")

    def ignored(self) -> list[str]:
        """Ignored files, and folders (ending in `/`) in which everything is ignored.

        Bytecode is left out: a checkout has its own.
        """
        return [*self._ignored_in(self.root), *self._ignored_in_submodules()]

    def worktrees(self) -> list[tuple[str, list[str]]]:
        """This working tree, and the main one if it is another; each with what is ignored there."""
        others = {self.main_root} - {self.root}
        found = [(str(root), self._ignored_in(root)) for root in others]
        return [(str(self.root), self.ignored()), *found]

    def _ignored_in_submodules(self) -> list[str]:
        found = []
        for folder, git_dir in self.submodules.items():
            if (self.root / folder / ".git").exists():
                inside = self._ignored_in(self.root / folder, git_dir)
                found += [f"{folder}/{path}" for path in inside]
        return found

    def _ignored_in(self, root: Path, git_dir: Path | None = None) -> list[str]:
        git_dir = git_dir or root / ".git"
        other = {
            "GIT_DIR": str(git_dir),
            "GIT_WORK_TREE": str(root),
            "GIT_INDEX_FILE": str(git_dir / "index"),
        }
        environ = None if root == self.root else other  # a hook's variables speak of `self.root`
        names = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
        found = _outermost(paths(run_git(root, "ls-files", *names, environ=environ)))
        return [path for path in found if not BYTECODE.search(path)]

    def grep(self, tree: str, *pattern: str, among: str = ".") -> list[str]:
        """The files of a tree in which `git grep` finds a pattern.

        Args:
            pattern: As options: `-F word` or `-E regex`.
            among: A pathspec: `*.py`.
        """
        asked = ("grep", "--no-color", "--no-recurse-submodules", "-l", "-z", *pattern, tree)
        found = paths(self.git(*asked, "--", among, accepted=(0, 1)))  # 1: in none
        return [path.removeprefix(f"{tree}:") for path in found]

    def branches_defining(self, revision: str, folder: str) -> list[str]:
        """Names of branches in which a file below `folder` assigns this id to `revision`."""
        anything = re.sub(r"\W", ".", revision)  # what is no letter may mean something to grep
        pattern = f"^revision[^=]*=[ (\"']*{anything}[\"') ]*(#.*)?$"
        refs = self.git("for-each-ref", "--format=%(refname)", "refs/heads", "refs/remotes")
        found = []
        for ref in refs.decode().split():
            try:
                self.git("grep", "--quiet", "-E", "-e", pattern, ref, "--", folder or ".")
            except CouldNotJudge:
                continue
            found.append(ref.removeprefix("refs/heads/").removeprefix("refs/remotes/"))
        return found


def _main_root(root: Path, git_dir: Path, common: Path) -> Path:
    """The main working tree; a bare repository has none, whatever folder its `.git` lies in."""
    if git_dir == common or common.name != ".git":
        return root
    bare = ("config", "--file", str(common / "config"), "--type=bool", "--default=false")
    is_bare = run_git(root, *bare, "--get", "core.bare").strip() == b"true"
    return root if is_bare else common.parent


def _literal(path: str) -> str:
    return f":(top,literal){path}"


def _outermost(names: Sequence[str]) -> list[str]:
    """Drop what lies in a folder that is listed, too.

    With `--directory`, git lists a folder and its content where the folder's own `.gitignore`
    ignores all of it, as `uv venv`, Python 3.13's venv and the caches of ruff, mypy and pytest do.
    """
    outermost: list[str] = []
    for name in sorted(names):
        folder = outermost[-1] if outermost and outermost[-1].endswith("/") else None
        if folder is None or not name.startswith(folder):
            outermost.append(name)
    return outermost
