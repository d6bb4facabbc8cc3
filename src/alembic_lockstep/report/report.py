"""Report of a run, which every format renders. Cheap to import, for verdicts from the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding, Fix

if TYPE_CHECKING:
    from alembic_lockstep.verdict import Ignored


@dataclass(frozen=True)
class EnvironmentReport:
    """Report of an Alembic environment.

    Attributes:
        config: Its name: the config file, with the section unless that is the default.
        servers: The databases that the dry run used: `SQLite`, `PostgreSQL 18 (…)`.
        start: `replay`, `base-models` or an SQL file; None if the migrations were not run.
        revisions_cached: How many revisions a snapshot or the cache already had.
        old_differences: How many differences the base has already.
        notes: Lines for the summary.
        refused: Addresses that the project tried to reach.
        overview: Lines about what many findings have in common.
    """

    config: str
    findings: tuple[Finding, ...] = ()
    fixes: tuple[Fix, ...] = ()
    servers: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    start: str | None = None
    revisions_run: int = 0
    revisions_cached: int = 0
    old_differences: int = 0
    not_compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    overview: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """Report of a run.

    Attributes:
        summary: The closing lines; the first says whether the commit may land.
        base: The id of the git tree that was compared with; "" if it did not come to that.
        tree: The id of the git tree that was judged, likewise.
        environments: Empty if nothing had to be judged, or nothing could be.
        ignored: The ignored differences and findings.
        unused_ignores: Globs and directives that match nothing.
        faulty_ignores: Directives that are not honoured, and why.
        failure: The reason if there is no verdict.
    """

    summary: tuple[str, ...] = ()
    base: str = ""
    tree: str = ""
    environments: tuple[EnvironmentReport, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unused_ignores: tuple[str, ...] = ()
    faulty_ignores: tuple[str, ...] = ()
    failure: CouldNotJudge | None = None

    @property
    def verdict(self) -> str:
        """`clean`, `findings` or `could-not-judge`."""
        if self.failure:
            return "could-not-judge"
        return "findings" if self.findings else "clean"

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of environments and locations."""
        return [finding for each in self.environments for finding in each.findings]
