"""Declare the facts about compared databases that the probe reports in `Done` (`protocol.py`).

Both host and probe import this module: it imports nothing but typing, and runs on Python 3.9.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, TypedDict


class OperationFacts(TypedDict, total=False):
    """Schema difference: see `operations.py` and `twin/opinion.py`.

    Attributes:
        kind: `add_column`, `remove_table`, `modify_type` …
        table: The table's key, `schema.name` or `name`.
        name: Of the column, index or constraint; may be empty.
        columns: Of an index or a constraint.
        expected, actual: The models' and the database's side, as text; empty for nothing.
        text: The difference in words: `column games.winners`.
        before, code, after: Lines of `op.*` code, by stage.
        imports: Lines that import what the code needs.
        instead: Code that fixes it together with another operation.
        sql: Statements of the twin's fix.
        declared: Kind and name of a part, and a digest of what the models declare of it.
        part: The twin's name of the kind of part.
        names: Strings in an operation of another package.
        foreign: Whether it is an operation of another package.
        creates: Sequences that a new table creates and owns.
        users: Columns of a type, as `table.column`.
        in_batch: Whether `code` is a batch block.
        checked: Whether a new column's type adds a CHECK.
        recreates: Whether SQLite has to recreate the table for a new column.
        leaves: Index that Alembic's own code would leave.
        renames: Column that goes, and may be this new one under its old name; with `rename`, the
            code to rename it, and `replaces`, the code of both operations in place of which it is.
        fills: Whether rows need a value, for a column becomes NOT NULL.
        drops_referenced: Whether SQLite drops a table to which rows refer, to make it again or not.
        alembic_fails: Whether Alembic's own code is refused or spoils rows.
        is_computed: Whether the database's column is a computed one.
    """

    kind: str
    table: str
    name: str
    columns: List[str]
    expected: str
    actual: str
    text: str
    before: List[str]
    code: List[str]
    after: List[str]
    imports: List[str]
    instead: List[str]
    sql: List[str]
    declared: List[str]
    part: str
    names: List[str]
    foreign: bool
    creates: List[str]
    users: List[str]
    in_batch: bool
    checked: bool
    recreates: bool
    leaves: str
    is_computed: bool
    renames: str
    rename: List[str]
    replaces: List[str]
    fills: bool
    drops_referenced: bool
    alembic_fails: bool


class TwinComparison(TypedDict, total=False):
    """Comparison of a migrated database with its twin.

    Attributes:
        key: The number of the database and a digest of the models' DDL; None if that depends on
            a database's answers.
        failure: Why there is no twin; empty if there is one.
        operations: What makes the database the one that the models make.
        compared: Tables that both have.
        model_objects: Enum types, domains, sequences, server defaults and constraints that are not
            valid, as the models make them: see `model_object()`.
        unmade: Tables that the models could not make, each with the reason; under the empty name
            why their listeners failed.
        unseen: Tables that were therefore not compared.
        declared: From those tables to digests of what the models declare of their parts.
        in_stages: Whether code has lines for before and after all other operations.
        fragile: Tables of which Alembic's batch mode would lose a part.
        in_the_way: Tables that the models lack and of which they use a name for something else.
        way_back: Comparison of the twin with the migrated database; only if it was asked for.
    """

    key: Optional[str]
    failure: str
    operations: List[OperationFacts]
    compared: List[str]
    model_objects: List[str]
    unmade: Dict[str, str]
    unseen: List[str]
    declared: Dict[str, Dict[str, str]]
    in_stages: bool
    fragile: List[str]
    in_the_way: List[str]
    way_back: "TwinComparison"


class Catalogue(TypedDict):
    """Models behind the tables: see `catalogue.py`."""

    tables: Dict[str, Any]
    bases: List[List[str]]
    modules: List[str]


class DatabaseFacts(TypedDict):
    """Facts about one migrated database.

    Attributes:
        name: Alembic's upgrade token.
        way_back: What undoes the operations; only for a migration that is being written.
    """

    name: str
    operations: List[OperationFacts]
    way_back: List[OperationFacts]
    twin: TwinComparison
    catalogue: Catalogue
    switched_off: List[str]


def model_object(kind: str, name: str) -> str:
    """Return the key of an object in `TwinComparison.model_objects`."""
    return f"{kind} {name}"
