"""Tables and their parts, as models and migrations say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_lockstep.static.lookup import Unknown


@dataclass(frozen=True)
class Origin:
    """The file, class and attribute that declare something."""

    path: str = ""
    cls: str = ""
    attribute: str = ""


@dataclass(frozen=True)
class TablePart:
    """A column, an index or a constraint.

    Attributes:
        kind: `column`, `index`, `unique`, `foreign key`, `primary key`, `check`, `exclude`.
        name: "" if SQLAlchemy or the database chooses it.
        columns: The names of its columns; the text of an expression is unknown.
        values: What else makes SQL. Of a column: type, nullable, default, comment, enum (name and
            labels), generated; of a foreign key its target.
        migrated: A migration says so, in whose words expressions may be spelled otherwise.
    """

    kind: str
    name: str
    columns: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    migrated: bool = field(default=False, compare=False)
    origin: Origin = field(default=Origin(), compare=False)

    @property
    def is_known(self) -> bool:
        """Return whether its text tells all of it."""
        texts = (*self.columns, *self.values.values())
        return not any(isinstance(text, Unknown) for text in texts)


@dataclass(frozen=True)
class Unread:
    """Code whose text does not tell what it declares or changes.

    Attributes:
        text: The code or the reason, in words.
        words: The names in it; None if it may be about anything.
        source: What must be the same for the same effect, where `text` is the reason only.
    """

    text: str
    path: str = field(default="", compare=False)
    line: int = field(default=1, compare=False)
    words: frozenset[str] | None = field(default=None, compare=False)
    source: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """Return where it stands, and what."""
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        name: `schema.name` or `name`; "" if only the running code knows.
        unread: What of its declaration cannot be read, such as the bases of libraries.
    """

    name: str
    parts: tuple[TablePart, ...] = ()
    unread: tuple[Unread, ...] = ()
    origin: Origin = field(default=Origin(), compare=False)

    @property
    def label(self) -> str:
        """Return its name in messages."""
        return self.name or f"of {self.origin.cls} ({self.origin.path})"

    @property
    def columns(self) -> dict[str, TablePart]:
        """Return its columns by name."""
        return {part.name: part for part in self.parts if part.kind == "column"}

    @property
    def enums(self) -> set[str]:
        """Return the names of its columns' enum types."""
        return {part.values["enum"][0] for part in self.columns.values() if "enum" in part.values}


@dataclass(frozen=True)
class Declarations:
    """The tables that a tree's models declare, and code that may declare more."""

    tables: tuple[Table, ...]
    unread: tuple[Unread, ...] = ()
