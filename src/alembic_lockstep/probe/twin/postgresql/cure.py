"""The SQL that brings a PostgreSQL database from what it has to what the models make."""

from __future__ import annotations

import re
from typing import Iterator, List, Optional, Set, Tuple

from sqlalchemy.dialects import postgresql

from ..schema import Difference, Part, Schema, Table

# With the parameter style of its drivers it would double percent signs.
_PREPARER = postgresql.dialect(paramstyle="named").identifier_preparer  # type: ignore[no-untyped-call]
_LABEL = re.compile(r"'(?:[^']|'')*'")
_OWN_SEQUENCE = re.compile(r"DEFAULT nextval\('((?:[^']|'')*)'")


def cure(difference: Difference, database: Schema, models: Schema) -> List[str]:
    """The statements that cure a difference, to be run in this order.

    Empty where there are none: no statement makes a table a partitioned one.
    """
    wanted, found = difference.wanted, difference.found
    kind = difference.part.kind
    if not difference.table:
        return _cure_loose(found, wanted, database)
    table = database.tables[difference.table]
    if kind == "column":
        return list(_cure_column(difference, table, models.tables[difference.table]))
    if kind == "comment":
        return [f"COMMENT ON TABLE {table.sql_name} IS {_comment(wanted)}"]
    if kind == "options":
        return list(_cure_options(difference, table))
    if found and difference.aspect == "validity":
        return [f"ALTER TABLE {table.sql_name} VALIDATE CONSTRAINT {_quoted(found.name)}"]
    if wanted and found and _unlike(wanted, found) == ["comment"]:
        return [_comment_on(table, found.name, wanted)]
    return [*_drop(table, found), *_add(table, wanted)]


def create(part: Part) -> List[str]:
    """The statement that makes an enum type, a domain or a sequence."""
    if part.kind == "enum":
        return [f"CREATE TYPE {part.sql} AS ENUM ({part.facts['labels']})"]
    if part.kind == "sequence":
        return [f"CREATE SEQUENCE {part.sql} {part.facts['options']}"]
    facts = part.facts
    words = [f"CREATE DOMAIN {part.sql} AS {facts['type']}"]
    words += [f"COLLATE {facts['collation']}"] if facts["collation"] else []
    words += [f"DEFAULT {facts['default']}"] if facts["default"] else []
    words += ["NOT NULL"] if facts["nullable"] == "no" else []
    words += [f"{name} {facts[name]}" for name in _checks(part)]
    return [" ".join(words)]


def discard(twin: Schema, tables: Set[str]) -> List[str]:
    """The statements that drop those tables, and the types and sequences that models may make."""
    names = [table.sql_name for key, table in twin.tables.items() if key in tables]
    drops = [f"DROP TABLE {name} CASCADE" for name in names]
    for part in twin.loose:
        what = "TYPE" if part.kind == "enum" else part.kind.upper()
        drops.append(f"DROP {what} IF EXISTS {part.sql} CASCADE")
    return drops


def _drop(table: Table, part: Optional[Part]) -> Iterator[str]:
    if part is None:
        return
    if part.kind == "index":
        schema, _, _ = table.sql_name.rpartition(".")
        name = f"{schema}.{_quoted(part.name)}" if schema else _quoted(part.name)
        yield f"DROP INDEX {name}"
    else:
        yield f"ALTER TABLE {table.sql_name} DROP CONSTRAINT {_quoted(part.name)}"


def _add(table: Table, part: Optional[Part]) -> Iterator[str]:
    if part is None:
        return
    if part.kind == "index":
        yield part.sql
    else:
        comment = part.facts["comment"]
        is_named = comment or not part.made_up
        name = f"CONSTRAINT {_quoted(part.name)} " if is_named else ""
        yield f"ALTER TABLE {table.sql_name} ADD {name}{part.sql}"
        if comment:
            yield _comment_on(table, part.name, part)


def _comment_on(table: Table, name: str, constraint: Part) -> str:
    place = f"{_quoted(name)} ON {table.sql_name}"
    return f"COMMENT ON CONSTRAINT {place} IS {_comment(constraint)}"


