"""Render an operation as lines of code."""

from __future__ import annotations

from contextlib import suppress
from tokenize import OP, TokenError, generate_tokens
from typing import List, Set

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops


def code_lines(op: ops.MigrateOperation, context: AutogenContext) -> List[str]:
    """Return lines of `op.*` code, indented in brackets and in batch blocks."""
    lines: List[str] = []
    try:
        texts = render.render_op(context, op)
    except (NotImplementedError, ValueError):  # there is no renderer
        return []
    for text in texts:
        inside = "    " if lines and lines[0].startswith("with ") else ""
        lines += [inside + line for line in _indented(str(text))]
    return [line for line in lines if line.strip()]


def _indented(text: str) -> List[str]:
    """Return the lines of a rendered text, all arguments indented: Alembic indents some only.

    A string over several lines stays as it is, and is one line.
    """
    in_brackets: Set[int] = set()
    in_strings: Set[int] = set()
    depth = 0
    with suppress(SyntaxError, TokenError):
        for token in generate_tokens(iter(text.splitlines(keepends=True)).__next__):
            depth += (token.string in "([{") - (token.string in ")]}") if token.type == OP else 0
            in_strings.update(range(token.start[0] + 1, token.end[0] + 1))
            if depth:
                in_brackets.add(token.end[0] + 1)
    lines: List[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        if number in in_strings:
            lines[-1] += f"\n{line}"
        elif number in in_brackets and not line.startswith((" ", ")")):
            lines.append(f"    {line}")
        else:
            lines.append(line)
    return lines
