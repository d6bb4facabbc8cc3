"""Settings in pyproject.toml on disk that the judged tree lacks."""

from __future__ import annotations

from alembic_lockstep.config import own_settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.pathspec import add_command, from_anywhere
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.system.regular import read_text

FILE = "pyproject.toml"


def unstaged_settings(context: RunContext, tree: str) -> str:
    """Return a note with the command to type if settings on disk differ from the tree's; else "".

    The tree's settings count: lines that were copied from a message have no effect until they
    are staged or, if HEAD is judged, committed. Other trees get no note.
    """
    if context.settings_from_base:
        return ""
    repository = context.repository
    on_disk = _settings_in(read_text(repository.root / FILE))
    if on_disk is None or on_disk == _settings_in(Tree(repository, tree).read(FILE)):
        return ""
    if tree == repository.staged_tree(context.environ):
        command = add_command([FILE])
    elif tree == repository.tree_of("HEAD"):
        command = f"git commit {from_anywhere([FILE])}"
    else:
        return ""
    return f"The settings in {FILE} on disk are not in what is judged: {command}"


def _settings_in(text: str | None) -> dict[str, object] | None:
    try:
        return own_settings(text or "")
    except CouldNotJudge:  # a draft on disk is no error
        return None
