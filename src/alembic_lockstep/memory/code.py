"""Whether two versions of a Python file do the same."""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings

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
        return _shape(before, docstrings) == _shape(now, docstrings)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False  # also what this Python is too old to read


def _shape(text: str, docstrings: bool) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old "\\d" is not this commit's business
        module = ast.parse(text)
    if not docstrings:
        for node in ast.walk(module):
            body = getattr(node, "body", None)
            if isinstance(body, list):  # not a lambda's
                node.body = [one for one in body if not _is_text(one)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.dump(module)


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or a text below an attribute, which does nothing either."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
