"""The fixes of each state: commands and SQL, the safest first."""

from __future__ import annotations

import pytest
from test_standing import LINE, OPEN, history_of

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.lost_revisions import LostRevision
from alembic_lockstep.described_schema import PartsDifference, SchemaPart
from alembic_lockstep.doctor.comparable_parts import SchemaDelta
from alembic_lockstep.doctor.database_fixes import Circumstances, DatabaseFix, fixes_of
from alembic_lockstep.doctor.diagnosis import (
    DRIFT,
    HALF_WAY,
    OTHER_APPLICATION,
    STAMPED_AHEAD,
    Diagnosis,
    LostEvidence,
)
from alembic_lockstep.doctor.standing import (
    BEHIND,
    NO_REVISION,
    SEVERAL_ROWS,
    UNKNOWN_REVISION,
    Standing,
)
from alembic_lockstep.git.lost_files import LostFile

ROOT = Environment("alembic.ini", "", "m", ("m/versions",))
FOLDER = Environment("web/alembic.ini", "web", "web/m", ("web/m/versions",))
FLASK = Environment("m/alembic.ini", "", "m", ("m/versions",), flask_app="a:b", flask=True)
ADD = "ALTER TABLE t ADD COLUMN n INTEGER;"
FILE = LostFile("The branch side", "side", "m/versions/x.py", "0" * 40)
LOST = LostRevision(FILE, ("m/versions/x.py",), "git checkout side -- :/m/versions/x.py")
MISSING = SchemaDelta((SchemaPart("column", "n", "t"),), (), PartsDifference(lost=("column t.n",)))


def fixes(
    diagnosis: Diagnosis, environment: Environment = ROOT, **more: tuple[str, ...]
) -> list[DatabaseFix]:
    history = history_of(LINE)
    return fixes_of(Circumstances(diagnosis, environment, (), history, **more))


def commands(diagnosis: Diagnosis, environment: Environment = ROOT) -> list[tuple[str, ...]]:
    return [fix.commands for fix in fixes(diagnosis, environment)]


def test_what_is_pending_runs() -> None:
    behind = Diagnosis(BEHIND, Standing(BEHIND, ("a",)))
    assert commands(behind) == [("alembic upgrade head",)]
    assert commands(behind, FOLDER) == [("cd web && alembic upgrade head",)]
    assert commands(behind, FLASK) == [("flask db upgrade head -d m",)] or commands(
        behind, FLASK
    ) == [("flask db upgrade -d m head",)]


def test_all_heads_of_a_history_with_branches_run() -> None:
    diagnosis = Diagnosis(BEHIND, Standing(BEHIND, ("a",)))
    facts = Circumstances(diagnosis, ROOT, (), history_of(OPEN))
    assert fixes_of(facts)[0].commands == ("alembic upgrade heads",)


@pytest.mark.parametrize("state", [STAMPED_AHEAD, NO_REVISION])
def test_the_revision_whose_schema_it_has_is_noted(state: str) -> None:
    diagnosis = Diagnosis(state, Standing(state, ("c",)), ("b",))
    assert commands(diagnosis) == [("alembic stamp --purge b", "alembic upgrade head")]
    (fix,) = fixes(diagnosis)
    assert fix.title == "Note b, whose schema it has"
    # In one shell: the folder is entered once.
    in_folder = ("cd web && alembic stamp --purge b", "alembic upgrade head")
    assert commands(diagnosis, FOLDER) == [in_folder]


def test_what_is_missing_is_added_before_a_revision_is_noted() -> None:
    diagnosis = Diagnosis(NO_REVISION, Standing(NO_REVISION), ("b",), MISSING)
    (fix,) = fixes(diagnosis, ddl=(ADD,), left=("column t.m is more",))
    assert fix.sql == (ADD,)
    assert fix.title == "Add what it lacks of b, and note that"
    assert fix.effect.endswith("No row is lost. It leaves: column t.m is more.")
    (fix,) = fixes(diagnosis, ddl=("-- not made here: unique (n) of t",))
    assert fix.effect.endswith("Complete the lines that are comments first.")


