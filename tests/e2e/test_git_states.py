"""States that git can be in at a commit: with a plain hook, each of them decides the verdict."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from .harness import Project, Result, hook_start, require, run
from .subfolder_project import (
    ADD_PAID,
    ENV,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    migration_text,
)
from .typed_advice import follow

#: Says with which code the tool ended: git itself ends with 1 whatever a hook returns.
HOOK = """\
#!/bin/sh
{start} check
code=$?
echo "- exit code: $code" >&2
exit $code
"""
PAID = "9c2e51d0a7b3"
HAVE_SUBMODULES = ("-c", "protocol.file.allow=always")  # of a folder of this machine


@pytest.fixture
def shop(shop: Project) -> Project:
    """The shop, with shell scripts as hooks."""
    install(shop)
    return shop


def install(project: Project) -> None:
    for hook in ("pre-commit", "pre-merge-commit"):
        file = project.root / project.git("rev-parse", "--git-path", f"hooks/{hook}")
        file.parent.mkdir(exist_ok=True)
        file.write_text(HOOK.format(start=hook_start()))
        file.chmod(0o755)


def at(project: Project, root: Path, models: str = MODELS) -> Project:
    """Give another working tree of the same developer, who can commit there."""
    other = replace(project, root=root, sample=replace(project.sample, models=models))
    other.git("config", "user.name", "Ada Developer")
    other.git("config", "user.email", "ada@example.org")
    return other


def git(project: Project, *args: str) -> Result:
    """Run a git command that may fail."""
    environ = {**project.environ, "GIT_EDITOR": "true"}
    return run(("git", *args), cwd=project.root, environ=environ)


def save(project: Project, message: str = "Past the hook") -> None:
    """Commit all there is, past the hook."""
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "-m", message)


def branch_off(project: Project) -> None:
    """On a branch `side` add a model's column and its migration; on `main` something else."""
    project.git("checkout", "-q", "-b", "side")
    project.write("notes", "of the side\n")
    project.add_column()
    migrate(project)
    save(project)
    project.git("checkout", "-q", "main")
    project.write("notes", "of the main branch\n")
    save(project)


def migrate(project: Project, *, staged: bool = True) -> str:
    """Write the migration for the sample's new column; give its path."""
    return add_migration(project, PAID, upgrade=ADD_PAID, staged=staged)


def assert_passed(result: Result) -> None:
    assert result.returncode == 0, result.output
    assert "- exit code: 0\n" in result.output, result.output


def assert_blocked(result: Result, *said: str, code: int = 1) -> None:
    assert result.returncode != 0, result.output
    assert f"- exit code: {code}\n" in result.output, result.output
    for words in said:
        assert words in result.output, f"{words} not in:\n{result.output}"
    assert "internal error" not in result.output
    assert "\x1b" not in result.output


def test_a_linked_worktree_is_judged_with_the_environment_of_the_main_one(shop: Project) -> None:
    root = shop.root.parent / "linked tree"
    shop.git("worktree", "add", "-q", str(root), "-b", "side")
    linked = at(shop, root)
    where = linked.add_column()
    linked.stage(MODELS)
    assert_blocked(linked.commit(), where, "missing-migration")
    migrate(linked)
    assert_passed(linked.commit())


def test_commit_path_leaves_out_a_staged_migration(shop: Project) -> None:
    shop.add_column()
    migration = migrate(shop)
    result = shop.commit("Paid", MODELS)
    assert_blocked(result, f"{migration}:1:1: uncommitted-migration", "not among the paths")
    assert f"git commit … :/{migration}" in result.output
    assert_passed(shop.commit("Paid", MODELS, migration))


