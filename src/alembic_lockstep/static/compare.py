"""What the models declare and the migrations do not make, or the other way about."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.static.column_types import same_type
from alembic_lockstep.static.lookup import Unknown
from alembic_lockstep.static.tables import Table, TablePart

# Words of kinds, as the dry run's operations have them.
_KINDS = {"column": "column", "index": "index", "foreign key": "fk"}
_DIALECTS = {"mariadb", "mssql", "mysql", "oracle", "postgresql", "sqlite"}
_BOOLEANS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def differences(
    declared: Iterable[Table], migrated: Iterable[Table], base: Iterable[Table]
) -> dict[Operation, bool]:
    """Return what is left to do after the migrations, so that the declared tables are there.

    Each with whether it is sure, as far as the texts tell. The file that declares a table counts
    as its database.

    Args:
        migrated: The base's tables after the new migrations.
        base: The tables that the base declares.
    """
    sides = [list(tables) for tables in (declared, migrated, base)]
    enums = _enum_labels(sides[2])
    several = _names_of_several(sides)
    now, after, before = (_by_name(tables, several) for tables in sides)
    left: dict[Operation, bool] = {}
    for key in dict.fromkeys((*now, *after)):
        new, current, old = now.get(key), after.get(key), before.get(key)
        # A migration may be about another database's table of that name.
        may_be_another = key[0] in several and new == old
        for operation, is_sure in _of_table(new, current, old):
            # Once for each enum, and not where it has long been another one than the models'.
            name, labels = operation.name, operation.expected
            if operation.kind != "modify_enum" or enums.setdefault(name, "") != labels:
                enums[name] = labels
                left[operation] = is_sure and not may_be_another
    return left


def _enum_labels(tables: Iterable[Table]) -> dict[str, str]:
    """Return the labels of each enum that tables use, by its name."""
    parts = (part.values for table in tables for part in table.parts)
    return {values["enum"][0]: str(values["enum"][1]) for values in parts if "enum" in values}


def _names_of_several(sides: Iterable[Iterable[Table]]) -> set[str]:
    """Return the names that several tables of one side have: those of several databases."""
    counts = (Counter(table.label for table in tables) for tables in sides)
    return {name for count in counts for name, number in count.items() if number > 1}


def _by_name(tables: Iterable[Table], several: Collection[str]) -> dict[tuple[str, str], Table]:
    """Return tables by name and, where several have this name, class."""
    return {
        (table.label, table.origin.cls if table.label in several else ""): table for table in tables
    }


def _of_table(
    new: Table | None, current: Table | None, old: Table | None
) -> Iterator[tuple[Operation, bool]]:
    table = new or current
    if table is None or new == current:
        return
    path, label = table.origin.path, table.label
    if new is None or current is None:
        kind, text = "add_table" if new else "remove_table", f"table {label}"
        # Code may make it after models, as SQLAlchemy-Continuum does.
        is_sure = old is not None if new is None else bool(new.name)
        yield _operation(path, kind, label, "", text, wanted=text), is_sure
        return
    left = list(current.parts)
    before = old.columns if old else {}
    for wanted in new.parts:
        match = next((part for part in left if _is_same(wanted, part)), None)
        if match is None:
            is_sure = wanted.is_known or wanted.kind == "column"
            yield _whole(path, "add", label, wanted), is_sure
            continue
        left.remove(match)
        if wanted.kind == "column":
            yield from _of_column(path, label, wanted, match, before.get(wanted.name))
    for part in left:
        is_sure = not new.unread and (part.is_known or part.kind == "column")
        yield _whole(path, "remove", label, part), is_sure


def _of_column(
    path: str, table: str, new: TablePart, current: TablePart, old: TablePart | None
) -> Iterator[tuple[Operation, bool]]:
    for aspect in dict.fromkeys((*new.values, *current.values)):
        wanted, actual = new.values.get(aspect), current.values.get(aspect)
        text, name = f"{aspect} of column {table}.{new.name}", new.name
        columns: tuple[str, ...] = ()
        is_sure: bool | None = not isinstance(wanted, Unknown) and not isinstance(actual, Unknown)
        if wanted == actual or (aspect == "default" and _same_default(new, current, old)):
            continue
        if aspect == "type":
            same = same_type(new.values[aspect], current.values[aspect])
            is_sure = None if same is True else same is False
        elif aspect == "enum":
            if not wanted or not actual or wanted[1] == actual[1]:
                continue
            (name, wanted), actual, columns = wanted, actual[1], (new.name,)
            text, is_sure = f"enum {name}", True
        elif aspect == "generated":
            is_sure = None if current.migrated and wanted and actual else not current.migrated
        elif aspect == "default":
            text = f"server {text}"
        if is_sure is not None:
            sides = {"wanted": str(wanted), "actual": str(actual)}
            yield _operation(path, f"modify_{aspect}", table, name, text, columns, **sides), is_sure


def _same_default(new: TablePart, current: TablePart, old: TablePart | None) -> bool:
    wanted, actual = new.values["default"], current.values["default"]
    if wanted is None:
        # It fills the rows that are there; the models never knew of it.
        return current.migrated and (old is None or old.values["default"] is None)
    if actual is None:
        return False
    plain, other = _plain(wanted), _plain(actual)
    if plain in _BOOLEANS and other in _BOOLEANS:
        return _BOOLEANS[plain] == _BOOLEANS[other]
    is_expression = isinstance(wanted, Unknown) or isinstance(actual, Unknown)
    return plain == other or (current.migrated and is_expression)


def _plain(text: str) -> str:
    """Return a default's text as databases would spell it."""
    text = re.sub(r"::[\w ]+(\(\d+\))?$", "", text.strip()).strip("()' \"").lower()
    return "now" if text in ("now", "current_timestamp", "statement_timestamp") else text


