"""The host's side of a trial: databases with rows, looked at before and after each phase."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import cast

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.described_schema import (
    PartsDifference,
    SchemaPart,
    compare_schemas,
    read_schema,
)
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.starting_points import Snapshot
from alembic_lockstep.dryrun.trial_facts import RowChangeFacts, TrialFacts
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.probe.protocol import UNFILLED, TrialPhase
from alembic_lockstep.pysource.downgrades import changes_only_rows, has_empty_downgrade, is_one_way
from alembic_lockstep.rows import (
    RowChange,
    Rows,
    RowsDatabase,
    RowsFileError,
    StatementError,
    TableName,
    compare_rows,
    fill,
    open_rows_database,
    read_rows,
    run_sql,
)
from alembic_lockstep.rows.row_catalogue import VERSION_TABLE, read_tables
from alembic_lockstep.scratch import ScratchServers

#: Databases with more tables get rows in those that the new revisions name, and in related ones.
MOST_TABLES = 200
#: The column by which Alembic's own table is known, whatever env.py calls it.
_VERSION_COLUMN = "version_num"
_FORWARD: list[TrialPhase] = ["upgrade"]
_ALL: list[TrialPhase] = ["upgrade", "downgrade", "upgrade-again"]
#: Our own statements in a scratch database, triggers included, take at most a minute.
_LIMITS = {
    "postgresql": ("SET statement_timeout = '60s'",),
    "mysql": ("SET SESSION max_statement_time = 60", "SET SESSION max_execution_time = 60000"),
}


class UntriedError(Exception):
    """Something stands in the way of a trial; the text says what."""


@dataclass(frozen=True)
class _Look:
    """The rows and the schema of a database at one moment."""

    rows: Rows
    schema: frozenset[SchemaPart]


class _Database:
    """A database of the trial.

    Attributes:
        looks: By the step before which it was looked at.
    """

    def __init__(self, trial: RowTrial, target: str, pristine: str) -> None:
        self._trial = trial
        self._target = target
        self._pristine = pristine
        self.url = ""
        self.filled: dict[str, int] = {}
        self.unfilled: dict[str, str] = {}
        self.note = ""
        self.looks: dict[str, _Look] = {}
        self._version_tables: tuple[str, ...] = (VERSION_TABLE,)

    def prepare(self) -> None:
        """Make a copy with rows, and look at it."""
        self.url = self.copy()
        with _opened(self.url) as database:
            self.looks["upgrade"] = _Look(self._fill(database), read_schema(database))

    def look(self, step: str) -> None:
        """Look at its rows and schema before a step."""
        with _opened(self.url) as database:
            before = self.looks["upgrade"].rows
            rows = read_rows(database, before=before, version_tables=self._version_tables)
            self.looks[step] = _Look(rows, read_schema(database))

    def copy(self) -> str:
        """Return the URL of a new copy of what the base has."""
        servers, snapshot = self._trial.servers, self._trial.snapshot
        if self._pristine:
            return servers.copy(self._pristine)
        assert snapshot is not None
        url = servers.restore(*snapshot.databases[self._target])
        if url is None:
            raise UntriedError("the snapshot of the base's database is gone")
        return url

    def _fill(self, database: RowsDatabase) -> Rows:
        """Put rows into the tables, and return them."""
        if self._trial.rows_sql:
            try:
                run_sql(database, self._trial.rows_sql)
            except RowsFileError as error:
                at = f" ({error.statement})" if error.statement else ""
                self.note = f"the rows of {self._trial.rows_file} were left out: {error}{at}"
        tables = read_tables(database, ())
        # Alembic's own table, whatever env.py calls it.
        own = {
            name
            for name, table in tables.items()
            if [column.name for column in table.columns] == [_VERSION_COLUMN]
        }
        self._version_tables = (VERSION_TABLE, *sorted({name.name for name in own}))
        names = [name for name in tables if name.name not in self._version_tables]
        chosen = names if len(names) <= MOST_TABLES else self._trial.named(names)
        has_own = bool(self._trial.rows_sql) and not self.note
        filled = fill(database, chosen, self._version_tables, only_empty=has_own)
        rows = read_rows(
            database, [table.name for table in filled.tables], version_tables=self._version_tables
        )
        counts = {name: table.count for name, table in rows.tables.items() if table.count}
        self.filled = {str(name): count for name, count in counts.items()}
        self.unfilled = {
            str(table.name): table.reason for table in filled.unfilled if table.name not in counts
        }
        return rows


class RowTrial:
    """The trial of a tree's new revisions in one replay.

    Attributes:
        snapshot: The snapshot that the new revisions start from; None without one.
        rows_file, rows_sql: Path and text of the team's own rows; empty if there are none.
        is_given_up: A trial ended the process: the replay goes on without.
    """

    def __init__(
        self,
        servers: ScratchServers,
        env: EnvironmentAtTree,
        new: Collection[str],
        *,
        rows: tuple[str, str] = ("", ""),
        note: str = "",
    ) -> None:
        self.servers = servers
        self.snapshot: Snapshot | None = None
        self.rows_file, self.rows_sql = rows
        self._note = note
        self.new = frozenset(new)
        self.is_given_up = bool(note)
        revisions = [revision for revision in env.history.revisions if revision.id in self.new]
        self._texts = {revision.id: env.tree.read(revision.path) or "" for revision in revisions}
        self._empty = {name for name, text in self._texts.items() if has_empty_downgrade(text)}
        self._one_way = {name for name, text in self._texts.items() if is_one_way(text)}
        self._databases: dict[str, Future[_Database]] = {}
        self._unfilled: dict[str, str] = {}
        self._is_whole = False
        self._threads = ThreadPoolExecutor(1)

    @property
    def key(self) -> list[str]:
        """Return what the result depends on, besides the databases."""
        return [*sorted(self.new), self.rows_file, self.rows_sql]

    @property
    def phases(self) -> list[TrialPhase]:
        """Return the phases to run: there is no way back where a revision says or shows so."""
        if self.is_given_up:
            return []
        return _FORWARD if self._empty or self._one_way else _ALL

    def named(self, names: Collection[TableName]) -> list[TableName]:
        """Return the tables that the new revisions name."""
        text = "\n".join(self._texts.values())
        words = set(text.replace('"', " ").replace("'", " ").replace(".", " ").split())
        return [name for name in names if name.name in words]

    def begin(self) -> None:
        """Forget what an earlier process of the same replay began."""
        self.settle()
        self._databases, self._unfilled, self._is_whole = {}, {}, False
        self._note = self._note if self.is_given_up else ""
        self._threads = ThreadPoolExecutor(1)

    def settle(self) -> None:
        """Wait for what is being prepared."""
        self._threads.shutdown(cancel_futures=True)

    def give_up(self, note: str) -> None:
        """Go on without a trial."""
        self._note, self.is_given_up = note, True

    def keep(self, target: str, url: str) -> None:
        """Begin to prepare the twin of a database that new revisions will run in.

        Args:
            url: The database, to which nothing is connected yet.
        """
        if self.is_given_up or target in self._databases:
            return
        pristine = ""
        if self.snapshot is None or target not in self.snapshot.databases:
            try:
                pristine = self.servers.copy(url)
            except CouldNotJudge:
                self._databases[target] = Future()
                lack = UntriedError("a database of this server cannot be copied")
                self._databases[target].set_exception(lack)
                return
        self._databases[target] = self._threads.submit(self._prepare, target, pristine)

    def url(self, purpose: str, dialect: str, target: str) -> str:
        """Return the URL of a database of the trial."""
        if purpose == UNFILLED:
            return self._unfilled.get(target) or self.servers.create(dialect)
        prepared = self._databases.get(target)
        return prepared.result().url if prepared else self.servers.create(dialect)

    def is_ready_for(self, step: str) -> bool:
        """Prepare a step; return False, and say why in the note, if that is not possible."""
        try:
            databases = {target: each.result() for target, each in self._databases.items()}
            if step == UNFILLED:
                self._unfilled = {target: each.copy() for target, each in databases.items()}
            elif step != "upgrade":
                for database in databases.values():
                    database.look(step)
        except (UntriedError, ConnectionError, StatementError) as error:
            self._note = str(error)
        except CouldNotJudge as error:
            self._note = error.message
        except Exception as error:
            self._note = f"{type(error).__name__}: {error}"
        else:
            self._is_whole = step == "end"
            return bool(databases)
        return False

    def without_run(self, observation: Observation) -> TrialFacts:
        """Return the facts of a replay in which the revisions could not be tried."""
        ran = (*observation.restored, *observation.revisions)
        revisions = [name for name in dict.fromkeys(ran) if name in self.new]
        return {"revisions": revisions, "note": self._note or "they did not run by themselves"}

    def facts(self, observation: Observation) -> TrialFacts:
        """Return the result, from what the probe reported."""
        revisions = list(dict.fromkeys(observation.revisions))
        facts: TrialFacts = {"revisions": revisions}
        if self._note:
            return {**facts, "note": self._note}
        outcome = observation.trial
        databases = [each.result() for each in self._databases.values() if each.done()]
        facts["empty_downgrades"] = self._empty_downgrades(revisions, databases)
        facts["one_way"] = [name for name in revisions if name in self._one_way]
        for database in databases:
            facts["filled"] = {**facts.get("filled", {}), **database.filled}
            facts["unfilled"] = {**facts.get("unfilled", {}), **database.unfilled}
        note = "; ".join(dict.fromkeys(each.note for each in databases if each.note))
        failure = _failure(outcome)
        if "note" in failure:
            note = failure["note"]
        elif _says_no_way_back(failure):
            facts["one_way"] = [*facts["one_way"], failure["revision"]]
            failure = {}
        if note:
            failure["note"] = note
        return {**facts, **failure, **self._results(databases)}

    def _empty_downgrades(
        self, revisions: Sequence[str], databases: Sequence[_Database]
    ) -> list[str]:
        """Return the revisions whose downgrade() should do something and does nothing.

        What an upgrade() wrote to rows cannot come back, and there is nothing else to undo if that
        is all it did.
        """
        changes = [_difference(each.looks, "upgrade", "end").all for each in databases]
        return [
            name
            for name in revisions
            if name in self._empty and (any(changes) or not changes_only_rows(self._texts[name]))
        ]

    def _prepare(self, target: str, pristine: str) -> _Database:
        database = _Database(self, target, pristine)
        database.prepare()
        return database

    def _results(self, databases: Sequence[_Database]) -> TrialFacts:
        """Return what was seen between the phases, as far as they came."""
        last = "end" if self.phases == _FORWARD else "downgrade"
        changes = [change for each in databases for change in _changes(each.looks, last)]
        results: TrialFacts = {"changes": [_as_facts(change) for change in changes]}
        if last == "end":
            return results
        back = [change for each in databases for change in _changes(each.looks, "upgrade-again")]
        results["changes_back"] = [
            _as_facts(change) for change in back if not _is_explained(change, changes)
        ]
        downs = [_difference(each.looks, "upgrade", "upgrade-again") for each in databases]
        results["left"] = [words for down in downs for words in down.left]
        results["lost"] = [words for down in downs for words in (*down.lost, *down.changed)]
        if not self._is_whole:
            return results
        agains = [_difference(each.looks, "downgrade", "end") for each in databases]
        results["differs_again"] = [words for again in agains for words in again.all]
        return results


def _failure(outcome: TrialFacts) -> TrialFacts:
    """Return the part of a trial's outcome that is about the revisions."""
    if "phase" not in outcome:
        return {}
    flags = cast("dict[str, object]", outcome)
    unfilled, is_about_values = flags.get("fails_unfilled"), flags.get("is_about_values")
    error = outcome["error"]
    message = next(iter(error["message"].splitlines()), "")
    words = f"{error['type']}: {message}"
    if unfilled and outcome["phase"] == "upgrade":
        return {"note": f"the new revisions do not run twice in one process ({words})"}
    if is_about_values and not unfilled:
        return {"note": _unknown_form(outcome["revision"], words)}
    if not outcome["revision"]:
        return {"note": f"env.py does not run again in the same process ({words})"}
    failure: TrialFacts = {
        "phase": outcome["phase"],
        "revision": outcome["revision"],
        "error": error,
    }
    return failure


