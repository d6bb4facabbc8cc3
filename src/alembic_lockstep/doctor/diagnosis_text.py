"""`doctor` for people: the state in the first line, the evidence, and the fixes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from alembic_lockstep.doctor.diagnosis import (
    DRIFT,
    HALF_WAY,
    MODELS_AHEAD,
    OTHER_APPLICATION,
    STAMPED_AHEAD,
    STAMPED_BEHIND,
    STAMPED_ELSEWHERE,
)
from alembic_lockstep.doctor.examination import Examination
from alembic_lockstep.doctor.standing import BEHIND, NO_REVISION, UNKNOWN_REVISION, UP_TO_DATE
from alembic_lockstep.report.text import listed, plural


def headline(examination: Examination) -> str:
    """Return in one sentence what is wrong with a database."""
    sentence = _PREDICATES.get(examination.diagnosis.state, _standing)(examination)
    return f"{examination.live.address.shown} {sentence}."


def evidence_lines(examination: Examination) -> Iterator[str]:
    """Yield the evidence, a line each."""
    diagnosis = examination.diagnosis
    yield from _lost_lines(examination)
    words = diagnosis.delta.words
    if diagnosis.state == OTHER_APPLICATION:
        yield f"It has the tables {listed(examination.live.tables)}."
        return
    if words.all:
        yield f"Compared with what {_compared(examination)} makes:"
    for part in words.lost:
        lines = examination.lines.get(part, ())
        yield f"  missing: {part}{f' ({listed(lines)})' if lines else ''}"
    yield from (f"  more: {part}" for part in words.left)
    yield from (f"  changed: {part}" for part in words.changed)
    if diagnosis.done:
        yield "Done already:"
        yield from (f"  {part}" for part in diagnosis.done)
    if examination.unmigrated:
        yield "The models have what no migration adds; queries of it fail:"
        yield from (f"  {operation.text}" for operation in examination.unmigrated)
    yield from examination.notes


def _compared(examination: Examination) -> str:
    diagnosis = examination.diagnosis
    return ", ".join(diagnosis.nearest or diagnosis.standing.revisions)


def _lost_lines(examination: Examination) -> Iterator[str]:
    diagnosis = examination.diagnosis
    for each in diagnosis.lost:
        if each.lost is None:
            yield each.failure or f"Nothing in this clone has {each.id}."
            continue
        file, remark = each.lost.file, each.lost.file.remark
        path = f": {file.path}" if file.path else ""
        yield f"{file.holder} has {each.id}{path}{f'; {remark}' if remark else ''}."
        if each.failure:
            yield f"What it makes could not be tried: {each.failure}"
        elif not diagnosis.delta:
            yield f"The schema is what {each.id} makes, and nothing else differs."
    if diagnosis.state == UNKNOWN_REVISION and diagnosis.nearest and not diagnosis.delta:
        yield f"The code's {', '.join(diagnosis.nearest)} makes this schema, too."


def _standing(examination: Examination) -> str:
    return examination.diagnosis.standing.words


def _in_order(examination: Examination) -> str:
    return f"{_standing(examination)}, and its schema is what the migrations make"


def _no_revision(examination: Examination) -> str:
    diagnosis = examination.diagnosis
    names, count = ", ".join(diagnosis.nearest), len(diagnosis.delta.words.all)
    if not count:
        return f"has tables and no revision; its schema is what {names} makes"
    differences = plural(count, "difference")
    return f"has tables and no revision; its schema is nearest to {names}, with {differences}"


def _stamped(examination: Examination) -> str:
    diagnosis = examination.diagnosis
    noted, names = ", ".join(diagnosis.standing.revisions), ", ".join(diagnosis.nearest)
    relation = "nearest to that" if diagnosis.delta else "that"
    reasons = {
        STAMPED_AHEAD: "the revisions between were noted and not run",
        STAMPED_BEHIND: "the revisions between were run and not noted",
        STAMPED_ELSEWHERE: "that is another branch of the history",
    }
    return (
        f"says that it is at {noted}, but its schema is {relation} of {names}: "
        f"{reasons[diagnosis.state]}"
    )


def _half_way(examination: Examination) -> str:
    diagnosis = examination.diagnosis
    noted, name = ", ".join(diagnosis.standing.revisions), diagnosis.nearest[0]
    return f"is at {noted}, and the next migration, {name}, stopped half way in it"


def _drift(examination: Examination) -> str:
    diagnosis = examination.diagnosis
    differences = plural(len(diagnosis.delta.words.all), "difference")
    noted = ", ".join(diagnosis.standing.revisions)
    return f"is at {noted}, but its schema has {differences} from what {noted} makes"


def _other(examination: Examination) -> str:
    count = plural(len(examination.live.tables), "table")
    return f"looks like the database of another application: the migrations make few of its {count}"


def _models_ahead(examination: Examination) -> str:
    names = listed(operation.text for operation in examination.unmigrated)
    return f"{_standing(examination)}, but the models have what no migration adds: {names}"


_PREDICATES: Mapping[str, Callable[[Examination], str]] = {
    UP_TO_DATE: _in_order,
    BEHIND: _in_order,
    NO_REVISION: _no_revision,
    STAMPED_AHEAD: _stamped,
    STAMPED_BEHIND: _stamped,
    STAMPED_ELSEWHERE: _stamped,
    HALF_WAY: _half_way,
    DRIFT: _drift,
    OTHER_APPLICATION: _other,
    MODELS_AHEAD: _models_ahead,
}