def test_amend_is_compared_with_the_commit_that_it_replaces(shop: Project) -> None:
    where = shop.add_column()
    migration = migrate(shop)
    save(shop)
    shop.git("rm", "--quiet", migration)
    assert_blocked(shop.commit("Again", "--amend"), where, "missing-migration")
    # Git does not tell a hook of --amend; what was let past stays past until it is pushed.
    shop.git("commit", "--quiet", "--amend", "--no-verify", "-m", "Without")
    shop.write("notes", "A word.\n")
    shop.stage("notes")
    assert_passed(shop.commit("Again", "--amend"))
    assert_finding(shop.check("--base", "HEAD^", "--tree", "HEAD"), "missing-migration")


def test_a_merge_that_brings_models_with_their_migration_passes(shop: Project) -> None:
    branch_off(shop)
    shop.write("notes", "of the side\n")
    save(shop)
    assert_passed(git(shop, "merge", "--no-edit", "side"))
    assert len(shop.git("rev-parse", "HEAD^@").split()) == 2


def test_a_merge_that_brings_a_second_head_is_blocked_until_they_are_merged(shop: Project) -> None:
    shop.git("checkout", "-q", "-b", "side")
    add_migration(shop, "aaaaaaaaaaaa")
    save(shop)
    shop.git("checkout", "-q", "main")
    add_migration(shop, "bbbbbbbbbbbb")
    save(shop)
    assert_blocked(git(shop, "merge", "--no-edit", "side"), "multiple-heads")
    add_migration(shop, "cccccccccccc", ("aaaaaaaaaaaa", "bbbbbbbbbbbb"))
    assert_passed(git(shop, "commit", "--no-edit"))


@pytest.mark.parametrize("command", ["merge", "cherry-pick", "rebase"])
def test_a_migration_that_is_lost_while_a_conflict_is_resolved(shop: Project, command: str) -> None:
    branch_off(shop)
    other = "side"
    if command == "rebase":
        shop.git("checkout", "-q", "side")
        other = "main"
    assert git(shop, command, other).returncode != 0
    assert_unjudged(shop.check(), "conflicts", "notes", "git add :/notes")
    shop.write("notes", "of both\n")
    shop.stage("notes")
    shop.git("rm", "--quiet", "--force", f"{VERSIONS}/{PAID}_test.py")
    assert_blocked(shop.commit(), f"{MODELS}:40:", "missing-migration")


def test_rebase_runs_no_hook_and_its_commits_can_be_judged_after_it(shop: Project) -> None:
    branch_off(shop)
    shop.git("checkout", "-q", "side")
    assert git(shop, "rebase", "main").returncode != 0
    shop.write("notes", "of both\n")
    shop.stage("notes")
    shop.git("rm", "--quiet", "--force", f"{VERSIONS}/{PAID}_test.py")
    done = git(shop, "rebase", "--continue")
    assert done.returncode == 0, done.output
    assert "exit code" not in done.output
    assert_finding(shop.check("--base", "main", "--tree", "HEAD"), "missing-migration")


@pytest.mark.parametrize("option", ["--detach", "--orphan=new"])
def test_without_a_branch_or_a_commit(shop: Project, option: str) -> None:
    shop.git("checkout", "-q", option)
    where = shop.add_column()
    shop.git("add", "--all")
    assert_blocked(shop.commit(), where, "column orders.paid")
    migrate(shop)
    assert_passed(shop.commit())


def test_a_migration_that_was_only_announced_is_named(shop: Project) -> None:
    shop.add_column()
    shop.stage(MODELS)
    migration = migrate(shop, staged=False)
    shop.git("add", "--intent-to-add", migration)
    assert_blocked(shop.commit(), "uncommitted-migration", f"git add :/{migration}")
    shop.stage(migration)
    assert_passed(shop.commit())


def test_a_sparse_checkout_is_judged_whole(shop: Project) -> None:
    shop.write("handbook/pages/one.md", "Words.\n")
    save(shop)
    shop.git("sparse-checkout", "set", "--cone", "--sparse-index", "service/shop")
    assert not (shop.root / VERSIONS).exists()
    shop.add_column()
    shop.stage(MODELS)
    migration = migrate(shop, staged=False)
    assert_blocked(shop.commit(), "uncommitted-migration", migration)
    shop.git("add", "--sparse", migration)
    assert_passed(shop.commit())
    assert not (shop.root / ENV).exists()


