"""Whether two versions of a Python file do the same."""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository

# Comments of ours count as code, and so does what stands around them: it is what they are about.
_DIRECTIVE = re.compile(r"#\s*lockstep:")


def same_code(old: bytes, new: bytes, *, docstrings: bool) -> bool:
    """Whether they differ in comments, formatting and docstrings only.

    Args:
        docstrings: Something reads them, so they count as code.
    """
    try:
        before, now = importlib.util.decode_source(old), importlib.util.decode_source(new)
        if _DIRECTIVE.search(before) or _DIRECTIVE.search(now):
            return before == now
        return _are_same(_parse(before), _parse(now), docstrings)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # also what this Python is too old to read


def is_same_code(path: str, old: str | None, new: str | None, repository: Repository) -> bool:
    """Tell whether two blobs (ids; None where there is no file) of a path do the same."""
    if old == new:
        return True
    if old is None or new is None or not path.endswith(".py"):
        return False
    try:
        texts = (repository.contents.read(old), repository.contents.read(new))
    except CouldNotJudge:  # `git gc` took it
        return False
    return same_code(*texts, docstrings=True)


def _parse(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old "\\d" is not this commit's business
        return ast.parse(text)


def _are_same(one: object, other: object, docstrings: bool) -> bool:
    """Compare two trees, or parts of them; `ast.dump()` of both would take twice as long."""
    if one is other:  # a name's context, and small numbers
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, ast.AST):
        fields = ((getattr(one, name, None), getattr(other, name, None)) for name in one._fields)
        return all(_are_same(*pair, docstrings) for pair in fields)
    if isinstance(one, list) and isinstance(other, list):
        if not docstrings:
            one, other = ([part for part in parts if not _is_idle(part)] for parts in (one, other))
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(_are_same(*pair, docstrings) for pair in pairs)
    return one == other


def _is_idle(part: object) -> bool:
    """A docstring, a text below an attribute, or the `pass` that may stand in their place."""
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
        return isinstance(part.value.value, str)
    return isinstance(part, ast.Pass)
