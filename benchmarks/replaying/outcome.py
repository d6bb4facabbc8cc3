"""How the truth and the tool's verdict on a commit compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from replaying.check import Found
from replaying.projects import Project
from replaying.repository import Commit
from replaying.truth import Truth

CLEAN = "both clean"
SAME = "the same faults"
BEYOND = "only the twin sees it"
NEITHER = "neither can run it"
JUDGED = "judged where brute force cannot"
DIFFER = "disagree"
CLASSES = (CLEAN, SAME, BEYOND, NEITHER, JUDGED, DIFFER)


@dataclass(frozen=True)
class Outcome:
    """One commit, judged twice."""

    commit: Commit
    truth: Truth
    verdict: Found

    @property
    def kind(self) -> str:
        """One of the classes."""
        truth, verdict = self.truth, self.verdict
        if truth.unknown:
            return NEITHER if verdict.failure else JUDGED
        if verdict.failure:
            # A commit that breaks its own project is blocked, in whatever words.
            return SAME if any(" stops at " in fault for fault in truth.faults) else DIFFER
        if truth.faults == verdict.faults:
            return SAME if truth.faults else CLEAN
        extra = verdict.faults - truth.faults
        return BEYOND if truth.faults <= verdict.faults and extra <= verdict.beyond else DIFFER

    @property
    def lacks(self) -> list[str]:
        """What brute force alone found."""
        return sorted(self.truth.faults - self.verdict.faults)

    @property
    def adds(self) -> list[str]:
        """What the tool alone found."""
        return sorted(self.verdict.faults - self.truth.faults)


def agreement(project: Project, outcomes: Sequence[Outcome], since: str, until: str) -> str:
    """One row of the table of agreement."""
    counts = Counter(outcome.kind for outcome in outcomes)
    judged = [outcome for outcome in outcomes if not outcome.truth.unknown]
    faulty = sum(bool(outcome.truth.faults) for outcome in judged)
    cells = [
        *(project.repository, project.dialect, f"{since} to {until}"),
        *(str(len(outcomes)), str(len(judged)), str(faulty)),
        *(str(counts[kind]) for kind in CLASSES),
    ]
    return f"| {' | '.join(cells)} |"


HEAD = (
    *("project", "database", "stretch", "commits", "run by brute force", "of them faulty"),
    *CLASSES,
)


def precision(outcomes: Sequence[Outcome]) -> str:
    """How often a blocked commit is faulty, and a faulty one is blocked."""
    judged = [outcome for outcome in outcomes if not outcome.truth.unknown]
    blocked = {
        outcome.commit for outcome in judged if outcome.verdict.failure or outcome.verdict.faults
    }
    faulty = {outcome.commit for outcome in judged if outcome.truth.faults}
    both, untold = len(blocked & faulty), sum(bool(outcome.verdict.failure) for outcome in judged)
    summary = f"precision {both}/{len(blocked)}, recall {both}/{len(faulty)}"
    return f"{summary}; not judged, and therefore blocked: {untold}"


def row(outcome: Outcome) -> str:
    """What there is to be said of a commit on which they are not wholly of one mind."""
    said = [f"{outcome.commit.sha[:10]} {outcome.kind}"]
    said += [f"  brute force: {outcome.truth.unknown}"] if outcome.truth.unknown else []
    said += [f"  could not judge: {outcome.verdict.failure}"] if outcome.verdict.failure else []
    said += [f"  brute force only: {fault}" for fault in outcome.lacks]
    said += [f"  tool only: {fault}" for fault in outcome.adds]
    said += [f"  from {', '.join(outcome.verdict.starts)}"] if outcome.kind == JUDGED else []
    return "\n".join(said)
