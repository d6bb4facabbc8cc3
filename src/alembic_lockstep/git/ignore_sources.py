"""Why git ignores files: the patterns of a repository, wherever these decide."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.entries import parent_folders
from alembic_lockstep.git.working_tree import WorkingTree
from alembic_lockstep.system.disk_questions import is_folder, read_text


def ask_ignore_sources(working_tree: WorkingTree, names: Collection[str]) -> bool:
    """Ask the disk for all that decides whether git ignores these files and folders.

    As long as the answers are the same, git ignores them. Return False if it does not ignore each
    of them by a pattern of `.gitignore` or `info/exclude`, which beat the user's own patterns.
    """
    if not names:
        return True
    root, exclude = str(working_tree.root), f"{working_tree.common_dir}/info/exclude"
    try:
        listed = _matching_patterns(working_tree, names)
    except CouldNotJudge:
        return False
    fields = [os.fsdecode(field) for field in listed.split(b"\0")[:-1]]
    ignored = set()
    for source, pattern, path in zip(fields[::4], fields[2::4], fields[3::4], strict=True):
        in_tree = not os.path.isabs(source) and os.path.basename(source) == ".gitignore"
        is_exclude = os.path.realpath(os.path.join(root, source)) == os.path.realpath(exclude)
        if (in_tree or is_exclude) and not pattern.startswith("!"):
            ignored.add(path)
    if ignored != set(names):
        return False
    read_text(exclude)
    for folder in {"", *(parent for name in names for parent in parent_folders(name))}:
        read_text(os.path.join(root, folder, ".gitignore"))
    for name in names:  # a pattern may match folders only
        is_folder(os.path.join(root, name))
    return True


def _matching_patterns(working_tree: WorkingTree, names: Collection[str]) -> bytes:
    """Return source, line, pattern and path for each name that a pattern matches."""
    with tempfile.TemporaryFile() as stdin:
        stdin.write(b"\0".join(map(os.fsencode, names)))
        stdin.seek(0)
        command = ("check-ignore", "-v", "-z", "--stdin")
        return working_tree.git(*command, stdin=stdin, accepted=(0, 1))
