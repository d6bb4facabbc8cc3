"""The SQL that brings a migrated MySQL or MariaDB database to what the models make.

Differences in the same columns are cured together, in one `ALTER TABLE` for each table: the server
refuses to take an index from a foreign key, or AUTO_INCREMENT without a key. Foreign keys that are
in the way of it are dropped before and made anew after, so that they are checked again.
https://dev.mysql.com/doc/refman/8.0/en/alter-table.html
"""

from __future__ import annotations

import re
from typing import Iterator, List, Set, Tuple

from .mysql_groups import (
    INDEXES,
    ForeignKey,
    differs,
    fact,
    foreign_keys,
    group_of,
    held_by,
    places,
)
from .mysql_text import literal, quoted
from .schema import Difference, Part, Schema, Table

_TEXTUAL = re.compile(r"(?:var)?char|(?:tiny|medium|long)?text|enum|set")
# What an option is without being set, if that is not DEFAULT.
_ZERO = ("avg_row_length", "checksum", "delay_key_write", "key_block_size", "max_rows", "min_rows")


def cure(difference: Difference, database: Schema, models: Schema) -> List[str]:
    """The statements that cure a difference, and those that only it can be cured with.

    Differences that belong together have the same statements. To be run in the order of
    `differences()`.
    """
    if not difference.table:
        return [_of_sequence(difference)]
    group = group_of(difference, database, models)
    held = held_by(group, database, models)
    tables = sorted({one.table for one in group} | {key for key, _ in held})
    repairs = [_Repair(key, group, held, database, models) for key in tables]
    return [
        statement
        for step in (_Repair.before, _Repair.alter, _Repair.after)
        for repair in repairs
        for statement in step(repair)
    ]


def _of_sequence(difference: Difference) -> str:
    if difference.wanted is None:
        return f"DROP SEQUENCE {quoted(difference.part.name)}"
    verb = "CREATE" if difference.found is None else "ALTER"
    return f"{verb} SEQUENCE {difference.wanted.sql}"