def test_a_file_behind_a_filter_is_read_as_the_working_tree_has_it(shop: Project) -> None:
    shop.git("config", "filter.locked.clean", "tr a-z A-Z")
    shop.git("config", "filter.locked.smudge", "tr A-Z a-z")
    shop.git("config", "filter.locked.required", "true")
    shop.write(".gitattributes", "*.key filter=locked\n")
    shop.write("service/shop/settings.key", "secret")
    shop.write("service/shop/__init__.py", _asserts("settings.key", "secret"))
    shop.git("add", "--all")
    assert shop.git("show", ":service/shop/settings.key") == "SECRET"
    assert_passed(shop.commit())


def _asserts(file: str, content: str) -> str:
    return (
        "from pathlib import Path\n\n"
        f"assert Path(__file__).with_name({file!r}).read_text() == {content!r}\n"
    )


@pytest.mark.parametrize("pull", [True, False], ids=["here", "not here"])
def test_git_lfs_files_are_read_from_this_machine_only(
    shop: Project, tmp_path: Path, pull: bool
) -> None:
    require(shutil.which("git-lfs") is not None, "git-lfs")
    shop.git("lfs", "install", "--local")
    install(shop)
    shop.git("lfs", "track", "*.csv")
    shop.write(f"{VERSIONS}/columns.csv", "id,paid\n")
    shop.add_column()
    rows = "__import__('pathlib').Path(__file__).with_name('columns.csv').read_text().split()"
    name = f"{rows}[0].split(',')[1]"
    add_migration(shop, PAID, upgrade=ADD_PAID.replace("'paid'", name))
    save(shop)
    clone = tmp_path / "clone"
    environ = {**shop.environ, "GIT_LFS_SKIP_SMUDGE": "1"}
    run(("git", "clone", "-q", str(shop.root), str(clone)), cwd=tmp_path, environ=environ)
    other = at(shop, clone)
    (clone / ".venv").symlink_to(shop.root / ".venv")
    if pull:
        shutil.copytree(shop.root / ".git/lfs/objects", clone / ".git/lfs/objects")
        assert_clean(other.check("--tree", "HEAD"))
    else:
        assert_finding(other.check("--tree", "HEAD"), "columns.csv is a Git LFS", "git lfs pull")
        assert not list((clone / ".git/lfs").rglob("*.log"))  # Git LFS was not asked
    assert other.git("status", "--porcelain") == "?? .venv"


@pytest.mark.parametrize("kind", ["folder", "file", "absolute"])
def test_models_behind_a_link_are_judged_as_they_are_staged(shop: Project, kind: str) -> None:
    if kind == "file":
        models = "the_models.py"
        shop.git("mv", MODELS, models)
        (shop.root / MODELS).symlink_to(f"../../{models}")
    else:
        models = "shared/models.py"
        shop.git("mv", "service/shop", "shared")
        there = shop.root / "shared" if kind == "absolute" else "../shared"
        (shop.root / "service/shop").symlink_to(there)
    shop.git("add", "--all")
    assert_passed(shop.commit())
    original = shop.read(models)
    shop.sample = replace(shop.sample, models=models)
    where = shop.add_column()
    shop.stage(models)
    shop.write(models, original)  # only the index has it now
    assert_blocked(shop.commit(), where, "missing-migration")


def test_migrations_behind_a_link_are_read(shop: Project) -> None:
    shop.git("mv", VERSIONS, "versions")
    (shop.root / VERSIONS).symlink_to("../../versions")
    save(shop)
    for revision in ("aaaaaaaaaaaa", "bbbbbbbbbbbb"):
        text = migration_text(revision)
        shop.write(f"versions/{revision}.py", text)
    shop.git("add", "--all")
    assert_blocked(shop.commit(), "versions/bbbbbbbbbbbb.py:6", "multiple-heads")


