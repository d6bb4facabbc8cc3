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
    found: Found

    @property
    def kind(self) -> str:
        """One of the classes."""
        truth, found = self.truth, self.found
        if truth.unknown:
            return NEITHER if found.failure else JUDGED
        if found.failure:
            # A commit that breaks its own project is blocked, in whatever words.
            return SAME if any(" stops at " in fault for fault in truth.faults) else DIFFER
        if truth.faults == found.faults:
            return SAME if truth.faults else CLEAN
        extra = found.faults - truth.faults
        return BEYOND if truth.faults <= found.faults and extra <= found.beyond else DIFFER

    @property
    def lacks(self) -> list[str]:
        """What brute force alone found."""
        return sorted(self.truth.faults - self.found.faults)

    @property
    def adds(self) -> list[str]:
        """What the tool alone found."""
        return sorted(self.found.faults - self.truth.faults)


def agreement(project: Project, outcomes: Sequence[Outcome], since: str, until: str) -> str:
    """One row of the table of agreement."""
    counts = Counter(one.kind for one in outcomes)
    known = [one for one in outcomes if not one.truth.unknown]
    faulty = sum(bool(one.truth.faults) for one in known)
    cells = [
        *(project.repository, project.dialect, f"{since} to {until}"),
        *(str(len(outcomes)), str(len(known)), str(faulty)),
        *(str(counts[kind]) for kind in CLASSES),
    ]
    return f"| {' | '.join(cells)} |"


HEAD = (
    *("project", "database", "stretch", "commits", "run by brute force", "of them faulty"),
    *CLASSES,
)


def precision(outcomes: Sequence[Outcome]) -> str:
    """How often a blocked commit is faulty, and a faulty one is blocked."""
    known = [one for one in outcomes if not one.truth.unknown]
    blocked = {one.commit for one in known if one.found.failure or one.found.faults}
    faulty = {one.commit for one in known if one.truth.faults}
    both, untold = len(blocked & faulty), sum(bool(one.found.failure) for one in known)
    told = f"precision {both}/{len(blocked)}, recall {both}/{len(faulty)}"
    return f"{told}; not judged, and therefore blocked: {untold}"


def row(outcome: Outcome) -> str:
    """What there is to be said of a commit on which they are not wholly of one mind."""
    said = [f"{outcome.commit.sha[:10]} {outcome.kind}"]
    said += [f"  brute force: {outcome.truth.unknown}"] if outcome.truth.unknown else []
    said += [f"  could not judge: {outcome.found.failure}"] if outcome.found.failure else []
    said += [f"  brute force only: {fault}" for fault in outcome.lacks]
    said += [f"  tool only: {fault}" for fault in outcome.adds]
    said += [f"  from {', '.join(outcome.found.starts)}"] if outcome.kind == JUDGED else []
    return "\n".join(said)
