"""Read from migrations whether their downgrade() does anything."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from alembic_lockstep.pysource.source import FUNCTION, callee, owner, syntax_tree

_UP, _DOWN = "upgrade", "downgrade"
# Operations that change no schema by themselves.
_ABOUT_ROWS = {"bulk_insert", "execute", "f", "get_bind", "get_context", "inline_literal"}
# No way back undoes a new label: PostgreSQL cannot remove it.
_DEFINES = re.compile(
    r"(?i)\s*(?:ALTER(?!\s+TYPE\s+\S+\s+ADD\s+VALUE)|COMMENT|CREATE|DROP|GRANT|RENAME|REVOKE)\s"
)


def has_empty_downgrade(text: str) -> bool:
    """Return whether an upgrade() does something and its downgrade() nothing.

    With several databases, a migration has such a pair of functions for each.
    """
    functions = _functions(text)
    return any(
        name in functions and _is_empty(functions[name]) and not _is_empty(upgrade)
        for name, upgrade in _pairs(functions)
    ) or (_UP in functions and _DOWN not in functions and _defines_all(text))


def changes_only_rows(text: str) -> bool:
    """Return whether the operations and the SQL of a migration's upgrade() are about rows only.

    New labels of an enum count as such. Functions of its own and of others may do more.
    """
    upgrades = [node for name, node in _functions(text).items() if name.startswith(_UP)]
    nodes = [node for upgrade in upgrades for node in ast.walk(upgrade)]
    operations = {callee(node) for node in nodes if isinstance(node, ast.Call) and _is_ours(node)}
    return operations <= _ABOUT_ROWS and not any(map(_DEFINES.match, _texts(text)))


def _texts(text: str) -> Iterator[str]:
    """Yield the texts of a migration without docstrings."""
    nodes = list(ast.walk(syntax_tree(text)))
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, str) and id(node) not in docstrings:
            yield value


def _is_ours(call: ast.Call) -> bool:
    return owner(call) == "op" or callee(call) == "batch_alter_table"


def is_one_way(text: str) -> bool:
    """Return whether a downgrade() raises NotImplementedError: there is no way back."""
    functions = _functions(text)
    downgrades = (functions[name] for name, _ in _pairs(functions) if name in functions)
    return any(_raises_not_implemented(function) for function in downgrades)


def _functions(text: str) -> dict[str, ast.stmt]:
    return {node.name: node for node in syntax_tree(text).body if isinstance(node, FUNCTION)}


def _pairs(functions: dict[str, ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """Yield the name of each downgrade with its upgrade."""
    for name, function in functions.items():
        if name == _UP or name.startswith(f"{_UP}_"):
            yield _DOWN + name.removeprefix(_UP), function


def _defines_all(text: str) -> bool:
    """Return whether no name of a module can come from elsewhere: `from … import *`, an `if`."""
    plain = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr, *FUNCTION)
    body = syntax_tree(text).body
    names = {
        alias.name for node in body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assigned = {
        target.id
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    is_plain = all(isinstance(node, plain) for node in body)
    return is_plain and not {"*", _DOWN} & (names | assigned)


def _body(function: ast.stmt) -> list[ast.stmt]:
    """Return the statements of a function that do something."""
    assert isinstance(function, FUNCTION)
    body = [node for node in function.body if not isinstance(node, ast.Pass)]
    body = [
        node
        for node in body
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    ]
    if body and isinstance(body[-1], ast.Return) and body[-1].value is None:
        body.pop()
    return body


def _is_empty(function: ast.stmt) -> bool:
    return not _body(function)


def _raises_not_implemented(function: ast.stmt) -> bool:
    last = next(reversed(_body(function)), None)
    if not isinstance(last, ast.Raise) or last.exc is None:
        return False
    raised = last.exc.func if isinstance(last.exc, ast.Call) else last.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
