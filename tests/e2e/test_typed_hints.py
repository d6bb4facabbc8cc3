"""Hints of rules: what is printed, typed, leads to a verdict that is another."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from .branches import advance_main, change_models, commit, migrate
from .harness import Project, Result, run
from .subfolder_project import VERSIONS, add_migration, assert_clean, assert_finding

pytestmark = pytest.mark.usefixtures("remote")

#: Judged by the text alone, so that a case costs a fraction of a second.
STATIC = "--static"


def hint_of(project: Project, rule: str, *arguments: str) -> str:
    findings = project.check(*arguments, "--output-format", "json").json["findings"]
    (hint,) = {finding["hint"] for finding in findings if finding["rule"] == rule}
    return str(hint)


def type_command(project: Project, command: str, **variables: str) -> Result:
    """Type a command into a shell in which the project's environment is active."""
    path = f"{Path(sys.executable).parent}:{project.environ['PATH']}"
    environ = {**project.environ, "PATH": path, **variables}
    return run(("bash", "-ec", command), cwd=project.root, environ=environ, check=True)


def test_two_heads_are_merged_by_the_command(shop: Project) -> None:
    for name in ("a", "b"):
        add_migration(shop, name * 12)
    hint = hint_of(shop, "multiple-heads", STATIC)
    type_command(shop, hint.partition("make a merge revision: ")[2])
    assert_clean(shop.check(STATIC))


def test_of_two_heads_either_moves_onto_the_other(shop: Project) -> None:
    for name in ("a", "b"):
        add_migration(shop, name * 12)
    (finding,) = shop.check(STATIC, "--output-format", "json").json["findings"]
    (line,) = re.findall(r"Set (down_revision = '\w+') here", finding["hint"])
    replace_line(shop, finding["path"], finding["line"], line)
    assert_clean(shop.check(STATIC))


def replace_line(project: Project, path: str, number: int, text: str) -> None:
    lines = project.read(path).splitlines()
    lines[number - 1] = text
    project.write(path, "\n".join(lines) + "\n")
    project.stage(path)


def test_a_stale_branch_is_merged_by_the_command(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    commit(shop, "Ours")
    advance_main(shop)
    hint = hint_of(shop, "stale-branch", "--base", "origin/main")
    assert hint.startswith("Rebase onto origin/main and set down_revision = 'bbbbbbbbbbbb' here")
    merge = re.search(r"merge (\S+) and make a merge revision: (.*)", hint)
    assert merge is not None
    type_command(shop, f"git merge --quiet --no-edit {merge[1]}\n{merge[2]}")
    shop.git("commit", "--quiet", "-m", "Merge the heads")
    assert_clean(shop.check("--base", "origin/main"))


def test_a_split_commit_is_put_together_by_the_command(shop: Project) -> None:
    change_models(shop)
    migrate(shop)
    arguments = ("--base", "origin/main", "--each-commit")
    command = hint_of(shop, "split-commit", *arguments).partition("into one commit: ")[2]
    type_command(shop, command, GIT_SEQUENCE_EDITOR="sed -i '2s/^pick/fixup/'")
    assert_clean(shop.check(*arguments), "each of its commits (1)")


def test_a_parent_that_is_not_in_the_commit_is_added_by_the_command(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", staged=False)
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    hint = hint_of(shop, "unknown-parent", STATIC)
    type_command(shop, hint.partition("which is not staged: ")[2])
    assert_clean(shop.check(STATIC))


def test_a_parent_that_git_ignores_is_added_by_the_command(shop: Project) -> None:
    shop.write(".gitignore", shop.read(".gitignore") + "\naaaa*\n")
    shop.stage(".gitignore")
    add_migration(shop, "aaaaaaaaaaaa", staged=False)
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    hint = hint_of(shop, "unknown-parent", STATIC)
    type_command(shop, hint.partition("which git ignores: ")[2])
    assert_clean(shop.check(STATIC))


def test_a_parent_that_another_branch_has_comes_with_it(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    commit(shop, "The parent")
    shop.git("switch", "--quiet", "main")
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    commit(shop, "The child")
    hint = hint_of(shop, "unknown-parent", "--base", "HEAD^", STATIC)
    assert hint.startswith("The branch feature has it: merge it, rebase onto it")
    type_command(shop, "git merge --quiet --no-edit feature")
    assert_clean(shop.check("--base", "origin/main", STATIC))


def test_a_parent_that_the_commit_deletes_is_put_back_by_the_command(shop: Project) -> None:
    path = add_migration(shop, "aaaaaaaaaaaa")
    commit(shop, "The parent")
    shop.git("rm", "--quiet", path)
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    hint = hint_of(shop, "unknown-parent", STATIC)
    (command,) = re.findall(r"Put it back, or set another parent: (git .*)", hint)
    type_command(shop, command)
    assert shlex.split(command)[-1] == f":/{path}"
    assert_clean(shop.check(STATIC))


def test_a_new_migration_below_a_published_one_is_put_on_top(shop: Project) -> None:
    above = add_migration(shop, "bbbbbbbbbbbb")
    commit(shop, "Published")
    shop.git("push", "--quiet", "origin", "HEAD:main")
    below = add_migration(shop, "aaaaaaaaaaaa")
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    hint = hint_of(shop, "edited-migration", STATIC)
    back, top = re.findall(r"down_revision (?:back to |= )('\w+')", hint)
    for path, parent in ((above, back), (below, top)):
        text = re.sub(r"(?m)^down_revision = .*", f"down_revision = {parent}", shop.read(path))
        shop.write(path, text)
        shop.stage(path)
    assert_clean(shop.check(STATIC))


def test_a_file_that_a_migration_reads_and_git_ignores_is_added_by_the_command(
    shop: Project,
) -> None:
    shop.write(".gitignore", shop.read(".gitignore") + "\n*.csv\n")
    shop.write(f"{VERSIONS}/the rows.csv", "1\n")
    shop.stage(".gitignore")
    read = "open(__file__.rpartition('/')[0] + '/the rows.csv').read()"
    add_migration(shop, "aaaaaaaaaaaa", upgrade=read)
    result = shop.check()
    assert_finding(result, "uncommitted-migration")
    type_command(shop, hint_of(shop, "uncommitted-migration"))
    assert_clean(shop.check())
