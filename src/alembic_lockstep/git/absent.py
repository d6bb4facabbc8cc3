"""What a tree has and this machine has not: large files, submodules."""

from __future__ import annotations

import posixpath
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alembic_lockstep.git.command import paths, run_git
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.repository import Repository

# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md#the-pointer
LFS = "version https://git-lfs.github.com/spec/"
OBJECT = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)
LARGEST_POINTER = 1024


def fill_pointers(repository: Repository, folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Put the content of Git LFS files that is on this machine into a working copy.

    Git LFS itself would ask its server for the others. Returns the paths that were filled.
    """
    filled: list[str] = []
    if not (repository.common_dir / "lfs" / "objects").is_dir():
        return filled
    for name in paths(run_git(folder, "ls-files", "-z", ":(attr:filter=lfs)", environ=environ)):
        file = folder / name
        if file.is_file() and file.stat().st_size <= LARGEST_POINTER:
            content = _content(repository, file.read_bytes())
            if content is not None and content.is_file():
                file.unlink()
                shutil.copyfile(content, file)
                filled.append(name)
    return filled


def what_is_absent(
    repository: Repository, tree: str, error: Mapping[str, Any], reads: Mapping[str, Any]
) -> list[str]:
    """Return what of a tree is not here and may be why a run failed, each with what brings it.

    Args:
        error: The failure (`Observation.error`). A module that is missing may be in any submodule.
        reads: What was read (`Observation.reads`); empty if that is not known.
    """
    named = repository.grep(tree, "-G", f"^{LFS}")
    opened = {*reads.get("opened", ()), *reads.get("imported", ())}
    pointers = [
        name for name in named if _lacks(repository, tree, name) and (not reads or name in opened)
    ]
    lacks_module = error.get("type") in ("ImportError", "ModuleNotFoundError")
    message, looked_for = str(error.get("message", "")), reads.get("absent", ())
    submodules = [
        path
        for path in repository.absent
        if lacks_module
        or path in message
        or any(f"{name}/".startswith(f"{path}/") for name in looked_for)
    ]
    return [
        *(f"The submodule {path} is empty here: {update(path)}" for path in submodules),
        *(f"{name} is a Git LFS pointer here: git lfs pull" for name in pointers),
    ]


def looked_for(repository: Repository, reads: Mapping[str, Any], folder: str) -> list[str]:
    """Return the untracked files of a folder that a dry run looked for, and could not see.

    Args:
        reads: What it read (`Observation.reads`).
        folder: POSIX path from the root; where a folder in it was listed, all files there count.
    """
    absent, listed = set(reads.get("absent", ())), set(reads.get("listed", ()))
    return [
        path
        for path in repository.untracked()
        if path.startswith(f"{folder}/")
        and not path.endswith(".py")
        and (path in absent or posixpath.dirname(path) in listed)
    ]


def forgotten_in(message: str, reads: Mapping[str, Any], repository: Repository) -> str:
    """Return what to type where a dry run failed for files that lie on disk only; "" if for none.

    Args:
        message: The failure's.
    """
    absent = set(reads.get("absent", ()))
    named = [
        path
        for path in repository.untracked()
        if path in absent and posixpath.basename(path) in message
    ]
    return add_forgotten(named)


def add_forgotten(paths: Sequence[str]) -> str:
    """Return what to type about forgotten files; "" if there are none."""
    if not paths:
        return ""
    return f"It lies on disk, but is not in the commit:\n{add_command(paths)}"


def update(path: str) -> str:
    """The command that brings a submodule."""
    return f"git submodule update --init -- {shlex.quote(path)}"


def _lacks(repository: Repository, tree: str, name: str) -> bool:
    content = _content(repository, repository.git("cat-file", "blob", f"{tree}:{name}"))
    return content is not None and not content.is_file()


def _content(repository: Repository, pointer: bytes) -> Path | None:
    """Where the content of a pointer would be kept; None for what is no pointer."""
    found = OBJECT.search(pointer) if pointer.startswith(LFS.encode()) else None
    if found is None:
        return None
    oid = found[1].decode()
    return repository.common_dir / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
