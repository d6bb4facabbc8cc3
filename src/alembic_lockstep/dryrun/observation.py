"""What a dry run saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_lockstep.isolation.cell import Guard


@dataclass(frozen=True)
class Observation:
    """What the probe saw, as in `probe/protocol.py`. `error` is empty when it came to the end.

    Attributes:
        databases: One entry per migrated database: name, operations, model catalogue.
        connections: Dialect, driver and (password-free) target of each redirected connection.
        revisions: Ids of the revisions that ran, in order.
        paths: The files of those revisions.
        transcript: From those revisions to digests of what they sent to the database.
        outdated: Files that the base's revisions took something from and this commit changes.
        is_on_base: Therefore they ran in the base's checkout.
        remembered: Ids of the revisions that had run in the database before.
        circumstances: What of env.py and the models makes old migrations do what they do.
        scripts: Files of the tree that Alembic loaded as its history, empty if it could not.
        is_stale: The run started from a snapshot of other circumstances.
        phase: Where it failed: start, env, start-sql, upgrade, create or compare.
        guard: What guarded the machine against the project; None if it is remembered.
        refused: Addresses that the project wanted to reach beside SQLAlchemy.
        refused_writes: Files outside of the checkout that the project wanted to change.
        refused_programs: Programs that the project wanted to start.
        denied: Dialect and statement of what a server refused for want of a privilege.
        worktree: Files of the user's working tree that were loaded as modules.
        copies: Modules of the tree that were loaded from elsewhere: see `probe/copies.py`.
        stand_in: The file that ran before the project; empty if there is none.
        extensions: What `create_all()` failed for want of, and the scratch database was given.
        asked_x: env.py asked for arguments of `alembic -x`.
        flask: The version of the project's Flask; empty where none was needed.
        reads: What was read: see `probe/trace.py`.
        log: What the project printed.
        is_recalled: Nothing ran: an earlier run read the same, and this is what it saw.
    """

    databases: tuple[Mapping[str, Any], ...] = ()
    connections: tuple[Mapping[str, Any], ...] = ()
    revisions: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    transcript: Mapping[str, str] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()
    is_on_base: bool = False
    remembered: tuple[str, ...] = ()
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
    is_recalled: bool = False
