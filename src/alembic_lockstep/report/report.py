"""The value that every format renders. Cheap to import, for what is answered at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding, Fix

if TYPE_CHECKING:
    from alembic_lockstep.verdict import Ignored


@dataclass(frozen=True)
class EnvironmentReport:
    """What there is to say of one Alembic environment.

    Attributes:
        config: Its name: the config file, with the section if that is not the usual one.
        servers: The databases that the dry run used: `SQLite`, `PostgreSQL 18 (…)`.
        start: Where the scratch database started from; None if the migrations were not run.
        old_differences: How many the base has already.
        overview: What many findings have in common.
        refused: Addresses that the project wanted to reach, and did not.
    """

    config: str
    findings: tuple[Finding, ...] = ()
    fixes: tuple[Fix, ...] = ()
    servers: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    start: str | None = None
    revisions_run: int = 0
    revisions_remembered: int = 0
    old_differences: int = 0
    not_compared: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    overview: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What there is to say of a run.

    Attributes:
        summary: The closing lines; the first says whether the commit may land.
        base: The id of the git tree that was compared with; "" if it did not come to that.
        tree: The id of the git tree that was judged, likewise.
        environments: None where nothing had to be judged, or nothing could be.
        unused_ignores: Globs and directives that are about nothing.
        faulty_ignores: Directives that are not honoured, and why.
        failure: Why there is no verdict.
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
        """All findings, in the order of environments and places."""
        return [finding for one in self.environments for finding in one.findings]
