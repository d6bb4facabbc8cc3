"""From what a live database has, and what the code's revisions make, to what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from alembic_lockstep.alembic_env.lost_revisions import LostRevision
from alembic_lockstep.alembic_env.revisions import History
from alembic_lockstep.doctor.comparable_parts import SchemaDelta, compare_with_live, identity
from alembic_lockstep.doctor.schema_search import Schema, find_nearest
from alembic_lockstep.doctor.standing import (
    BEHIND,
    EMPTY,
    NO_REVISION,
    SEVERAL_ROWS,
    UNKNOWN_REVISION,
    UP_TO_DATE,
    Standing,
)

STAMPED_AHEAD, STAMPED_BEHIND = "stamped-ahead", "stamped-behind"
STAMPED_ELSEWHERE = "stamped-elsewhere"
HALF_WAY, DRIFT = "half-way", "drift"
OTHER_APPLICATION, MODELS_AHEAD = "other-application", "models-ahead"

#: States that need no fix but an upgrade.
HEALTHY = (UP_TO_DATE, BEHIND, EMPTY)
#: The share of a database's tables that the code's migrations make, below which it is another's.
_OWN_TABLES = 0.25
#: The beginning of the names of tables that Alembic's batch mode makes, and renames at the end.
BATCH = "_alembic_tmp_"


@dataclass(frozen=True)
class LostEvidence:
    """A revision that the code does not have, and what is left of it.

    Attributes:
        id: Its id.
        lost: Where git has its file; None if nowhere.
        schema: The schema that it makes, on top of the code's; None if that is unknown.
        failure: Why that is unknown.
        heads: The heads of the code's history with its file.
        base: The newest revisions of the code that it builds on.
        adds: What its schema has more than theirs, in words.
        comes_back: Its downgrade, and those of its lost ancestors, do something.
    """

    id: str
    lost: LostRevision | None = None
    schema: Schema | None = None
    failure: str = ""
    heads: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    comes_back: bool = True


@dataclass(frozen=True)
class Evidence:
    """The evidence on a live database.

    Attributes:
        standing: Where its version table says that it stands.
        live: Its schema, comparable.
        history: The revisions of the code.
        order: Their ids, the oldest first.
        schema_at: Builds the schema of a set of revisions.
        lost: Its revisions that the code does not have.
    """

    standing: Standing
    live: Schema
    history: History
    order: tuple[str, ...]
    schema_at: Callable[[Collection[str]], Schema]
    lost: tuple[LostEvidence, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a database.

    Attributes:
        state: What it is.
        standing: Where its version table says that it stands.
        nearest: The revisions whose schema is nearest to its own.
        delta: Its difference from the schema that it ought to have: that of the noted revisions,
            or of `nearest` where the state says that these are the wrong ones.
        done: Of a migration that stopped half way, the parts that it has made; of others none.
        lost: Its revisions that the code does not have.
    """

    state: str
    standing: Standing
    nearest: tuple[str, ...] = ()
    delta: SchemaDelta = field(default_factory=SchemaDelta)
    done: tuple[str, ...] = ()
    lost: tuple[LostEvidence, ...] = ()


def diagnose(evidence: Evidence) -> Diagnosis:
    """Return what is wrong with a database.

    Raises:
        CouldNotJudge: the code's migrations fail.
    """
    standing = evidence.standing
    if standing.kind == EMPTY:
        return Diagnosis(EMPTY, standing)
    if standing.kind == UNKNOWN_REVISION:
        return _with_unknown_revision(evidence)
    if standing.kind == NO_REVISION:
        return _by_schema(NO_REVISION, evidence)
    return _at_known_revision(evidence)


