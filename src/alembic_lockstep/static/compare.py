"""What the models want and the migrations do not make, or the other way about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.static.apply import State
from alembic_lockstep.static.schema import Column, Constraint, Table
from alembic_lockstep.static.types import Type, same_type
from alembic_lockstep.static.values import Called, Member, Named, Value, is_opaque, text_of

# Words of kinds, as the dry run's operations have them.
_KINDS = {"index": "index", "foreign key": "fk"}
_DIALECTS = {"mariadb", "mssql", "mysql", "oracle", "postgresql", "sqlite"}


@dataclass(frozen=True)
class Difference:
    """One difference between models and migrations.

    Attributes:
        is_sure: Whether it is one, as far as the texts tell.
    """

    operation: Operation
    is_sure: bool = True


def differences(wanted: Iterable[Table], state: State, base: Iterable[Table]) -> list[Difference]:
    """What is left to do after the migrations, so that the models' tables are there.

    Args:
        wanted: The judged tree's.
        state: The base's after the new migrations.
        base: The base's.
    """
    found = []
    before = _by_name(base)
    now, after = _by_name(wanted), _by_name(state.tables)
    several = {name for name, tables in now.items() if len(tables) > 1 and name}
    for name in dict.fromkeys((*now, *after)):
        for new, made, old in _paired(now.get(name, []), after.get(name, []), before.get(name, [])):
            # Of two tables of one name each has its own file.
            path = (new or made or Table(None, {})).origin.path
            left = [
                replace(one, operation=replace(one.operation, database=path))
                for one in _table(new, made, old)
            ]
            # Another database's table of that name may be what the migration is about.
            if name in several and new and old and not list(_table(new, old, old)):
                continue
            found += left
    return found


def _by_name(tables: Iterable[Table]) -> dict[str | None, list[Table]]:
    found: dict[str | None, list[Table]] = {}
    for table in tables:
        found.setdefault(table.name, []).append(table)
    return found


def _paired(
    now: list[Table], after: list[Table], before: list[Table]
) -> Iterator[tuple[Table | None, Table | None, Table | None]]:
    """The same table of three schemas: of several with one name, the same class's."""
    if len(now) <= 1 and len(after) <= 1:
        new, made = (next(iter(one), None) for one in (now, after))
        yield new, made, next(iter(before), None)
        return
    for cls in dict.fromkeys(one.origin.cls for one in (*now, *after)):
        alike = [
            [one for one in tables if one.origin.cls == cls] for tables in (now, after, before)
        ]
        yield from zip_longest(*alike)


def _table(new: Table | None, made: Table | None, old: Table | None) -> Iterator[Difference]:
    if new is None or made is None:
        table = new or made
        assert table is not None
        yield _whole("add" if new else "remove", table)
        return
    if new == made:
        return
    is_odd = bool(new.odd) or bool(made.odd)
    if new.odd != made.odd:
        yield Difference(_operation("other", new.label, "", f"table {new.label}"), is_sure=False)
    yield from _columns(new, made, old, is_odd)
    yield from _constraints(new, made, is_odd)
    if (new.comment or None) != (made.comment or None):
        yield Difference(
            _operation(
                "modify_table_comment",
                new.label,
                "",
                f"comment of table {new.label}",
                wanted=str(text_of(new.comment) or ""),
            ),
            not is_opaque(new.comment) and not is_opaque(made.comment),
        )


def _whole(verb: str, table: Table) -> Difference:
    text = f"table {table.label}"
    return Difference(_operation(f"{verb}_table", table.label, "", text, wanted=text))


def _columns(new: Table, made: Table, old: Table | None, is_odd: bool) -> Iterator[Difference]:
    for name in dict.fromkeys((*new.columns, *made.columns)):
        wanted, found = new.columns.get(name), made.columns.get(name)
        text = f"column {new.label}.{name}"
        if wanted is None or found is None:
            verb = "add" if wanted else "remove"
            operation = _operation(f"{verb}_column", new.label, name, text, wanted=text)
            yield Difference(operation, not is_odd)
        else:
            before = old.columns.get(name) if old else None
            yield from _column(new.label, wanted, found, before)


