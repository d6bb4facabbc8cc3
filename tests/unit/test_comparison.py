"""Compare the dry runs of a tree with those of its base: what ran decides what is judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from graphs import Graph

from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.comparison import Comparison, compare, recompare
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Facts

OLD, NEW = "games.points", "games.winners"


def run(
    *columns: str, kind: str = "add_column", unmade: tuple[str, ...] = (), **fields: Any
) -> Observation:
    """Return a dry run whose models have these columns, which its migrations do not make."""
    facts: dict[str, Any] = {"kind": kind, "columns": [], "expected": "", "actual": "", "code": []}
    operations = []
    for column in columns:
        table, _, name = column.partition(".")
        operations.append({**facts, "table": table, "name": name, "text": f"column {column}"})
    twin = {"unmade": dict.fromkeys(unmade, "why"), "declared": {}, "model_objects": []}
    database = {"name": "", "operations": operations, "twin": twin}
    return Observation(**{"databases": (database,), **fields})


ERROR: dict[str, Any] = {
    **dict.fromkeys(("module", "statement", "variable", "attribute", "program"), ""),
    "type": "OperationalError",
    "raised": "OperationalError",
    "frames": [],
    "modules": [],
}


def failed(
    phase: str, revision: str = "", message: str = "no such table", **fields: Any
) -> Observation:
    error = {**ERROR, "message": message, **fields}
    return run(error=error, phase=phase, revision=revision)


class Runner:
    """Answers with observations that are made by hand; a run that none is for fails the test."""

    def __init__(self, facts: Facts, runs: dict[str, Observation], settings: Settings) -> None:
        self.settings, self.runs = settings, runs
        self.launcher = SimpleNamespace(repository=facts.repository, tried=lambda _: ["python3"])

    def replay(self, *_: object, role: str) -> Observation:
        return self.runs[role]

    def create(self, *_: object, **__: object) -> Observation:
        return self.runs["create"]

    def upgrade(self, *_: object, **__: object) -> Observation:
        return self.runs["upgrade"]

    def compare_models(self, **_: object) -> Observation:
        return self.runs["models"]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """Return the facts of a commit that adds migration 0002, about games, to 0001."""
    graph = Graph(tmp_path_factory.mktemp("graph"))
    graph.commit({"0001": None})
    graph.put({"0002": "0001"}, "def upgrade(): op.drop_index('games')\n")
    return graph.facts()


def judged(
    facts: Facts, settings: Settings | None = None, *, has_base: bool = True, **runs: Any
) -> Comparison:
    runner: Any = Runner(facts, runs, settings or Settings())
    return compare(runner, facts.now, facts.in_base if has_base else None)


def names(operations: Any) -> list[str]:
    return [f"{operation.table}.{operation.name}" for operation in operations]


def test_the_base_does_not_run_where_nothing_differs(facts: Facts) -> None:
    now = run()
    assert judged(facts, tree=now) == Comparison(now, None, "replay")


def test_the_base_runs_where_a_table_of_the_models_could_not_be_made(facts: Facts) -> None:
    now = run(unmade=("games",))
    assert judged(facts, tree=now, base=run()).before == run()


def test_what_the_base_has_as_well_is_old(facts: Facts) -> None:
    comparison = judged(facts, tree=run(OLD, NEW), base=run(OLD))
    assert (names(comparison.introduced), names(comparison.old)) == ([NEW], [OLD])
    assert comparison.notes == ()


@pytest.mark.parametrize(("settings", "has_base"), [({}, False), ({"strict": True}, True)])
def test_everything_counts_without_a_base_or_if_the_project_says_so(
    facts: Facts, settings: Any, has_base: bool
) -> None:
    comparison = judged(facts, Settings(**settings), has_base=has_base, tree=run(OLD, NEW))
    assert names(comparison.introduced) == [OLD, NEW]
    assert comparison.before is None


def test_what_a_migration_made_for_itself_does_not_count(facts: Facts) -> None:
    """No models made the type, so nobody asks for it to be dropped."""
    left = run("games.mood", kind="remove_enum")
    assert judged(facts, has_base=False, tree=left).introduced == ()
    assert judged(facts, tree=left, base=run()).introduced == ()


def test_a_base_whose_models_cannot_be_judged_is_named(facts: Facts) -> None:
    comparison = judged(facts, tree=run(NEW), base=failed("start", message="no\nmodule"))
    assert names(comparison.introduced) == [NEW]
    (note,) = comparison.notes
    assert note.startswith("the base itself cannot be judged (OperationalError: no), so no")


def test_a_commit_that_mends_the_bases_migrations_does_not_answer_for_old_drift(
    facts: Facts,
) -> None:
    """What its own migrations name may be their fault."""
    base, models = failed("upgrade", "0001"), run("boards.points", OLD)
    runs: Any = {"tree": run("boards.points", OLD, "moves.id"), "base": base, "models": models}
    comparison = judged(facts, **runs)
    assert (names(comparison.introduced), names(comparison.old)) == (
        [OLD, "moves.id"],
        ["boards.points"],
    )
    (note,) = comparison.notes
    assert note.startswith("the base's migrations fail at 0001 (no such table), so its models")
    (note,) = judged(facts, **{**runs, "base": failed("upgrade", message="")}).notes
    assert note.startswith("the base's migrations fail at upgrade (no message), so its models")


@pytest.mark.parametrize("settings", [Settings(run=("docker", "run")), Settings()])
def test_without_the_bases_models_everything_is_new_where_its_migrations_fail(
    facts: Facts, settings: Settings
) -> None:
    """With `run` the other tree's models are not compared."""
    runs: Any = {"tree": run("boards.points"), "base": failed("upgrade", "0001")}
    if not settings.run:
        runs["models"] = failed("start")
    comparison = judged(facts, settings, **runs)
    assert names(comparison.introduced) == ["boards.points"]
    assert comparison.notes[0].startswith("the base itself cannot be judged")


