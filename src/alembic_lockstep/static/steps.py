"""What a migration does, a step at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from alembic_lockstep.static.schema import Column, Constraint
from alembic_lockstep.static.values import Value


@dataclass(frozen=True)
class AddTable:
    """A table without its parts, which are steps of their own."""

    table: str


@dataclass(frozen=True)
class DropTable:
    """`op.drop_table`."""

    table: str


@dataclass(frozen=True)
class RenameTable:
    """`op.rename_table`."""

    table: str
    new: str


@dataclass(frozen=True)
class CommentTable:
    """`op.create_table_comment`, or with None `op.drop_table_comment`."""

    table: str
    comment: Value


@dataclass(frozen=True)
class AddColumn:
    """`op.add_column`, or a column of `op.create_table`."""

    table: str
    column: Column


@dataclass(frozen=True)
class DropColumn:
    """`op.drop_column`."""

    table: str
    name: str


@dataclass(frozen=True)
class AlterColumn:
    """`op.alter_column`.

    Attributes:
        changes: From a field of `Column` to what it becomes.
    """

    table: str
    name: str
    changes: tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class AddConstraint:
    """`op.create_index`, `op.create_foreign_key` and the like."""

    table: str
    constraint: Constraint


@dataclass(frozen=True)
class DropConstraint:
    """`op.drop_index`, `op.drop_constraint`.

    Attributes:
        table: "" where the migration leaves it out.
        kind: As `Constraint.kind`; "" if it may be any but an index.
    """

    table: str
    name: str
    kind: str = ""


@dataclass(frozen=True)
class AddLabel:
    """`ALTER TYPE … ADD VALUE`, or with `old` `… RENAME VALUE`."""

    enum: str
    label: str
    old: str = ""


@dataclass(frozen=True)
class SetLabels:
    """All labels of an enum: alembic-postgresql-enum's `op.sync_enum_values`."""

    enum: str
    labels: tuple[Value, ...]


@dataclass(frozen=True)
class Unread:
    """Something that may change the schema, and nobody can tell from its text how.

    Attributes:
        what: What it is, in words.
        path, line: Where it stands.
        words: The names in it; None if it may be about anything.
    """

    what: str
    path: str
    line: int
    words: frozenset[str] | None = None

    def may_be_about(self, *names: str) -> bool:
        """Whether all of these names may be meant."""
        return self.words is None or all(
            name.rpartition(".")[2] in self.words for name in names if name
        )


Step: TypeAlias = (
    AddTable
    | DropTable
    | RenameTable
    | CommentTable
    | AddColumn
    | DropColumn
    | AlterColumn
    | AddConstraint
    | DropConstraint
    | AddLabel
    | SetLabels
    | Unread
)


def names_in(step: Step) -> frozenset[str]:
    """The names that a step mentions."""
    found: list[str] = [getattr(step, name, "") for name in ("table", "name", "new", "enum")]
    if isinstance(step, AddColumn):
        found.append(step.column.name)
    if isinstance(step, AddConstraint):
        columns = (one for one in step.constraint.columns if isinstance(one, str))
        found += [step.constraint.name or "", *columns]
    return frozenset(name.rpartition(".")[2] for name in found if name)