class _Repair:
    """What is done to one table."""

    def __init__(
        self,
        key: str,
        group: List[Difference],
        held: List[Tuple[str, ForeignKey]],
        database: Schema,
        models: Schema,
    ) -> None:
        mine = [one for one in group if one.table == key]
        self._found, self._wanted = database.tables[key], models.tables[key]
        self._columns = {d.part.name: d for d in mine if d.part.kind == "column"}
        self._options = [one for one in mine if one.part.kind in ("options", "comment")]
        self._removed = [one.found for one in mine if one.found is not None]
        self._added = [one.wanted for one in mine if one.wanted is not None]
        self._held = [part for at, part in held if at == key]
        self._make_room()
        self._head = f"ALTER TABLE {self._found.sql_name} "

    def before(self) -> Iterator[str]:
        dropped = [*self._of(self._removed, "foreign_key"), *self._held]
        drops = [f"DROP FOREIGN KEY {quoted(part.name)}" for part in dropped]
        if drops:
            yield self._head + ", ".join(dict.fromkeys(drops))
        if any(fact(one.found, "partition by") for one in self._repartitioned()):
            yield f"{self._head}REMOVE PARTITIONING"

    def alter(self) -> Iterator[str]:
        clauses = [
            *self._drops(),
            *self._column_clauses(),
            *self._adds(*INDEXES, "check"),
            *(clause for one in self._options for clause in _clauses_of_options(one)),
        ]
        if clauses:
            yield self._head + ", ".join(dict.fromkeys(clauses))

    def after(self) -> Iterator[str]:
        # Those with the names that they had come first: the server gives new ones to others.
        again = [f"ADD CONSTRAINT {quoted(part.name)} {part.bare_sql}" for part in self._held]
        for adds in (again, list(self._adds("foreign_key"))):
            if adds:
                yield self._head + ", ".join(adds)
        for name, word in self._hidden():
            yield f"{self._head}ALTER INDEX {quoted(name)} {word}"
        for one in self._repartitioned():
            if fact(one.wanted, "partition by"):
                yield f"{self._head}PARTITION BY {fact(one.wanted, 'partition by')}"

    def _of(self, parts: List[Part], *kinds: str) -> List[Part]:
        return [part for part in parts if part.kind in kinds]

    def _repartitioned(self) -> List[Difference]:
        return [one for one in self._options if differs(one, "partition by")]

    def _adds(self, *kinds: str) -> Iterator[str]:
        for part in self._of(self._added, *kinds):
            if not self._is_of_column(part, self._wanted):
                yield f"ADD {part.sql}"

    def _drops(self) -> Iterator[str]:
        for part in self._of(self._removed, *INDEXES, "check"):
            if part.kind == "primary_key":
                yield "DROP PRIMARY KEY"
            elif part.kind != "check":
                yield f"DROP INDEX {quoted(part.name)}"
            elif not self._is_of_column(part, self._found):
                yield f"DROP CONSTRAINT {quoted(part.name)}"
        for name in self._idle_indexes():
            yield f"DROP INDEX {quoted(name)}"
        again = self._recreated()
        for name, one in self._columns.items():
            if one.wanted is None or name in again:
                yield f"DROP COLUMN {quoted(name)}"

    def _hidden(self) -> Iterator[Tuple[str, str]]:
        """The indexes to show or to hide: MariaDB takes one that is made anew for the old one."""
        before = {part.name: part.facts["hidden"] for part in self._of(self._removed, *INDEXES)}
        for part in self._of(self._added, *INDEXES):
            old, new = before.get(part.name, ""), part.facts["hidden"]
            if part.name in before and old != new:
                yield part.name, new or {"IGNORED": "NOT IGNORED"}.get(old, "VISIBLE")

    def _idle_indexes(self) -> Iterator[str]:
        """Those that the server made for a foreign key, and that have no more use."""
        kept = {(one.index, one.columns) for one in foreign_keys(self._wanted)}
        added = self._of(self._added, *INDEXES)
        for one in foreign_keys(self._found):
            covered = any(part.columns[: len(one.columns)] == one.columns for part in added)
            is_idle = (one.index, one.columns) not in kept
            if one.index and is_idle and (covered or one in self._removed):
                yield one.index

    def _column_clauses(self) -> Iterator[str]:
        altered = {name: one.wanted for name, one in self._columns.items()}
        if any(differs(one, "collation") for one in self._options):
            # What is of the table's collation is to be of the new one.
            for part in self._wanted.of("column"):
                if not part.facts["collation"] and _TEXTUAL.match(part.facts["type"]):
                    altered.setdefault(part.name, part)
        has = {column.name: column for column in self._found.of("column")}
        for parts, table in ((self._removed, self._found), (self._added, self._wanted)):
            for part in self._of(parts, "check"):
                if self._is_of_column(part, table):
                    altered.setdefault(part.name, has.get(part.name))
        again = self._recreated()
        for name, column in altered.items():
            if column is not None:
                verb = "ADD" if name in again or name not in has else "MODIFY"
                yield f"{verb} COLUMN {column.sql}{self._check_of(name)}"

    def _check_of(self, column: str) -> str:
        """The CHECK that stands in the column's definition, or else is lost with it."""
        stay = [part for part in self._found.of("check") if part not in self._removed]
        for parts, table in ((stay, self._found), (self._added, self._wanted)):
            for part in self._of(parts, "check"):
                if part.name == column and self._is_of_column(part, table):
                    return f" {part.sql}"
        return ""

    def _is_of_column(self, part: Part, table: Table) -> bool:
        is_check = part.kind == "check" and part.made_up
        return is_check and any(part.name == column.name for column in table.of("column"))

    def _recreated(self) -> Set[str]:
        """The columns that have to be dropped and made anew: computed when read, or no more so."""
        return {
            name
            for name, one in self._columns.items()
            if one.verb == "modify"
            and fact(one.found, "computed").endswith("VIRTUAL")
            != fact(one.wanted, "computed").endswith("VIRTUAL")
        }

    def _make_room(self) -> None:
        """Drop and make anew what goes with a recreated column, or has a name that is to be given.

        A key that is alike may bear another name, if one of the two is of the server's making.
        """
        again = self._recreated()
        names = {part.name for part in self._of(self._added, *INDEXES)}
        for part in self._found.of(*INDEXES, "check"):
            columns = {name for _, name in places("", part, self._found)}
            is_taken = part.kind != "check" and part.name in names
            if part not in self._removed and (is_taken or columns & again):
                self._removed.append(part)
                alike = (one for one in self._wanted.of(part.kind) if one.is_like(part))
                self._added.append(next(one for one in alike if one not in self._added))


def _clauses_of_options(difference: Difference) -> Iterator[str]:
    found, wanted = difference.found, difference.wanted
    assert found is not None
    assert wanted is not None
    for name in {**wanted.facts, **found.facts}:
        value = fact(wanted, name)
        if value == fact(found, name) or name == "partition by":
            continue
        if name == "comment":
            yield f"COMMENT = {literal(value)}"
        elif name == "collation":
            yield f"DEFAULT COLLATE = {value}"
        elif name == "system versioning":
            yield f"{'ADD' if value else 'DROP'} SYSTEM VERSIONING"
        else:
            yield f"{name.upper()} = {value or ('0' if name in _ZERO else 'DEFAULT')}"
