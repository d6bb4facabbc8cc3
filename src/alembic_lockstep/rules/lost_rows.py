"""lost-rows: the new migrations lose rows or values that should survive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alembic_lockstep.alembic_env.revisions import Revision
from alembic_lockstep.dryrun.trial_facts import RowChangeFacts
from alembic_lockstep.facts import Facts, merged_catalogue
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.fix.row_steps import is_nullable, type_code, without_foreign_keys
from alembic_lockstep.pysource.row_statements import (
    added_column,
    deletes,
    names_column,
    rebuilt_tables,
    writes,
)
from alembic_lockstep.report.text import listed, plural
from alembic_lockstep.rules.migration_lines import (
    dialect_of,
    location_of,
    mark,
    revision_about,
    trial_of,
    tried_revisions,
)

RULE = "lost-rows"

_VANISHED, _DROPPED, _TABLE_DROPPED = "rows-vanished", "column-dropped", "table-dropped"
_NULLED, _COMPUTED = "nulled", "column-computed"


def check(facts: Facts) -> list[Finding]:
    """Return a finding for each loss that neither the models nor the migrations ask for."""
    losses = _Losses(facts)
    return [losses.finding(change) for change in losses.changes if not losses.is_intended(change)]


def intended_losses(facts: Facts) -> list[str]:
    """Return a note on the data that the new migrations drop, change or delete on purpose."""
    losses = _Losses(facts)
    intended = [change for change in losses.changes if losses.is_intended(change)]
    drops = (_DROPPED, _TABLE_DROPPED, _COMPUTED)
    dropped = [change for change in intended if change["kind"] in drops]
    others = [change for change in intended if change not in dropped]
    names = ", ".join(revision.id for revision in losses.revisions) or "the upgrade"
    notes = []
    if dropped:
        things = listed(_name(change) for change in dropped)
        kinds = plural(len(dropped), "kind")
        notes.append(f"{names} drops {things} with the values ({kinds} of data)")
    if others:
        things = listed(dict.fromkeys(_name(change) for change in others))
        notes.append(f"{names} itself changes or deletes values of {things}")
    return notes


def changed_rows(change: RowChangeFacts) -> str:
    """Return what happened to rows or values: `deletes 2 rows of orders (such as 1)`."""
    rows = plural(change["count"], "row")
    name, before, after = _name(change), change["before"], change["after"]
    example = f": {before} becomes {after}" if before and after else ""
    if change["kind"] == _VANISHED:
        return f"deletes {rows} of {name}" + (f", such as {before}" if before else "")
    if change["kind"] == _NULLED:
        return f"sets {name} to NULL in {rows}" + (f", such as {before}" if before else "")
    if change["kind"] == "value-cut":
        return f"cuts {name} in {rows}{example}"
    if change["kind"] in (_DROPPED, _TABLE_DROPPED):
        return f"drops {name} with the values of {rows}"
    return f"changes {name} in {rows}{example}"


def _name(change: RowChangeFacts) -> str:
    if change["kind"] == _TABLE_DROPPED:
        return f"table {change['table']}"
    return ".".join(filter(None, [change["table"], change["column"]]))


@dataclass(frozen=True)
class _Rebuild:
    """A table that SQLite drops to make it again."""

    table: str
    revision: Revision
    location: Location
    text: str


@dataclass
class _Losses:
    """Changes of rows in a trial, with the migrations that made them."""

    facts: Facts
    changes: Sequence[RowChangeFacts] = field(init=False)
    revisions: list[Revision] = field(init=False)

    def __post_init__(self) -> None:
        trial = trial_of(self.facts)
        changes, filled = trial.get("changes", []), trial.get("filled", {})
        # Of a table that loses all its rows, its columns have nothing more to lose.
        emptied = {
            change["table"]
            for change in changes
            if change["kind"] == _VANISHED and change["count"] >= filled.get(change["table"], 1)
        }
        self.changes = [
            change for change in changes if not change["column"] or change["table"] not in emptied
        ]
        self.revisions = tried_revisions(self.facts, trial.get("revisions", []))
        self._texts = [self.facts.tree.read(revision.path) or "" for revision in self.revisions]

    def is_intended(self, change: RowChangeFacts) -> bool:
        """Return whether the models, or statements of the migrations, ask for a change."""
        kind, table, column = change["kind"], change["table"], change["column"]
        if kind == _COMPUTED:
            return True  # the models say so
        if kind == _VANISHED:
            return any(deletes(text, table) for text in self._texts)
        if kind == _TABLE_DROPPED:
            return not change["successor"] and not self._is_in_models(table, "")
        if kind == _DROPPED:
            successor = change["successor"]
            if successor:
                return any(writes(text, table, successor) for text in self._texts)
            return not self._is_in_models(table, column)
        return any(writes(text, table, column) for text in self._texts)

    def _is_in_models(self, table: str, column: str) -> bool:
        comparison = self.facts.comparison
        assert comparison is not None
        wanted = ("add_column", table, column) if column else ("add_table", table, "")
        operations = (*comparison.introduced, *comparison.old)
        if any((each.kind, each.table, each.name) == wanted for each in operations):
            return True
        tables = merged_catalogue(comparison.now.databases)["tables"]
        return table in tables and (not column or column in tables[table]["columns"])

    def finding(self, change: RowChangeFacts) -> Finding:
        """Return the finding about a loss."""
        rebuild = self._rebuild(change)
        if rebuild is not None:
            return self._of_rebuild(change, rebuild)
        about = revision_about(self.facts, self.revisions, change["table"], change["column"])
        environment = self.facts.environment
        location = about[1] if about else Location(environment.config)
        action = f"upgrade() of {about[0].id}" if about else "the upgrade"
        message = f"{action} {changed_rows(change)}"
        if change["successor"]:
            new = change["successor"]
            message += f", and adds {new}: was it renamed?"
        hint = "\n".join(self._hint(change))
        return Finding(RULE, message, location, environment.name, hint=hint)

    def _rebuild(self, change: RowChangeFacts) -> _Rebuild | None:
        """Return the table whose rebuild on SQLite deleted or emptied what refers to it."""
        if dialect_of(self.facts) != "sqlite" or change["kind"] not in (_VANISHED, _NULLED):
            return None
        if change["kind"] == _NULLED and any(
            names_column(text, change["column"]) for text in self._texts
        ):
            return None
        rebuilds = [
            _Rebuild(table, revision, location_of(revision, span), text)
            for revision, text in zip(self.revisions, self._texts, strict=True)
            for table, span in rebuilt_tables(text)
        ]
        others = [rebuild for rebuild in rebuilds if rebuild.table != change["table"]]
        return next(iter(others or rebuilds), None)

    def _of_rebuild(self, change: RowChangeFacts, rebuild: _Rebuild) -> Finding:
        effect = "CASCADE" if change["kind"] == _VANISHED else "SET NULL"
        return Finding(
            RULE,
            f"upgrade() of {rebuild.revision.id} {changed_rows(change)}: SQLite drops "
            f"{rebuild.table} to make it again, and ON DELETE {effect} follows",
            rebuild.location,
            self.facts.environment.name,
            hint="\n".join(
                [
                    "With PRAGMA foreign_keys=ON, DROP TABLE deletes the rows first. Write as the "
                    "body of upgrade():",
                    *without_foreign_keys(rebuild.text, rebuild.table),
                    mark(RULE, "If no connection enforces foreign keys"),
                ]
            ),
        )

    def _hint(self, change: RowChangeFacts) -> Iterator[str]:
        kind, table, successor = change["kind"], change["table"], change["successor"]
        schema, _, bare = table.rpartition(".")
        within = f", schema={schema!r}" if schema else ""
        if kind == _TABLE_DROPPED and successor:
            yield "If so, write this in place of both operations, which keeps the rows:"
            yield f"op.rename_table({bare!r}, {successor.rpartition('.')[2]!r}{within})"
            yield mark(RULE, "If they are two tables, and the rows may go")
        elif kind == _DROPPED and successor:
            yield "If so, write this in place of both operations, which keeps the values:"
            yield self._renaming(bare, change["column"], successor, within)
            yield (
                "If its values are computed from the old ones, write the UPDATE between the "
                "two operations."
            )
            yield mark(RULE, "If they are two columns, and the values may go")
        elif kind in (_DROPPED, _TABLE_DROPPED):
            yield "The models still have it. Alter it in place, or copy what it holds first."
            yield mark(RULE, "If the values may go")
        elif kind == _VANISHED:
            yield "Rows that should go are deleted by a DELETE that names the table."
            yield mark(RULE, "If they should go")
        else:
            yield (
                "Values that should change are changed by an UPDATE that names table and column; "
                "else keep a type that holds them."
            )
            yield mark(RULE, "If they should change")

    def _renaming(self, table: str, column: str, successor: str, within: str) -> str:
        codes = (added_column(text, table, successor) for text in self._texts)
        code = next(filter(None, codes), None)
        existing = ""
        if dialect_of(self.facts) in ("mysql", "mariadb") and type_code(code):
            # The server is told the whole column again.
            existing = f", existing_type={type_code(code)}, existing_nullable={is_nullable(code)}"
        name = f"{column!r}, new_column_name={successor!r}"
        return f"op.alter_column({table!r}, {name}{existing}{within})"
