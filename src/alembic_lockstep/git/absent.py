"""What a tree has and this machine has not: large files, submodules."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from alembic_lockstep.git.command import paths, run_git
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


def what_is_absent(repository: Repository, tree: str) -> list[str]:
    """What is not here of a tree, each with the command that brings it."""
    named = repository.grep(tree, "-G", f"^{LFS}")
    pointers = [name for name in named if _lacks(repository, tree, name)]
    return [
        *(f"The submodule {path} is empty here: {update(path)}" for path in repository.absent),
        *(f"{name} is a Git LFS pointer here: git lfs pull" for name in pointers),
    ]


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