def test_drift_and_half_a_migration_are_mended_by_sql() -> None:
    standing = Standing(BEHIND, ("b",))
    (fix,) = fixes(Diagnosis(DRIFT, standing, ("b",), MISSING), ddl=(ADD,))
    assert (fix.sql, fix.commands) == ((ADD,), ())
    assert fixes(Diagnosis(DRIFT, standing, ("b",))) == []  # only more than it ought to have
    (fix,) = fixes(Diagnosis(HALF_WAY, standing, ("c",), MISSING), ddl=(ADD,))
    assert fix.sql == (ADD,)
    assert fix.commands[0] == "alembic stamp --purge c"


def test_copies_of_the_batch_mode_are_dropped_only_while_the_tables_are_there() -> None:
    copy = SchemaPart("table", "_alembic_tmp_t")
    delta = SchemaDelta((), (copy,), PartsDifference(left=("table _alembic_tmp_t",)))
    standing, more = Standing(BEHIND, ("b",)), "table _alembic_tmp_t is more"
    (fix,) = fixes(Diagnosis(HALF_WAY, standing, ("c",), delta, (more,)))
    assert fix.sql == ('DROP TABLE "_alembic_tmp_t";',)
    done = (more, "table t is missing")
    assert fixes(Diagnosis(HALF_WAY, standing, ("c",), delta, done)) == []


def test_only_the_row_that_includes_the_others_stays() -> None:
    diagnosis = Diagnosis(SEVERAL_ROWS, Standing(SEVERAL_ROWS, ("a", "c")), ("a", "c"))
    assert commands(diagnosis)[0][0] == "alembic stamp --purge c"


def unknown(lost: LostEvidence, nearest: tuple[str, ...] = ()) -> Diagnosis:
    return Diagnosis(UNKNOWN_REVISION, Standing(UNKNOWN_REVISION, ("x",)), nearest, lost=(lost,))


def test_a_lost_migration_is_brought_back_or_undone() -> None:
    lost = LostEvidence("x", LOST, frozenset(), heads=("x",), base=("c",), adds=("column t.n",))
    bring_back, undo = fixes(unknown(lost))
    assert bring_back.commands == (LOST.command, "alembic upgrade head")
    assert undo.commands == (
        LOST.command,
        "alembic downgrade c",
        "git rm --quiet --force -- :/m/versions/x.py",
        "alembic upgrade head",
    )
    assert undo.effect.startswith("It drops column t.n, with the values in it.")


def test_a_lost_migration_without_a_way_back_is_not_undone() -> None:
    lost = LostEvidence("x", LOST, frozenset(), heads=("x",), base=("c",), comes_back=False)
    assert len(fixes(unknown(lost))) == 1


def test_a_lost_migration_beside_the_codes_own_is_merged() -> None:
    lost = LostEvidence("x", LOST, frozenset(), heads=("c", "x"), base=("b",))
    bring_back, _ = commands(unknown(lost))
    assert bring_back == (
        LOST.command,
        "alembic merge heads && git add -- :/m/versions",
        "alembic upgrade head",
    ) or bring_back[1].startswith("alembic merge heads && git add ")


def test_a_migration_that_was_renamed_is_noted_and_not_brought_back() -> None:
    lost = LostEvidence("x", LOST, frozenset(), heads=("c", "x"), base=("b",), adds=("table t",))
    assert commands(unknown(lost, ("c",))) == [("alembic stamp --purge c", "alembic upgrade head")]
    # It changed rows only: any revision may have the same schema.
    rows_only = LostEvidence("x", LOST, frozenset(), heads=("x",), base=("c",))
    assert commands(unknown(rows_only, ("c",)))[0] == (LOST.command, "alembic upgrade head")


def test_what_nothing_has_is_fetched_first() -> None:
    first, second = commands(unknown(LostEvidence("x"), ("c",)))
    assert first == ("git fetch --all",)
    assert second[0] == "alembic stamp --purge c"


def test_nothing_is_proposed_for_the_database_of_another_application() -> None:
    assert fixes(Diagnosis(OTHER_APPLICATION, Standing(NO_REVISION), ("a",))) == []
