"""The generated project's history: what each revision does, and the tables that come of it.

The first revision makes eight tables. Of every twenty after it one makes a table, two add a foreign
key, three an index and fourteen a column: 58 tables at 1,000 revisions. All is computed from the
revision's number, so that a history is the beginning of every longer one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

AREAS = (
    *("accounts", "billing", "catalogue", "content"),
    *("messaging", "planning", "reporting", "shipping"),
)
_NOUNS = ("items", "events", "notes", "groups", "members", "entries", "links", "limits", "drafts")
_WORDS = ("label", "amount", "active", "changed_at", "remark", "price", "due_on")

#: Python's type and SQLAlchemy's, in the order of the words above.
_TYPES = (
    ("str", "sa.String(80)"),
    ("int", "sa.Integer()"),
    ("bool", "sa.Boolean()"),
    ("datetime", "sa.DateTime()"),
    ("str", "sa.Text()"),
    ("Decimal", "sa.Numeric(12, 2)"),
    ("date", "sa.Date()"),
)
#: Where in each twenty revisions the rarer kinds stand.
_TABLE, _KEYS, _INDEXES = 0, (8, 18), (5, 10, 15)


@dataclass(frozen=True)
class Column:
    """A column that some revision added; `target` is the table that a foreign key refers to."""

    name: str
    python: str
    type: str
    target: str = ""


@dataclass
class Table:
    """A table as the revisions so far have made it. All have `id`, `name` and `created_at`."""

    name: str
    area: str
    columns: list[Column] = field(default_factory=list)
    indexed: list[str] = field(default_factory=list)

    @property
    def class_name(self) -> str:
        """What its model is called."""
        return "".join(word.title() for word in self.name.split("_"))


@dataclass(frozen=True)
class Revision:
    """A migration: lines of `op` code."""

    message: str
    upgrade: tuple[str, ...]
    downgrade: tuple[str, ...]


def build(count: int) -> tuple[list[Revision], list[Table]]:
    """Give the first `count` revisions, and the tables after them."""
    tables: list[Table] = []
    return list(islice(_revisions(tables), count)), tables


def revision_id(number: int) -> str:
    """Give an id as Alembic makes them, but always the same for a number."""
    return hashlib.blake2b(str(number).encode(), digest_size=6).hexdigest()


def _revisions(tables: list[Table]) -> Iterator[Revision]:
    """Yield revision after revision; `tables` keeps up with them."""
    yield _first(tables)
    number = 1
    while True:
        number += 1
        position = number % 20
        table = tables[number * 7 % len(tables)]
        if position == _TABLE:
            yield _create_table(tables)
        elif position in _KEYS:
            yield _add_key(*_child_and_parent(tables, number), number)
        elif position in _INDEXES and (columns := _without_index(table)):
            yield _create_index(table, columns[-1])
        else:
            yield _add_column(table, number)


def _child_and_parent(tables: list[Table], number: int) -> tuple[Table, Table]:
    """Choose two tables; the parent is always the older one, so that there are no cycles."""
    child = 1 + number * 7 % (len(tables) - 1)
    return tables[child], tables[number * 3 % child]


def _first(tables: list[Table]) -> Revision:
    parts = [_create_table(tables) for _ in AREAS]
    return Revision(
        "first tables",
        tuple(line for part in parts for line in part.upgrade),
        tuple(line for part in reversed(parts) for line in part.downgrade),
    )


def _create_table(tables: list[Table]) -> Revision:
    number = len(tables)
    area, noun = AREAS[number % len(AREAS)], _NOUNS[number // len(AREAS)]
    table = Table(f"{area}_{noun}", area)
    tables.append(table)
    upgrade = (
        "op.create_table(",
        f'    "{table.name}",',
        '    sa.Column("id", sa.Integer(), nullable=False),',
        '    sa.Column("name", sa.String(80), nullable=False),',
        '    sa.Column("created_at", sa.DateTime(), nullable=True),',
        f'    sa.PrimaryKeyConstraint("id", name=op.f("pk_{table.name}")),',
        ")",
    )
    return Revision(f"create {table.name}", upgrade, (f'op.drop_table("{table.name}")',))


def _add_column(table: Table, number: int) -> Revision:
    kind = number % len(_TYPES)
    column = Column(f"{_WORDS[kind]}_{number}", *_TYPES[kind])
    table.columns.append(column)
    return Revision(
        f"add {table.name}.{column.name}",
        (f'op.add_column("{table.name}", {_column_code(column)})',),
        (f'op.drop_column("{table.name}", "{column.name}")',),
    )


def _add_key(table: Table, target: Table, number: int) -> Revision:
    """In batch mode, as SQLite needs it: there the table is copied."""
    column = Column(f"link_{number}_id", "int", "sa.Integer()", target.name)
    table.columns.append(column)
    key = f"fk_{table.name}_{column.name}_{target.name}"
    batch = f'with op.batch_alter_table("{table.name}") as batch_op:'
    return Revision(
        f"link {table.name} to {target.name}",
        (
            batch,
            f"    batch_op.add_column({_column_code(column)})",
            "    batch_op.create_foreign_key(",
            f'        op.f("{key}"), "{target.name}", ["{column.name}"], ["id"]',
            "    )",
        ),
        (
            batch,
            f'    batch_op.drop_constraint(op.f("{key}"), type_="foreignkey")',
            f'    batch_op.drop_column("{column.name}")',
        ),
    )


def _create_index(table: Table, column: Column) -> Revision:
    table.indexed.append(column.name)
    index = f"ix_{table.name}_{column.name}"
    return Revision(
        f"index {table.name}.{column.name}",
        (f'op.create_index(op.f("{index}"), "{table.name}", ["{column.name}"])',),
        (f'op.drop_index(op.f("{index}"), table_name="{table.name}")',),
    )


def _without_index(table: Table) -> list[Column]:
    return [column for column in table.columns if column.name not in table.indexed]


def _column_code(column: Column) -> str:
    return f'sa.Column("{column.name}", {column.type}, nullable=True)'
