"""Comparison of two versions of a pyproject.toml by what we, and Alembic, read of it."""

from __future__ import annotations

from typing import Any

from alembic_lockstep.config import TABLE, parse_toml
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.probe.sources import NAME, REQUIRED_ELSEWHERE

_TABLES = ("alembic", TABLE.rpartition(".")[2])


def same_project(old: bytes, new: bytes) -> bool:
    """Return whether two versions have the same settings, and name the same distributions.

    The names decide whether a module that was loaded from elsewhere is the project's own. Other
    tools' tables, and versions, do not count; what a project reads by itself is in the trace.
    """
    try:
        before, now = old.decode(), new.decode()
        return _read(before) == _read(now)
    except (CouldNotJudge, ValueError):
        return False


def is_same_project(old: str, new: str | None, repository: Repository) -> bool:
    """Return whether two blobs (ids; None for no file) are the same by `same_project`."""
    if old == new or new is None:
        return old == new
    try:
        return same_project(*(repository.contents.read(blob) for blob in (old, new)))
    except CouldNotJudge:  # `git gc` took it
        return False


def _read(text: str) -> list[Any]:
    tool = parse_toml(text, "pyproject.toml").get("tool")
    tables = [tool.get(name) for name in _TABLES] if isinstance(tool, dict) else [None, None]
    return [*tables, set(NAME.findall(text)), set(REQUIRED_ELSEWHERE.findall(text))]
