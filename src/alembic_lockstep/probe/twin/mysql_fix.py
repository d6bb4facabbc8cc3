"""Fix differences of a migrated MySQL or MariaDB database by SQL.

Differences in the same columns are fixed together, in one `ALTER TABLE` for each table: the server
refuses to take an index from a foreign key, or AUTO_INCREMENT without a key. Foreign keys that
block it are dropped before and added again after, so that they are checked again.
https://dev.mysql.com/doc/refman/8.0/en/alter-table.html
"""

from __future__ import annotations

import re
from typing import Iterator, List, Set, Tuple

from .mysql_groups import (
    INDEXES,
    ForeignKey,
    concerned_columns,
    differs,
    fact_of,
    foreign_keys,
    group_of,
    held_by,
)
from .mysql_text import column_definition, literal, quoted
from .name_conflicts import is_taken_over
from .rows import missing_value, possible_renames
from .schema import DatabaseSchema, Early, Part, SchemaDifference, TableSchema

_TEXTUAL = re.compile(r"(?:var)?char|(?:tiny|medium|long)?text|enum|set")
# Options whose unset value is 0 and not DEFAULT.
_ZERO = ("avg_row_length", "checksum", "delay_key_write", "key_block_size", "max_rows", "min_rows")


def fix_statements(
    difference: SchemaDifference, database: DatabaseSchema, models: DatabaseSchema
) -> List[str]:
    """Return the statements that fix a difference and those that can only be fixed with it.

    Differences of a group have the same statements. To be run in the order of `differences()`.
    """
    if not difference.table:
        return [_of_sequence(difference, models)]
    group = group_of(difference, database, models)
    held = held_by(group, database, models)
    tables = sorted({member.table for member in group} | {key for key, _ in held})
    table_fixes = [_TableFix(key, group, held, database, models) for key in tables]
    return [
        statement
        for step in (_TableFix.before, _TableFix.fill, _TableFix.alter, _TableFix.after)
        for table_fix in table_fixes
        for statement in step(table_fix)
    ]


def _of_sequence(difference: SchemaDifference, models: DatabaseSchema) -> str:
    if difference.expected is None:
        statement = f"DROP SEQUENCE {quoted(difference.part.name)}"
        return Early(statement) if is_taken_over(difference.part, models) else statement
    verb = "CREATE" if difference.actual is None else "ALTER"
    return f"{verb} SEQUENCE {difference.expected.sql}"


