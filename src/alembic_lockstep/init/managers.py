"""Write the hook for the hook manager that a repository has."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from alembic_lockstep import __version__
from alembic_lockstep.init.proposals import Proposal, append_to_list, read_file
from alembic_lockstep.pages import HOME

PRE_COMMIT = ".pre-commit-config.yaml"
HUSKY = ".husky/pre-commit"
# https://lefthook.dev/configuration
LEFTHOOK = tuple(f"{dot}lefthook.{end}" for dot in ("", ".") for end in ("yml", "yaml"))

_HOOK = """\
- repo: {home}
  rev: v{version}
  hooks:
    - id: {id}
"""
_LEFTHOOK = """\
pre-commit:
  jobs:
    - name: models and migrations in lockstep
      run: alembic-lockstep check
"""


def propose_hook(root: Path, files: Collection[str], extras: Collection[str]) -> Proposal | None:
    """Return the change that adds the hook; None if the repository has it.

    A second hook manager would replace the first in `.git/hooks`.
    """
    if not (root / PRE_COMMIT).exists():
        lefthook = next((name for name in LEFTHOOK if (root / name).is_file()), "")
        if lefthook:
            return _for_lefthook(root, lefthook)
        if any(path.startswith(".husky/") for path in files) or (root / HUSKY).is_file():
            return _for_husky(root)
    return _for_pre_commit(root, extras)


def steps_for(path: str, extras: Collection[str]) -> list[str]:
    """Return the commands to run for a hook's file, before it is added to git."""
    if path == PRE_COMMIT:
        return ["pre-commit install"]
    if path != HUSKY and path not in LEFTHOOK:
        return []
    package = f"alembic-lockstep[{','.join(extras)}]" if extras else "alembic-lockstep"
    # These managers install nothing: they run what is on PATH.
    steps = [f"pipx install '{package}'"]
    return steps if path == HUSKY else [*steps, "lefthook install"]


def _for_lefthook(root: Path, name: str) -> Proposal | None:
    before = read_file(root / name) or ""
    if "alembic-lockstep" in before:
        return None
    is_plain = re.search(r"(?m)^[\"']?pre-commit\b", before) is None
    text = f"{before.rstrip()}\n\n{_LEFTHOOK}".lstrip() if is_plain else None
    return Proposal(name, before, text, _LEFTHOOK)


def _for_husky(root: Path) -> Proposal | None:
    before = read_file(root / HUSKY)
    line = "alembic-lockstep check\n"
    if before is not None and "alembic-lockstep" in before:
        return None
    text = before or ""
    text += "" if not text or text.endswith("\n") else "\n"
    # Lines after these would never run.
    is_plain = re.search(r"(?m)^\s*(exec|exit)\b", text) is None
    return Proposal(HUSKY, before, text + line if is_plain else None, line)


def _for_pre_commit(root: Path, extras: Collection[str]) -> Proposal | None:
    several = len(extras) > 1
    name = "-".join(["alembic-lockstep", *([] if several else extras)])
    item = _HOOK.format(home=HOME, version=__version__, id=name)
    if several:
        item += f'      additional_dependencies: [".[{",".join(extras)}]"]\n'
    before = read_file(root / PRE_COMMIT)
    if before is not None and "alembic-lockstep" in before:
        return None
    return Proposal(PRE_COMMIT, before, append_to_list(before or "repos:\n", "repos", item), item)
