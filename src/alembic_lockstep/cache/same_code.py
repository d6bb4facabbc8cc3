"""Comparison of two versions of a Python file by what they do."""

from __future__ import annotations

import ast
import importlib.util
import re

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.pysource.parsing import INVALID, parse_python

# Our own comments count as code, and so does their surrounding: they are about it.
_DIRECTIVE = re.compile(r"#\s*lockstep:")


def same_code(old: bytes, new: bytes, *, docstrings: bool) -> bool:
    """Return whether two versions differ in comments, formatting and docstrings only.

    Args:
        docstrings: Docstrings count as code, as something reads them.
    """
    try:
        before, now = importlib.util.decode_source(old), importlib.util.decode_source(new)
        if _DIRECTIVE.search(before) or _DIRECTIVE.search(now):
            return before == now
        return _are_same(parse_python(before), parse_python(now), docstrings)
    except INVALID:
        return False


def is_same_code(path: str, old: str | None, new: str | None, repository: Repository) -> bool:
    """Return whether two blobs (ids; None for no file) of a path do the same."""
    if old == new:
        return True
    if old is None or new is None or not path.endswith(".py"):
        return False
    try:
        texts = (repository.contents.read(old), repository.contents.read(new))
    except CouldNotJudge:  # `git gc` took it
        return False
    return same_code(*texts, docstrings=True)


def _are_same(old: object, new: object, docstrings: bool) -> bool:
    """Compare two syntax trees, or parts of them; to `ast.dump()` both takes twice as long."""
    if old is new:  # a name's context, and small numbers
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, ast.AST):
        fields = ((getattr(old, name, None), getattr(new, name, None)) for name in old._fields)
        return all(_are_same(*pair, docstrings) for pair in fields)
    if isinstance(old, list) and isinstance(new, list):
        if not docstrings:
            old, new = ([part for part in parts if not _is_idle(part)] for parts in (old, new))
        pairs = zip(old, new, strict=False)
        return len(old) == len(new) and all(_are_same(*pair, docstrings) for pair in pairs)
    return old == new


def _is_idle(part: object) -> bool:
    """Return whether a part is a docstring, a text below an attribute, or a `pass`."""
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
        return isinstance(part.value.value, str)
    return isinstance(part, ast.Pass)
