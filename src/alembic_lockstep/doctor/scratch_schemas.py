"""Schemas that revisions make, each built in a scratch database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from alembic_lockstep.advice.failures import could_not_judge
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.described_schema import SchemaPart, read_schema
from alembic_lockstep.doctor.comparable_parts import comparable
from alembic_lockstep.doctor.database_address import DatabaseAddress
from alembic_lockstep.doctor.database_reading import (
    LiveFacts,
    find_version_table,
    without_version_table,
)
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.runner import ATTEMPTS, DryRunner
from alembic_lockstep.dryrun.scratch_runner import Scratch, ScratchRunner, UnusableSnapshotError
from alembic_lockstep.dryrun.starting_points import SnapshotStore
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.rows import open_rows_database

Schema = frozenset[SchemaPart]

_TEXTS = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"


@dataclass(frozen=True)
class _Build:
    """The schema of a scratch database.

    Attributes:
        texts: On SQLite, the statements that made its tables and indexes, by name.
    """

    schema: Schema
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> set[str]:
        """Return the names of its tables."""
        return {part.name for part in self.schema if part.kind == "table"}


@dataclass
class ScratchSchemas:
    """Builder of the schemas that a live database may have, each built once."""

    runner: DryRunner
    live: LiveFacts
    _built: dict[tuple[str, frozenset[str]], _Build] = field(default_factory=dict)

    def __post_init__(self) -> None:
        runner = self.runner
        self._scratch = ScratchRunner(runner.settings, runner.launcher, runner.servers)

    def at(self, env: EnvironmentAtTree, applied: Collection[str]) -> Schema:
        """Return the schema after these revisions, which include those that they build on.

        Raises:
            CouldNotJudge: they fail, or make a database of another dialect.
        """
        return self._build_once(env, applied).schema

    def texts_at(self, env: EnvironmentAtTree, applied: Collection[str]) -> Mapping[str, str]:
        """Return the statements that made SQLite's tables and indexes, by name."""
        return self._build_once(env, applied).texts

    def _build_once(self, env: EnvironmentAtTree, applied: Collection[str]) -> _Build:
        key = env.tree.sha, frozenset(applied) & env.history.ids
        if key not in self._built:
            self._built[key] = self._build(env, key[1]) if key[1] else _Build(frozenset())
        return self._built[key]

    def _build(self, env: EnvironmentAtTree, applied: frozenset[str]) -> _Build:
        builds: list[_Build] = []

        def work(store: SnapshotStore) -> Observation:
            builds.clear()
            return self._upgrade(env, applied, store, builds)

        observation = self._attempt(work)
        if observation.error:
            raise could_not_judge(observation, env, self.runner.launcher.repository)
        tables = set(self.live.tables)
        return max(builds, key=lambda build: len(build.tables & tables))

    def _attempt(self, work: Callable[[SnapshotStore], Observation]) -> Observation:
        store = self.runner.snapshots
        for _ in range(ATTEMPTS):
            try:
                return self._scratch.privileged(lambda: work(store))
            except UnusableSnapshotError as error:  # noqa: PERF203 - a retry
                store.forget(error.snapshot)
        return self._scratch.privileged(lambda: work(SnapshotStore()))

    def _upgrade(
        self,
        env: EnvironmentAtTree,
        applied: frozenset[str],
        store: SnapshotStore,
        builds: list[_Build],
    ) -> Observation:
        """Upgrade a scratch database to revisions, and read the schemas of its databases."""
        others = env.history.ids - applied
        start = store.find(env, others, only_old=True)
        if start and set(start.applied) == applied:
            builds += self._read(self._scratch.restore(start))
            return Observation()
        scratch: Scratch = {}
        observation = self._scratch.run_from(
            start, env, "tree", scratch, leave_out=sorted(others), compare=False
        )
        if not observation.error:
            builds += self._read(scratch)
            store.keep(env, observation, scratch, start)
        return observation

    def _read(self, scratch: Scratch) -> list[_Build]:
        address = self.live.address
        dialect = address.dialect
        builds = []
        for url in scratch.values():
            refuse_other_database(url, address, is_run=bool(self.runner.settings.run))
            with open_rows_database(url) as database:
                schema = read_schema(database)
                rows = database.query(_TEXTS) if dialect == "sqlite" else []
                texts = {str(name): str(sql) for name, sql in rows}
            plain = without_version_table(schema, find_version_table(schema))
            builds.append(_Build(comparable(plain, dialect), texts))
        return builds


def refuse_other_database(url: str, address: DatabaseAddress, *, is_run: bool) -> None:
    """Refuse a scratch database that tells nothing about a live one.

    Args:
        is_run: The setting `run` starts the project.

    Raises:
        CouldNotJudge: it is of another dialect, or a file that is gone.
    """
    backend = url.partition(":")[0].partition("+")[0].replace("mariadb", "mysql")
    if backend != address.dialect:
        raise CouldNotJudge(
            f"the project connects to {backend} here, and {address.shown} is {address.dialect}: "
            "what its migrations make there cannot be compared",
            fix="Configure the project as where that database is used. No server is contacted:\n"
            f'export DATABASE_URL="{address.url.drivername}://unused@localhost/unused"',
        )
    if is_run and backend == "sqlite":
        raise CouldNotJudge(
            "a SQLite database that was filled behind the setting `run` does not outlive it, so "
            "there is nothing to compare with",
            fix="Unset `run`, so that this machine's Python runs the project.",
        )
