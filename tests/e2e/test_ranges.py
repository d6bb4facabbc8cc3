"""Branches and merge requests: real repositories with a bare remote, cloned as CI clones them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from .branches import (
    PAID,
    Clone,
    advance_main,
    change_models,
    commit,
    merge_request,
    migrate,
    pull_request,
    push,
    take_a_note,
)
from .harness import Project, Result, run
from .subfolder_project import (
    ADD_PAID,
    ENV,
    HEAD,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
)
from .test_counts import NOTE
from .typed_advice import follow

pytestmark = pytest.mark.usefixtures("remote")

ZEROS = "0" * 40
#: By the text alone: where it is about which commits are judged.
STATIC = "--static"
ELSEWHERE = "service/alembic/elsewhere"
LOCATIONS = """\
from pathlib import Path
config = context.config
context.script.version_locations = [str(Path(__file__).parent / "elsewhere")]
"""


# On a developer's machine.


def test_a_branch_is_compared_with_where_it_left_its_target(shop: Project) -> None:
    change_models(shop)
    project_line = shop.line(MODELS, "paid: ")
    take_a_note(shop)
    result = shop.check("--base", "origin/main")
    assert_finding(result, f"{MODELS}:{project_line}:", "missing-migration", "compared: HEAD with ")
    migrate(shop)
    assert_clean(shop.check("--base", "origin/main"), "where it left origin/main")


def test_what_is_staged_is_not_of_the_branch(shop: Project) -> None:
    change_models(shop)
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert_finding(shop.check("--base", "origin/main"), "missing-migration")
    assert_clean(shop.check())


def test_what_the_target_has_gained_is_not_put_down_to_the_branch(shop: Project) -> None:
    shop.git("switch", "--quiet", "main")
    change_models(shop)
    shop.git("switch", "--quiet", "feature")
    take_a_note(shop)
    assert_clean(shop.check("--base", "main"))


def test_a_commit_without_its_migration_is_split(shop: Project) -> None:
    first = change_models(shop)
    line = shop.line(MODELS, "paid: ")
    take_a_note(shop)
    third = migrate(shop)
    assert_clean(shop.check("--base", "origin/main"))
    result = shop.check("--base", "origin/main", "--each-commit")
    assert_finding(
        result,
        f"{MODELS}:{line}:5: split-commit: column orders.paid is in the models in commit "
        f"{first[:8]} (Orders are paid); models and migrations match again only with "
        f"{third[:8]} (Their migration)",
        f"git rebase -i {first[:8]}^",
        "judged: each of its commits (3)",
    )
    assert result.stdout.count("split-commit") == 1


def test_a_migration_before_its_models_is_split_too(shop: Project) -> None:
    migrate(shop)
    second = change_models(shop)
    result = shop.check("--base", "origin/main", "--each-commit")
    assert_finding(result, "split-commit: column orders.paid is not in the models", second[:8])


def test_what_is_taken_back_is_no_finding_of_the_branch(shop: Project) -> None:
    first = change_models(shop)
    shop.git("revert", "--no-edit", first)
    assert_clean(shop.check("--base", "origin/main"))
    result = shop.check("--base", "origin/main", "--each-commit", "--output-format", "json")
    (finding,) = result.json["findings"]
    assert finding["rule"] == "split-commit"
    assert finding["commit"] == first[:8]  # the line stands there only


def test_what_is_never_fixed_is_found_once(shop: Project) -> None:
    change_models(shop)
    take_a_note(shop)
    result = shop.check("--base", "origin/main", "--each-commit", "--output-format", "concise")
    (line,) = result.stdout.splitlines()
    assert "missing-migration" in line


def test_an_old_difference_that_is_healed_and_brought_back_is_split(shop: Project) -> None:
    shop.git("switch", "--quiet", "main")
    change_models(shop)
    shop.git("switch", "--quiet", "-C", "feature")
    migrate(shop)
    (shop.root / VERSIONS / "aaaaaaaaaaaa_test.py").unlink()
    third = commit(shop, "Not that one")
    assert_clean(shop.check("--base", "main"))
    assert_finding(shop.check("--base", "main", "--each-commit"), "split-commit", third[:8])


def test_whole_commits_pass_and_merges_count_by_their_first_parent(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    advance_main(shop)
    shop.git("merge", "--quiet", "--no-edit", "main")
    add_migration(shop, "cccccccccccc", ("aaaaaaaaaaaa", "bbbbbbbbbbbb"))
    shop.git("add", "--all")
    shop.git("commit", "--quiet", "--amend", "--no-edit")
    assert_clean(shop.check("--base", "origin/main", "--each-commit"), "commits (2)")


def test_a_commit_that_cannot_be_judged_is_named(shop: Project) -> None:
    shop.write(MODELS, shop.read(MODELS) + "\nimport nothing_of_that_name\n")
    broken = commit(shop, "Work in progress")
    shop.git("revert", "--no-edit", broken)
    assert_clean(shop.check("--base", "origin/main"))
    result = shop.check("--base", "origin/main", "--each-commit")
    assert_unjudged(result, f"commit {broken[:8]} (Work in progress): ", "nothing_of_that_name")


def test_each_commit_of_what_is_staged_is_refused(shop: Project) -> None:
    result = shop.check("--each-commit")
    assert result.returncode == 2
    assert "--base origin/main" in result.stderr


def test_each_tree_is_run_once(shop: Project, tmp_path: Path) -> None:
    """As a commit, as the next one's base, as the whole's tip and as its base."""
    change_models(shop)
    take_a_note(shop, "One")
    take_a_note(shop, "Two")
    log = tmp_path / "starts"
    log.touch()
    shop.allow_write(log)
    (libraries,) = (shop.root / ".venv").glob("lib/python*/site-packages")
    (libraries / "_starts.pth").write_text(NOTE.format(log=str(log)))
    wanted = ("--base", "origin/main", "--no-cache")
    assert_finding(shop.check(*wanted, once=True), "missing-migration")  # finds the interpreter
    log.write_text("")
    assert_finding(shop.check(*wanted, "--each-commit", once=True), "missing-migration")
    main_and_three_commits = 4
    assert len(set(log.read_text().split())) == main_and_three_commits


# The merge.


def test_a_branch_whose_target_has_another_migration_is_stale(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    path = add_migration(shop, "dddddddddddd", "aaaaaaaaaaaa")
    commit(shop, "And one more")
    advance_main(shop)
    first = path.replace("dddddddddddd", "aaaaaaaaaaaa")
    result = shop.check("--base", "origin/main")
    assert_finding(
        result,
        f"{first}:{shop.line(first, 'down_revision')}:17: stale-branch: merged into origin/main",
        "2 heads: bbbbbbbbbbbb, dddddddddddd",
        "set down_revision = 'bbbbbbbbbbbb' here",
    )
    assert result.stdout.count("stale-branch") == 1
    assert shop.git("status", "--porcelain") == ""
    shop.replace(first, f"down_revision = '{HEAD}'", "down_revision = 'bbbbbbbbbbbb'")
    commit(shop, "Rebased by hand")
    shop.git("rebase", "--quiet", "origin/main")
    assert_clean(shop.check("--base", "origin/main"))


def test_a_verdict_that_is_remembered_hides_no_stale_branch(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    assert_clean(shop.check("--base", "origin/main"))
    advance_main(shop)
    assert_finding(shop.check("--base", "origin/main"), "stale-branch")


def test_a_parent_that_the_target_deleted_is_stale(shop: Project) -> None:
    shop.git("switch", "--quiet", "main")
    parent = add_migration(shop, "bbbbbbbbbbbb")
    commit(shop, "A migration")
    shop.git("switch", "--quiet", "-C", "feature")
    add_migration(shop, "aaaaaaaaaaaa", "bbbbbbbbbbbb", ADD_PAID)
    change_models(shop)
    shop.git("switch", "--quiet", "main")
    (shop.root / parent).unlink()
    commit(shop, "Not that one")
    shop.git("switch", "--quiet", "feature")
    assert_finding(
        shop.check("--base", "main"), "stale-branch", "down_revision 'bbbbbbbbbbbb' is gone in main"
    )


def test_a_merge_with_conflicts_elsewhere_is_judged_by_its_migrations(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    shop.git("switch", "--quiet", "main")
    shop.replace(MODELS, shop.sample.after, shop.sample.after + PAID.replace("paid", "sent"))
    add_migration(shop, "bbbbbbbbbbbb", upgrade=ADD_PAID.replace("paid", "sent"))
    commit(shop, "Orders are sent")
    shop.git("switch", "--quiet", "feature")
    assert_finding(shop.check("--base", "main"), "stale-branch", "'bbbbbbbbbbbb'")


def test_a_merge_with_conflicts_in_a_migration_is_not_judged(shop: Project) -> None:
    path = add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    shop.git("switch", "--quiet", "main")
    assert add_migration(shop, "aaaaaaaaaaaa", upgrade="pass  # nothing") == path
    commit(shop, "The same name")
    shop.git("switch", "--quiet", "feature")
    said = f"not judged: the merge into main: it has conflicts in {path}"
    assert_clean(shop.check("--base", "main"), said)


def test_a_merge_with_a_migration_that_is_broken_is_not_judged(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    shop.git("switch", "--quiet", "main")
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade="if (:")
    commit(shop, "In a hurry")
    shop.git("switch", "--quiet", "feature")
    said = f"not judged: the merge into main: {path} is not valid Python"
    assert_clean(shop.check("--base", "main"), said)


def test_the_merge_is_judged_where_env_py_says_migrations_are(shop: Project) -> None:
    shop.git("switch", "--quiet", "main")
    (shop.root / VERSIONS).rename(shop.root / ELSEWHERE)
    shop.replace(ENV, "config = context.config\n", LOCATIONS)
    commit(shop, "Elsewhere")
    shop.git("switch", "--quiet", "-C", "feature")
    for branch, revision in (("main", "bbbbbbbbbbbb"), ("feature", "aaaaaaaaaaaa")):
        shop.git("switch", "--quiet", branch)
        path = shop.root / add_migration(shop, revision, staged=False)
        path.rename(shop.root / ELSEWHERE / path.name)
        commit(shop, "A migration")
    result = shop.check("--base", "main")
    assert_finding(result, f"{ELSEWHERE}/{path.name}:", "stale-branch", "'bbbbbbbbbbbb'")


def test_a_git_that_cannot_merge_trees_is_told_of(shop: Project, tmp_path: Path) -> None:
    take_a_note(shop)
    advance_main(shop)
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo "git version 2.34.1" && exit\n'
        f'PATH="{os.environ["PATH"]}" exec git "$@"\n'
    )
    old.chmod(0o755)
    shop.environ["PATH"] = f"{old.parent}:{os.environ['PATH']}"
    said = "not judged: the merge into origin/main: it takes git 2.38 or later, and this is 2.34.1"
    assert_clean(shop.check("--base", "origin/main"), said)
    shop.environ["PATH"] = os.environ["PATH"]
    result = shop.check("--base", "origin/main")
    assert_clean(result)
    assert "not judged" not in result.output


def test_branches_without_a_common_commit_are_compared_as_trees(shop: Project) -> None:
    shop.git("checkout", "--quiet", "--orphan", "other")
    commit(shop, "Elsewhere")
    change_models(shop)
    result = shop.check("--base", "main")
    assert_unjudged(result, "have no commit in common", "'main^{tree}'")
    assert_finding(follow(shop, result), "missing-migration")


# Whose settings.


def test_a_branch_cannot_permit_itself(shop: Project) -> None:
    change_models(shop)
    shop.write("pyproject.toml", '[tool.alembic-lockstep.ignore]\n"orders" = "Because I say so."\n')
    commit(shop, "Nothing to see")
    assert_clean(shop.check("--base", "origin/main"), "1 by orders")
    result = shop.check("--base", "origin/main", "--settings-from", "base")
    assert_finding(result, "missing-migration")


def test_a_directive_that_the_base_lacks_does_not_count(shop: Project) -> None:
    directive = "  # lockstep: ignore[missing-migration] Because I say so."
    column = PAID.replace("\n", f"{directive}\n")
    shop.replace(MODELS, shop.sample.after, shop.sample.after + column)
    commit(shop, "Nothing to see")
    assert_clean(shop.check("--base", "origin/main"), "1 by comment")
    result = shop.check("--base", "origin/main", "--settings-from", "base")
    said = f"not honoured: {MODELS}:{shop.line(MODELS, directive)}: the base does not have it"
    assert_finding(result, "missing-migration", said)
    # What the target has been given by somebody else counts.
    assert_clean(shop.check("--base", "HEAD", "--settings-from", "base"))


# In CI.


def on_github(project: Project, event: str, payload: Mapping[str, object], *args: str) -> Result:
    file = project.root.with_name("event.json")
    file.write_text(json.dumps({"repository": {"default_branch": "main"}, **payload}))
    project.environ.update(
        CI="true", GITHUB_ACTIONS="true", GITHUB_EVENT_NAME=event, GITHUB_EVENT_PATH=str(file)
    )
    return project.check(*args)


def on_gitlab(project: Project, *args: str, **variables: str) -> Result:
    of_every_pipeline = {"CI": "true", "GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"}
    project.environ.update({**of_every_pipeline, **variables})
    return project.check(*args)


@pytest.mark.parametrize("depth", [0, 2])
def test_a_pull_request_is_judged_as_its_merge(shop: Project, clone: Clone, depth: int) -> None:
    change_models(shop)
    advance_main(shop)
    base, head, merge = merge_request(shop)
    there = clone("refs/pull/7/merge", depth=depth, others=not depth)
    assert there.git("rev-parse", "HEAD") == merge
    result = on_github(there, "pull_request", pull_request(base, head))
    said = f"compared: the merge of {head[:8]} into origin/main with {base[:8]}, its target"
    assert_finding(result, "missing-migration: column orders.paid", said)
    assert result.stdout.count("missing-migration") == 1


def test_a_pull_request_that_is_stale_says_so_of_the_merge(shop: Project, clone: Clone) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    advance_main(shop)
    base, head, _ = merge_request(shop)
    there = clone("refs/pull/7/merge", depth=2, others=False)
    # GitHub made the merge with a newer main than the event knows.
    old = shop.git("rev-parse", "origin/main^")
    result = on_github(there, "pull_request", pull_request(old, head))
    assert_finding(result, "stale-branch", "bbbbbbbbbbbb")
    assert "multiple-heads" not in result.stdout
    assert base[:8] in result.stderr


def test_each_commit_of_a_pull_request_is_the_branches_own(shop: Project, clone: Clone) -> None:
    change_models(shop)
    migrate(shop)
    base, head, _ = merge_request(shop)
    there = clone("refs/pull/7/merge")
    result = on_github(there, "pull_request", pull_request(base, head), "--each-commit")
    assert_finding(result, "split-commit", "each of its commits (2)")
    shallow = clone("refs/pull/7/merge", depth=2, others=False)
    result = on_github(shallow, "pull_request", pull_request(base, head), "--each-commit")
    assert_unjudged(result, "not in this shallow clone", "fetch-depth: 0", "git fetch --unshallow")
    assert_finding(follow(shallow, result, "--each-commit"), "split-commit")


def test_the_head_of_a_pull_request_is_judged_with_its_merge(shop: Project, clone: Clone) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    advance_main(shop)
    base, head, _ = merge_request(shop)
    there = clone("refs/pull/7/head")
    assert_finding(on_github(there, "pull_request", pull_request(base, head)), "stale-branch")


@pytest.mark.parametrize("ref", ["refs/pull/7/merge", "refs/pull/7/head"])
def test_a_pull_request_in_the_shallowest_clone_is_no_pass(
    shop: Project, clone: Clone, ref: str
) -> None:
    take_a_note(shop)
    base, head, _ = merge_request(shop)
    there = clone(ref, depth=1, others=False)
    result = on_github(there, "pull_request", pull_request(base, head), STATIC)
    assert_unjudged(result, "not in this shallow clone", "fetch-depth: 0")
    assert_clean(follow(there, result, STATIC))


def test_the_target_checked_out_for_a_pull_request_is_no_pass(shop: Project, clone: Clone) -> None:
    change_models(shop)
    base, head, _ = merge_request(shop)
    there = clone("refs/heads/main")
    result = on_github(there, "pull_request_target", pull_request(base, head), STATIC)
    assert_unjudged(result, "without the commits of the merge request", f"git checkout {head}")
    assert_finding(follow(there, result, STATIC), "missing-migration")


def test_a_push_to_the_default_branch_is_what_it_brings(shop: Project, clone: Clone) -> None:
    before = shop.git("rev-parse", "origin/main")
    after = change_models(shop)  # squashed, say
    push(shop, after, "refs/heads/main")
    payload = {"ref": "refs/heads/main", "before": before, "after": after}
    there = clone("refs/heads/main", depth=2, others=False)
    said = f"compared: HEAD with {before[:8]}, main before the push"
    assert_finding(on_github(there, "push", payload), "missing-migration", said)
    shallow = clone("refs/heads/main", depth=1, others=False)
    result = on_github(shallow, "push", payload, STATIC)
    assert_unjudged(result, "not in this shallow clone")
    assert_finding(follow(shallow, result, STATIC), "missing-migration")


def test_what_a_forced_push_replaced_is_fetched_or_another_commit_named(
    shop: Project, clone: Clone
) -> None:
    before = take_a_note(shop, "Replaced")
    push(shop, before, "refs/heads/elsewhere")
    shop.git("reset", "--quiet", "--hard", "main")
    push(shop, change_models(shop), "refs/heads/main")
    payload = {"ref": "refs/heads/main", "before": before}
    there = clone("refs/heads/main", others=False)
    result = on_github(there, "push", payload, STATIC)
    assert_unjudged(result, f"git fetch origin {before}", "check --base HEAD^")
    assert_finding(follow(there, result, STATIC), "missing-migration")
    result = on_github(there, "push", {**payload, "before": "1" * 40}, STATIC)
    assert_unjudged(result, f"git fetch origin {'1' * 40}")
    assert_finding(there.check("--base", "HEAD^", STATIC), "missing-migration")


def test_a_push_to_another_branch_is_all_that_it_has(shop: Project, clone: Clone) -> None:
    """What was red in the last push is not green after the next one."""
    before = change_models(shop)
    after = take_a_note(shop)
    push(shop, after, "refs/heads/feature")
    payload = {"ref": "refs/heads/feature", "before": before, "after": after}
    result = on_github(clone("refs/heads/feature"), "push", payload)
    assert_finding(result, "missing-migration", "where it left origin/main")
    alone = clone("refs/heads/feature", others=False)
    missing = "git fetch origin main:refs/remotes/origin/main"
    result = on_github(alone, "push", payload, STATIC)
    assert_unjudged(result, missing)
    assert_finding(follow(alone, result, STATIC), "missing-migration")


def test_the_first_push_of_all_is_compared_with_nothing(shop: Project, clone: Clone) -> None:
    payload = {"ref": "refs/heads/main", "before": ZEROS, "after": shop.git("rev-parse", "HEAD")}
    assert_clean(on_github(clone("refs/heads/main"), "push", payload), "main with nothing")


def test_a_merge_queue_is_judged_on_its_own_base(shop: Project, clone: Clone) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    _, _, first = merge_request(shop)  # another's request, which is before ours in the queue
    shop.git("switch", "--quiet", "--detach", first)
    path = add_migration(shop, "bbbbbbbbbbbb")
    second = commit(shop, "Squashed")
    push(shop, second, "refs/heads/gh-readonly-queue/main/pr-8")
    there = clone("refs/heads/gh-readonly-queue/main/pr-8")
    group = {"merge_group": {"base_sha": first, "head_sha": second}}
    result = on_github(there, "merge_group", group)
    assert_finding(result, f"{path}:", "multiple-heads", "the merge queue's base")


@pytest.mark.parametrize("event", ["schedule", "workflow_dispatch"])
def test_an_event_without_commits_is_no_pass(shop: Project, clone: Clone, event: str) -> None:
    take_a_note(shop)
    push(shop, "feature", "refs/heads/main")
    there = clone("refs/heads/main")
    result = on_github(there, event, {})
    assert_unjudged(result, f"the event '{event}' has no commits to check", "check --base HEAD^")
    assert_clean(follow(there, result))


def test_a_payload_that_cannot_be_read_is_no_pass(shop: Project) -> None:
    shop.environ.update(GITHUB_ACTIONS="true", GITHUB_EVENT_PATH="/nowhere/event.json")
    assert_unjudged(shop.check(), "GITHUB_EVENT_PATH (/nowhere/event.json) cannot be read")


@pytest.mark.parametrize(
    ("event", "payload", "lacking"),
    [
        ("pull_request", {"pull_request": {}}, "pull_request.base.ref"),
        ("pull_request", {"pull_request": {"base": {"ref": "main"}}}, "pull_request.head.sha"),
        ("merge_group", {}, "merge_group.base_sha"),
        ("push", {"ref": None}, "ref"),
        ("push", {"ref": "refs/heads/main", "repository": []}, "repository.default_branch"),
        ("push", {"ref": "refs/heads/main"}, "before"),
    ],
)
def test_a_payload_that_lacks_something_is_no_pass(
    shop: Project, event: str, payload: dict[str, object], lacking: str
) -> None:
    assert_unjudged(on_github(shop, event, payload), f"has no {lacking}", "check --base")


def test_variables_that_lack_something_are_no_pass(shop: Project) -> None:
    request = on_gitlab(shop, CI_MERGE_REQUEST_IID="7")
    assert_unjudged(request, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME is not set")
    del shop.environ["CI_MERGE_REQUEST_IID"]
    branch = on_gitlab(shop, CI_COMMIT_BRANCH="feature", CI_DEFAULT_BRANCH="")
    assert_unjudged(branch, "CI_DEFAULT_BRANCH is not set")


def test_what_a_program_commits_in_ci_is_what_is_staged(shop: Project) -> None:
    shop.environ.update(GITHUB_ACTIONS="true", GITHUB_EVENT_PATH="/nowhere/event.json")
    shop.add_column()
    shop.stage(".")
    assert_finding(shop.check(), "missing-migration")


def test_a_merge_request_is_judged_on_gitlab(shop: Project, clone: Clone) -> None:
    base = shop.git("rev-parse", "origin/main")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    change_models(shop)
    advance_main(shop)
    merge_request(shop)
    about = {
        "CI_MERGE_REQUEST_IID": "7",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "",
        "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "",
    }
    whole = on_gitlab(clone("refs/pull/7/head"), **about)
    assert_finding(whole, "stale-branch", "where it left origin/main")
    # As GitLab clones by default: the source branch alone.
    alone = on_gitlab(clone("refs/pull/7/head", depth=20, others=False), **about)
    assert_clean(alone, "not judged: the merge into origin/main, which is not in this clone")
    shallow = on_gitlab(clone("refs/pull/7/head", depth=1, others=False), **about)
    assert_unjudged(shallow, "not in this shallow clone", "GIT_DEPTH: 0")


@pytest.mark.parametrize("squashed", [False, True])
def test_a_merged_result_is_judged_on_gitlab(
    shop: Project, clone: Clone, *, squashed: bool
) -> None:
    change_models(shop)
    migrate(shop)
    advance_main(shop)
    base, head, merge = merge_request(shop)
    if squashed:
        tree, old = shop.git("rev-parse", f"{head}^{{tree}}"), shop.git("merge-base", head, base)
        squash = shop.git("commit-tree", tree, "-p", old, "-m", "Squashed")
        merged = shop.git("rev-parse", f"{merge}^{{tree}}")
        merge = shop.git("commit-tree", merged, "-p", base, "-p", squash, "-m", "Merge")
        push(shop, merge, "refs/pull/7/merge")
    result = on_gitlab(
        clone("refs/pull/7/merge"),
        "--each-commit",
        CI_MERGE_REQUEST_IID="7",
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
        CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=head,
        CI_MERGE_REQUEST_TARGET_BRANCH_SHA=base,
    )
    assert_finding(result, "stale-branch", f"commits ({1 if squashed else 2})")
    assert ("split-commit" in result.stdout) is not squashed


def test_branches_are_judged_on_gitlab(shop: Project, clone: Clone) -> None:
    before = shop.git("rev-parse", "origin/main")
    after = change_models(shop)
    push(shop, after, "refs/heads/feature")
    feature = on_gitlab(
        clone("refs/heads/feature"),
        CI_COMMIT_BRANCH="feature",
        CI_COMMIT_BEFORE_SHA=ZEROS,
        CI_PIPELINE_SOURCE="push",
    )
    assert_finding(feature, "missing-migration", "where it left origin/main")
    push(shop, after, "refs/heads/main")
    there = clone("refs/heads/main")
    about = {"CI_COMMIT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"}
    result = on_gitlab(there, CI_COMMIT_BEFORE_SHA=before, **about)
    assert_finding(result, "missing-migration", "main before the push")
    about["CI_PIPELINE_SOURCE"] = "schedule"
    assert_unjudged(on_gitlab(there, CI_COMMIT_BEFORE_SHA=ZEROS, **about), "check --base HEAD^")


def test_a_push_after_the_history_was_rewritten_is_what_it_brings(shop: Project) -> None:
    """pre-commit's own names for it: what the remote has now is no ancestor any more."""
    old = change_models(shop)
    shop.git("reset", "--quiet", "--hard", "main")
    new = take_a_note(shop)
    shop.environ.update(PRE_COMMIT_FROM_REF=old, PRE_COMMIT_TO_REF=new)
    assert_clean(shop.check())


def test_a_bare_remote_stays_as_it_was(shop: Project) -> None:
    remote = shop.root.with_name("remote.git")
    change_models(shop)
    before = run(("git", "for-each-ref"), cwd=remote, environ=shop.environ).stdout
    shop.check("--base", "origin/main", "--each-commit")
    assert run(("git", "for-each-ref"), cwd=remote, environ=shop.environ).stdout == before
