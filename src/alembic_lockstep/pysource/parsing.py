"""Parsing Python source, for all that reads it without running it."""

from __future__ import annotations

import ast
import warnings

#: Raised for text that is not valid Python, not of this Python's grammar, or nested too deeply.
INVALID = (SyntaxError, ValueError, RecursionError, MemoryError)


def parse_python(text: str) -> ast.Module:
    """Parse source, with or without a byte order mark.

    Warnings are ignored: an old "\\d" is not this commit's business.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: see `INVALID`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text.removeprefix("\ufeff"))


def imported_module(node: ast.ImportFrom, package: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of the module that `from … import` names.

    Args:
        package: The folders, from the root, of the file that imports it.
    """
    parent = package[: len(package) - node.level + 1] if node.level else ()
    return (*parent, *(node.module.split(".") if node.module else ()))