def _at_known_revision(evidence: Evidence) -> Diagnosis:
    """Compare a database with what the revisions make that it is at."""
    standing, history = evidence.standing, evidence.history
    noted = history.up_to(*standing.revisions)
    delta = compare_with_live(evidence.schema_at(noted), evidence.live)
    if not delta:
        return Diagnosis(standing.kind, standing, standing.revisions)
    half_way = _half_way(evidence, noted, delta)
    if half_way:
        return half_way
    by_schema = _by_schema(DRIFT, evidence)
    nearest = history.up_to(*by_schema.nearest)
    if by_schema.state == OTHER_APPLICATION:
        return by_schema
    is_nearer = len(by_schema.delta.words.all) < len(delta.words.all)
    if standing.kind == SEVERAL_ROWS or not is_nearer or nearest == noted:
        state = SEVERAL_ROWS if standing.kind == SEVERAL_ROWS else DRIFT
        return Diagnosis(state, standing, standing.revisions, delta)
    if nearest < noted:
        return replace(by_schema, state=STAMPED_AHEAD)
    return replace(by_schema, state=STAMPED_BEHIND if nearest > noted else STAMPED_ELSEWHERE)


def _half_way(evidence: Evidence, noted: set[str], delta: SchemaDelta) -> Diagnosis | None:
    """Return the diagnosis if the next migration has made some of its changes, and no others."""
    history = evidence.history
    following = [
        revision.id
        for revision in history.revisions
        if revision.id not in noted and history.parents(revision) <= noted
    ]
    is_temporary = {part: BATCH in (part.name + part.owner) for part in evidence.live}
    live = {identity(part) for part in evidence.live if not is_temporary[part]}
    before = {*map(identity, evidence.schema_at(noted))}
    for name in following:
        schema = evidence.schema_at({*noted, name})
        after = {*map(identity, schema)}
        is_between = live ^ before <= after ^ before
        if is_between and (live not in (before, after) or any(is_temporary.values())):
            left = compare_with_live(schema, evidence.live)
            return Diagnosis(HALF_WAY, evidence.standing, (name,), left, delta.words.all)
    return None


def _by_schema(state: str, evidence: Evidence) -> Diagnosis:
    """Return the revisions whose schema is nearest, with what still differs."""
    history = evidence.history
    if not history.revisions:
        return Diagnosis(OTHER_APPLICATION, evidence.standing)
    candidates: list[tuple[str, ...]] = [(name,) for name in evidence.order]
    if len(history.heads) > 1:
        candidates.append(history.heads)
    nearest = find_nearest(
        len(candidates),
        evidence.live,
        lambda number: evidence.schema_at(history.up_to(*candidates[number])),
    )
    tables = {part.name for part in evidence.live if part.kind == "table"}
    newest = evidence.schema_at(history.ids)
    own = {part.name for schema in (nearest.schema, newest) for part in schema} & tables
    if len(own) < _OWN_TABLES * len(tables):
        state = OTHER_APPLICATION
    # An upgrade from there must not make again what the database has already.
    number = nearest.number
    delta = compare_with_live(nearest.schema, evidence.live)
    to_come = {part.words for part in newest}
    while number + 1 < len(candidates) and any(part.words in to_come for part in delta.more):
        number += 1
        schema = evidence.schema_at(history.up_to(*candidates[number]))
        delta = compare_with_live(schema, evidence.live)
    return Diagnosis(state, evidence.standing, candidates[number], delta, lost=evidence.lost)


def _with_unknown_revision(evidence: Evidence) -> Diagnosis:
    """Compare a database with what its lost revision makes, and else with the code's."""
    proven = [each for each in evidence.lost if each.schema is not None]
    for each in proven:
        assert each.schema is not None
        delta = compare_with_live(each.schema, evidence.live)
        if not delta:
            by_code = _equal_in_code(evidence)
            return Diagnosis(
                UNKNOWN_REVISION, evidence.standing, by_code, delta, lost=evidence.lost
            )
    by_schema = _by_schema(UNKNOWN_REVISION, evidence)
    if any(each.lost for each in evidence.lost):
        by_schema = replace(by_schema, state=UNKNOWN_REVISION)
    if proven and by_schema.delta:
        assert proven[0].schema is not None
        delta = compare_with_live(proven[0].schema, evidence.live)
        if len(delta.words.all) <= len(by_schema.delta.words.all):
            return replace(by_schema, nearest=(), delta=delta)
    return by_schema


def _equal_in_code(evidence: Evidence) -> tuple[str, ...]:
    """Return the revision of the code that makes the live schema, as one that was renamed does."""
    by_schema = _by_schema(UNKNOWN_REVISION, evidence) if evidence.history.revisions else None
    return by_schema.nearest if by_schema and not by_schema.delta else ()