def _cure_column(difference: Difference, table: Table, models: Table) -> Iterator[str]:
    wanted, found = difference.wanted, difference.found
    column = _quoted(difference.part.name)
    alter = f"ALTER TABLE {table.sql_name}"
    if wanted is None:
        yield f"{alter} DROP COLUMN {column}"
    elif found is None:
        yield from _add_column(table, wanted)
    elif difference.aspect in ("type", "collation"):
        yield from _retype(f"{alter} ALTER COLUMN {column}", column, wanted, found)
    elif difference.aspect == "nullable":
        verb = "SET" if wanted.facts["nullable"] == "no" else "DROP"
        yield f"{alter} ALTER COLUMN {column} {verb} NOT NULL"
    elif difference.aspect == "comment":
        yield _comment_on_column(table, wanted)
    elif not wanted.facts["computed"]:
        yield from _refill(table, wanted, found)
    else:
        # What is computed cannot be altered before PostgreSQL 17; what hangs on it goes with it.
        yield f"{alter} DROP COLUMN {column}"
        yield from _add_column(table, wanted)
        for part in models.parts:
            if part.kind not in ("column", "options", "comment") and wanted.name in part.columns:
                yield from _add(table, part)


def _add_column(table: Table, column: Part) -> Iterator[str]:
    yield f"ALTER TABLE {table.sql_name} ADD COLUMN {column.sql}"
    if column.facts["comment"]:
        yield _comment_on_column(table, column)


def _comment_on_column(table: Table, column: Part) -> str:
    return f"COMMENT ON COLUMN {table.sql_name}.{_quoted(column.name)} IS {_comment(column)}"


def _retype(alter: str, column: str, wanted: Part, found: Part) -> Iterator[str]:
    kind, collation = wanted.facts["type"], wanted.facts["collation"]
    # A default of the old type may not be one of the new type, or not by itself.
    default = found.facts["default"] if "type" in _unlike(wanted, found) else ""
    if default:
        yield f"{alter} DROP DEFAULT"
    collate = f" COLLATE {collation}" if collation else ""
    using = "" if wanted.facts["computed"] else f" USING {column}::text::{kind}"
    yield f"{alter} TYPE {kind}{collate}{using}"
    if default and wanted.facts["default"]:
        yield f"{alter} SET DEFAULT {wanted.facts['default']}"


def _refill(table: Table, wanted: Part, found: Part) -> Iterator[str]:
    """What comes of itself into a column is one thing at a time: the other has to go before."""
    alter = f"ALTER TABLE {table.sql_name} ALTER COLUMN {_quoted(wanted.name)}"
    changed = _unlike(wanted, found)
    if "computed" in changed:
        yield f"{alter} DROP EXPRESSION"
    if "identity" in changed and found.facts["identity"]:
        yield f"{alter} DROP IDENTITY"
    if "default" in changed:
        yield from _redefault(table, alter, wanted, found)
    if "identity" in changed and wanted.facts["identity"]:
        yield f"{alter} ADD GENERATED {wanted.facts['identity']}"


def _redefault(table: Table, alter: str, wanted: Part, found: Part) -> Iterator[str]:
    default = wanted.facts["default"]
    owned, owns = _OWN_SEQUENCE.search(found.sql), _OWN_SEQUENCE.search(wanted.sql)
    if owns and default.startswith("the next"):
        column = _quoted(wanted.name)
        yield f"CREATE SEQUENCE {owns[1]} OWNED BY {table.sql_name}.{column}"
        yield f"{alter} SET DEFAULT nextval('{owns[1]}')"
        return
    yield f"{alter} SET DEFAULT {default}" if default else f"{alter} DROP DEFAULT"
    if owned and found.facts["default"].startswith("the next"):
        yield f"DROP SEQUENCE {owned[1]}"


def _cure_options(difference: Difference, table: Table) -> Iterator[str]:
    assert difference.wanted is not None
    assert difference.found is not None
    wanted, found = difference.wanted.facts, difference.found.facts
    alter = f"ALTER TABLE {table.sql_name}"
    if wanted["unlogged"] != found["unlogged"]:
        yield f"{alter} SET {'UNLOGGED' if wanted['unlogged'] else 'LOGGED'}"
    if wanted["storage"] != found["storage"]:
        if found["storage"]:
            names = ", ".join(one.partition("=")[0] for one in found["storage"].split(", "))
            yield f"{alter} RESET ({names})"
        if wanted["storage"]:
            yield f"{alter} SET ({wanted['storage']})"
    if wanted["tablespace"] != found["tablespace"]:
        yield f"{alter} SET TABLESPACE {_quoted(wanted['tablespace'] or 'pg_default')}"
    if wanted["inherits"] != found["inherits"]:
        for verb, facts in (("NO INHERIT", found), ("INHERIT", wanted)):
            for parent in filter(None, facts["inherits"].split(", ")):
                yield f"{alter} {verb} {parent}"


