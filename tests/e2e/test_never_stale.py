"""What is remembered is never stale: whatever happens in between, the verdict is the true one.

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
from .harness import Result, clean_environ
from .many_inputs import VERSIONS, Farm, InapplicableError
from .subfolder_project import EXAMPLES, add_migration, assert_clean, assert_finding, some_examples
from .subfolder_project import MODELS as SHOP

FAST = "Passed: nothing staged touches what the last verdict read."
CLEAN, FINDINGS, COULD_NOT_JUDGE = 0, 1, 2
CROPS = "farm/data/crops.txt"


@pytest.fixture
def farm(make_project: MakeProject) -> Farm:
    project = make_project("many_inputs", hook=None)
    (libraries,) = project.root.glob(".venv/lib/python*/site-packages")
    farm = Farm(project, libraries)
    farm.install("barn", "1.0", "CODE_LENGTH = 8\n")
    return farm


def judged(farm: Farm, code: int, *flags: str) -> Result:
    """Judge what is staged; the verdict has to be this one."""
    result = farm.project.check("--output-format", "json", *flags)
    assert result.returncode == code, result.output
    return result


def rules(result: Result) -> list[str]:
    return [finding["rule"] for finding in result.json["findings"]]


def take_note(farm: Farm, note: str) -> None:
    """Stage a file that nobody reads, so that there is a commit to judge."""
    farm.write("NOTES.md", f"{note}\n")
    farm.project.stage("NOTES.md")


def stage_all(farm: Farm, note: str) -> None:
    take_note(farm, note)
    farm.project.stage(".")


def commit(farm: Farm, *args: str) -> None:
    farm.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "A change", *args)


def commit_judged(farm: Farm, *flags: str) -> None:
    """Make a commit that passes, from what lies on disk."""
    stage_all(farm, "judged")
    result = farm.project.check(*flags, once=True)
    assert result.returncode == CLEAN, result.output
    commit(farm)


# What a verdict has to be is written beside each edit, so once is enough here.
@pytest.mark.sampled(3)
@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_after_a_verdict(farm: Farm, edit: Edit) -> None:
    flags = ("--strict",) if edit.strict else ()
    edit.before(farm, 1)
    stage_all(farm, "before")
    commit(farm)
    commit_judged(farm, *flags)
    edit.do(farm, 1)
    stage_all(farm, "edited")
    result = judged(farm, edit.code, *flags)
    assert not edit.fast or result.stderr.startswith(FAST), result.stderr


@pytest.mark.both_ways
def test_the_same_tree_with_another_base(farm: Farm) -> None:
    commit_judged(farm)
    let_drift(farm, 1)
    stage_all(farm, "drifted")
    commit(farm)
    take_note(farm, "an old difference")
    judged(farm, CLEAN)
    farm.git("reset", "--soft", "HEAD~1")
    judged(farm, FINDINGS)


@pytest.mark.both_ways
def test_the_same_tree_with_another_flag(farm: Farm) -> None:
    let_drift(farm, 1)
    commit_drifted(farm)
    take_note(farm, "an old difference")
    judged(farm, CLEAN)
    judged(farm, FINDINGS, "--strict")
    judged(farm, CLEAN)


def commit_drifted(farm: Farm) -> None:
    stage_all(farm, "drifted")
    commit(farm)


@pytest.mark.both_ways
def test_a_commit_that_was_not_judged_is_by_name(farm: Farm) -> None:
    commit_judged(farm)
    add_column(farm, 1)
    commit_drifted(farm)
    take_note(farm, "after it")
    judged(farm, CLEAN)
    judged(farm, FINDINGS, "--tree", "HEAD")
    judged(farm, FINDINGS, "--base", "HEAD~1")


@pytest.mark.both_ways
def test_what_is_not_staged_is_not_judged(farm: Farm) -> None:
    commit_judged(farm)
    add_column(farm, 1)
    add_plugin(farm, 1)
    take_note(farm, "the only thing staged")
    assert judged(farm, CLEAN).stderr.startswith(FAST)


@pytest.mark.both_ways
def test_what_is_staged_is_judged_although_it_is_not_on_disk(farm: Farm) -> None:
    commit_judged(farm)
    clean = farm.read(MODELS)
    add_column(farm, 1)
    farm.project.stage(MODELS)
    farm.write(MODELS, clean)
    judged(farm, FINDINGS)
    farm.project.stage(MODELS)
    take_note(farm, "no column")
    judged(farm, CLEAN)


@pytest.mark.both_ways
def test_part_of_what_is_staged_is_committed_and_amended(farm: Farm) -> None:
    commit_judged(farm)
    add_column_with_migration(farm, 1)
    stage_all(farm, "both")
    judged(farm, CLEAN)
    commit(farm, "--", MODELS)
    judged(farm, CLEAN)  # the migration, after its column
    commit(farm, "--amend")
    take_note(farm, "after both")
    judged(farm, CLEAN)
    farm.git("reset", "--quiet", "--soft", "HEAD~1")
    farm.git("rm", "--quiet", "--cached", VERSIONS + "/m21.py")
    assert rules(judged(farm, FINDINGS)) == ["uncommitted-migration"]


@pytest.mark.both_ways
def test_a_finding_is_fixed_and_comes_back(farm: Farm) -> None:
    commit_judged(farm)
    add_column(farm, 1)
    stage_all(farm, "a column")
    assert rules(judged(farm, FINDINGS)) == ["missing-migration"]
    write_migration(farm, 1)
    assert rules(judged(farm, FINDINGS)) == ["uncommitted-migration"]
    farm.project.stage(VERSIONS)
    judged(farm, CLEAN)
    farm.git("rm", "--quiet", "-f", VERSIONS + "/m21.py")
    assert rules(judged(farm, FINDINGS)) == ["missing-migration"]


@pytest.mark.both_ways
def test_branches_are_switched(farm: Farm) -> None:
    commit_judged(farm)
    farm.git("switch", "--quiet", "-c", "side")
    add_column_with_migration(farm, 1)
    commit_judged(farm)
    farm.git("switch", "--quiet", "main")
    add_column(farm, 1)
    stage_all(farm, "a column without its migration")
    judged(farm, FINDINGS)
    farm.git("reset", "--quiet", "--hard")
    farm.git("switch", "--quiet", "side")
    take_note(farm, "back again")
    assert judged(farm, CLEAN).stderr.startswith(FAST)


@pytest.mark.both_ways
def test_changes_are_stashed(farm: Farm) -> None:
    commit_judged(farm)
    add_column(farm, 1)
    stage_all(farm, "a column")
    judged(farm, FINDINGS)
    farm.git("stash", "--quiet")
    take_note(farm, "meanwhile")
    assert judged(farm, CLEAN).stderr.startswith(FAST)
    farm.git("reset", "--quiet", "--hard")
    farm.git("stash", "pop", "--quiet", "--index")
    judged(farm, FINDINGS)


@pytest.mark.both_ways
def test_a_linked_worktree_has_an_environment_of_its_own(farm: Farm) -> None:
    commit_judged(farm, "--strict")
    root = farm.root.with_name("linked")
    farm.git("worktree", "add", "--quiet", str(root), "-b", "side")
    linked = Farm(replace(farm.project, root=root), farm.libraries)
    take_note(linked, "as in the main one")
    judged(linked, CLEAN, "--strict")
    write_dotenv(linked, 1)
    judged(linked, FINDINGS, "--strict")
    take_note(farm, "nothing has changed here")
    assert judged(farm, CLEAN, "--strict").stderr.startswith(FAST)


@pytest.mark.both_ways
def test_what_is_tracked_no_more_is_of_the_environment(farm: Farm) -> None:
    commit_judged(farm)
    farm.git("rm", "--quiet", "--cached", CROPS)
    farm.append(".gitignore", f"/{CROPS}\n")
    stage_all(farm, "ignored from now on")
    judged(farm, CLEAN)
    farm.append(CROPS, "orchard\n")
    judged(farm, FINDINGS)


@pytest.mark.both_ways
def test_a_forgotten_file_becomes_an_ignored_one(farm: Farm) -> None:
    commit_judged(farm, "--strict")
    add_plugin(farm, 1)
    take_note(farm, "the plugin is forgotten")
    assert judged(farm, CLEAN, "--strict").stderr.startswith(FAST)
    farm.append(".git/info/exclude", "/farm/plugins/plugin1.py\n")
    judged(farm, FINDINGS, "--strict")


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
def test_a_sequence_of_edits(farm: Farm, tmp_path: Path) -> None:
    stage_all(farm, "first")
    commit(farm)
    places = (tmp_path / "examples" / str(number) for number in itertools.count())

    # Each example is some seconds: who makes more of them by hand may wait for a shorter one.
    @settings(some_examples, phases=tuple(Phase) if EXAMPLES else (Phase.generate,))
    @given(st.booleans(), st.lists(rounds, min_size=2, max_size=4))
    def check(strict: bool, history: list[Round]) -> None:
        flags = ["--output-format", "json", *(["--strict"] if strict else [])]
        farms = copied(farm, next(places))
        take_note(farms[0], "before all")
        assert farms[0].project.check(*flags, once=True).returncode == CLEAN
        for number, one in enumerate(history):
            where = farms[one.linked]
            live(where, one)
            if one.staged:
                stage_all(where, str(number))
            result = where.project.check(*flags)
            assert result.returncode in (CLEAN, FINDINGS, COULD_NOT_JUDGE), result.output

    check()


def live(farm: Farm, one: Round) -> None:
    if one.anew:
        start_anew(farm)
    for name, number in one.steps:
        with suppress(InapplicableError):
            STEPS[name](farm, number)


def copied(farm: Farm, place: Path) -> tuple[Farm, Farm]:
    """Copy the farm, of which nothing is remembered, with its environment; link a worktree."""
    root, linked = place / "farm", place / "linked"
    shutil.copytree(farm.root, root, symlinks=True)
    (libraries,) = root.glob(".venv/lib/python*/site-packages")
    project = replace(farm.project, root=root, environ=clean_environ(place))
    copy = Farm(project, libraries)
    copy.git("worktree", "add", "--quiet", str(linked), "-b", "linked")
    return copy, Farm(replace(project, root=linked), libraries)


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
