"""States of git that keep a commit from being judged: the printed command, typed, leads on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .branches import change_models, commit, migrate, take_a_note
from .harness import Project, run
from .subfolder_project import HEAD_FILE, MODELS, assert_clean, assert_finding, assert_unjudged
from .typed_advice import follow

pytestmark = pytest.mark.usefixtures("remote")

NOTES = "the notes.txt"
#: Judged by the text alone, so that a case costs a fraction of a second.
STATIC = "--static"


def conflict(shop: Project) -> None:
    for branch in ("feature", "main"):
        shop.git("switch", "--quiet", branch)
        shop.write(NOTES, f"of {branch}\n")
        commit(shop, "A note")
    assert run(("git", "merge", "feature"), cwd=shop.root, environ=shop.environ).returncode == 1
    shop.write(NOTES, "of both\n")


def clone_of_one_branch(shop: Project, *options: str) -> Project:
    take_a_note(shop)
    shop.git("push", "--quiet", "origin", "feature")
    root = shop.root.with_name("clone")
    remote = shop.root.with_name("remote.git").as_uri()
    shop.git("clone", "--quiet", "--branch", "feature", *options, remote, str(root))
    return replace(shop, root=root)


def test_conflicts_in_the_index(shop: Project) -> None:
    conflict(shop)
    result = shop.check(STATIC)
    assert_unjudged(result, "the index has conflicts of a merge", f"git add ':/{NOTES}'\n")
    assert_clean(follow(shop, result, STATIC, folder="service"))


def test_a_branch_that_a_clone_of_another_lacks(shop: Project) -> None:
    there = clone_of_one_branch(shop, "--single-branch")
    arguments = ("--base", "origin/main", STATIC)
    result = there.check(*arguments)
    assert_unjudged(result, "no commit or tree named 'origin/main'", "git fetch origin main:")
    assert_clean(follow(there, result, *arguments))


def test_a_shallow_clone(shop: Project) -> None:
    there = clone_of_one_branch(shop, "--depth=1", "--no-single-branch")
    arguments = ("--base", "origin/main", STATIC)
    result = there.check(*arguments)
    assert_unjudged(result, "not in this shallow clone", "git fetch --unshallow\n")
    assert_clean(follow(there, result, *arguments))


#: Objects that a clone may have lost, in a power cut say; the remote has all but what is staged.
LOST = {
    "a migration": f"HEAD:{HEAD_FILE}",
    "a folder": "HEAD:service/shop",
    "the tree": "HEAD^{tree}",
    "the commit": "HEAD",
    "another file": "HEAD:.gitignore",
    "what is staged": f":{MODELS}",
    "an empty folder": "HEAD:service",
    "an empty migration": f"HEAD:{HEAD_FILE}",
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("thing", LOST)
def test_objects_that_were_lost(shop: Project, thing: str) -> None:
    """It was `git fsck`, which only lists them; for folders and commits, nothing or `git fetch`."""
    take_a_note(shop)
    shop.git("push", "--quiet", "origin", "feature")
    where = shop.add_column()
    shop.stage(MODELS)
    assert_finding(shop.check(STATIC), where)
    lost = shop.git("rev-parse", LOST[thing])
    file = shop.root / ".git/objects" / lost[:2] / lost[2:]
    file.unlink()
    if "empty" in thing:
        file.touch()
    result = shop.check(STATIC)
    assert_unjudged(result, "git fetch --refetch origin")
    assert_finding(follow(shop, result, STATIC, folder="service"), where)


def test_a_parent_that_was_lost_is_no_missing_one(shop: Project) -> None:
    """The commit was judged as the first of all."""
    take_a_note(shop)
    shop.git("push", "--quiet", "origin", "feature")
    lost = shop.git("rev-parse", "HEAD^")
    (shop.root / ".git/objects" / lost[:2] / lost[2:]).unlink()
    arguments = ("--tree", "HEAD", STATIC)
    result = shop.check(*arguments)
    assert_unjudged(result, "this clone does not have what 'HEAD^' names")
    assert_clean(follow(shop, result, *arguments), "compared: HEAD with its parent")


def test_a_partial_clone_without_its_remote(shop: Project) -> None:
    remote = shop.root.with_name("remote.git")
    shop.git("--git-dir", str(remote), "config", "uploadpack.allowFilter", "true")
    change_models(shop)
    migrate(shop)
    there = clone_of_one_branch(shop, "--no-single-branch", "--filter=blob:none")
    other = remote.rename(shop.root.with_name("away.git"))
    arguments = ("--base", "origin/main", STATIC)
    result = there.check(*arguments)
    assert_unjudged(result, "In this partial clone, git has to reach the remote")
    other.rename(remote)
    assert_clean(follow(there, result, *arguments))


def test_a_branch_that_is_called_otherwise(shop: Project) -> None:
    result = shop.check("--base", "origin/mian", STATIC)
    assert_unjudged(result, "named 'origin/mian'; did you mean 'origin/main'?")
    shop.git("remote", "remove", "origin")
    result = shop.check("--base", "feture", STATIC)
    assert_unjudged(result, "did you mean 'feature'?", "Name another --base")


@pytest.mark.nightly(
    "git asks the clean filter only if a file's time differs, which it does not always"
)
@pytest.mark.sampled(1)
@pytest.mark.parametrize("direction", ["smudge", "clean"])
def test_a_filter_that_fails(shop: Project, direction: str) -> None:
    shop.write(".gitattributes", "*.csv filter=locked\n")
    shop.write("prices.csv", "1\n")
    commit(shop, "A file behind a filter")
    shop.add_column()
    shop.stage(shop.sample.models)
    other = {"smudge": "clean", "clean": "smudge"}[direction]
    for name, value in ((direction, "false"), (other, "cat"), ("required", "true")):
        shop.git("config", f"filter.locked.{name}", value)
    (shop.root / "prices.csv").touch()  # else git looks into it only if it was written just now
    result = shop.check()
    assert_unjudged(result, "git's filter 'locked' failed on prices.csv")
    (line,) = (
        line_of_advice.strip()
        for line_of_advice in result.stderr.splitlines()
        if "get-regexp" in line_of_advice
    )
    asked = run(("bash", "-ec", line), cwd=shop.root, environ=shop.environ, check=True)
    assert f"filter.locked.{direction} false\n" in asked.stdout
    for pair in asked.stdout.splitlines():
        shop.git("config", "--unset", pair.split()[0])
    assert_finding(shop.check(), "missing-migration")


def test_a_configuration_that_is_a_device(shop: Project) -> None:
    """Only what stood in the file is missing then, and its place is told."""
    (shop.root / "pyproject.toml").unlink(missing_ok=True)
    (shop.root / "pyproject.toml").symlink_to("/dev/zero")
    shop.stage("pyproject.toml")
    result = shop.check(STATIC)
    assert_unjudged(result, "pyproject.toml is a link to /dev/zero, which is no file")
    assert_clean(follow(shop, result, STATIC))
