"""The cases of the goals' table: who runs against whom, and what is to come of it."""

from __future__ import annotations

from collections.abc import Iterator

from bench import contestants
from bench.lines import Line, at_most, faster, growth, memory
from bench.make_subjects import SCRATCH
from bench.stopwatch import race
from bench.subject import Subject

CHECK = "`alembic upgrade head && alembic check`"
FLOOR = "the floor: import, reflect once"
BARE = "`import json, subprocess`, `git diff --cached`"
IRRELEVANT = "nothing relevant staged"
WITHOUT_ROWS = "ours, with `rows = false`"


def irrelevant(subject: Subject, repetitions: int) -> Iterator[Line]:
    """Nothing relevant is staged; and what memory that takes."""
    stage = subject.stage_irrelevant
    times = race(
        {"ours": contestants.tool(subject, stage), BARE: contestants.bare(subject, stage)},
        repetitions,
    )
    yield at_most(IRRELEVANT, subject.label, times["ours"], BARE, times[BARE], 1.5)
    yield memory(subject.label, times["ours"])


def comment(subject: Subject, repetitions: int) -> Iterator[Line]:
    """A comment is added to a model file."""
    stage = subject.stage_comment
    times = race(
        {"ours": contestants.tool(subject, stage), BARE: contestants.bare(subject, stage)},
        repetitions,
    )
    case = "comment in a model file"
    yield at_most(case, subject.label, times["ours"], BARE, times[BARE], 2)


def warm(subject: Subject, repetitions: int, *, goals: bool) -> Iterator[Line]:
    """A column and its migration are staged on a commit that was judged before.

    Args:
        goals: Whether this is a project for which the goals stand.
    """
    stage = subject.stage_revision
    field = {
        "ours": contestants.tool(subject, stage),
        CHECK: contestants.upgrade_and_check(subject, stage),
        FLOOR: contestants.floor(subject),
    }
    if subject.has_model_test:
        field["pytest-alembic's model test"] = contestants.pytest_alembic(subject)
    field["a script that greps for models (and is wrong)"] = contestants.grep(subject)
    times = race(field, repetitions)
    ours = times.pop("ours")
    case = "one new revision, warm"
    yield faster(case, subject.label, ours, CHECK, times.pop(CHECK), 8 * goals)
    yield at_most(case, subject.label, ours, FLOOR, times.pop(FLOOR), 1.3 * goals)
    for rival, theirs in times.items():
        yield faster(case, subject.label, ours, rival, theirs)


def rows(subject: Subject, repetitions: int, *, factor: float) -> Iterator[Line]:
    """What it costs to run the new revision on rows as well: forward, back and forward again.

    Args:
        factor: The goal; 0 where there is none.
    """
    stage = subject.stage_revision
    field = {
        "ours": contestants.tool(subject, stage),
        WITHOUT_ROWS: contestants.tool(subject, stage, ALEMBIC_LOCKSTEP_ROWS="false"),
    }
    times = race(field, repetitions)
    ours, theirs = times["ours"], times[WITHOUT_ROWS]
    case = "one new revision, warm, on rows"
    yield at_most(case, subject.label, ours, WITHOUT_ROWS, theirs, factor)
    case = f"{case}, processor time"
    yield at_most(case, subject.label, ours.by_processor, WITHOUT_ROWS, theirs.by_processor)


def private(subject: Subject, repetitions: int) -> Iterator[Line]:
    """The same where the tool starts and stops a private server in each run."""
    stage = subject.stage_revision
    field = {
        "ours": contestants.tool(subject, stage, **{SCRATCH: ""}),
        "shared": contestants.tool(subject, stage),
    }
    times = race(field, repetitions)
    case = "one new revision, warm, a server started and stopped for it"
    rival = "ours, on a server that runs"
    yield faster(case, subject.label, times["ours"], rival, times["shared"])


def cold(subject: Subject, repetitions: int) -> Iterator[Line]:
    """The first run ever, in a fresh clone, where a column and its migration are staged.

    There is no bytecode of the project on either side. The file cache is warm.
    """

    def stage() -> None:
        subject.be_cloned()
        subject.stage_revision()

    field = {
        "ours": contestants.tool(subject, stage),
        CHECK: contestants.upgrade_and_check(subject, stage),
    }
    times = race(field, repetitions, warm_ups=0)
    case = "one new revision, cold, first run ever"
    yield at_most(case, subject.label, times["ours"], CHECK, times[CHECK], 1.3)


def grown(small: Subject, large: Subject, repetitions: int) -> Iterator[Line]:
    """What the length of the history costs when one revision is new."""
    field = {
        "small": contestants.tool(small, small.stage_revision),
        "large": contestants.tool(large, large.stage_revision),
        "load small": contestants.load(small),
        "load large": contestants.load(large),
    }
    times = race(field, repetitions)
    loading = times["load small"], times["load large"]
    label = f"{large.label} over {small.revisions}"
    yield growth(label, times["small"], times["large"], loading)
