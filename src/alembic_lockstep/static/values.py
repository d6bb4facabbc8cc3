"""What an expression stands for, as far as its text tells; equal ones mean the same."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TypeAlias

from alembic_lockstep.pysource.module_index import Module


@dataclass(frozen=True)
class Named:
    """Something of a library by its dotted name: `sqlalchemy.Integer`."""

    name: str

    @property
    def last(self) -> str:
        """The name's last part."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Called:
    """A call of something of a library. A method's is `.name`, its object the first argument."""

    name: str
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()

    @property
    def last(self) -> str:
        """The last part of what is called."""
        return self.name.rpartition(".")[2]

    def keyword(self, name: str, default: Value = None) -> Value:
        """The value that is given by keyword."""
        return dict(self.keywords).get(name, default)


@dataclass(frozen=True)
class Dictionary:
    """A dict literal."""

    items: tuple[tuple[Value, Value], ...]

    def get(self, key: Value) -> Value:
        """The value of a key."""
        return next((value for known, value in self.items if known == key), None)


@dataclass(frozen=True)
class Enumeration:
    """A class of Python's `enum`: its members and their values."""

    name: str
    members: tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Member:
    """A member of an enumeration."""

    name: str
    value: Value


@dataclass(frozen=True)
class Class:
    """A class of the repository."""

    name: str
    module: Module = field(compare=False, repr=False)
    node: ast.ClassDef = field(compare=False, repr=False)


@dataclass(frozen=True)
class Attribute:
    """An attribute of a class of the repository, or a column of a `Table`, by the table's name."""

    owner: Class | str
    name: str


@dataclass(frozen=True)
class Function:
    """A function of the repository."""

    name: str
    module: Module = field(compare=False, repr=False)
    node: ast.FunctionDef | ast.Lambda = field(compare=False, repr=False)


@dataclass(frozen=True)
class ModuleValue:
    """A module of the repository."""

    module: Module = field(compare=False, repr=False)


@dataclass(frozen=True)
class Opaque:
    """What only the running code knows.

    Attributes:
        mark: Changes with what the names in the text stand for.
    """

    text: str
    mark: str = ""


Value: TypeAlias = (
    "int | float | str | tuple[Value, ...] | Named | Called | Dictionary | Enumeration | Member"
    " | Class | Attribute | Function | ModuleValue | Opaque | None"
)


# Calls that say of a text what it is.
TEXTS = {"f", "conv", "quoted_name", "text", "literal_column", "_truncated_label", "literal"}


def text_of(value: Value) -> str | None:
    """The text of a literal, also of `op.f("…")`, `text("…")` and the like."""
    if isinstance(value, str):
        return value
    if isinstance(value, Called) and value.args and value.last in TEXTS:
        return text_of(value.args[0])
    return None


def last_name(value: Value) -> str:
    """What is named or called, without where it is from."""
    return value.last if isinstance(value, (Named, Called)) else ""


def is_opaque(value: object) -> bool:
    """Whether something in it is known to the running code only."""
    if isinstance(value, (Opaque, Function)):
        return True
    if isinstance(value, tuple):
        return any(map(is_opaque, value))
    if isinstance(value, Called):
        return is_opaque(value.args) or is_opaque(value.keywords)
    return isinstance(value, Dictionary) and is_opaque(value.items)
