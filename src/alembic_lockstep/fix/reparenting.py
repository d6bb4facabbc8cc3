"""Texts of migrations that make one head of several: with another parent, or a merge."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from alembic_lockstep.alembic_env.revisions import Revision, parse_revision

#: Lines as Python counts them; `str.splitlines` knows more line ends.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_REVISES = r"(?m)^([ \t]*Revises:[ \t]*){}[ \t]*(?=\r?$)"
_MERGE = '''\
"""Merge {listed}

Revision ID: {name}
Revises: {listed}

"""

revision = "{name}"
down_revision = ({quoted})
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
'''


def reparented(text: str, revision: Revision, parent: str) -> str | None:
    """Return a migration's text with another `down_revision`, and in its docstring the same.

    None if that takes more than another value in its line: it is computed, or spans lines.
    """
    if "down_revision" not in revision.lines:
        return None
    line, column, length = revision.lines["down_revision"]
    lines = _LINE.findall(text)
    source, start = lines[line - 1], column - 1
    quote = '"' if '"' in source[start : start + length] else "'"
    lines[line - 1] = f"{source[:start]}{quote}{parent}{quote}{source[start + length :]}"
    revises = _REVISES.format(re.escape(", ".join(revision.down)))
    changed = re.sub(revises, lambda match: f"{match[1]}{parent}", "".join(lines), count=1)
    parsed = parse_revision(revision.path, changed)
    is_done = parsed and (parsed.id, parsed.down) == (revision.id, (parent,))
    return changed if is_done else None


def merge_revision(parents: Sequence[str], folder: str) -> tuple[str, str]:
    """Return path and text of a revision that merges heads; always the same for these heads."""
    name = hashlib.sha256(" ".join(parents).encode()).hexdigest()[:12]
    slug = re.sub(r"\W+", "_", "_".join(parents)).lower()[:40]
    quoted = ", ".join(f'"{parent}"' for parent in parents)
    text = _MERGE.format(listed=", ".join(parents), name=name, quoted=quoted)
    return f"{folder}/{name}_merge_{slug}.py".removeprefix("/"), text