@pytest.mark.parametrize(
    ("is_on_base", "where"),
    [(True, "they ran in the base's checkout"), (False, "they ran in this commit's all the same")],
)
@pytest.mark.parametrize(("files", "more"), [(("a.py",), ""), (("a.py", "b.py"), " and 1 more")])
def test_files_that_old_migrations_take_and_the_commit_changes_are_named(
    facts: Facts, is_on_base: bool, where: str, files: tuple[str, ...], more: str
) -> None:
    (note,) = judged(facts, tree=run(outdated=files, is_on_base=is_on_base)).notes
    assert note.startswith(f"the base's migrations take from a.py{more}, which this commit changes")
    assert where in note


BASE_MODELS = Settings(start="base-models")


def test_from_the_bases_models(facts: Facts) -> None:
    runs: Any = {"create": run(OLD, extensions=("citext", "vector")), "upgrade": run(OLD, NEW)}
    comparison = judged(facts, BASE_MODELS, **runs)
    assert (names(comparison.introduced), comparison.start) == ([NEW], "base-models")
    note = "the base's models need the extension citext, vector, which the scratch database was"
    assert comparison.notes == (f"{note} given",)
    # Without a base the history is replayed.
    assert judged(facts, BASE_MODELS, has_base=False, tree=run()).introduced == ()


def test_a_migration_that_fails_on_the_bases_models_is_the_commits(facts: Facts) -> None:
    now, created = failed("upgrade", "0002"), run()
    comparison = judged(facts, BASE_MODELS, create=created, upgrade=now)
    assert comparison == Comparison(now, created, "base-models")


@pytest.mark.parametrize(
    ("create", "upgrade"),
    [
        (failed("create"), None),
        (run(), failed("start", "0002")),
        (run(), failed("upgrade")),
        (run(), failed("upgrade", "0002", "database or disk is full")),
        (run(), failed("upgrade", "0002", 'extension "vector" is not available')),
    ],
)
def test_what_is_no_fault_of_a_migration_is_not_judged_from_the_bases_models(
    facts: Facts, create: Observation, upgrade: Observation | None
) -> None:
    with pytest.raises(CouldNotJudge):
        judged(facts, BASE_MODELS, create=create, upgrade=upgrade)


IMPORT: dict[str, Any] = {
    "type": "NameError",
    "frames": [{"path": "m/versions/0002.py", "line": 1}],
}


def test_a_migration_of_the_commit_that_cannot_be_imported_is_its_fault(facts: Facts) -> None:
    now = failed("upgrade", **IMPORT)
    assert judged(facts, tree=now) == Comparison(now, None, "replay")
    comparison = judged(facts, BASE_MODELS, create=run(), upgrade=now)
    assert comparison == Comparison(now, None, "base-models")


def test_a_column_that_the_application_queries_is_the_commits_if_the_base_starts(
    facts: Facts,
) -> None:
    now, clean = failed("start", message="no such column: games.winners"), run()
    assert judged(facts, tree=now, base=clean) == Comparison(now, clean, "replay")
    with pytest.raises(CouldNotJudge):
        judged(facts, tree=now, base=failed("start"))
    with pytest.raises(CouldNotJudge):
        judged(facts, has_base=False, tree=now)


@pytest.mark.parametrize(
    "now",
    [
        failed("start"),
        failed("upgrade"),
        failed("start", "0001"),
        failed("upgrade", "0002", "database or disk is full"),
    ],
)
def test_a_run_that_fails_outside_of_a_migration_is_not_judged(
    facts: Facts, now: Observation
) -> None:
    with pytest.raises(CouldNotJudge):
        judged(facts, tree=now, base=run())


