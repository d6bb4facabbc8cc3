"""Comparison of two versions of a Python file by what they do."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Collection

from alembic_lockstep.cache.function_bodies import Interfaces, is_function
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.pysource.parsing import INVALID, parse_python

# Our own comments count as code, and so does their surrounding: they are about it.
_DIRECTIVE = re.compile(r"#\s*lockstep:")


def same_code(old: bytes, new: bytes, *, ran: Collection[str] | None = None) -> bool:
    """Return whether two versions differ in comments, formatting and unused functions only.

    Args:
        ran: The functions of the old version that ran; the bodies of all others may differ. None
            if this is not known.
    """
    try:
        before, now = importlib.util.decode_source(old), importlib.util.decode_source(new)
        if _DIRECTIVE.search(before) or _DIRECTIVE.search(now):
            return before == now
        trees = (parse_python(before), parse_python(now))
        if _are_same(*trees, None):
            return True
        return ran is not None and _are_same(*trees, Interfaces.of(before, now, ran))
    except INVALID:
        return False


def is_same_code(
    path: str,
    old: str | None,
    new: str | None,
    repository: Repository,
    ran: Collection[str] | None = None,
) -> bool:
    """Return whether two blobs (ids; None for no file) of a path do the same; see `same_code`."""
    if old == new:
        return True
    if old is None or new is None or not path.endswith(".py"):
        return False
    try:
        texts = (repository.contents.read(old), repository.contents.read(new))
    except CouldNotJudge:  # `git gc` took it
        return False
    return same_code(*texts, ran=ran)


def _are_same(old: object, new: object, interfaces: Interfaces | None) -> bool:
    """Compare two syntax trees, or parts of them; to `ast.dump()` both takes twice as long."""
    if old is new:  # a name's context, and small numbers
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, ast.AST):
        fields: Collection[str] = old._fields
        if interfaces and is_function(old) and is_function(new) and interfaces.are_same(old, new):
            fields = [name for name in fields if name != "body"]
        scope = interfaces and interfaces.within(old)
        return all(
            _are_same(getattr(old, name, None), getattr(new, name, None), scope) for name in fields
        )
    if isinstance(old, list) and isinstance(new, list):
        # Not the first: it may be a docstring, which any library may read.
        old, new = ([*parts[:1], *filter(_is_code, parts[1:])] for parts in (old, new))
        pairs = zip(old, new, strict=False)
        return len(old) == len(new) and all(_are_same(*pair, interfaces) for pair in pairs)
    return old == new


def _is_code(part: object) -> bool:
    """Return whether a part is anything but a text below an attribute, or a `pass`."""
    if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant):
        return not isinstance(part.value.value, str)
    return not isinstance(part, ast.Pass)
