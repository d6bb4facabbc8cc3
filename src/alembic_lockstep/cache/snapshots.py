"""Snapshots: scratch databases in which migrations have run, kept for later runs.

Most of the history is the last commit's: its database is copied, and only new revisions run.
A snapshot serves any tree that has all the files that made it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.inert_migrations import inert_migrations
from alembic_lockstep.cache.digests import (
    INSTALLED,
    THERE,
    changed_since,
    content_of,
    digest,
    stamp_of,
)
from alembic_lockstep.cache.project_files import is_same_project
from alembic_lockstep.cache.same_code import is_same_code
from alembic_lockstep.cache.store import FORMAT, Cache
from alembic_lockstep.cache.tree_trace import executed_functions, is_project
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.dependencies import data_read, files_taken
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.starting_points import Snapshot, SnapshotStore
from alembic_lockstep.dryrun.trial_facts import TrialFacts
from alembic_lockstep.interpreters.environ import environ_digest
from alembic_lockstep.scratch import ScratchServers

KIND = "snapshots"
_TWINS = "twins"
_TRIALS = "trials"
_MOST_TWINS = 8
_SETS = ("opened", "existing", "absent", "searched", "texts", "settings", "outside", "imported")
_NO_READS: dict[str, Any] = {
    **dict.fromkeys(_SETS, ()),
    "listed": {},
    "functions": {},
    "copies": (),
    "untraced": (),
}
# Snapshots that are tried, the most recently used first; older ones are of other branches.
_TRIED = 16


_EMPTY = Snapshot(
    name="",
    applied={},
    files={},
    ignored={},
    absent=(),
    outside={},
    circumstances="",
    databases={},
    inert={},
    taken=(),
    data=(),
    transcript={},
    reads=_NO_READS,
)


@dataclass(frozen=True)
class SnapshotCache(SnapshotStore):
    """Cached snapshots of a repository's Alembic environments, for the same settings.

    Attributes:
        since: When this run began, in nanoseconds; files that changed later are not cached.
    """

    cache: Cache
    context: RunContext
    settings: Settings
    servers: ScratchServers
    since: int

    def find(
        self, env: EnvironmentAtTree, new: Collection[str], *, only_old: bool = False
    ) -> Snapshot | None:
        """Return the snapshot that has most of a tree's history; None if none is usable.

        It has either none of the revisions that are new since the base, or all old ones.
        """
        ids = env.history.ids
        old = ids - set(new)

        def fits(snapshot: Snapshot) -> bool:
            applied = set(snapshot.applied)
            return applied <= old or (old <= applied <= ids and not only_old)

        candidates = [snapshot for snapshot in self._stored(env.environment) if fits(snapshot)]
        by_size = sorted(candidates, key=lambda snapshot: len(snapshot.applied), reverse=True)
        chosen = next((snapshot for snapshot in by_size if self._is_valid(snapshot, env)), None)
        start = f"{len(chosen.applied)} revisions of {len(ids)}" if chosen else "none"
        debug(f"{env.environment.name}: snapshot: {start} ({len(candidates)} fit the history)")
        return chosen

    def keep(
        self,
        env: EnvironmentAtTree,
        observation: Observation,
        scratch: dict[str, str],
        start: Snapshot | None,
    ) -> Snapshot | None:
        """Keep the databases of a completed run; return None if they cannot be kept."""
        start = start or _EMPTY
        applied = {**start.applied, **observation.paths}
        root, tracked = self.context.repository.root, env.tree.files
        outside = [path for path in observation.reads["outside"] if not INSTALLED.search(path)]
        untracked = [path for path in observation.reads["opened"] if path not in tracked]
        read = (*outside, *(str(root / path) for path in untracked))
        hindrance = (
            ", ".join(observation.reads["untraced"])
            or ("" if set(applied) <= env.history.ids else "a revision that the tree lacks")
            or changed_since(read, self.since)
        )
        databases = None if hindrance else self._keep_databases(observation, scratch)
        if databases is None:
            why = hindrance or "the server did not keep the database"
            debug(f"{env.environment.name}: no snapshot: {why}")
            return None
        existing = [path for path in untracked if (root / path).exists()]
        files = self._files(env, observation, start)
        content = {
            "applied": applied,
            "files": {path: tracked[path] for path in files if path in tracked},
            "ignored": {
                **{path: THERE for path in observation.reads["existing"] if path not in tracked},
                **{path: content_of(root / path, is_read=True) for path in existing},
            },
            "absent": observation.reads["absent"],
            "outside": {path: stamp_of(path) for path in outside},
            "circumstances": observation.circumstances,
            "databases": databases,
            "inert": {**start.inert, **inert_migrations(env.tree, observation.paths.values())},
            "taken": sorted({*start.taken, *files_taken(env, observation)}),
            "data": sorted({*start.data, *data_read(env, observation)}),
            "transcript": {**start.transcript, **observation.transcript},
            "reads": _merge(start.reads, observation.reads),
        }
        name = self._prefix(env.environment) + secrets.token_hex(8)
        self.cache.write(KIND, name, content)
        return Snapshot(name, **content)

    def twins(self, snapshot: Snapshot) -> dict[str, Any]:
        """Return the cached comparisons of its databases with their twins, by the twins' keys."""
        content: Any = self.cache.read(_TWINS, snapshot.name)
        return content or {}

    def keep_twins(self, snapshot: Snapshot, observation: Observation) -> None:
        """Cache a run's comparisons of the databases in a snapshot with their twins."""
        cached = self.twins(snapshot)
        twins = {database["twin"]["key"]: database["twin"] for database in observation.databases}
        new = {key: twin for key, twin in twins.items() if key and key not in cached}
        if new and not any(twin["failure"] for twin in new.values()):
            latest = dict(list({**cached, **new}.items())[-_MOST_TWINS:])
            self.cache.write(_TWINS, snapshot.name, latest)

    def trial(self, snapshot: Snapshot, key: Sequence[str]) -> TrialFacts:
        """Return the cached result of a trial on rows; empty if there is none with this key."""
        content: Any = self.cache.read(_TRIALS, snapshot.name)
        facts: TrialFacts = content["facts"] if content and content["key"] == list(key) else {}
        return facts

    def keep_trial(self, snapshot: Snapshot, key: Sequence[str], facts: TrialFacts) -> None:
        """Cache the result of a trial on rows."""
        self.cache.write(_TRIALS, snapshot.name, {"key": list(key), "facts": facts})

    def forget(self, snapshot: Snapshot) -> None:
        """Delete a snapshot's entry, so that it is not found again."""
        self.cache.forget(KIND, snapshot.name)

    def _keep_databases(
        self, observation: Observation, scratch: dict[str, str]
    ) -> dict[str, tuple[str, str]] | None:
        dialects = {
            connection["target"]: connection["dialect"] for connection in observation.connections
        }
        databases = {}
        for target in list(scratch):
            name = secrets.token_hex(16)
            if target not in dialects or not self.servers.keep(scratch[target], name):
                return None
            del scratch[target]
            databases[target] = (dialects[target], name)
        return databases

    def _files(self, env: EnvironmentAtTree, observation: Observation, start: Snapshot) -> set[str]:
        """Return the files that made a database: those of `start` and of the run.

        They are the migrations, their imports and data, and env.py with the files around it.
        """
        environment = env.environment
        opened = [path for path in observation.reads["opened"] if path in env.tree.files]
        around = f"{environment.script_location}/"
        helpers = {path for path in opened if path.startswith(around)} - set(observation.scripts)
        # Code that reads configurations and data may pass them on to migrations.
        data = {
            path for path in (*opened, *observation.reads["unseen"]) if not path.endswith(".py")
        }
        settings = {environment.config, self.settings.start}
        return {
            *observation.paths.values(),
            *files_taken(env, observation),
            *helpers,
            *data,
            *settings,
            *start.files,
        }

    def _is_valid(self, snapshot: Snapshot, env: EnvironmentAtTree) -> bool:
        """Return whether a tree has all that made a snapshot."""
        root = self.context.repository.root
        return (
            all(self._is_same(path, sha, env, snapshot) for path, sha in snapshot.files.items())
            and all(
                self._names_in(folder, env) == set(names)
                for folder, names in snapshot.reads["listed"].items()
            )
            and all(
                content_of(root / path, is_read=content != THERE) == content
                for path, content in snapshot.ignored.items()
            )
            and not any(os.path.lexists(root / path) for path in snapshot.absent)
            and not env.tree.files.keys() & set(snapshot.absent)
            and all(stamp_of(path) == stamp for path, stamp in snapshot.outside.items())
        )

    def _is_same(self, path: str, sha: str, env: EnvironmentAtTree, snapshot: Snapshot) -> bool:
        now = env.tree.files.get(path)
        if is_project(path) and path not in snapshot.reads["settings"]:
            return is_same_project(sha, now, self.context.repository)
        return is_same_code(path, sha, now, self.context.repository)

    def _names_in(self, folder: str, env: EnvironmentAtTree) -> set[str]:
        """Return the names that a dry run would list in a folder: tracked and ignored ones."""
        top = f"{folder}/" if folder else ""
        inside = (path.removeprefix(top) for path in env.tree.files if path.startswith(top))
        tracked = {path.partition("/")[0] for path in inside}
        on_disk = self.context.repository.root / folder
        others: set[str] = set()
        with suppress(OSError):  # no such folder, or deleted meanwhile
            others = set(os.listdir(on_disk)) - tracked  # noqa: PTH208
        candidates = [f"{top}{name}" for name in sorted(others)]
        ignored = self.context.repository.ignored_among(candidates)
        return (tracked | {path.removeprefix(top) for path in ignored}) - {"__pycache__"}

    def _stored(self, environment: Environment) -> Iterator[Snapshot]:
        for name in self.cache.names(KIND, self._prefix(environment))[:_TRIED]:
            content: Any = self.cache.read(KIND, name)
            if content is not None:
                yield Snapshot(name, **content)

    def _prefix(self, environment: Environment) -> str:
        settings = self.settings
        key = [
            *(FORMAT, environ_digest(self.context.environ), sorted(settings.env.items())),
            *(environment.name, environment.x, environment.flask_app),
            environment.alchemy_config,
            *(settings.start, settings.scratch_urls, settings.scratch_setup),
            *(settings.stand_in, settings.stand_in_text),
            *(settings.python, settings.allow_connect, settings.allow_write, settings.allow_run),
        ]
        return f"{digest(str(self.context.repository.common_dir))}-{digest(key)}-"


def _merge(before: Mapping[str, Any], reads: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reads of a snapshot's revisions and of those that ran on top of it.

    Reads that Python's audit events did not show may be of any revision.
    """
    now = {
        **reads["during"],
        "opened": [*reads["during"]["opened"], *reads["unseen"]],
        "settings": reads["settings"],  # what they say may be passed on to migrations
    }
    merged: dict[str, Any] = {kind: sorted({*before[kind], *now[kind]}) for kind in _SETS}
    # A function is noted only when it runs first, and may have run in a revision later.
    executed = executed_functions([before, {**now, "functions": reads["functions"], "copies": ()}])
    return {
        **_NO_READS,
        **merged,
        "listed": {**before["listed"], **now["listed"]},
        "functions": {path: sorted(ran) for path, ran in executed.items()},
    }
