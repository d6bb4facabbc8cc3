"""Column types as their text names them, and whether two are the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from alembic_lockstep.pysource.source import members
from alembic_lockstep.static.evaluate import Evaluator, Scope
from alembic_lockstep.static.values import (
    Called,
    Class,
    Enumeration,
    Function,
    Named,
    Opaque,
    Value,
    is_opaque,
    last_name,
)

_SAME_NAMES = {
    "VARCHAR": "String",
    "NVARCHAR": "String",
    "Unicode": "String",
    "AutoString": "String",
    "TEXT": "Text",
    "UnicodeText": "Text",
    "INTEGER": "Integer",
    "INT": "Integer",
    "BIGINT": "BigInteger",
    "SMALLINT": "SmallInteger",
    "BOOLEAN": "Boolean",
    "DATETIME": "DateTime",
    "TIMESTAMP": "DateTime",
    "DATE": "Date",
    "TIME": "Time",
    "DECIMAL": "Numeric",
    "NUMERIC": "Numeric",
    "FLOAT": "Float",
    "DOUBLE": "Double",
    "DOUBLE_PRECISION": "Double",
    "BLOB": "LargeBinary",
    "BYTEA": "LargeBinary",
    "UUID": "Uuid",
    "ENUM": "Enum",
    "INTERVAL": "Interval",
}
# What of a type's arguments makes its SQL, in the order in which they are given.
_PARAMETERS = {
    "String": ("length", "collation"),
    "Text": ("length", "collation"),
    "CHAR": ("length",),
    "Numeric": ("precision", "scale"),
    "Float": ("precision",),
    "DateTime": ("timezone",),
    "Time": ("timezone",),
    "LargeBinary": ("length",),
    "ARRAY": ("item_type",),
    **dict.fromkeys(("Integer", "BigInteger", "SmallInteger", "Boolean", "Date", "Double"), ()),
    **dict.fromkeys(("Interval", "JSON", "JSONB", "Uuid"), ()),
}
_TEXT_ENUM = "Enum as text"
# What Python's types become: SQLAlchemy's own table, and SQLModel's.
OF_PYTHON = {
    "int": "Integer",
    "str": "String",
    "float": "Float",
    "bool": "Boolean",
    "bytes": "LargeBinary",
    "datetime.datetime": "DateTime",
    "datetime.date": "Date",
    "datetime.time": "Time",
    "datetime.timedelta": "Interval",
    "decimal.Decimal": "Numeric",
    "uuid.UUID": "Uuid",
    "pydantic.EmailStr": "String",
}


@dataclass(frozen=True)
class Type:
    """A column type.

    Attributes:
        name: In SQLAlchemy's spelling; of an enum `Enum`.
        parameters: What makes its SQL; of an enum its labels.
        label: An enum's own name.
        known: Whether it is one of SQLAlchemy's own.
    """

    name: str
    parameters: tuple[Value, ...] = ()
    label: str = ""
    known: bool = True


@dataclass(frozen=True)
class Types:
    """Reads column types; one may have variants, and one of the project's own an `impl`."""

    evaluator: Evaluator

    def readings(self, value: Value) -> tuple[Type | Opaque, ...]:
        """What a type is, in its variants."""
        return tuple(self._readings(value))

    def _readings(self, value: Value) -> Iterator[Type | Opaque]:
        if isinstance(value, Called) and value.name == ".with_variant":
            yield from self.readings(value.args[0])
            yield from self.readings(value.args[1] if len(value.args) > 1 else None)
        elif isinstance(value, Called) and value.name in (".as_mutable", ".evaluates_none"):
            yield from self.readings(value.args[-1])
        elif isinstance(value, Called) and value.last in ("as_mutable", "deferred"):
            yield from self.readings(value.args[-1] if value.args else None)
        elif isinstance(value, Class):
            yield from self._own(value)
        elif isinstance(value, Called) and value.args and isinstance(value.args[0], Class):
            yield from self._own(value.args[0], value)
        elif isinstance(value, (Named, Called)):
            yield _type(value)
        else:
            yield value if isinstance(value, Opaque) else Opaque(str(value))

    def _own(self, cls: Class, call: Called | None = None) -> Iterator[Type | Opaque]:
        args = (call.args[1:], call.keywords) if call else ((), ())
        yield Type(cls.name, args, known=False)
        for one in self.evaluator.lineage(cls):
            for name, statement in members(one.node):
                value = getattr(statement, "value", None)
                if name == "impl" and value is not None:
                    yield from self.readings(self.evaluator.evaluate(value, Scope(one.module)))
                elif name in ("load_dialect_impl", "get_col_spec", "__init__"):
                    yield Opaque(f"{cls.name}.{name}")


def same_type(one: tuple[Type | Opaque, ...], other: tuple[Type | Opaque, ...]) -> bool | None:
    """Whether two types are the same in one of their variants; None if that cannot be told."""
    if one == other or not one or not other:
        return True
    found = {_same(first, second) for first in one for second in other}
    return True if True in found else None if None in found else False


def _same(one: Type | Opaque, other: Type | Opaque) -> bool | None:
    if isinstance(one, Opaque) or isinstance(other, Opaque):
        return True if one == other else None
    if {one.name, other.name} == {_TEXT_ENUM, "String"}:
        return True
    if one.name != other.name:
        return False if one.known and other.known else None
    if not one.known or one.parameters == other.parameters:
        return True
    if one.name == "ARRAY":
        return None
    return None if is_opaque(one.parameters) or is_opaque(other.parameters) else False


def enum_type(value: Value) -> Type | None:
    """The type that an annotation with an enumeration means."""
    if isinstance(value, Enumeration):
        return _enum(Called("sqlalchemy.Enum", (value,)))
    return None


def _type(value: Named | Called) -> Type:
    name = _SAME_NAMES.get(value.last, value.last)
    call = value if isinstance(value, Called) else Called(value.name)
    if name == "Enum":
        return _enum(call)
    wanted = _PARAMETERS.get(name)
    if wanted is None:
        return Type(name, call.args, known=False)
    given = {**dict(call.keywords), **dict(zip(wanted, call.args, strict=False))}
    # False is what SQLAlchemy takes for none.
    return Type(name, tuple(_parameter(given.get(one)) for one in wanted))


def _parameter(value: Value) -> Value:
    if isinstance(value, (Named, Called)):
        return Called("type", (_type(value).name, *_type(value).parameters))
    return value or None


def _enum(call: Called) -> Type:
    first = call.args[0] if call.args else None
    name = call.keyword("name")
    if isinstance(first, Enumeration):
        chosen = call.keyword("values_callable")
        labels = _labels(first, chosen)
        label = name if isinstance(name, str) else first.name.lower()
    elif isinstance(first, tuple):
        labels, label = first, str(name or "")
    else:
        labels, label = call.args, name if isinstance(name, str) else ""
    parts = tuple(sorted(labels, key=repr))
    if call.keyword("native_enum", True) or call.keyword("create_constraint"):
        return Type("Enum", parts, label)
    return Type(_TEXT_ENUM, parts, label, known=False)  # any text fits, by the database


def _labels(enumeration: Enumeration, chosen: Value) -> tuple[Value, ...]:
    """The labels are the members' names, unless a function chooses others."""
    if chosen is None:
        return tuple(name for name, _ in enumeration.members)
    text = ast.unparse(chosen.node) if isinstance(chosen, Function) else last_name(chosen)
    if ".value" in text:
        return tuple(value for _, value in enumeration.members)
    return (Opaque(text),)