def _is_same(new: TablePart, current: TablePart) -> bool:
    """Return whether two parts are one column, or constraints that do not differ."""
    if new.kind != current.kind or new.kind == "column":
        return new.kind == current.kind and new.name == current.name
    if new.kind == "primary key":
        return set(new.columns) == set(current.columns)
    both_named = bool(new.name and current.name)
    # A naming convention puts a prefix before a CHECK's name.
    is_named = new.name == current.name or (
        new.kind == "check" and current.name.endswith(f"_{new.name}")
    )
    if both_named and new.kind != "foreign key" and not is_named:
        return False
    if new.kind in ("check", "exclude") and current.migrated and both_named:
        return True
    return _same_columns(new, current) and _same_options(new, current)


def _same_columns(new: TablePart, current: TablePart) -> bool:
    targets = zip(new.values.get("target", ()), current.values.get("target", ()), strict=False)
    # Expressions may be spelled otherwise in a migration.
    pairs = zip(new.columns, current.columns, strict=False)
    is_same = all(
        name == other or (current.migrated and isinstance(name, Unknown)) for name, other in pairs
    )
    is_target = all(
        name == other or Unknown in (type(name), type(other)) for name, other in targets
    )
    return is_same and is_target and len(new.columns) == len(current.columns)


def _same_options(new: TablePart, current: TablePart) -> bool:
    # Models may be for several databases, their migrations for one of these.
    shared = {*map(_dialect, new.values)} & {*map(_dialect, current.values)} - {""}
    options, other = (
        {
            name: " ".join(text.lower().split())
            for name, text in values.items()
            if name != "target" and (not shared or _dialect(name) in {"", *shared})
        }
        for values in (new.values, current.values)
    )
    is_expression = current.migrated and any(
        isinstance(text, Unknown) for text in new.values.values()
    )
    return options == other or (is_expression and options.keys() == other.keys())


def _dialect(option: str) -> str:
    prefix = option.partition("_")[0]
    return prefix if prefix in _DIALECTS else ""


def _whole(path: str, verb: str, table: str, part: TablePart) -> Operation:
    """Return the operation that adds or removes a part."""
    columns = tuple(name for name in part.columns if not isinstance(name, Unknown))
    listed = ", ".join(columns)
    if part.kind in ("column", "foreign key"):
        target = ", ".join(part.values.get("target", ()))
        text = f"{part.kind} {table}.{listed}" + (f" to {target}" if target else "")
    else:
        noun = "index" if part.kind == "index" else f"{part.kind} constraint"
        text = f"{noun} {part.name}" if part.name else f"{noun} on {table} ({listed})"
    columns = () if part.kind == "column" else columns
    shown = ", ".join(f"{name}={value}" for name, value in sorted(part.values.items()))
    kind = f"{verb}_{_KINDS.get(part.kind, 'constraint')}"
    return _operation(path, kind, table, part.name, text, columns, wanted=shown)


def _operation(
    path: str,
    kind: str,
    table: str,
    name: str,
    text: str,
    columns: tuple[str, ...] = (),
    wanted: str = "",
    actual: str = "",
) -> Operation:
    wanted = "" if kind.startswith("remove") else wanted
    return Operation(path, kind, table, name, columns, wanted, actual, text, ())
