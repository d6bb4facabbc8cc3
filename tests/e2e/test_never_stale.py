"""A cached verdict is never stale, whatever happens in between.

Every check here is made three times: from the cache, from what that kept, and without the cache.
"""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from .conftest import MakeProject
from .edits import (
    EDITS,
    MODELS,
    STEPS,
    Edit,
    add_column,
    add_column_with_migration,
    add_plugin,
    let_drift,
    start_anew,
    write_dotenv,
    write_migration,
)
from .harness import Project, Result, clean_environ
from .many_inputs import VERSIONS, InapplicableError, ManyInputs
from .subfolder_project import (
    ADD_PAID,
    ENV,
    EXAMPLES,
    add_migration,
    assert_clean,
    assert_finding,
    some_examples,
)
from .subfolder_project import MODELS as SHOP

FAST = "Passed: nothing staged touches what the last verdict read."
CLEAN, FINDINGS, COULD_NOT_JUDGE = 0, 1, 2
CROPS = "farm/data/crops.txt"


@pytest.fixture
def many_inputs(make_project: MakeProject) -> ManyInputs:
    project = make_project("many_inputs", hook=None)
    (libraries,) = project.root.glob(".venv/lib/python*/site-packages")
    many_inputs = ManyInputs(project, libraries)
    many_inputs.install("barn", "1.0", "CODE_LENGTH = 8\n")
    return many_inputs


def judged(many_inputs: ManyInputs, code: int, *flags: str) -> Result:
    """Judge what is staged; the verdict has to be this one."""
    result = many_inputs.project.check("--output-format", "json", *flags)
    assert result.returncode == code, result.output
    return result


def rules(result: Result) -> list[str]:
    return [finding["rule"] for finding in result.json["findings"]]


def take_note(many_inputs: ManyInputs, note: str) -> None:
    """Stage a file that no code reads, so that there is a commit to judge."""
    many_inputs.write("NOTES.md", f"{note}\n")
    many_inputs.project.stage("NOTES.md")


def stage_all(many_inputs: ManyInputs, note: str) -> None:
    take_note(many_inputs, note)
    many_inputs.project.stage(".")


def commit(many_inputs: ManyInputs, *args: str) -> None:
    many_inputs.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "A change", *args)


def commit_judged(many_inputs: ManyInputs, *flags: str) -> None:
    """Make a commit that passes, from what lies on disk."""
    stage_all(many_inputs, "judged")
    result = many_inputs.project.check(*flags, once=True)
    assert result.returncode == CLEAN, result.output
    commit(many_inputs)


# What a verdict has to be is written beside each edit, so once is enough here.
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_after_a_verdict(many_inputs: ManyInputs, edit: Edit) -> None:
    flags = ("--strict",) if edit.strict else ()
    edit.before(many_inputs, 1)
    stage_all(many_inputs, "before")
    commit(many_inputs)
    commit_judged(many_inputs, *flags)
    edit.do(many_inputs, 1)
    stage_all(many_inputs, "edited")
    result = judged(many_inputs, edit.code, *flags)
    assert not edit.fast or result.stderr.startswith(FAST), result.stderr