def _column(table: str, new: Column, made: Column, old: Column | None) -> Iterator[Difference]:
    text = f"column {table}.{new.name}"
    same = same_type(new.type, made.type)
    if same is not True:
        enum = _enum(new, made)
        kind, label = (
            ("modify_enum", f"enum {enum}") if enum else ("modify_type", f"type of {text}")
        )
        operation = _operation(
            kind,
            table,
            enum or new.name,
            label,
            (new.name,) if enum else (),
            wanted=_words(new.type),
            found=_words(made.type),
        )
        yield Difference(operation, same is False)
    if new.nullable != made.nullable:
        sure = not is_opaque(new.nullable) and not is_opaque(made.nullable)
        yield _modified("nullable", table, new, made, text, sure)
    default = _same_default(new, made, old)
    if default is not True:
        yield _modified("default", table, new, made, f"server default of {text}", default is False)
    if (new.comment or None) != (made.comment or None):
        sure = not is_opaque(new.comment) and not is_opaque(made.comment)
        yield _modified("comment", table, new, made, f"comment of {text}", sure)
    if new.more != made.more:
        names = {name for name, _ in new.more} ^ {name for name, _ in made.more}
        if names or not made.migrated:
            sure = not is_opaque(new.more)
            for name in sorted(names) or [name for name, _ in new.more]:
                kind = name.lower()
                label = f"{kind} of {text}"
                yield Difference(_operation(f"modify_{kind}", table, new.name, label), sure)


def _modified(
    what: str, table: str, new: Column, made: Column, text: str, sure: bool
) -> Difference:
    label = f"nullable of {text}" if what == "nullable" else text
    field = "default" if what == "default" else what
    operation = _operation(
        f"modify_{what}",
        table,
        new.name,
        label,
        wanted=repr(getattr(new, field)),
        found=repr(getattr(made, field)),
    )
    return Difference(operation, sure)


def _enum(new: Column, made: Column) -> str:
    """The name of the enum whose labels differ; "" if something else does."""
    one, other = (next(iter(column.type), None) for column in (new, made))
    if isinstance(one, Type) and isinstance(other, Type) and one.name == other.name == "Enum":
        return one.label if one.label == other.label else ""
    return ""


def _same_default(new: Column, made: Column, old: Column | None) -> bool | None:
    if new.default == made.default:
        return True
    if new.default is None:
        # It fills the rows that are there; the models never knew of it.
        return made.migrated and (old is None or old.default is None)
    if made.default is None:
        return None if is_opaque(new.default) else False
    one, other = _plain(new.default), _plain(made.default)
    if one is not None and other is not None:
        if one == other:
            return True
        if one in _BOOLEANS and other in _BOOLEANS:
            return _BOOLEANS[one] == _BOOLEANS[other]
        return False
    return True if made.migrated else None


_BOOLEANS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def _plain(value: Value) -> str | None:
    """A default's text as databases would spell it; None for an expression."""
    if isinstance(value, Member):
        return None
    text = text_of(value)
    if text is None and isinstance(value, Called) and value.name.startswith("sqlalchemy"):
        text = f"{value.last}()" if not value.args else None
    if text is None and isinstance(value, Named):
        text = value.last
    if text is None:
        return None
    text = re.sub(r"::[\w ]+(\(\d+\))?$", "", text.strip()).strip("()' \"").lower()
    if text in ("now", "current_timestamp", "statement_timestamp"):
        return "now"
    return text


def _constraints(new: Table, made: Table, is_odd: bool) -> Iterator[Difference]:
    left = list(made.constraints)
    missing = []
    for wanted in new.constraints:
        found = next((one for one in left if _same_constraint(wanted, one)), None)
        if found is None:
            missing.append(wanted)
        else:
            left.remove(found)
    for verb, those in (("add", missing), ("remove", left)):
        for one in those:
            sure = not is_odd and not is_opaque(one.columns) and not is_opaque(one.options)
            yield Difference(_of_constraint(verb, new.label, one), sure)


