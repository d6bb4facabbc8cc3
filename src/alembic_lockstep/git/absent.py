"""Content of a tree that this machine lacks: large files, submodules, forgotten files."""

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
    """Replace Git LFS pointers in a working copy by content that is on this machine.

    Git LFS itself would ask its server for the others. Returns the paths that were replaced.
    """
    filled: list[str] = []
    if not (repository.common_dir / "lfs" / "objects").is_dir():
        return filled
    for name in paths(run_git(folder, "ls-files", "-z", ":(attr:filter=lfs)", environ=environ)):
        file = folder / name
        if file.is_file() and file.stat().st_size <= LARGEST_POINTER:
            content = _lfs_object(repository, file.read_bytes())
            if content is not None and content.is_file():
                file.unlink()
                shutil.copyfile(content, file)
                filled.append(name)
    return filled


def explain_absent(
    repository: Repository, tree: str, error: Mapping[str, Any], reads: Mapping[str, Any]
) -> list[str]:
    """Return a line for each part of a tree that is absent and may be why a run failed.

    Args:
        error: The failure (`Observation.error`). A missing module may be in any submodule.
        reads: The files that the run read (`Observation.reads`); empty if not recorded.
    """
    opened = {*reads.get("opened", ()), *reads.get("imported", ())}
    pointers = [
        name
        for name in repository.grep(tree, "-G", f"^{LFS}")
        if _lacks_object(repository, tree, name) and (not reads or name in opened)
    ]
    lacks_module = error.get("type") in ("ImportError", "ModuleNotFoundError")
    message, absent = str(error.get("message", "")), reads.get("absent", ())
    submodules = [
        path
        for path in repository.absent_submodules
        if lacks_module
        or path in message
        or any(f"{name}/".startswith(f"{path}/") for name in absent)
    ]
    return [
        *(f"The submodule {path} is empty here: {update_command(path)}" for path in submodules),
        *(f"{name} is a Git LFS pointer here: git lfs pull" for name in pointers),
    ]


def forgotten_data(repository: Repository, reads: Mapping[str, Any], folder: str) -> list[str]:
    """Return the untracked files of a folder, other than Python, that a dry run looked for.

    Args:
        reads: The files that the run read (`Observation.reads`).
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


def forgotten_hint(message: str, reads: Mapping[str, Any], repository: Repository) -> str:
    """Return the hint for a failure whose message names untracked files; "" if it names none.

    Args:
        message: The failure's message.
    """
    absent = set(reads.get("absent", ()))
    forgotten = [
        path
        for path in repository.untracked()
        if path in absent and posixpath.basename(path) in message
    ]
    return add_forgotten(forgotten)


def add_forgotten(paths: Sequence[str]) -> str:
    """Return the hint to add forgotten files; "" if there are none."""
    if not paths:
        return ""
    return f"It lies on disk, but is not in the commit:\n{add_command(paths)}"


def update_command(path: str) -> str:
    """Return the command that checks out a submodule."""
    return f"git submodule update --init -- {shlex.quote(path)}"


def _lacks_object(repository: Repository, tree: str, name: str) -> bool:
    content = _lfs_object(repository, repository.git("cat-file", "blob", f"{tree}:{name}"))
    return content is not None and not content.is_file()


def _lfs_object(repository: Repository, pointer: bytes) -> Path | None:
    """Return the file in which Git LFS stores a pointer's content; None if it is no pointer."""
    match = OBJECT.search(pointer) if pointer.startswith(LFS.encode()) else None
    if match is None:
        return None
    oid = match[1].decode()
    return repository.common_dir / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