def test_a_link_out_of_the_repository_leads_where_the_users_does(shop: Project) -> None:
    (shop.root / "service/shop").rename(shop.root.parent / "outside")
    (shop.root / "service/shop").symlink_to("../../outside")
    shop.git("add", "--all")
    assert_passed(shop.commit())


@pytest.mark.parametrize(
    "config",
    [
        {"core.autocrlf": "true", "core.safecrlf": "true"},
        {"core.splitIndex": "true", "core.untrackedCache": "true"},
        {"feature.manyFiles": "true", "core.fsmonitor": "true"},
    ],
    ids=lambda config: "+".join(config),
)
def test_how_git_is_configured_changes_no_verdict(shop: Project, config: dict[str, str]) -> None:
    for name, value in config.items():
        shop.git("config", name, value)
    shop.git("rm", "-r", "--quiet", "--cached", ".")
    shop.git("reset", "--quiet", "--hard")
    shop.add_column()
    shop.git("-c", "core.safecrlf=false", "add", MODELS)
    migration = migrate(shop, staged=False)
    assert_blocked(shop.commit(), "uncommitted-migration", migration, f"{MODELS}:40")
    assert shop.git("status", "--porcelain").split() == ["M", MODELS, "??", migration]


@pytest.mark.parametrize(
    "name",
    ['it\'s a "shop" \\ é', "new\nline\t[x]*?", "\x1b[31m$HOME `id`", ":(top)-n"],
    ids=["quotes", "newline", "escape", "pathspec"],
)
def test_folders_of_any_name(shop: Project, name: str) -> None:
    forget_migration_in(shop, name)
    assert_blocked(shop.commit(), "uncommitted-migration", f"{PAID}.py", "models.py:40")


def test_a_folder_whose_name_is_not_utf8_is_reported_as_json(shop: Project) -> None:
    name = "caf\udce9"
    migration = forget_migration_in(shop, name)
    (finding,) = shop.check("--output-format", "json").json["findings"]
    assert finding["rule"] == "uncommitted-migration"
    assert finding["path"] == migration
    shop.git("add", "--all")
    assert_passed(shop.commit())


def forget_migration_in(project: Project, name: str) -> str:
    """Rename the service's folder, then stage a column there without its migration."""
    (project.root / "service").rename(project.root / name)
    save(project)
    project.sample = replace(project.sample, models=f"{name}/shop/models.py")
    project.add_column()
    project.git("add", "--all")
    path = f"{name}/alembic/versions/{PAID}.py"
    text = migration_text(PAID, upgrade=ADD_PAID)
    project.write(path, text)
    return path


def test_a_rename_of_case_alone_is_judged_by_the_new_name(shop: Project) -> None:
    shop.git("mv", MODELS, "service/shop/Models.py")
    assert_blocked(shop.commit(), "No module named 'shop.models'", code=2)
    shop.replace(ENV, "shop.models", "shop.Models")
    shop.stage(ENV)
    assert_passed(shop.commit())


def test_repositories_inside_of_it_are_no_part_of_it(shop: Project) -> None:
    shop.write(".git/info/exclude", "ignored/\n")
    for nested in (f"{VERSIONS}/ignored", f"{VERSIONS}/unknown", "service/shop/unknown"):
        (shop.root / nested).mkdir()
        shop.git("init", "--quiet", nested)
        text = migration_text("eeeeeeeeeeee", upgrade=ADD_PAID)
        shop.write(f"{nested}/eeeeeeeeeeee_nested.py", text)
    where = shop.add_column()
    shop.stage(MODELS)
    assert_blocked(shop.commit(), where, "missing-migration")


