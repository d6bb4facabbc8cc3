"""The verdict on a tree and on each of its environments: values, which import no rule."""

from __future__ import annotations

from dataclasses import dataclass

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.findings import Finding, Fix
from alembic_lockstep.history.environments import Environment


@dataclass(frozen=True)
class Ignored:
    """What would have been a finding, or a part of one.

    Attributes:
        what: The difference in words, or the finding's message.
        by: The glob, or the directive's `path:line`.
        is_glob: Which of the two it is.
    """

    rule: str
    what: str
    reason: str
    by: str
    is_glob: bool
    environment: str


@dataclass(frozen=True)
class Ignores:
    """What was ignored in one environment, and what there was to ignore by.

    Attributes:
        faults: Directives that are not honoured: `path:line: why`.
        used: Globs and directives (as `path:line`) that are about something.
        idle: Those that are about nothing; None where not all was compared, so nobody knows.
    """

    ignored: tuple[Ignored, ...] = ()
    faults: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()
    idle: tuple[str, ...] | None = None


@dataclass(frozen=True)
class EnvironmentVerdict:
    """The verdict on one Alembic environment.

    Attributes:
        comparison: What the dry run found; None when the history forbade one.
        servers: The databases that the dry run used: `SQLite`, `PostgreSQL 18 (…)`.
        notes: What the summary should say about what was read.
        ignores: What would have been findings, but for the project's wishes.
    """

    environment: Environment
    findings: tuple[Finding, ...]
    fixes: tuple[Fix, ...]
    comparison: Comparison | None
    servers: tuple[str, ...]
    notes: tuple[str, ...]
    ignores: Ignores


@dataclass(frozen=True)
class Verdict:
    """The verdict on a tree. Without environments, nothing had to be judged.

    Attributes:
        untraced: Why it cannot be remembered, in words for people.
        remembered: It was, and is not judged again.
        notes: What the summary should say about what was judged.
    """

    base: str
    tree: str
    environments: tuple[EnvironmentVerdict, ...]
    untraced: tuple[str, ...] = ()
    remembered: bool = False
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of environments and places."""
        return [finding for one in self.environments for finding in one.findings]
