"""How git writes a tree's files: attributes, line ends, encodings, filters."""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from alembic_lockstep.git.repository import Repository
from alembic_lockstep.system.regular import read_regular

_SYSTEM = Path("/etc/gitattributes")


def digest_filters(repository: Repository, tree: str) -> str:
    """Return a digest of all that decides how the files of a tree are written.

    A checkout written under another digest has to be rewritten as a whole: git itself only
    writes files whose content in the repository differs.
    """
    digest = blake2b(digest_size=16)
    for part in _parts(repository, tree):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _parts(repository: Repository, tree: str) -> Iterator[bytes]:
    for entry in repository.entries(tree):
        if posixpath.basename(entry.path) == ".gitattributes":
            yield f"{entry.path}\n{entry.sha}".encode("utf-8", "surrogateescape")
    for setting in repository.configuration.writing:
        yield "\n".join(map(str, setting[1:])).encode("utf-8", "surrogateescape")
        if setting.key.startswith("filter.") and setting.value:
            yield from _programs(repository.root, setting.value)
    for file in (
        repository.common_dir / "info" / "attributes",
        _user_attributes(repository),
        _SYSTEM,
    ):
        yield read_regular(file) or b""


def _programs(root: Path, command: str) -> Iterator[bytes]:
    """Yield size and time of each file that a filter's command names: its program, its keys."""
    try:
        words = shlex.split(command)
    except ValueError:  # unbalanced quotes: the shell will complain
        words = command.split()
    for word in words:
        file = Path(shutil.which(word) or root / word)
        with suppress(OSError):  # no file, or deleted meanwhile
            status = file.stat()
            if stat.S_ISREG(status.st_mode):
                size_and_time = f"{file} {status.st_size} {status.st_mtime_ns}"
                yield size_and_time.encode("utf-8", "surrogateescape")


def _user_attributes(repository: Repository) -> Path:
    """Return the user's own attributes file: gitattributes(5)."""
    setting = repository.configuration.last("core.attributesfile")
    if setting:
        return repository.root / os.path.expanduser(setting)  # noqa: PTH111 - never fails
    # Git runs in our environment.
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111
    return Path(folder, "git", "attributes")