def test_a_migration_that_fails_is_the_commits_if_the_bases_pass(facts: Facts) -> None:
    now, clean = failed("upgrade", "0002"), run()
    assert judged(facts, tree=now, base=clean) == Comparison(now, clean, "replay")
    assert judged(facts, has_base=False, tree=now) == Comparison(now, None, "replay")
    old = failed("upgrade", "0001")
    assert judged(facts, tree=old, base=clean) == Comparison(old, clean, "replay")


@pytest.mark.parametrize("has_base", [True, False])
def test_what_the_server_lacks_is_no_fault_of_the_migration(facts: Facts, has_base: bool) -> None:
    now = failed("upgrade", "0002", 'extension "vector" is not available')
    with pytest.raises(CouldNotJudge):
        judged(facts, has_base=has_base, tree=now, base=run())


@pytest.mark.parametrize("revision", ["0001", "0000"])
def test_an_old_migration_that_fails_in_the_base_too_is_left_out(
    facts: Facts, revision: str
) -> None:
    """The base may stop at another one before."""
    runs: Any = {"tree": failed("upgrade", "0001"), "base": failed("upgrade", revision)}
    comparison = judged(facts, **runs, create=run(OLD), upgrade=run(OLD, NEW))
    assert (names(comparison.introduced), comparison.start) == ([NEW], "base-models")
    (note,) = comparison.notes
    assert note.startswith(f"revision {revision} fails in the base too (no such table), so the")


def test_an_old_migration_that_is_edited_and_fails_as_before_is_left_out(tmp_path: Path) -> None:
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    graph.put({"0001": None}, "# Edited.\n")
    fails = failed("upgrade", "0001")
    comparison = judged(graph.facts(), tree=fails, base=fails, create=run(), upgrade=run(NEW))
    assert (names(comparison.introduced), comparison.start) == ([NEW], "base-models")


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (failed("upgrade", "0002"), failed("upgrade", "0001")),
        (failed("upgrade", "0001"), failed("upgrade")),
    ],
    ids=["at another revision", "before all revisions"],
)
def test_a_migration_that_fails_is_the_commits_where_the_base_fails_elsewhere(
    facts: Facts, now: Observation, before: Observation
) -> None:
    assert judged(facts, tree=now, base=before) == Comparison(now, before, "replay")


def test_an_old_migration_that_fails_is_not_judged_where_the_base_does_not_start(
    facts: Facts,
) -> None:
    before = failed("start", message="no module named x\nat all")
    with pytest.raises(CouldNotJudge, match="the base does not start") as error:
        judged(facts, tree=failed("upgrade", "0001", "boom\nat 1"), base=before)
    assert "revision 0001 fails (boom), and" in str(error.value)
    assert "(OperationalError: no module named x)" in str(error.value)
    assert "dump" not in str(error.value.fix)
    connections = ({"dialect": "sqlite"}, {"dialect": "postgresql"})
    old = replace(failed("upgrade", "0001"), connections=connections)
    with pytest.raises(CouldNotJudge) as error:
        judged(facts, tree=old, base=before)
    assert "pg_dump" in str(error.value.fix)
    now = failed("upgrade", "0002")
    assert judged(facts, tree=now, base=before) == Comparison(now, before, "replay")


def test_another_tree_is_compared_with_the_same_run_of_the_base(facts: Facts) -> None:
    def again(comparison: Comparison, **runs: Observation) -> Comparison:
        runner: Any = Runner(facts, runs, Settings(start=comparison.start))
        return recompare(runner, facts.now, facts.in_base, comparison)

    earlier = Comparison(run(OLD), run(OLD), "replay")
    assert names(again(earlier, tree=run(OLD, NEW)).introduced) == [NEW]
    alone = again(Comparison(run(), None, "replay"), tree=run(OLD))
    assert (names(alone.introduced), alone.before) == ([OLD], None)
    broken = failed("upgrade", "0002")
    assert again(earlier, tree=broken) == Comparison(broken, None, "replay")
    from_models = Comparison(run(), run(), "base-models")
    assert names(again(from_models, create=run(), upgrade=run(NEW)).introduced) == [NEW]


def test_what_a_run_was_refused_is_named_once_for_tree_and_base() -> None:
    fields = ("refused", "refused_writes", "refused_programs")
    refusals: list[dict[str, Any]] = [
        dict.fromkeys(fields, names) for names in (("a", "b"), ("b", "c"))
    ]
    now, before = (Observation(**refused) for refused in refusals)
    for name in fields:
        assert getattr(Comparison(now, before, "replay"), name) == ("a", "b", "c")
        assert getattr(Comparison(now, None, "replay"), name) == ("a", "b")
    assert Comparison(now, before, "replay").guards == ()


def test_a_comparison_is_recalled_if_its_tree_did_not_run() -> None:
    assert Comparison(run(is_recalled=True), run(), "replay").is_recalled
    assert not Comparison(run(), run(is_recalled=True), "replay").is_recalled
