"""The observation of a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_lockstep.dryrun.trial_facts import TrialFacts
from alembic_lockstep.isolation.cell import Guard


@dataclass(frozen=True)
class Observation:
    """The result of one dry run, as in `probe/protocol.py`. `error` is empty if it succeeded.

    Attributes:
        databases: One entry per migrated database: name, operations, model catalogue.
        connections: Dialect, driver and (password-free) target of each redirected connection.
        revisions: Ids of the revisions that ran, in order.
        paths: The files of those revisions.
        transcript: From those revisions to digests of the statements that they sent.
        outdated: Files that the base's revisions use and this commit changes.
        is_on_base: Therefore they ran in the base's checkout.
        restored: Ids of the revisions that had run in the snapshot.
        circumstances: A digest of the parts of env.py and the models that old migrations use.
        scripts: Files of the tree that Alembic loaded as its history, empty if it failed.
        is_stale: The run started from a snapshot of other circumstances.
        phase: The phase that failed: start, env, start-sql, upgrade, create or compare.
        guard: The guard of the run; None if the observation is recalled.
        refused: Addresses that the project tried to reach by other ways than SQLAlchemy.
        refused_writes: Files outside of the checkout that the project tried to change.
        refused_programs: Programs that the project tried to start.
        denied: Dialect and statement of each refusal of a server for lack of a privilege.
        worktree: Files of the user's working tree that were loaded as modules.
        copies: Modules of the tree that were loaded from elsewhere: see `probe/copies.py`.
        stand_in: The file that ran before the project; empty if there is none.
        extensions: Extensions that `create_all()` lacked and the scratch database got.
        asked_x: env.py read arguments of `alembic -x`.
        flask: The version of the project's Flask; empty where none was needed.
        reads: The files and values that were read: see `probe/trace.py`.
        log: The project's output.
        migration: The migration that was written: `path`, `text` and `note`; empty without one.
        trial: The new revisions on tables with rows; empty if that was not tried.
        is_recalled: Nothing ran: this is the cached observation of a run that read the same.
    """

    databases: tuple[Mapping[str, Any], ...] = ()
    connections: tuple[Mapping[str, Any], ...] = ()
    revisions: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    transcript: Mapping[str, str] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()
    is_on_base: bool = False
    restored: tuple[str, ...] = ()
    circumstances: str = ""
    scripts: tuple[str, ...] = ()
    error: Mapping[str, Any] = field(default_factory=dict)
    is_stale: bool = False
    phase: str = ""
    revision: str = ""
    guard: Guard | None = None
    refused: tuple[str, ...] = ()
    refused_writes: tuple[str, ...] = ()
    refused_programs: tuple[str, ...] = ()
    denied: tuple[Mapping[str, Any], ...] = ()
    worktree: tuple[str, ...] = ()
    copies: tuple[Mapping[str, Any], ...] = ()
    stand_in: str = ""
    extensions: tuple[str, ...] = ()
    asked_x: bool = False
    flask: str = ""
    reads: Mapping[str, Any] = field(default_factory=dict)
    log: str = ""
    migration: Mapping[str, str] = field(default_factory=dict)
    trial: TrialFacts = field(default_factory=TrialFacts)
    is_recalled: bool = False