def _cure_loose(found: Optional[Part], wanted: Optional[Part], database: Schema) -> List[str]:
    if found is None:
        assert wanted is not None
        return create(wanted)
    if wanted is None:
        what = {"enum": "TYPE"}.get(found.kind, found.kind.upper())
        return [f"DROP {what} {found.sql}"]
    if found.kind == "sequence":
        return [f"ALTER SEQUENCE {found.sql} {wanted.facts['options']}"]
    if found.kind == "enum":
        return list(_relabel(found, wanted, database))
    if {"type", "collation"} & set(_unlike(wanted, found)):
        return list(_replace(found, wanted, database))
    return list(_cure_domain(found, wanted))


def _relabel(found: Part, wanted: Part, database: Schema) -> Iterator[str]:
    """Add labels; what drops or reorders some needs a new type."""
    has, wants = _LABEL.findall(found.facts["labels"]), _LABEL.findall(wanted.facts["labels"])
    if [label for label in wants if label in has] != has:
        yield from _replace(found, wanted, database)
        return
    for place, label in enumerate(wants):
        if label not in has:
            where = f"AFTER {wants[place - 1]}" if place else f"BEFORE {has[0]}"
            yield (
                f"ALTER TYPE {found.sql} ADD VALUE {label} {where}"
                if has
                else (f"ALTER TYPE {found.sql} ADD VALUE {label}")
            )


def _replace(found: Part, wanted: Part, database: Schema) -> Iterator[str]:
    """Another type of that name, to which the columns go over."""
    what = "TYPE" if found.kind == "enum" else "DOMAIN"
    schema, _, name = found.sql.rpartition(".")
    old = _quoted(name.strip('"').replace('""', '"') + "_old")
    yield f"ALTER {what} {found.sql} RENAME TO {old}"
    yield from create(wanted)
    for table, column in _of_type(found, database):
        alter = f"ALTER TABLE {table.sql_name} ALTER COLUMN {_quoted(column.name)}"
        default = column.facts["default"]
        kind = column.facts["type"]
        if default:
            yield f"{alter} DROP DEFAULT"
        between = "text[]" if kind.endswith("[]") else "text"
        yield f"{alter} TYPE {kind} USING {_quoted(column.name)}::{between}::{kind}"
        if default:
            yield f"{alter} SET DEFAULT {default}"
    yield f"DROP {what} {schema}.{old}" if schema else f"DROP {what} {old}"


def _of_type(part: Part, database: Schema) -> Iterator[Tuple[Table, Part]]:
    for table in database.tables.values():
        for column in table.of("column"):
            if column.facts["type"].rstrip("[]") == part.sql:
                yield table, column


def _cure_domain(found: Part, wanted: Part) -> Iterator[str]:
    alter, changed = f"ALTER DOMAIN {found.sql}", _unlike(wanted, found)
    if "default" in changed:
        default = wanted.facts["default"]
        yield f"{alter} SET DEFAULT {default}" if default else f"{alter} DROP DEFAULT"
    if "nullable" in changed:
        yield f"{alter} {'SET' if wanted.facts['nullable'] == 'no' else 'DROP'} NOT NULL"
    for name in _checks(found):
        if found.facts[name] != wanted.facts.get(name):
            yield f"{alter} DROP {name}"
    for name in _checks(wanted):
        if name in changed:
            yield f"{alter} ADD {name} {wanted.facts[name]}"


def _checks(domain: Part) -> List[str]:
    """The names of its CHECKs, as aspects: `constraint name`."""
    return [name for name in domain.facts if name.startswith("constraint ")]


def _unlike(wanted: Part, found: Part) -> List[str]:
    return [name for name in wanted.facts if wanted.facts[name] != found.facts.get(name, "")]


def _comment(part: Optional[Part]) -> str:
    text = part.facts["comment"].replace("'", "''") if part else ""
    return f"'{text}'" if text else "NULL"


def _quoted(name: str) -> str:
    quoted: str = _PREPARER.quote(name)
    return quoted