@pytest.mark.parametrize("bare", ["shop.git", "trees/.git", "trees/.bare"])
def test_a_worktree_of_a_bare_repository(shop: Project, bare: str) -> None:
    git_dir = shop.root.parent / bare
    shop.git("clone", "--quiet", "--bare", ".", str(git_dir))
    if bare.endswith(".bare"):
        (git_dir.parent / ".git").write_text("gitdir: ./.bare\n")
    root = shop.root.parent / "trees" / "one"
    shop.git("-C", str(git_dir), "worktree", "add", "-q", str(root), "-b", "side")
    linked = at(shop, root)
    (shop.root / ".venv").rename(root / ".venv")
    install(linked)
    where = linked.add_column()
    linked.stage(MODELS)
    assert_blocked(linked.commit(), where, "missing-migration")


def test_a_repository_of_somebody_else_is_told_with_the_line_to_paste(shop: Project) -> None:
    shop.environ["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"  # git's own
    result = shop.check()
    line = f"git config --global --add safe.directory '{shop.root}'\n"
    assert_unjudged(result, "dubious ownership", line)
    assert "inside a git working tree" not in result.output
    assert_clean(follow(shop, result))


def test_a_git_dir_that_is_named(shop: Project, tmp_path: Path) -> None:
    where = shop.add_column()
    shop.stage(MODELS)
    named = (f"--git-dir={shop.root}/.git", f"--work-tree={shop.root}", "commit", "-m", "Paid")
    away = run(("git", *named), cwd=tmp_path, environ=shop.environ)
    assert_blocked(away, where, "missing-migration")
    migrate(shop)
    relative = ("git", "--git-dir=../.git", "--work-tree=..", "commit", "-m", "Paid")
    assert_passed(run(relative, cwd=shop.root / "service", environ=shop.environ))


@pytest.mark.parametrize("gone", [False, True], ids=["remote answers", "remote is gone"])
def test_a_partial_clone_fetches_what_it_lacks_or_says_so(shop: Project, gone: bool) -> None:
    shop.git("config", "uploadpack.allowFilter", "true")
    root = shop.root.parent / "clone"
    source = f"file://{shop.root}"
    shop.git("clone", "--quiet", "--filter=blob:none", "--sparse", source, str(root))
    clone = at(shop, root)
    install(clone)
    (shop.root / ".venv").rename(root / ".venv")
    clone.git("sparse-checkout", "add", "service/shop")
    where = clone.add_column()
    clone.stage(MODELS)
    if gone:
        shop.root.rename(shop.root.parent / "gone")
        result = clone.check()
        assert_unjudged(result, "does not have the object", "git fetch origin")
        (shop.root.parent / "gone").rename(shop.root)
        assert_finding(follow(clone, result), where, "missing-migration")
    else:
        assert_blocked(clone.commit(), where, "missing-migration")


def test_a_shallow_clone_that_lacks_the_base_says_so(shop: Project, tmp_path: Path) -> None:
    shop.write("notes", "One more commit.\n")
    save(shop)
    shop.git("clone", "--quiet", "--depth=1", f"file://{shop.root}", str(tmp_path / "clone"))
    result = at(shop, tmp_path / "clone").check("--tree", "HEAD")
    assert_unjudged(result, "shallow clone", "git fetch --unshallow")


def test_a_repository_of_sha256(shop: Project) -> None:
    shutil.rmtree(shop.root / ".git")
    shop.git("init", "--quiet", "--object-format=sha256")
    install(at(shop, shop.root))
    where = shop.add_column()
    shop.stage(".")
    assert_blocked(shop.commit(), where, "column orders.paid")


def test_a_package_in_place_of_a_module_and_modes(shop: Project) -> None:
    text = shop.read(MODELS)
    shop.git("rm", "--quiet", MODELS)
    shop.write("service/shop/models/__init__.py", text)
    (shop.root / ENV).chmod(0o755)
    shop.git("add", "--all")
    assert_passed(shop.commit())
    shop.git("rm", "--quiet", "-r", "service/shop/models")
    shop.write(MODELS, text)
    where = shop.add_column()
    shop.git("add", "--all")
    assert_blocked(shop.commit(), where, "missing-migration")


@pytest.fixture
def with_submodule(shop: Project, tmp_path: Path) -> Project:
    """The shop with its models in a submodule, which has the models' base in another."""
    deep, library = tmp_path / "deep", tmp_path / "library"
    (shop.root / "service/shop").rename(library)
    deep.mkdir()
    (library / "base.py").rename(deep / "__init__.py")
    for folder in (deep, library):
        shop.git("init", "--quiet", "-b", "main", str(folder))
    save(at(shop, deep))
    at(shop, library).git(*HAVE_SUBMODULES, "submodule", "add", "-q", "../deep", "base")
    save(at(shop, library))
    shop.git("rm", "-r", "--quiet", "--cached", "service/shop")
    shop.git(*HAVE_SUBMODULES, "submodule", "add", "-q", str(library), "service/shop")
    update(shop)
    save(shop)
    return shop


def update(project: Project) -> None:
    project.git(*HAVE_SUBMODULES, "submodule", "update", "--init", "-q", "--recursive")


def test_models_in_a_submodule_are_judged_at_the_staged_commit(with_submodule: Project) -> None:
    shop = with_submodule
    inside = at(shop, shop.root / "service/shop", models="models.py")
    inside.write(".gitignore", "made.py\n")
    inside.write("made.py", "LIMIT = 10\n")
    inside.replace("models.py", "__all__ =", "import shop.made\n\n__all__ =")
    where = inside.add_column()
    save(inside)
    shop.write("notes", "The submodule's new commit is not staged.\n")
    shop.stage("notes")
    assert_passed(shop.commit())
    shop.stage("service/shop")
    assert_blocked(shop.commit(), f"service/shop/{where}", "missing-migration")
    migrate(shop)
    assert_passed(shop.commit())
    assert "missing" not in shop.git("fsck", "--full")


def test_a_submodule_that_is_not_here_is_told_with_its_command(
    with_submodule: Project, tmp_path: Path
) -> None:
    with_submodule.git("clone", "--quiet", ".", str(tmp_path / "clone"))
    clone = at(with_submodule, tmp_path / "clone")
    (clone.root / ".venv").symlink_to(with_submodule.root / ".venv")
    asked = "git submodule update --init -- service/shop"
    assert_unjudged(clone.check("--tree", "HEAD"), "No module named 'shop", asked)
    update(clone)
    assert_clean(clone.check("--tree", "HEAD"))
    inside = at(clone, with_submodule.root / "service/shop", models="models.py")
    inside.change_no_schema()
    save(inside)
    inside.git("push", "--quiet", "origin", "HEAD:newer")
    with_submodule.stage("service/shop")
    save(with_submodule)
    clone.git("pull", "--quiet", "--no-recurse-submodules")
    result = clone.check("--tree", "HEAD")
    newest = with_submodule.git("rev-parse", "HEAD:service/shop")
    assert_unjudged(result, f"at commit {newest[:12]}, which its clone here lacks", asked)
    clone.environ["GIT_ALLOW_PROTOCOL"] = "file"
    assert_clean(follow(clone, result, "--tree", "HEAD"))


def test_a_commit_inside_of_a_submodule(shop: Project, tmp_path: Path) -> None:
    shop.git("init", "--quiet", str(tmp_path / "outer"))
    outer = at(shop, tmp_path / "outer")
    outer.git(*HAVE_SUBMODULES, "submodule", "add", "-q", str(shop.root), "apps/shop")
    inner = at(shop, outer.root / "apps/shop")
    (inner.root / ".venv").symlink_to(shop.root / ".venv")
    install(inner)
    where = inner.add_column()
    inner.stage(MODELS)
    assert_blocked(inner.commit(), where, "missing-migration")
