"""The working tree around a folder, and the questions to git that an answer at once needs.

Where git's own files are plain, a few of them say where the working tree is, and which tree HEAD
has; that saves three processes. Wherever they are not, git itself is asked.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cached_property

from alembic_lockstep.git.command import ObjectReader, paths, run_git
from alembic_lockstep.git.entries import parse_changes
from alembic_lockstep.git.loose_objects import PackedError, is_id, tree_changes, tree_of_commit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from alembic_lockstep.git.entries import Change

# Variables that do not say where a repository is, nor which objects it has. `git commit` sets
# some of them for a hook. Of the configuration, only the repository's own file could say it.
# fmt: off
_HARMLESS = frozenset({
    "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM", "GIT_EDITOR",
    "GIT_EXEC_PATH", "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_OPTIONAL_LOCKS", "GIT_PAGER",
    "GIT_PREFIX", "GIT_REFLOG_ACTION", "GIT_SEQUENCE_EDITOR", "GIT_TERMINAL_PROMPT",
})
_HARMLESS_PREFIXES = (
    "GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CURL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_PS1_", "GIT_SSH",
    "GIT_SSL_", "GIT_TRACE",
)
# fmt: on
# Whatever `diff.ignoreSubmodules` and .gitmodules say.
_ALL_SUBMODULES = "--ignore-submodules=none"
#: Options of `git ls-files` that list what is ignored.
IGNORED = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")


class WorkingTree:
    """A working tree and its git directory.

    Attributes:
        root: Its top folder, absolute.
        common_dir: The git directory that it shares with linked working trees, absolute.
        object_environ: Variables that let git find further objects.
        loose_objects: The folder of objects that can be read without git; "" for none.
    """

    root: Path | str
    common_dir: Path | str
    object_environ: Mapping[str, str]
    loose_objects = ""

    def __init__(self, root: str, common_dir: str, loose_objects: str = "") -> None:
        self.root = root
        self.common_dir = common_dir
        self.object_environ = {}
        self.loose_objects = loose_objects

    def git(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        stdin: BinaryIO | None = None,
        accepted: Collection[int] = (0,),
    ) -> bytes:
        """Run one git command at the root and return what it printed."""
        variables = {**self.object_environ, **(environ or {})}
        return run_git(self.root, *arguments, environ=variables, stdin=stdin, accepted=accepted)

    @cached_property
    def contents(self) -> ObjectReader:
        """Reader of its objects."""
        return ObjectReader(self.root, self.object_environ)

    def changes(self, base: str, tree: str, *, renames: bool = True) -> list[Change]:
        """Return the change set between two trees.

        Args:
            base: The tree before.
            tree: The tree after.
            renames: Find renames, which takes 0.7 s between trees that are far apart.
        """
        if self.loose_objects and not renames:
            with suppress(PackedError):
                return list(tree_changes(self.loose_objects, base, tree))
        option = "-M" if renames else "--no-renames"
        command = ("diff-tree", "-r", "-z", option, _ALL_SUBMODULES, "--raw", base, tree)
        return list(parse_changes(self.git(*command)))

    def staged_changes(self, base: str) -> list[Change]:
        """Return the change set from a tree to the index (the hook's); nothing is written."""
        command = ("diff-index", "--cached", "--raw", "-z", "--no-renames", _ALL_SUBMODULES, base)
        return list(parse_changes(self.git(*command)))

    def ignored_among(self, names: Collection[str]) -> set[str]:
        """Return those files and folders that git ignores, or in which it ignores something.

        Bytecode does not count: every folder of tests has some, and none is loaded without source.
        """
        if not names:
            return set()
        listed = paths(self.git("ls-files", *IGNORED, "--", *map(literal, names)))
        ignored = [path for path in listed if "__pycache__" not in path.split("/")]
        return {
            name
            for name in names
            for path in ignored
            if name == path.rstrip("/")
            or path.startswith(f"{name}/")
            or (path.endswith("/") and name.startswith(path))
        }


def literal(path: str) -> str:
    """Return the pathspec that matches a path alone."""
    return f":(top,literal){path}"


def working_tree_and_head(cwd: str, environ: Mapping[str, str]) -> tuple[WorkingTree, str]:
    """Return the working tree around a folder, and the id of HEAD's tree.

    Raises:
        CouldNotJudge: there is no working tree, or no commit.
    """
    root = _plain_root(cwd, environ)
    if root:
        common = os.path.join(root, ".git")
        is_loose = not _replaces_objects(common)
        tree = _tree_of_head(common) if is_loose else ""
        if not tree:
            tree = run_git(root, "rev-parse", "--verify", "HEAD^{tree}").decode().strip()
        return WorkingTree(root, common, f"{common}/objects" if is_loose else ""), tree
    names = ("--show-toplevel", "--git-common-dir", "HEAD^{tree}")
    lines = run_git(cwd, "rev-parse", *names).splitlines()
    root, common = (os.path.realpath(os.path.join(cwd, os.fsdecode(line))) for line in lines[:2])
    return WorkingTree(root, common), lines[2].decode()


def _plain_root(cwd: str, environ: Mapping[str, str]) -> str:
    """Return the top of the working tree around a folder, if nothing about it is unusual; or ""."""
    unusual = {name for name in environ if name.startswith("GIT_")} - _HARMLESS
    if not all(name.startswith(_HARMLESS_PREFIXES) for name in unusual):
        return ""
    root = cwd = os.path.realpath(cwd)
    while not os.path.lexists(os.path.join(root, ".git")):
        if os.path.dirname(root) == root:
            return ""
        root = os.path.dirname(root)
    folder = os.path.join(root, ".git")
    # Git looks further above unless all of these are there. It does not cross file systems.
    parts = ("HEAD", "objects", "refs", "config")
    if not all(os.path.exists(os.path.join(folder, part)) for part in parts):
        return ""
    if os.path.islink(folder) or os.stat(cwd).st_dev != os.stat(root).st_dev:
        return ""
    return root if _is_plain(_read(folder, "config")) else ""


def _is_plain(config: bytes) -> bool:
    """Return whether a repository's configuration leaves its working tree where `.git` is."""
    config = config.lower()
    if b"worktree" in config or b"include" in config:
        return False
    bare = (line for line in config.splitlines() if b"bare" in line)
    return all(b"".join(line.split()) == b"bare=false" for line in bare)


def _tree_of_head(folder: str) -> str:
    """Return the tree of HEAD's commit if it can be read without git; or "".

    Args:
        folder: The git directory.
    """
    head = _read(folder, "HEAD").strip()
    if head.startswith(b"ref: "):
        head = _read(folder, os.fsdecode(head[5:])).strip()
    try:
        return tree_of_commit(f"{folder}/objects", head.decode()) if is_id(head) else ""
    except PackedError:
        return ""


def _replaces_objects(folder: str) -> bool:
    """Return whether there may be objects that git shows in the place of others."""
    packed = b" refs/replace/" in _read(folder, "packed-refs")
    return packed or os.path.exists(os.path.join(folder, "refs", "replace"))


def _read(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError:
        return b""
