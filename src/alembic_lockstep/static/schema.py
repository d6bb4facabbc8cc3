"""What a table is made of, as models or migrations declare it."""

from __future__ import annotations

from dataclasses import dataclass, field

from alembic_lockstep.static.types import Type
from alembic_lockstep.static.values import Opaque, Value

# A type in its variants; none where it is that of the column referred to.
Readings = tuple[Type | Opaque, ...]


@dataclass(frozen=True)
class Origin:
    """Where something is declared: a file, a class or "", the attribute that makes it."""

    path: str = ""
    cls: str = ""
    attribute: str = ""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        nullable: True, False, or what only the running code knows.
        default: The server default, None for none.
        more: Further options that make SQL: computed, identity.
        migrated: A migration says so, in whose words expressions may be spelled otherwise.
    """

    name: str
    type: Readings
    nullable: Value = True
    default: Value = None
    comment: Value = None
    more: tuple[tuple[str, Value], ...] = ()
    migrated: bool = field(default=False, compare=False)
    origin: Origin = field(default=Origin(), compare=False)


@dataclass(frozen=True)
class Constraint:
    """An index or a constraint.

    Attributes:
        kind: `index`, `unique`, `foreign key`, `primary key`, `check`, `exclude`.
        name: None if SQLAlchemy or the database chooses it.
        columns: Names of columns; what is an expression, as a value.
        options: What else makes SQL: `unique`, `target`, `ondelete`, `sqltext` …
    """

    kind: str
    name: str | None
    columns: tuple[Value, ...]
    options: tuple[tuple[str, Value], ...] = ()
    migrated: bool = field(default=False, compare=False)
    origin: Origin = field(default=Origin(), compare=False)

    def option(self, name: str) -> Value:
        """One option's value."""
        return dict(self.options).get(name)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: `schema.name` or `name`; None if only the running code knows.
        odd: What of it cannot be told, each with what it is.
    """

    name: str | None
    columns: dict[str, Column]
    constraints: tuple[Constraint, ...] = ()
    comment: Value = None
    odd: tuple[Value, ...] = ()
    origin: Origin = field(default=Origin(), compare=False)

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return self.name or f"of {self.origin.cls} ({self.origin.path})"


@dataclass(frozen=True)
class Schema:
    """What a tree's models declare.

    Attributes:
        odd: What makes tables or columns in a way that cannot be told; by file.
    """

    tables: tuple[Table, ...]
    odd: dict[str, tuple[Value, ...]] = field(default_factory=dict)
