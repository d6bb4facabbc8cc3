"""Declarations as normalized text: the same for the same schema, however they are spelled.

`Mapped["Optional[str]"]` and `Mapped[str | None]` are one type, and an argument that only Python
uses is no part of the table.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from alembic_lockstep.pysource.module_index import chain_of
from alembic_lockstep.pysource.parsing import INVALID

_COLUMNS = {"Column", "mapped_column"}
# Arguments of a column that do not reach the database, unless a default is a `Sequence`.
_PYTHON_ONLY = {
    *("active_history", "compare", "default", "default_factory", "deferred", "deferred_group"),
    *("deferred_raiseload", "doc", "hash", "info", "init", "insert_default", "kw_only"),
    *("onupdate", "repr"),
}
_GENERICS = {"Dict", "FrozenSet", "List", "Set", "Tuple", "Type"}
# Generics with arguments that are no types.
_NOT_TYPES = {"Annotated", "Literal"}


def schema_text(declarations: Iterable[ast.AST]) -> str:
    """Return declarations as normalized text."""
    return "\n".join(map(_declaration, declarations))


def _declaration(node: ast.AST) -> str:
    if isinstance(node, ast.AnnAssign):
        value = _value(node.value) if node.value else ""
        return f"{ast.dump(node.target)}: {_type(node.annotation)} = {value}"
    if isinstance(node, ast.Assign):
        return f"{' '.join(map(ast.dump, node.targets))} = {_value(node.value)}"
    if isinstance(node, ast.FunctionDef):  # a declared_attr
        returned = _type(node.returns) if node.returns else ""
        parts = (*node.decorator_list, node.args, *node.body)
        return f"{node.name} {' '.join(map(ast.dump, parts))} -> {returned}"
    return _value(node)


def _value(node: ast.AST) -> str:
    if not isinstance(node, ast.Call) or _COLUMNS.isdisjoint(chain_of(node.func)[-1:]):
        return ast.dump(node)
    keywords = [
        argument
        for argument in node.keywords
        if argument.arg not in _PYTHON_ONLY or _may_be_sequence(argument)
    ]
    return ast.dump(ast.Call(node.func, node.args, keywords))


def _may_be_sequence(argument: ast.keyword) -> bool:
    value = argument.value
    if isinstance(value, ast.Call):
        return chain_of(value.func)[-1:] == ["Sequence"]
    return isinstance(value, ast.Name)


def _type(node: ast.expr) -> str:
    """Return an annotation's type as text; the parts of a union are sorted."""
    return " | ".join(sorted(set(_alternatives(node))))


def _alternatives(node: ast.expr) -> Iterator[str]:
    node = unquoted(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    elif isinstance(node, ast.Subscript):
        name = _name(node.value)
        arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name in ("Optional", "Union"):
            for argument in arguments:
                yield from _alternatives(argument)
            if name == "Optional":
                yield _type(ast.Constant(None))
        elif name in _NOT_TYPES:
            yield f"{name}[{ast.dump(node.slice)}]"
        else:
            yield f"{name}[{', '.join(map(_type, arguments))}]"
    else:
        yield _name(node)


def unquoted(node: ast.expr) -> ast.expr:
    """Return an annotation without the quotes around it; as it is if these hold no expression."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return node
    try:
        return ast.parse(node.value.strip(), mode="eval").body
    except INVALID:
        return node


def _name(node: ast.expr) -> str:
    name = (chain_of(node) or [ast.dump(node)])[-1]
    return name.lower() if name in _GENERICS else name
