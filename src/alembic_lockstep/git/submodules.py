"""Trees with their submodules filled in: a submodule's files then are files like any others.

A tree holds only a submodule's commit. Its objects are in a git directory of its own on this
machine, so nothing is fetched. The filled trees are written into our own folder: in the user's
repository they would name objects that it does not have.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.absent import update_command
from alembic_lockstep.git.command import QUIET, records
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.system.regular import read_text


def with_submodules(repository: Repository, base: str, tree: str) -> tuple[Repository, str, str]:
    """Fill in the submodules of two trees.

    Returns:
        The repository that can read the filled trees, and their ids: base, tree. Submodules
        that are not checked out stay empty folders, as they are for the user; so do those of
        the base at a commit that this clone lacks.

    Raises:
        CouldNotJudge: A submodule is here, but not the commit that `tree` has it at.
    """
    if not any(repository.git("ls-tree", side, ".gitmodules") for side in (base, tree)):
        return repository, base, tree
    filler = _Filler(repository)
    homes = (repository.git_dir, repository.common_dir)
    filled = filler.fill(tree, "", homes)
    absent = tuple(dict.fromkeys(filler.absent))
    if filler.behind:
        raise _behind(*filler.behind[0])
    before = filler.fill(base, "", homes)
    plain = {before: base, filled: tree}
    repository = replace(
        filler.repository,
        submodules=filler.git_dirs,
        absent_submodules=absent,
        plain_trees=plain,
    )
    return repository, before, filled


@dataclass
class _Filler:
    """Fills trees.

    Attributes:
        repository: Can read the objects of all submodules so far.
        git_dirs: From folders of submodules to their git directories.
        absent: Folders of submodules that are not checked out.
        behind: Folders and commits of submodules whose clone lacks the commit.
    """

    repository: Repository
    git_dirs: dict[str, Path] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    behind: list[tuple[str, str]] = field(default_factory=list)
    _stores: dict[str, None] = field(default_factory=dict)

    def fill(self, tree: str, prefix: str, homes: Sequence[Path]) -> str:
        """Write a tree with the files of its submodules, recursively; return its id.

        Args:
            prefix: POSIX path of the tree's folder, with a slash at the end; "" for the root.
            homes: Git directories in which the clones of submodules may lie.
        """
        links = list(self._links(tree))
        if not links:
            return tree
        names = self._names(tree)
        with self.repository.scratch_index(None) as index:
            self._git("read-tree", tree, environ=index)
            for path, commit in links:
                clones = self._clones(prefix + path, names.get(path, path), homes)
                content = self._content(prefix + path, commit, clones)
                if content:
                    filled = self.fill(content, f"{prefix}{path}/", clones)
                    self._git("update-index", "--force-remove", "--", path, environ=index)
                    self._git("read-tree", f"--prefix={path}/", filled, environ=index)
            return self._git("write-tree", environ=index).decode().strip()

    def _content(self, path: str, commit: str, clones: Sequence[Path]) -> str:
        """Return the id of a submodule's tree; "" if it is not in this clone."""
        if not clones:
            self.absent.append(path)
            return ""
        self.git_dirs[path] = clones[0]
        self._open(clones)
        if not self.repository.has_commit(commit):
            self.behind.append((path, commit))
            return ""
        return self.repository.tree_of(commit)

    def _open(self, clones: Sequence[Path]) -> None:
        """Add the objects of these clones to those that git finds."""
        if not self._stores:
            self._stores[str(self.repository.object_dir)] = None
        self._stores.update((str(clone / "objects"), None) for clone in clones)
        filled = self.repository.private / "objects"
        filled.mkdir(exist_ok=True)
        variables = {
            "GIT_OBJECT_DIRECTORY": str(filled),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(map(_quoted, self._stores)),
        }
        stores = (filled, *map(Path, self._stores))
        self.repository = replace(self.repository, object_environ=variables, stores=stores)

    def _clones(self, path: str, name: str, homes: Sequence[Path]) -> list[Path]:
        """Return the git directories of a submodule: its folder's first, then those by its name."""
        git_dir = _git_dir(self.repository.root / path)
        git_dirs = [*([git_dir] if git_dir else []), *(home / "modules" / name for home in homes)]
        return list(dict.fromkeys(path for path in git_dirs if (path / "objects").is_dir()))

    def _links(self, tree: str) -> Iterator[tuple[str, str]]:
        """Yield paths and commits of a tree's submodules."""
        for entry in records(self.repository.git("ls-tree", "-r", "-z", "--full-tree", tree)):
            facts, _, path = entry.partition(b"\t")
            if facts.startswith(b"160000 "):
                yield os.fsdecode(path), facts.split()[2].decode()

    def _names(self, tree: str) -> Mapping[str, str]:
        """Return the submodules' names by their paths; a renamed submodule keeps its first name."""
        options = ("--blob", f"{tree}:.gitmodules", "-z", "--get-regexp", r"^submodule\..*\.path$")
        try:
            listed = records(self.repository.git("config", *options))
        except CouldNotJudge:  # no such file
            return {}
        pairs = (os.fsdecode(line).split("\n", 1) for line in listed)
        return {path: key[len("submodule.") : -len(".path")] for key, path in pairs}

    def _git(self, *arguments: str, environ: Mapping[str, str]) -> bytes:
        return self.repository.git(*QUIET, *arguments, environ=environ)


def _git_dir(folder: Path) -> Path | None:
    """Return the git directory that a submodule's `.git` is or names; None if there is none.

    Git cannot tell: with a hook's variables it would answer for the outer repository.
    """
    dot_git = folder / ".git"
    if dot_git.is_dir():
        return dot_git.resolve()
    text = read_text(dot_git)
    if text is None:
        return None
    git_dir = (folder / text.strip().removeprefix("gitdir: ")).resolve()
    common = read_text(git_dir / "commondir")
    return git_dir if common is None else (git_dir / common.strip()).resolve()


def _quoted(path: str) -> str:
    """Quote a path for git's list of folders, if it holds the separator or a quote."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if {os.pathsep, '"'} & set(path) else path


def _behind(path: str, commit: str) -> CouldNotJudge:
    return CouldNotJudge(
        f"the submodule {path} is at commit {commit[:12]}, which its clone here lacks",
        fix=update_command(path),
    )