class _TableFix:
    """Statements for one table."""

    def __init__(
        self,
        key: str,
        group: List[SchemaDifference],
        held: List[Tuple[str, ForeignKey]],
        database: DatabaseSchema,
        models: DatabaseSchema,
    ) -> None:
        own = [member for member in group if member.table == key]
        self._actual, self._expected = database.tables[key], models.tables[key]
        self._columns = {member.part.name: member for member in own if member.part.kind == "column"}
        self._options = [member for member in own if member.part.kind in ("options", "comment")]
        self._removed = [member.actual for member in own if member.actual is not None]
        self._added = [member.expected for member in own if member.expected is not None]
        self._held = [part for held_key, part in held if held_key == key]
        self._new: Set[str] = set()
        self._renames = {
            new: self._columns[old]
            for new, old in possible_renames(self._actual, self._expected).items()
            if {new, old} <= set(self._columns)
        }
        self._make_room()
        self._head = f"ALTER TABLE {self._actual.sql_name} "

    def before(self) -> Iterator[str]:
        dropped = [*self._of(self._removed, "foreign_key"), *self._held]
        drops = [f"DROP FOREIGN KEY {quoted(part.name)}" for part in dropped]
        if drops:
            yield self._head + ", ".join(dict.fromkeys(drops))
        if any(fact_of(difference.actual, "partition by") for difference in self._repartitioned()):
            yield f"{self._head}REMOVE PARTITIONING"

    def fill(self) -> Iterator[str]:
        """Give rows a value for columns that become NOT NULL: new ones are nullable before."""
        again = self._recreated()
        for name, difference in self._columns.items():
            column, before = difference.expected, difference.actual
            if column is None or name in again:
                continue
            old = self._renames.get(name)
            before = old.actual if old else before
            value = missing_value(column, before, self._expected, quoted)
            if not value or (before is None and column.facts["default"]):
                continue
            if before is None:
                nullable = column_definition({**column.facts, "nullable": "yes"})
                yield f"{self._head}ADD COLUMN {quoted(name)} {nullable}"
                self._new.add(name)
            filled = quoted(before.name if before is not None else name)
            assignment = f"SET {filled} = {value} WHERE {filled} IS NULL"
            yield f"UPDATE {self._actual.sql_name} {assignment}"

    def alter(self) -> Iterator[str]:
        clauses = [
            *self._drops(),
            *self._column_clauses(),
            *self._adds(*INDEXES, "check"),
            *(clause for difference in self._options for clause in _clauses_of_options(difference)),
        ]
        if clauses:
            yield self._head + ", ".join(dict.fromkeys(clauses))

    def after(self) -> Iterator[str]:
        # Keys with the names that they had come first: the server makes up names for the others.
        again = [f"ADD CONSTRAINT {quoted(part.name)} {part.bare_sql}" for part in self._held]
        for adds in (again, list(self._adds("foreign_key"))):
            if adds:
                yield self._head + ", ".join(adds)
        for name, word in self._hidden():
            yield f"{self._head}ALTER INDEX {quoted(name)} {word}"
        for difference in self._repartitioned():
            if fact_of(difference.expected, "partition by"):
                yield f"{self._head}PARTITION BY {fact_of(difference.expected, 'partition by')}"

    def _of(self, parts: List[Part], *kinds: str) -> List[Part]:
        return [part for part in parts if part.kind in kinds]

    def _repartitioned(self) -> List[SchemaDifference]:
        return [difference for difference in self._options if differs(difference, "partition by")]

    def _adds(self, *kinds: str) -> Iterator[str]:
        for part in self._of(self._added, *kinds):
            if not self._is_of_column(part, self._expected):
                yield f"ADD {part.sql}"

    def _drops(self) -> Iterator[str]:
        for part in self._of(self._removed, *INDEXES, "check"):
            if part.kind == "primary_key":
                yield "DROP PRIMARY KEY"
            elif part.kind != "check":
                yield f"DROP INDEX {quoted(part.name)}"
            elif not self._is_of_column(part, self._actual):
                yield f"DROP CONSTRAINT {quoted(part.name)}"
        for name in self._idle_indexes():
            yield f"DROP INDEX {quoted(name)}"
        again = self._recreated()
        renamed = {old.part.name for old in self._renames.values()}
        for name, difference in self._columns.items():
            if (difference.expected is None and name not in renamed) or name in again:
                yield f"DROP COLUMN {quoted(name)}"

    def _hidden(self) -> Iterator[Tuple[str, str]]:
        """Yield the indexes to show or hide: MariaDB takes a recreated one for the old one."""
        before = {part.name: part.facts["hidden"] for part in self._of(self._removed, *INDEXES)}
        for part in self._of(self._added, *INDEXES):
            old, new = before.get(part.name, ""), part.facts["hidden"]
            if part.name in before and old != new:
                yield part.name, new or {"IGNORED": "NOT IGNORED"}.get(old, "VISIBLE")

    def _idle_indexes(self) -> Iterator[str]:
        """Yield the indexes that the server made for a foreign key and that are no longer used."""
        used = {(key.index, key.columns) for key in foreign_keys(self._expected)}
        added = self._of(self._added, *INDEXES)
        for key in foreign_keys(self._actual):
            covered = any(part.columns[: len(key.columns)] == key.columns for part in added)
            is_idle = (key.index, key.columns) not in used
            if key.index and is_idle and (covered or key in self._removed):
                yield key.index

    def _column_clauses(self) -> Iterator[str]:
        altered = {name: difference.expected for name, difference in self._columns.items()}
        if any(differs(difference, "collation") for difference in self._options):
            # Columns with the table's collation get its new one.
            for part in self._expected.of("column"):
                if not part.facts["collation"] and _TEXTUAL.match(part.facts["type"]):
                    altered.setdefault(part.name, part)
        has = {column.name: column for column in self._actual.of("column")}
        for parts, table in ((self._removed, self._actual), (self._added, self._expected)):
            for part in self._of(parts, "check"):
                if self._is_of_column(part, table):
                    altered.setdefault(part.name, has.get(part.name))
        again = self._recreated()
        for name, column in altered.items():
            if column is not None and name in self._renames:
                old = quoted(self._renames[name].part.name)
                definition = f"{old} {column.sql}{self._check_of(name)}"
                yield f"CHANGE COLUMN {definition} /* if it was renamed, else DROP and ADD */"
            elif column is not None:
                verb = "ADD" if name in again or name not in {*has, *self._new} else "MODIFY"
                yield f"{verb} COLUMN {column.sql}{self._check_of(name)}"

    def _check_of(self, column: str) -> str:
        """Return the CHECK of the column's definition, which is lost without it."""
        stay = [part for part in self._actual.of("check") if part not in self._removed]
        for parts, table in ((stay, self._actual), (self._added, self._expected)):
            for part in self._of(parts, "check"):
                if part.name == column and self._is_of_column(part, table):
                    return f" {part.sql}"
        return ""

    def _is_of_column(self, part: Part, table: TableSchema) -> bool:
        is_check = part.kind == "check" and part.has_generated_name
        return is_check and any(part.name == column.name for column in table.of("column"))

    def _recreated(self) -> Set[str]:
        """Return the columns to drop and recreate: those that become virtual or no longer are."""
        return {
            name
            for name, difference in self._columns.items()
            if difference.verb == "modify"
            and fact_of(difference.actual, "computed").endswith("VIRTUAL")
            != fact_of(difference.expected, "computed").endswith("VIRTUAL")
        }

    def _make_room(self) -> None:
        """Recreate what depends on a recreated column, or has a name that another part gets.

        An equal key may have another name, if the server made up one of the two.
        """
        again = self._recreated()
        names = {part.name for part in self._of(self._added, *INDEXES)}
        for part in self._actual.of(*INDEXES, "check"):
            columns = {name for _, name in concerned_columns("", part, self._actual)}
            is_taken = part.kind != "check" and part.name in names
            if part not in self._removed and (is_taken or columns & again):
                self._removed.append(part)
                alike = (
                    candidate
                    for candidate in self._expected.of(part.kind)
                    if candidate.is_like(part)
                )
                self._added.append(
                    next(candidate for candidate in alike if candidate not in self._added)
                )


def _clauses_of_options(difference: SchemaDifference) -> Iterator[str]:
    actual, expected = difference.actual, difference.expected
    assert actual is not None
    assert expected is not None
    for name in {**expected.facts, **actual.facts}:
        value = fact_of(expected, name)
        if value == fact_of(actual, name) or name == "partition by":
            continue
        if name == "comment":
            yield f"COMMENT = {literal(value)}"
        elif name == "collation":
            yield f"DEFAULT COLLATE = {value}"
        elif name == "system versioning":
            yield f"{'ADD' if value else 'DROP'} SYSTEM VERSIONING"
        else:
            yield f"{name.upper()} = {value or ('0' if name in _ZERO else 'DEFAULT')}"
