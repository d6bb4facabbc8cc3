"""Hold one schema difference as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One schema difference between the migrated database and the models.

    Attributes:
        database: The database's upgrade token (`engine1_upgrades`) in an environment of several
            databases, else empty.
        kind: `add_column`, `remove_table`, `modify_type` …; `add` means that the models
            have it and the database lacks it.
        table: The table's key, `schema.name` or `name`.
        name: The column's, index's or constraint's name; may be empty.
        columns: The columns of an index or a constraint.
        expected: The definition in the models, as text; empty without one.
        actual: The definition in the database, as text; empty without one.
        text: The difference in words: `column games.winners`.
        before: Lines of `op.*` code that drop constraints and indexes which other operations, or
            this one, cannot be run with.
        code: The lines of the fix.
        after: The lines that create these again, or need all others.
        sql: The statements of the fix, in the database's dialect; only of differences that the
            twin shows.
        imports: The lines that import what the code needs besides `op` and `sa`.
        renames: The column that goes, and may be this new one under its old name.
        rename: The code that renames it.
        replaces: The code of both operations, in place of which that is.
        alembic_fails: Whether Alembic's own code is refused or spoils rows.
        question: Lines of comment that ask whether it is a rename.
        fills: Whether rows need a value, for a column becomes NOT NULL.
        drops_referenced: Whether SQLite drops a table to which rows refer, to make it again or not.
        instead: The code that fixes it together with another operation, which has it as `code`.
        declared: For differences that only the twin shows, the part's kind and name, and a digest
            of its definition in the models; empty without one.
    """

    database: str
    kind: str
    table: str
    name: str
    columns: tuple[str, ...]
    expected: str
    actual: str
    text: str
    code: tuple[str, ...]
    sql: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    declared: tuple[str, str] = ("", "")
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    renames: str = ""
    rename: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    alembic_fails: bool = False
    question: tuple[str, ...] = ()
    fills: bool = False
    drops_referenced: bool = False

    @property
    def is_unlike_alembic(self) -> bool:
        """Return whether autogenerate's code for it loses rows or values, or fails on them."""
        reasons = (self.drops_referenced, self.fills, self.renames, self.alembic_fails)
        return any(reasons)

    @property
    def whole_code(self) -> tuple[str, ...]:
        """Return all lines, in the order in which they are run."""
        return (*self.before, *self.code, *self.after)

    @property
    def identity(self) -> tuple[object, ...]:
        """Return the fields that identify it in two runs, without the database's definition."""
        return (self.database, self.kind, self.table, self.name, self.columns, self.expected)

    @property
    def function(self) -> str:
        """Return the migration's function that fixes it: `upgrade`, or `upgrade_engine1`.

        The names are those of the `multidb` templates of Alembic and Flask-Migrate.
        """
        name, suffix, _ = self.database.rpartition("_upgrades")
        return f"upgrade_{name}" if suffix else "upgrade"