def _same_constraint(new: Constraint, made: Constraint) -> bool:
    if new.kind != made.kind:
        return False
    if new.kind == "primary key":
        return set(new.columns) == set(made.columns)
    if new.name is not None and made.name is not None and new.kind != "foreign key":
        suffix = new.kind == "check" and made.name.endswith(f"_{new.name}")
        if new.name != made.name and not suffix:
            return False
    if new.kind in ("check", "exclude"):
        is_named = new.name is not None and made.name is not None
        return new.options == made.options or (made.migrated and is_named) or _same_sql(new, made)
    return _same_columns(new, made) and _same_options(new, made)


def _same_sql(new: Constraint, made: Constraint) -> bool:
    one, other = (text_of(each.option("sqltext")) for each in (new, made))
    return one is not None and other is not None and one.split() == other.split()


def _same_columns(new: Constraint, made: Constraint) -> bool:
    if new.columns == made.columns:
        return True
    # Expressions may be spelled otherwise in a migration.
    if not made.migrated or len(new.columns) != len(made.columns):
        return False
    pairs = zip(new.columns, made.columns, strict=True)
    return all(one == other or not isinstance(one, str) for one, other in pairs)


def _same_options(new: Constraint, made: Constraint) -> bool:
    one, other = dict(new.options), dict(made.options)
    if new.kind == "foreign key" and (
        is_opaque(one.get("target")) or is_opaque(other.get("target"))
    ):
        one["target"] = other["target"] = None
    one, other = _of_shared_dialects(one, other), _of_shared_dialects(other, one)
    if one.keys() != other.keys():
        return False
    return all(_same_option(value, other[key], made.migrated) for key, value in one.items())


def _of_shared_dialects(options: dict[str, Value], others: dict[str, Value]) -> dict[str, Value]:
    """Return options without those of dialects that the others do not name, if they name any.

    Models may be for several databases, their migrations for one of these.
    """
    shared = {*map(_dialect, options)} & {*map(_dialect, others)} - {""}
    if not shared:
        return options
    return {key: value for key, value in options.items() if _dialect(key) in {"", *shared}}


def _dialect(option: str) -> str:
    prefix = option.partition("_")[0]
    return prefix if prefix in _DIALECTS else ""


def _same_option(one: Value, other: Value, migrated: bool) -> bool:
    if one == other:
        return True
    first, second = text_of(one), text_of(other)
    if first is not None and second is not None:
        return first.lower().split() == second.lower().split()
    is_expression = isinstance(one, Called) or is_opaque(one)
    return migrated and is_expression


def _of_constraint(verb: str, table: str, one: Constraint) -> Operation:
    columns = tuple(name for name in one.columns if isinstance(name, str))
    name = one.name or ""
    kind = _KINDS.get(one.kind, "constraint")
    if one.kind == "foreign key":
        target = one.option("target")
        to = ", ".join(map(str, target)) if isinstance(target, tuple) else "?"
        text = f"foreign key {table}.{', '.join(columns)} to {to}"
    else:
        what = "index" if one.kind == "index" else f"{one.kind} constraint"
        text = f"{what} {name}" if name else f"{what} on {table} ({', '.join(columns)})"
    return _operation(f"{verb}_{kind}", table, name, text, columns, wanted=repr(one.options))


def _operation(
    kind: str,
    table: str,
    name: str,
    text: str,
    columns: tuple[str, ...] = (),
    *,
    wanted: str = "",
    found: str = "",
) -> Operation:
    return Operation(
        database="",
        kind=kind,
        table=table,
        name=name,
        columns=columns,
        wanted="" if kind.startswith("remove") else wanted,
        found=found,
        text=text,
        code=(),
    )


def _words(types: Iterable[object]) -> str:
    first = next(iter(types), None)
    if not isinstance(first, Type):
        return "?"
    shown = ", ".join(str(one) for one in first.parameters if one is not None)
    return f"{first.name}({shown})" if shown else first.name
