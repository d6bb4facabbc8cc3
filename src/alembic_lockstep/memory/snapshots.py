"""Scratch databases in which migrations have run, kept for the next run.

The history is mostly that of the last commit: what it made is copied, and only what is new runs.
A snapshot is found by what made it, and is good for any tree that has all of that.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from alembic_lockstep.cache import FORMAT, Cache
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.debug import debug
from alembic_lockstep.dryrun.dependencies import data_read, files_taken
from alembic_lockstep.dryrun.environ import environ_digest
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.scratch import ScratchServers
from alembic_lockstep.dryrun.starting_points import Snapshot, SnapshotStore
from alembic_lockstep.git.listing import ignored_among
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.history.inert import inert_migrations
from alembic_lockstep.memory.code import is_same_code
from alembic_lockstep.memory.digests import content_of, digest, have_changed, stamp_of
from alembic_lockstep.sides import Side

KIND = "snapshots"
_TWINS = "twins"
_TWINS_KEPT = 8
_NOTHING: dict[str, Any] = {
    **dict.fromkeys(("opened", "absent", "searched", "texts", "outside", "imported"), ()),
    "listed": {},
    "copies": (),
    "untraced": (),
}
# The most recently used ones; those before them are of branches that nobody works on.
_TRIED = 16
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages([/\\]|$)")


@dataclass(frozen=True)
class Snapshots(SnapshotStore):
    """The snapshots of a repository's environments under the same circumstances.

    Attributes:
        since: When this run began, in nanoseconds; what was changed later was perhaps not read.
    """

    cache: Cache
    context: RunContext
    settings: Settings
    servers: ScratchServers
    since: int

    def find(self, side: Side, new: Collection[str]) -> Snapshot | None:
        """The snapshot that has most of a side's history.

        Either without any of the revisions that are new since the base, or beyond all others.
        """
        ids = side.history.ids
        old = ids - set(new)

        def fits(one: Snapshot) -> bool:
            applied = set(one.applied)
            return applied <= old or (old <= applied <= ids)

        found = [one for one in self._stored(side.environment) if fits(one)]
        by_size = sorted(found, key=lambda one: len(one.applied), reverse=True)
        chosen = next((one for one in by_size if self._made_by(one, side)), None)
        start = f"{len(chosen.applied)} revisions of {len(ids)}" if chosen else "none"
        debug(f"{side.environment.name}: snapshot: {start} ({len(found)} fit the history)")
        return chosen

    def keep(
        self, side: Side, seen: Observation, scratch: dict[str, str], start: Snapshot | None
    ) -> Snapshot | None:
        """Keep the databases of a run that came to its end; None if they cannot be kept.

        Args:
            scratch: From targets to the databases' URLs; those that are kept are taken out.
            start: The snapshot that they were copied from.
        """
        applied = {**(start.applied if start else {}), **seen.paths}
        if seen.reads["untraced"] or not set(applied) <= side.history.ids:
            return None
        reads = _merge(start.reads if start else _NOTHING, seen.reads)
        root, opened = self.context.repository.root, seen.reads["opened"]
        outside = [path for path in seen.reads["outside"] if not _INSTALLED.search(path)]
        others = [str(root / path) for path in opened if path not in side.tree.files]
        if have_changed((*outside, *others), self.since):
            return None
        databases = self._kept(seen, scratch)
        if databases is None:
            return None
        files = self._files(side, seen, start)
        ignored = {
            path: content_of(root / path, is_read=True)
            for path in opened
            if path not in side.tree.files and (root / path).exists()
        }
        content = {
            "applied": applied,
            "files": {path: side.tree.files[path] for path in files if path in side.tree.files},
            "ignored": ignored,
            "absent": seen.reads["absent"],
            "outside": {path: stamp_of(path) for path in outside},
            "circumstances": seen.circumstances,
            "databases": databases,
            "inert": {
                **(start.inert if start else {}),
                **inert_migrations(side.tree, seen.paths.values()),
            },
            "taken": sorted({*(start.taken if start else ()), *files_taken(side, seen)}),
            "data": sorted({*(start.data if start else ()), *data_read(side, seen)}),
            "transcript": {**(start.transcript if start else {}), **seen.transcript},
            "reads": reads,
        }
        name = self._prefix(side.environment) + secrets.token_hex(8)
        self.cache.write(KIND, name, content)
        return Snapshot(name, **content)

    def twins(self, snapshot: Snapshot) -> dict[str, Any]:
        """What twins said of its databases, once all of the history had run in them."""
        content: Any = self.cache.read(_TWINS, snapshot.name)
        return content or {}

    def keep_twins(self, snapshot: Snapshot, seen: Observation) -> None:
        """Keep what the twins of a run said of the databases that the snapshot holds."""
        known = self.twins(snapshot)
        said = {one["twin"]["key"]: one["twin"] for one in seen.databases}
        new = {key: twin for key, twin in said.items() if key and key not in known}
        if new and not any(twin["failure"] for twin in new.values()):
            latest = dict(list({**known, **new}.items())[-_TWINS_KEPT:])
            self.cache.write(_TWINS, snapshot.name, latest)

    def forget(self, snapshot: Snapshot) -> None:
        """Do not offer it any more."""
        self.cache.forget(KIND, snapshot.name)

    def _kept(
        self, seen: Observation, scratch: dict[str, str]
    ) -> dict[str, tuple[str, str]] | None:
        dialects = {one["target"]: one["dialect"] for one in seen.connections}
        kept = {}
        for target in list(scratch):
            name = secrets.token_hex(16)
            if target not in dialects or not self.servers.keep(scratch[target], name):
                return None
            del scratch[target]
            kept[target] = (dialects[target], name)
        return kept

    def _files(self, side: Side, seen: Observation, start: Snapshot | None) -> set[str]:
        """The tree's files that made a database.

        They are the migrations, what these import and read, and env.py with what is beside it.
        """
        tree, environment = side.tree, side.environment
        opened = [path for path in seen.reads["opened"] if path in tree.files]
        # What the others take was found when the snapshot was made, and is the same.
        taken = files_taken(side, seen)
        around = f"{environment.script_location}/"
        helpers = {path for path in opened if path.startswith(around)} - set(seen.scripts)
        # What reads configurations and data may pass it on to migrations.
        data = {path for path in (*opened, *seen.reads["unseen"]) if not path.endswith(".py")}
        named = {environment.config, self.settings.start}
        before = set(start.files) if start else set()
        return {*seen.paths.values(), *taken, *helpers, *data, *named, *before}

    def _made_by(self, snapshot: Snapshot, side: Side) -> bool:
        """Whether a tree has all that made a snapshot."""
        root = self.context.repository.root
        return (
            all(self._is_same(path, sha, side) for path, sha in snapshot.files.items())
            and all(
                self._names_in(folder, side) == set(names)
                for folder, names in snapshot.reads["listed"].items()
            )
            and all(
                content_of(root / path, is_read=True) == known
                for path, known in snapshot.ignored.items()
            )
            and not any(os.path.lexists(root / path) for path in snapshot.absent)
            and not side.tree.files.keys() & set(snapshot.absent)
            and all(stamp_of(path) == known for path, known in snapshot.outside.items())
        )

    def _is_same(self, path: str, sha: str, side: Side) -> bool:
        return is_same_code(path, sha, side.tree.files.get(path), self.context.repository)

    def _names_in(self, folder: str, side: Side) -> set[str]:
        """The names that a dry run would find in a folder: tracked ones, and ignored ones."""
        top = f"{folder}/" if folder else ""
        inside = (path.removeprefix(top) for path in side.tree.files if path.startswith(top))
        tracked = {path.partition("/")[0] for path in inside}
        place = self.context.repository.root / folder
        others = set(os.listdir(place)) - tracked if place.is_dir() else set()  # noqa: PTH208
        candidates = [f"{top}{name}" for name in sorted(others)]
        ignored = ignored_among(self.context.repository, candidates)
        return (tracked | {path.removeprefix(top) for path in ignored}) - {"__pycache__"}

    def _stored(self, environment: Environment) -> Iterator[Snapshot]:
        for name in self.cache.names(KIND, self._prefix(environment))[:_TRIED]:
            content: Any = self.cache.read(KIND, name)
            if content is not None:
                yield Snapshot(name, **content)

    def _prefix(self, environment: Environment) -> str:
        settings = self.settings
        circumstances = [
            *(FORMAT, environ_digest(self.context.environ), sorted(settings.env.items())),
            *(environment.name, environment.x, environment.flask_app),
            environment.alchemy_config,
            *(settings.start, settings.scratch_urls, settings.scratch_setup),
            *(settings.stand_in, settings.stand_in_text),
            *(settings.python, settings.allow_connect, settings.allow_write, settings.allow_run),
        ]
        return f"{digest(str(self.context.repository.common_dir))}-{digest(circumstances)}-"


def _merge(before: Mapping[str, Any], reads: Mapping[str, Any]) -> dict[str, Any]:
    """What was read while revisions ran: by those of a snapshot, and by those of a run on it.

    Nobody knows which revision read what Python did not know of.
    """
    now = {**reads["during"], "opened": [*reads["during"]["opened"], *reads["unseen"]]}
    merged: dict[str, Any] = {
        kind: sorted({*before[kind], *now[kind]})
        for kind in ("opened", "absent", "searched", "texts", "outside", "imported")
    }
    return {**_NOTHING, **merged, "listed": {**before["listed"], **now["listed"]}}
