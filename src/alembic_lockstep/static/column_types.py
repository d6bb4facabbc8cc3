"""Column types in one spelling: `sa.VARCHAR(20)` and `String(length=20)` are `String(20)`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from alembic_lockstep.pysource.module_index import Module, chain_of
from alembic_lockstep.pysource.source import keyword
from alembic_lockstep.static.lookup import Definition, Lookup, Unknown, is_text, returned_by

#: Types in one spelling, one for each variant and `impl`; empty: that of the key referred to.
Spellings = tuple[str, ...]
# The name of an enum and its sorted labels.
Labels = tuple[str, tuple[str, ...]]
# Any text fits such a column, by the database.
TEXT_ENUM = Unknown("Enum as text")
_ENUMS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "Choices", "TextChoices"}
_WRAPPERS = {"with_variant", "as_mutable", "evaluates_none"}
_SAME_NAMES = {
    **dict.fromkeys(("VARCHAR", "NVARCHAR", "Unicode", "AutoString"), "String"),
    **dict.fromkeys(("TEXT", "UnicodeText"), "Text"),
    **dict.fromkeys(("INTEGER", "INT"), "Integer"),
    **dict.fromkeys(("DATETIME", "TIMESTAMP"), "DateTime"),
    **dict.fromkeys(("DECIMAL", "NUMERIC"), "Numeric"),
    **dict.fromkeys(("DOUBLE", "DOUBLE_PRECISION"), "Double"),
    **dict.fromkeys(("BLOB", "BYTEA"), "LargeBinary"),
    "BIGINT": "BigInteger",
    "SMALLINT": "SmallInteger",
    "BOOLEAN": "Boolean",
    "DATE": "Date",
    "TIME": "Time",
    "FLOAT": "Float",
    "UUID": "Uuid",
    "ENUM": "Enum",
    "INTERVAL": "Interval",
}
# The arguments of a type that make its SQL, in the order of their places.
_PARAMETERS = {
    **dict.fromkeys(("String", "Text"), ("length", "collation")),
    **dict.fromkeys(("CHAR", "LargeBinary"), ("length",)),
    **dict.fromkeys(("DateTime", "Time"), ("timezone",)),
    "Numeric": ("precision", "scale"),
    "Float": ("precision",),
    **dict.fromkeys(("Integer", "BigInteger", "SmallInteger", "Boolean", "Date", "Double"), ()),
    **dict.fromkeys(("Interval", "JSON", "JSONB", "Uuid", "Enum"), ()),
}
# The types of SQLAlchemy that Python's mean, by the last part of their name; and SQLModel's.
_OF_PYTHON = {
    "int": "Integer",
    "str": "String",
    "float": "Float",
    "bool": "Boolean",
    "bytes": "LargeBinary",
    "datetime": "DateTime",
    "date": "Date",
    "time": "Time",
    "timedelta": "Interval",
    "Decimal": "Numeric",
    "UUID": "Uuid",
    "EmailStr": "String",
}


def of_annotation(lookup: Lookup, node: ast.expr, module: Module) -> Spellings:
    """Return the type that an annotation means, less its `Optional`."""
    target = lookup.definition(node, module)
    if isinstance(node, ast.Subscript) and lookup.spelled(node.value, module) == "Literal":
        return (TEXT_ENUM,)
    if target and target.node is None and target.name in _OF_PYTHON:
        return (_OF_PYTHON[target.name],)
    return ("Enum",) if enum_labels(lookup, node, module) else (Unknown(ast.unparse(node)),)


def spellings(lookup: Lookup, node: ast.expr, module: Module) -> Iterator[str]:
    """Yield what a type is, in its variants."""
    node, module = lookup.resolved(node, module)  # a type kept in a variable
    call = node if isinstance(node, ast.Call) else None
    target = lookup.definition(call.func if call else node, module)
    if target and isinstance(target.node, ast.ClassDef):
        yield Unknown(target.name)  # a type of the project's own, and what it is implemented by
        for cls in lookup.lineage(target):
            value = getattr(cls.statements.get("impl"), "value", None)
            yield from spellings(lookup, value, cls.module) if value else ()
    elif call and isinstance(call.func, ast.Attribute) and call.func.attr in _WRAPPERS:
        inner = [call.func.value] if call.func.attr != "as_mutable" else []
        for part in (*inner, *call.args[:1]):
            yield from spellings(lookup, part, module)
    elif target and target.node is None:
        yield _library_type(lookup, call, target.name, module)
    else:
        yield Unknown((chain_of(call.func if call else node) or [ast.unparse(node)])[-1])


def _library_type(lookup: Lookup, call: ast.Call | None, name: str, module: Module) -> str:
    name = _SAME_NAMES.get(name, name)
    keywords = {item.arg: item.value for item in call.keywords} if call else {}
    if name == "Enum" and lookup.literal(keywords.get("native_enum"), module) is False:
        return TEXT_ENUM
    if name not in _PARAMETERS:
        items = spellings(lookup, call.args[0], module) if call and name == "ARRAY" else ()
        return Unknown(" of ".join([name, *items]))
    keywords |= dict(zip(_PARAMETERS[name], call.args if call else (), strict=False))
    values = [lookup.literal(keywords.get(parameter), module) for parameter in _PARAMETERS[name]]
    while values and not values[-1]:  # False is what SQLAlchemy takes for none
        values.pop()
    text = f"{name}({', '.join(map(str, values))})" if values else name
    return Unknown(text) if any(isinstance(value, Unknown) for value in values) else text


def same_type(some: Spellings, others: Spellings) -> bool | None:
    """Return whether two types are the same in one of their variants; None if unknown."""
    both = (*some, *others)
    if not some or not others or not set(some).isdisjoint(others):
        return True
    if TEXT_ENUM in both and any(name.startswith("String") for name in both):
        return True
    return None if any(isinstance(name, Unknown) for name in both) else False


def enum_labels(lookup: Lookup, node: ast.AST | None, module: Module) -> Labels | None:
    """Return the labels of `Enum(…)`, or of a class of Python's; None of another type."""
    node, module = lookup.resolved(node, module) if isinstance(node, ast.expr) else (node, module)
    if not isinstance(node, ast.Call):
        cls = _enumeration(lookup, node, module)
        return (cls.name.lower(), _members(lookup, cls, by_value=False)) if cls else None
    if lookup.callee(node, module) not in ("Enum", "ENUM"):
        return None
    name = lookup.text(keyword(node, "name"), module)
    cls = _enumeration(lookup, node.args[0], module) if node.args else None
    if cls is None:
        values = lookup.literal(ast.Tuple(list(node.args)), module)
        assert isinstance(values, tuple)
        labels = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
        return (name, tuple(sorted(labels))) if labels and all(map(is_text, labels)) else None
    chosen = keyword(node, "values_callable")
    target = lookup.definition(chosen, module)
    returned = returned_by(target.node if target else chosen)
    by_value = ".value" in (ast.unparse(returned) if returned else "")
    if chosen is not None and not by_value:
        return None
    return name or cls.name.lower(), _members(lookup, cls, by_value=by_value)


def _enumeration(lookup: Lookup, node: ast.AST | None, module: Module) -> Definition | None:
    cls = lookup.definition(node, module)
    return cls if cls and cls.statements and not _ENUMS.isdisjoint(lookup.roots(cls)) else None


def _members(lookup: Lookup, cls: Definition, *, by_value: bool) -> tuple[str, ...]:
    members = {
        name: statement.value
        for name, statement in cls.statements.items()
        if isinstance(statement, ast.Assign) and not name.startswith("_")
    }
    labels = [
        lookup.spelled(value, cls.module) if by_value else name for name, value in members.items()
    ]
    return tuple(sorted(labels))
