"""Compare files before and after a check, and find processes that it left."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: Names a process that a check started, in its environment.
MARK = "WILD_TRIAL"

#: Of `.git` the tool may write objects and what is its own; what a developer has stays.
_GIT = ("HEAD", "config", "hooks", "info", "packed-refs", "refs")


@dataclass
class Watch:
    """Compare folders before and after each check.

    Attributes:
        folders: By the name that the report gives them; the home is ``~``, the repository ``.``.
        skip: Folders that are the tool's own, or git's objects.
        mark: The value of `MARK` in the environment of the checks.
        changed: Each difference once: ``added ./x``, ``changed ~/y``, ``removed ./z``.
        processes: Command lines of processes that outlived a check.
    """

    folders: Mapping[str, Path]
    skip: frozenset[Path]
    mark: str = field(default_factory=lambda: secrets.token_hex(8))
    changed: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record what changes while the block runs, and what processes it leaves."""
        before = self._read()
        yield
        self._record(self.processes, self._left_processes())
        self._record(self.changed, _differences(before, self._read()))

    def _read(self) -> dict[str, str]:
        return {
            f"{name}{str(path).removeprefix(str(folder))}": _describe(path)
            for name, folder in self.folders.items()
            for path in _walk(folder, self.skip)
        }

    def _left_processes(self) -> Iterator[str]:
        mark = f"{MARK}={self.mark}".encode()
        commands = (_marked_command(folder, mark) for folder in Path("/proc").glob("[0-9]*"))
        return (command for command in commands if command)

    def _record(self, into: list[str], lines: Iterator[str]) -> None:
        into.extend(line for line in dict.fromkeys(lines) if line not in into)


def _marked_command(process: Path, mark: bytes) -> str:
    """Return the command line of a process that has the mark, else ""."""
    try:
        if mark not in (process / "environ").read_bytes().split(b"\0"):
            return ""
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:  # ended, or of another account
        return ""


def watch_git(root: Path) -> dict[str, Path]:
    """Return the parts of a repository's `.git` that belong to the developer, to be watched."""
    return {f".git/{name}": root / ".git" / name for name in _GIT}


def _walk(path: Path, skip: frozenset[Path]) -> Iterator[Path]:
    if path in skip or not os.path.lexists(path):
        return
    yield path
    if path.is_dir() and not path.is_symlink():
        for child in path.iterdir():
            yield from _walk(child, skip)


def _describe(path: Path) -> str:
    """Return kind, mode and content of a file, a folder or a link."""
    mode = f"{path.lstat().st_mode:o}"
    if path.is_symlink():
        return f"{mode} {path.readlink()}"
    return f"{mode} {hashlib.sha256(path.read_bytes()).hexdigest()}" if path.is_file() else mode


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"added {name}"
        elif name not in after:
            yield f"removed {name}"
        elif before[name] != after[name]:
            yield f"changed {name}"
