"""A schema after a migration's steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from alembic_lockstep.static.schema import Column, Constraint, Schema, Table
from alembic_lockstep.static.steps import (
    AddColumn,
    AddConstraint,
    AddLabel,
    AddTable,
    AlterColumn,
    CommentTable,
    DropColumn,
    DropConstraint,
    DropTable,
    RenameTable,
    SetLabels,
    Step,
    Unread,
)
from alembic_lockstep.static.types import Type
from alembic_lockstep.static.values import Value


def apply(tables: Iterable[Table], steps: Iterable[Step]) -> State:
    """The tables after the steps. What is about tables that nobody declares is left out."""
    state = State(list(tables))
    for step in steps:
        if isinstance(step, Unread):
            state.unread.append(step)
        else:
            _APPLY[type(step)](state, step)
    return state


def with_guessed_names(schema: Schema, steps: Iterable[Step]) -> Schema:
    """The schema with the names of tables that only the running code knows.

    A migration that is about a table of which no model has the name tells that of the class which
    is called so: `CaseNotes` and `case_notes`.
    """
    declared = {table.name for table in schema.tables}
    named = {getattr(step, "table", None) or "" for step in steps} - declared
    known = {_letters(name): name for name in sorted(named) if name}

    def guessed(table: Table) -> Table:
        cls = _letters(table.origin.cls)
        name = known.get(cls) or known.get(f"{cls}s")
        return replace(table, name=name) if table.name is None and name else table

    return replace(schema, tables=tuple(map(guessed, schema.tables)))


def _letters(name: str) -> str:
    return name.rpartition(".")[2].replace("_", "").lower()


@dataclass
class State:
    """Tables as they are by now, and the steps that could not be read."""

    tables: list[Table]
    unread: list[Unread] = field(default_factory=list)

    def change(self, name: str, change: Callable[[Table], Table]) -> None:
        """Change the tables of a name; several databases may each have one."""
        for place in self.places(name):
            self.tables[place] = change(self.tables[place])

    def places(self, name: str) -> list[int]:
        """Where the tables of a name are; one without its schema if just one is called so."""
        found = [place for place, table in enumerate(self.tables) if table.name == name]
        if found:
            return found
        bare = name.rpartition(".")[2]
        alike = [
            place
            for place, table in enumerate(self.tables)
            if table.name is not None and table.name.rpartition(".")[2] == bare
            if "." not in table.name or "." not in name
        ]
        return alike if len(alike) == 1 else []


def _add_table(state: State, step: AddTable) -> None:
    places = state.places(step.table)
    if not places:
        state.tables.append(Table(step.table, {}))
    for place in places:
        state.tables[place] = replace(state.tables[place], columns={}, constraints=(), comment=None)


def _drop_table(state: State, step: DropTable) -> None:
    gone = set(state.places(step.table))
    state.tables = [table for place, table in enumerate(state.tables) if place not in gone]


def _rename_table(state: State, step: RenameTable) -> None:
    state.change(step.table, lambda table: replace(table, name=step.new))

    def renamed(value: Value) -> Value:
        table, _, column = value.rpartition(".") if isinstance(value, str) else ("", "", "")
        return f"{step.new}.{column}" if table == step.table else value

    for place, table in enumerate(state.tables):
        constraints = tuple(_with_target(one, renamed) for one in table.constraints)
        state.tables[place] = replace(table, constraints=constraints)


def _with_target(constraint: Constraint, renamed: Callable[[Value], Value]) -> Constraint:
    target = constraint.option("target")
    if not isinstance(target, tuple):
        return constraint
    options = {**dict(constraint.options), "target": tuple(map(renamed, target))}
    return replace(constraint, options=tuple(sorted(options.items(), key=lambda pair: pair[0])))


def _comment_table(state: State, step: CommentTable) -> None:
    state.change(step.table, lambda table: replace(table, comment=step.comment))


def _add_column(state: State, step: AddColumn) -> None:
    def added(table: Table) -> Table:
        return replace(table, columns={**table.columns, step.column.name: step.column})

    state.change(step.table, added)


def _drop_column(state: State, step: DropColumn) -> None:
    def dropped(table: Table) -> Table:
        columns = {name: one for name, one in table.columns.items() if name != step.name}
        # The database drops them as well.
        kept = tuple(one for one in table.constraints if step.name not in one.columns)
        return replace(table, columns=columns, constraints=kept)

    state.change(step.table, dropped)


def _alter_column(state: State, step: AlterColumn) -> None:
    changes = dict(step.changes)
    new = str(changes.get("name", step.name))

    def altered(table: Table) -> Table:
        if step.name not in table.columns:
            return table
        columns = {
            (new if name == step.name else name): (
                replace(one, **changes, migrated=True)  # type: ignore[arg-type]
                if name == step.name
                else one
            )
            for name, one in table.columns.items()
        }
        constraints = tuple(
            replace(one, columns=tuple(new if part == step.name else part for part in one.columns))
            for one in table.constraints
        )
        return replace(table, columns=columns, constraints=constraints)

    state.change(step.table, altered)


def _add_constraint(state: State, step: AddConstraint) -> None:
    new = step.constraint

    def added(table: Table) -> Table:
        old = table.constraints
        if new.name is not None:  # it was there before the models knew of it, or they do not drop
            old = tuple(one for one in old if (one.kind, one.name) != (new.kind, new.name))
        if new.kind == "primary key":
            return _with_key(replace(table, constraints=old), new)
        return replace(table, constraints=(*old, new))

    state.change(step.table, added)


def _with_key(table: Table, key: Constraint) -> Table:
    """The table with a primary key, of which each column may bring its part."""
    keys = [one for one in table.constraints if one.kind == "primary key"]
    others = tuple(one for one in table.constraints if one.kind != "primary key")
    columns = tuple(dict.fromkeys(column for one in (*keys, key) for column in one.columns))
    required = {
        name: replace(one, nullable=False) if name in columns else one
        for name, one in table.columns.items()
    }
    merged = replace(key, columns=columns)
    return replace(table, columns=required, constraints=(*others, merged))


def _drop_constraint(state: State, step: DropConstraint) -> None:
    if step.table:
        state.change(step.table, lambda table: _without(table, step))
        return
    for place, table in enumerate(state.tables):
        bare = (table.name or "").rpartition(".")[2]
        if any(one.name == step.name for one in table.constraints) or bare in step.name:
            state.tables[place] = _without(table, step)


def _without(table: Table, step: DropConstraint) -> Table:
    """The table without a constraint: the one of that name, or else the likeliest without any."""
    fitting = [one for one in table.constraints if _is_kind(one, step.kind)]
    named = [one for one in fitting if one.name == step.name]
    unnamed = [one for one in fitting if one.name is None]
    # A name that the database or a convention chose tells the columns.
    telling = [one for one in unnamed if _tells(step.name, one)]
    gone = max(named or telling, key=lambda one: len(one.columns), default=None)
    if gone is None and len(unnamed) == 1 and step.table:
        gone = unnamed[0]
    kept = tuple(one for one in table.constraints if one is not gone)
    return replace(table, constraints=kept)


def _is_kind(constraint: Constraint, kind: str) -> bool:
    return constraint.kind == kind if kind else constraint.kind != "index"


def _tells(name: str, constraint: Constraint) -> bool:
    if constraint.kind == "primary key":
        return True
    columns = [one for one in constraint.columns if isinstance(one, str)]
    return bool(columns) and all(column in name for column in columns)


def _add_label(state: State, step: AddLabel) -> None:
    def labels(old: tuple[Value, ...]) -> tuple[Value, ...]:
        return (*(one for one in old if one != step.old), step.label)

    _relabel(state, step.enum, labels)


def _set_labels(state: State, step: SetLabels) -> None:
    _relabel(state, step.enum, lambda _old: step.labels)


def _relabel(
    state: State, enum: str, labels: Callable[[tuple[Value, ...]], tuple[Value, ...]]
) -> None:
    def relabelled(column: Column) -> Column:
        types = tuple(
            replace(one, parameters=tuple(sorted(set(labels(one.parameters)), key=repr)))
            if isinstance(one, Type) and one.name == "Enum" and one.label == enum
            else one
            for one in column.type
        )
        return replace(column, type=types)

    for place, table in enumerate(state.tables):
        columns = {name: relabelled(one) for name, one in table.columns.items()}
        state.tables[place] = replace(table, columns=columns)


_APPLY: dict[type, Callable[..., None]] = {
    AddTable: _add_table,
    DropTable: _drop_table,
    RenameTable: _rename_table,
    CommentTable: _comment_table,
    AddColumn: _add_column,
    DropColumn: _drop_column,
    AlterColumn: _alter_column,
    AddConstraint: _add_constraint,
    DropConstraint: _drop_constraint,
    AddLabel: _add_label,
    SetLabels: _set_labels,
}