def _unknown_form(revision: str, words: str) -> str:
    return (
        f"{revision} reads values of a form that the tables do not tell ({words}): write rows of "
        'your own for it, rows = "rows.sql"'
    )


def _says_no_way_back(failure: TrialFacts) -> bool:
    is_back = failure.get("phase") == "downgrade"
    return is_back and failure["error"]["raised"] == "NotImplementedError"


def _changes(looks: dict[str, _Look], step: str) -> list[RowChange]:
    if step not in looks:
        return []
    return compare_rows(looks["upgrade"].rows, looks[step].rows)


def _difference(looks: dict[str, _Look], before: str, after: str) -> PartsDifference:
    if before not in looks or after not in looks:
        return PartsDifference()
    return compare_schemas(looks[before].schema, looks[after].schema)


def _is_explained(change: RowChange, changes: Sequence[RowChange]) -> bool:
    """Return whether the upgrade itself destroyed what the downgrade could not bring back."""
    return any(
        change.table == other.table and other.column in ("", change.column) for other in changes
    )


def _as_facts(change: RowChange) -> RowChangeFacts:
    return {
        "kind": change.kind,
        "table": str(change.table),
        "column": change.column,
        "count": change.rows,
        "before": change.before,
        "after": change.after,
        "successor": change.successor,
    }


@contextmanager
def _opened(url: str) -> Iterator[RowsDatabase]:
    """Connect to a scratch database; no statement of ours waits without limit."""
    with open_rows_database(url) as database:
        for statement in _LIMITS.get(database.dialect, ()):
            with suppress(StatementError):  # the other server's name for it
                database.run(statement)
        yield database