@pytest.mark.both_ways
def test_the_same_tree_with_another_base(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    let_drift(many_inputs, 1)
    stage_all(many_inputs, "drifted")
    commit(many_inputs)
    take_note(many_inputs, "an old difference")
    judged(many_inputs, CLEAN)
    many_inputs.git("reset", "--soft", "HEAD~1")
    judged(many_inputs, FINDINGS)


@pytest.mark.both_ways
def test_the_same_tree_with_another_flag(many_inputs: ManyInputs) -> None:
    let_drift(many_inputs, 1)
    commit_drifted(many_inputs)
    take_note(many_inputs, "an old difference")
    judged(many_inputs, CLEAN)
    judged(many_inputs, FINDINGS, "--strict")
    judged(many_inputs, CLEAN)


def commit_drifted(many_inputs: ManyInputs) -> None:
    stage_all(many_inputs, "drifted")
    commit(many_inputs)


@pytest.mark.both_ways
def test_a_commit_that_was_not_judged_is_by_name(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    add_column(many_inputs, 1)
    commit_drifted(many_inputs)
    take_note(many_inputs, "after it")
    judged(many_inputs, CLEAN)
    judged(many_inputs, FINDINGS, "--tree", "HEAD")
    judged(many_inputs, FINDINGS, "--base", "HEAD~1")


@pytest.mark.both_ways
def test_what_is_not_staged_is_not_judged(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    add_column(many_inputs, 1)
    add_plugin(many_inputs, 1)
    take_note(many_inputs, "the only thing staged")
    assert judged(many_inputs, CLEAN).stderr.startswith(FAST)


@pytest.mark.both_ways
def test_what_is_staged_is_judged_although_it_is_not_on_disk(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    clean = many_inputs.read(MODELS)
    add_column(many_inputs, 1)
    many_inputs.project.stage(MODELS)
    many_inputs.write(MODELS, clean)
    judged(many_inputs, FINDINGS)
    many_inputs.project.stage(MODELS)
    take_note(many_inputs, "no column")
    judged(many_inputs, CLEAN)


@pytest.mark.both_ways
def test_part_of_what_is_staged_is_committed_and_amended(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    add_column_with_migration(many_inputs, 1)
    stage_all(many_inputs, "both")
    judged(many_inputs, CLEAN)
    commit(many_inputs, "--", MODELS)
    judged(many_inputs, CLEAN)  # the migration, after its column
    commit(many_inputs, "--amend")
    take_note(many_inputs, "after both")
    judged(many_inputs, CLEAN)
    many_inputs.git("reset", "--quiet", "--soft", "HEAD~1")
    many_inputs.git("rm", "--quiet", "--cached", VERSIONS + "/m21.py")
    assert rules(judged(many_inputs, FINDINGS)) == ["uncommitted-migration"]


@pytest.mark.both_ways
def test_a_finding_is_fixed_and_comes_back(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    add_column(many_inputs, 1)
    stage_all(many_inputs, "a column")
    assert rules(judged(many_inputs, FINDINGS)) == ["missing-migration"]
    write_migration(many_inputs, 1)
    assert rules(judged(many_inputs, FINDINGS)) == ["uncommitted-migration"]
    many_inputs.project.stage(VERSIONS)
    judged(many_inputs, CLEAN)
    many_inputs.git("rm", "--quiet", "-f", VERSIONS + "/m21.py")
    assert rules(judged(many_inputs, FINDINGS)) == ["missing-migration"]


@pytest.mark.both_ways
def test_branches_are_switched(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    many_inputs.git("switch", "--quiet", "-c", "side")
    add_column_with_migration(many_inputs, 1)
    commit_judged(many_inputs)
    many_inputs.git("switch", "--quiet", "main")
    add_column(many_inputs, 1)
    stage_all(many_inputs, "a column without its migration")
    judged(many_inputs, FINDINGS)
    many_inputs.git("reset", "--quiet", "--hard")
    many_inputs.git("switch", "--quiet", "side")
    take_note(many_inputs, "back again")
    assert judged(many_inputs, CLEAN).stderr.startswith(FAST)


@pytest.mark.both_ways
def test_changes_are_stashed(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    add_column(many_inputs, 1)
    stage_all(many_inputs, "a column")
    judged(many_inputs, FINDINGS)
    many_inputs.git("stash", "--quiet")
    take_note(many_inputs, "meanwhile")
    assert judged(many_inputs, CLEAN).stderr.startswith(FAST)
    many_inputs.git("reset", "--quiet", "--hard")
    many_inputs.git("stash", "pop", "--quiet", "--index")
    judged(many_inputs, FINDINGS)


@pytest.mark.both_ways
def test_a_linked_worktree_has_an_environment_of_its_own(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs, "--strict")
    root = many_inputs.root.with_name("linked")
    many_inputs.git("worktree", "add", "--quiet", str(root), "-b", "side")
    linked = ManyInputs(replace(many_inputs.project, root=root), many_inputs.libraries)
    take_note(linked, "as in the main one")
    judged(linked, CLEAN, "--strict")
    write_dotenv(linked, 1)
    judged(linked, FINDINGS, "--strict")
    take_note(many_inputs, "nothing has changed here")
    assert judged(many_inputs, CLEAN, "--strict").stderr.startswith(FAST)


@pytest.mark.both_ways
def test_what_is_tracked_no_more_is_of_the_environment(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs)
    many_inputs.git("rm", "--quiet", "--cached", CROPS)
    many_inputs.append(".gitignore", f"/{CROPS}\n")
    stage_all(many_inputs, "ignored from now on")
    judged(many_inputs, CLEAN)
    many_inputs.append(CROPS, "orchard\n")
    judged(many_inputs, FINDINGS)


@pytest.mark.both_ways
def test_a_forgotten_file_becomes_an_ignored_one(many_inputs: ManyInputs) -> None:
    commit_judged(many_inputs, "--strict")
    add_plugin(many_inputs, 1)
    take_note(many_inputs, "the plugin is forgotten")
    assert judged(many_inputs, CLEAN, "--strict").stderr.startswith(FAST)
    many_inputs.append(".git/info/exclude", "/farm/plugins/plugin1.py\n")
    judged(many_inputs, FINDINGS, "--strict")


@dataclass(frozen=True)
class Round:
    """Some steps, after which the verdict is asked for.

    Attributes:
        steps: Names of steps, each with a number that tells its variants apart.
        anew: Whether all is as in the last commit before, the environment as at first.
        linked: Whether all this happens in the linked worktree.
    """

    steps: list[tuple[str, int]]
    anew: bool
    staged: bool
    linked: bool


def mostly(usual: bool, of: int) -> st.SearchStrategy[bool]:
    return st.sampled_from([usual] * (of - 1) + [not usual])


rounds = st.builds(
    Round,
    steps=st.lists(
        st.tuples(st.sampled_from(list(STEPS)), st.integers(1, 2)), min_size=1, max_size=3
    ),
    anew=mostly(False, of=3),
    staged=mostly(True, of=4),
    linked=mostly(False, of=5),
)


@pytest.mark.both_ways
def test_a_sequence_of_edits(many_inputs: ManyInputs, tmp_path: Path) -> None:
    stage_all(many_inputs, "first")
    commit(many_inputs)
    places = (tmp_path / "examples" / str(number) for number in itertools.count())

    # Each example is some seconds: who makes more of them by hand may wait for a shorter one.
    @settings(some_examples, phases=tuple(Phase) if EXAMPLES else (Phase.generate,))
    @given(st.booleans(), st.lists(rounds, min_size=2, max_size=4))
    def check(strict: bool, history: list[Round]) -> None:
        flags = ["--output-format", "json", *(["--strict"] if strict else [])]
        farms = copied(many_inputs, next(places))
        take_note(farms[0], "before all")
        assert farms[0].project.check(*flags, once=True).returncode == CLEAN
        for number, round_ in enumerate(history):
            where = farms[round_.linked]
            live(where, round_)
            if round_.staged:
                stage_all(where, str(number))
            result = where.project.check(*flags)
            assert result.returncode in (CLEAN, FINDINGS, COULD_NOT_JUDGE), result.output

    check()


def live(many_inputs: ManyInputs, round_: Round) -> None:
    if round_.anew:
        start_anew(many_inputs)
    for name, number in round_.steps:
        with suppress(InapplicableError):
            STEPS[name](many_inputs, number)


def copied(many_inputs: ManyInputs, folder: Path) -> tuple[ManyInputs, ManyInputs]:
    """Copy the farm, of which nothing is remembered, with its environment; link a worktree."""
    root, linked = folder / "farm", folder / "linked"
    shutil.copytree(many_inputs.root, root, symlinks=True)
    (libraries,) = root.glob(".venv/lib/python*/site-packages")
    project = replace(many_inputs.project, root=root, environ=clean_environ(folder))
    copy = ManyInputs(project, libraries)
    copy.git("worktree", "add", "--quiet", str(linked), "-b", "linked")
    return copy, ManyInputs(replace(project, root=linked), libraries)


@pytest.mark.parametrize(
    ("reads", "change"),
    [
        ("assert open('data/a.txt').read() == 'x'", ("data/a.txt", "y")),
        ("import os; assert os.listdir('data') == ['a.txt']", ("data/b.txt", "x")),
        ("import os; assert not os.path.exists('data/b.txt')", ("data/b.txt", "x")),
        ("import shop.units; assert shop.units.ONE == 1", ("shop/units.py", "ONE = 2\n")),
    ],
    ids=["file", "folder", "absent", "module"],
)
@pytest.mark.parametrize("judged", ["at once", "from a snapshot"])
def test_what_a_migration_read_that_is_not_run_again_still_counts(
    make_project: MakeProject, reads: str, change: tuple[str, str], judged: str
) -> None:
    shop = make_project("subfolder", hook=None)
    shop.write("service/data/a.txt", "x")
    shop.write("service/shop/units.py", "ONE = 1\n")
    shop.stage("service")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=reads)
    assert_clean(shop.check(), "3 revisions run from empty on")
    shop.commit("All of it", "--no-verify")
    shop.write(SHOP, shop.read(SHOP) + "\nLIMIT = 10\n")
    shop.stage(SHOP)
    assert_clean(shop.check(), "3 of them from a snapshot")
    shop.commit("A constant", "--no-verify")
    if judged == "from a snapshot":  # what is asked for anew
        shop.write(SHOP, shop.read(SHOP) + "\nMORE = 10\n")
    path, text = change
    shop.write(f"service/{path}", text)
    shop.stage("service")
    assert_finding(shop.check(), "broken-upgrade")


LOOKS = """import os
if not os.path.isdir(os.path.join(os.path.dirname(__file__), "..", "..", "{folder}")):
    raise SystemExit("no folder")
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("is_tracked", [True, False])
def test_a_folder_that_a_recalled_run_looked_for_still_counts(
    shop: Project, is_tracked: bool
) -> None:
    """The verdict is lost, and stored again from the observation."""
    shop.write("spool/file", "")
    if not is_tracked:
        shop.write(".gitignore", f"{shop.read('.gitignore')}spool/\n")
    shop.write(ENV, LOOKS.format(folder="spool") + shop.read(ENV))
    shop.stage(".")
    assert_clean(shop.check(once=True))
    shop.commit("Look for a folder", "--no-verify")
    cache = Path(shop.environ["XDG_CACHE_HOME"]) / "alembic-lockstep" / "entries"
    shutil.rmtree(cache / "verdicts")
    for text in ("One.\n", "Two.\n"):
        shop.write("notes.txt", text)
        shop.stage("notes.txt")
        result = shop.check(once=True)
        assert_clean(result)
    assert FAST in result.stderr
    shutil.rmtree(shop.root / "spool")
    shop.stage(".")
    for arguments in ((), ("--no-cache",)):
        assert shop.check(*arguments, once=True).returncode == COULD_NOT_JUDGE


@pytest.mark.both_ways
def test_what_is_ignored_no_more_is_not_of_the_checkout(shop: Project) -> None:
    """Its file is as it was; the pattern that decides is not of what is staged."""
    shop.write("service/shop/plan.txt", "paid")
    ignoring = shop.root / ".git" / "info" / "exclude"
    ignoring.write_text("plan.txt\n")
    shop.write(ENV, READS_PLAN + shop.read(ENV))
    shop.stage(ENV)
    assert_clean(shop.check())
    shop.commit("Read a plan", "--no-verify")
    shop.write("notes.txt", "One.\n")
    shop.stage("notes.txt")
    assert FAST in shop.check().stderr
    ignoring.write_text("")
    assert shop.check().returncode == COULD_NOT_JUDGE
    ignoring.write_text("plan.txt\n")
    assert FAST in shop.check().stderr
    shop.write("service/.gitignore", "!plan.txt\n")
    assert shop.check().returncode == COULD_NOT_JUDGE


READS_PLAN = """import os
open(os.path.join(os.path.dirname(__file__), "..", "shop", "plan.txt")).read()
"""


def test_a_new_migration_is_edited_after_a_finding(shop: Project) -> None:
    """The base's trace has the reads of the commit's run, which listed the new file."""
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade=ADD_PAID)
    assert_finding(shop.check(once=True), path, "migration-mismatch", "orders.paid")
    index = "op.create_index('ix_orders_total', 'orders', ['total'])"
    add_migration(shop, "bbbbbbbbbbbb", upgrade=index)
    assert_finding(shop.check(once=True), path, "migration-mismatch", "ix_orders_total")
