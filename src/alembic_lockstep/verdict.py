"""Verdict on a tree and on each of its environments: values, which import no rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_lockstep.findings import Finding, Fix

if TYPE_CHECKING:  # a report of the answer at once needs neither
    from alembic_lockstep.alembic_env.environments import Environment
    from alembic_lockstep.dryrun.comparison import Comparison
    from alembic_lockstep.facts import Facts


@dataclass(frozen=True)
class Ignored:
    """An ignored difference or finding.

    Attributes:
        rule: The rule that would have reported it.
        text: The difference in words, or the finding's message.
        reason: Why the project ignores it.
        by: The glob, or the directive's `path:line`.
        is_glob: `by` is a glob.
        environment: The environment's name.
    """

    rule: str
    text: str
    reason: str
    by: str
    is_glob: bool
    environment: str


@dataclass(frozen=True)
class Ignores:
    """Ignored differences and findings of an environment, and the ignores themselves.

    Attributes:
        ignored: The ignored differences and findings.
        faults: Directives that are not honoured: `path:line: why`.
        used: Globs and directives (as `path:line`) that match something.
        unused: Those that match nothing; None where not everything was compared.
    """

    ignored: tuple[Ignored, ...] = ()
    faults: tuple[str, ...] = ()
    used: frozenset[str] = frozenset()
    unused: tuple[str, ...] | None = None


@dataclass(frozen=True)
class EnvironmentVerdict:
    """Verdict on one Alembic environment.

    Attributes:
        comparison: The result of the dry run; None when the history forbade a run.
        servers: The databases that the dry run used: `SQLite`, `PostgreSQL 18 (…)`.
        notes: Lines for the summary.
        ignores: Findings suppressed by ignores.
        facts: The facts behind it, without what the project ignores; None for a branch's own.
    """

    environment: Environment
    findings: tuple[Finding, ...]
    fixes: tuple[Fix, ...]
    comparison: Comparison | None
    servers: tuple[str, ...]
    notes: tuple[str, ...]
    ignores: Ignores
    facts: Facts | None = None


@dataclass(frozen=True)
class Verdict:
    """Verdict on a tree. Without environments, nothing had to be judged.

    Attributes:
        base: The id of the tree that was compared with.
        tree: The id of the judged tree.
        uncached_because: Why the verdict cannot be cached, in words for people.
        is_cached: The verdict comes from the cache.
        notes: Lines for the summary.
        unjudged: Lines on environments that were left out.
    """

    base: str
    tree: str
    environments: tuple[EnvironmentVerdict, ...]
    uncached_because: tuple[str, ...] = ()
    is_cached: bool = False
    notes: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of environments and locations."""
        return [finding for verdict in self.environments for finding in verdict.findings]
