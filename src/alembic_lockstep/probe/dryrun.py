"""Upgrade the scratch database through the project's env.py, then compare, in one pass.

Alembic hands the list of revisions to `MigrationContext.run_migrations` as an iterable.
Ours is a generator: after the last revision it compares on the same connection, so env.py
runs once and a comparison needs no second start.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator, List, Optional

from alembic import util
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from .channel import Channel, relative
from .database_comparison import compare_database, listed, metadatas_of
from .database_facts import DatabaseFacts
from .draft import Draft
from .extensions import create_all
from .inert import Inert, install_inert_migrations
from .installation import installed
from .protocol import Migration, Phase, Progress, Request, RevisionStarted
from .questions import NotMigratedError, Questions
from .reads import Reads
from .redirect import Redirect
from .schemas import make_schemas
from .script import execute_script
from .surroundings import Surroundings
from .transcript import Transcript


class DryRun:
    """Single pass through env.py, with its observations and how far it got."""

    def __init__(
        self,
        config: Config,
        channel: Channel,
        redirect: Redirect,
        request: Request,
        reads: Reads,
        surroundings: Surroundings,
    ) -> None:
        self.script = ScriptDirectory.from_config(config)
        self.config = config
        self._channel = channel
        self._redirect = redirect
        self._request = request
        self._reads = reads
        self._surroundings = surroundings
        self.phase: Phase = "env"
        self.revision = ""
        self.revisions: List[str] = []
        self.paths: Dict[str, str] = {}
        self.circumstances = ""
        self.databases: List[DatabaseFacts] = []
        self._draft = Draft(config, self.script, request) if request["draft"] else None
        self.migration: Optional[Migration] = None
        self.asked_x = False
        self.is_stale = False
        self.extensions: List[str] = []
        self._has_run = False
        self.scripts: List[str] = []
        self._transcript = Transcript()

    def progress(self) -> Progress:
        """Return the observations up to now."""
        return {
            "phase": self.phase,
            "revision": self.revision,
            "revisions": self.revisions,
            "paths": self.paths,
            "circumstances": self.circumstances,
            "scripts": self.scripts,
            "asked_x": self.asked_x,
            "extensions": self.extensions,
            "is_stale": self.is_stale,
            "transcript": self._transcript.digests,
            "migration": self.migration,
        }

    def run(self) -> None:
        """Execute env.py; raise whatever it or a migration raises."""
        # Absolute: `script_location = migrations` makes it relative to the working directory.
        self._redirect.env_script = os.path.abspath(self.script.env_py_location)
        install_inert_migrations(self._request["inert"], self._request["checkout"])
        options = {"template_args": self._draft.template_args} if self._draft else {}
        environment = EnvironmentContext(
            self.config, self.script, fn=self._run_migrations, **options
        )
        # On the instance: Alembic knows its own class only as what `alembic.context` stands for.
        environment.configure = self._wrap_configure(environment.configure)  # type: ignore[method-assign]
        environment.get_x_argument = self._wrap_get_x_argument(environment.get_x_argument)  # type: ignore[method-assign]
        questions = Questions()
        with environment, questions.noted():
            execute_env(self.script, self._request["worker_thread"])
        if not self._has_run:
            raise NotMigratedError(questions.last)
        if self._draft:
            self.phase = "draft"
            self.migration = self._draft.write(self._channel, self.databases)
            self.phase = "env"

    def _wrap_get_x_argument(self, get_x_argument: Callable[..., Any]) -> Callable[..., Any]:
        def note_and_get(*arguments: Any, **options: Any) -> Any:
            self.asked_x = True
            return get_x_argument(*arguments, **options)

        return note_and_get

    def _wrap_configure(self, configure: Callable[..., None]) -> Callable[..., None]:
        def prepare_and_configure(connection: Any = None, *rest: Any, **options: Any) -> None:
            if connection is None:
                raise util.CommandError("env.py configured the migrations without a connection")
            self._note_circumstances(connection, options)
            self._prepare(connection)
            # Alembic's first act is to look for its own table in there.
            make_schemas(connection, [options.get("version_table_schema")])
            configure(connection, *rest, **options)

        return prepare_and_configure

    def _note_circumstances(self, connection: Any, options: Dict[str, Any]) -> None:
        """Note what changes the effect of old migrations without being imported by them.

        A naming convention of the models, for example, names their unnamed constraints.
        """
        metadatas = listed(options.get("target_metadata"))
        names = ("version_table", "version_table_schema", "transactional_ddl")
        facts: List[Any] = [installed(self._redirect.places)]
        facts += [connection.dialect.name, connection.dialect.driver]
        facts += [repr(options.get(name)) for name in names]
        facts += [
            sorted((str(key), getattr(name, "__qualname__", name)) for key, name in convention)
            for convention in (metadata.naming_convention.items() for metadata in metadatas)
        ]
        with self._reads.unnoted():
            facts.append(self._surroundings.fingerprint(self.config.attributes))
        self.circumstances += repr(facts)
        if self._request["expects"] and not self._request["expects"].startswith(self.circumstances):
            self.is_stale = True
            raise util.CommandError("the snapshot was made under other circumstances")

    def _prepare(self, connection: Any) -> None:
        """Check that the connection is the scratch database, and fill it from the start file."""
        self._redirect.claim(connection)
        if self._request["start_sql"]:
            self.phase = "start-sql"
            execute_script(connection, self._request["start_sql"])
            self.phase = "env"

    def _run_migrations(self, rev: Any, context: MigrationContext) -> Iterator[Any]:
        if self._request["create"]:
            self._create(context)
        elif self._request["upgrade"]:
            yield from self._upgrade(rev)
        else:
            self._note_scripts()  # which loads them: some projects import models there only
        if self._request["compare"]:
            self.phase = "compare"
            comparison = compare_database(
                context,
                self._redirect,
                number=len(self.databases),
                cached=self._request["twins"],
                checkout=self._request["checkout"],
                both_ways=self._draft is not None,
            )
            self.databases.append(comparison)
            if self._draft:
                self._draft.note(context)
        self._has_run = True
        self.phase = "env"

    def _upgrade(self, rev: Any) -> Iterator[Any]:
        self.phase = "upgrade"
        self._note_scripts()
        self._refuse_without_upgrade()
        steps = list(self.pending_steps(rev))
        with self._transcript.recorded():
            for number, step in enumerate(steps, 1):
                yield from self._run_step(step, number, len(steps))
        self.revision = ""

    def _run_step(self, step: Any, number: int, total: int) -> Iterator[Any]:
        self.revision = step.revision.revision
        started: RevisionStarted = {
            "event": "revision",
            "id": self.revision,
            "number": number,
            "total": total,
        }
        self._channel.send(started)
        self._transcript.begin()
        self._reads.is_migrating = True
        yield step
        self._reads.is_migrating = False
        self._transcript.end(self.revision)
        self.revisions.append(self.revision)
        self.paths[self.revision] = relative(str(step.revision.path), self._request["checkout"])

    def pending_steps(self, rev: Any) -> Iterator[Any]:
        """Yield the steps to run: all of the history, or those not built on left-out revisions."""
        left_out = set(self._request["leave_out"])
        for step in self.script._upgrade_revs("heads", self._without_ancestors(rev)):
            script = step.revision
            if script.revision in self._request["applied"]:
                raise util.CommandError(
                    f"the database that the base's models made is not stamped with "
                    f"{script.revision}, which the base has"
                )
            if script.revision in left_out or left_out & set(script._all_down_revisions):
                left_out.add(script.revision)
            else:
                yield step

    def _without_ancestors(self, heads: Any) -> Any:
        """Return the database's heads without those that are ancestors of another.

        A database of the base's models is at all heads of the base. Where this commit makes one
        the ancestor of another, Alembic would refuse to upgrade from both.
        """
        if len(heads) < 2:
            return heads
        iterate = self.script.iterate_revisions
        scripts = self.script.get_revisions(heads)
        chains = ((head, iterate(head.revision, "base")) for head in scripts if head)
        ancestors = {
            ancestor.revision
            for head, chain in chains
            for ancestor in chain
            if ancestor is not head
        }
        return tuple(head for head in heads if head not in ancestors)

    def _refuse_without_upgrade(self) -> None:
        for script in self.script.walk_revisions():
            if not isinstance(script.module, Inert) and not hasattr(script.module, "upgrade"):
                self.revision = script.revision
                raise util.CommandError("it has no function upgrade()")

    def _create(self, context: MigrationContext) -> None:
        self.phase = "create"
        self._note_scripts()  # which loads them: some projects import models there only
        assert context.connection is not None
        metadatas = metadatas_of(context)
        if not any(metadata.tables for metadata in metadatas):
            raise util.CommandError(
                "target_metadata has no tables: env.py imports none of the models, "
                "so a change of them cannot be seen"
            )
        schemas = {table.schema for metadata in metadatas for table in metadata.tables.values()}
        make_schemas(context.connection, schemas)
        # As Alembic does around each revision: without transactional DDL, nothing else commits.
        with context.begin_transaction(_per_migration=True):
            began = context.connection.get_transaction()
            for metadata in metadatas:
                self.extensions += create_all(metadata, context.connection)
            context.stamp(self.script, "heads")
            # A listener of the models that commits has ended the transaction; the next statement
            # began another, which nothing else commits.
            current = context.connection.get_transaction()
            if current is not None and current is not began:
                current.commit()

    def _note_scripts(self) -> None:
        """Keep the paths of the history's files: env.py may have set the version locations."""
        files = (str(script.path) for script in self.script.walk_revisions())
        paths = (relative(path, self._request["checkout"]) for path in files)
        self.scripts = sorted({*self.scripts, *filter(None, paths)})


def execute_env(script: ScriptDirectory, worker_thread: bool) -> None:
    """Run env.py, in a thread of an event loop if it is written to be run there."""
    if not worker_thread:
        script.run_env()
        return
    import anyio
    import anyio.to_thread

    anyio.run(anyio.to_thread.run_sync, script.run_env)
