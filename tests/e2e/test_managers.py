"""Hook managers, with the very configurations that docs/hook-managers.md shows."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import SessionCache
from .harness import ROOT, Project, Result, begin_repository, clean_environ, require, run
from .subfolder_project import ADD_PAID, ENV, MODELS, VERSIONS, add_migration

BLOCK = re.compile(r"^```(?:yaml|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = "https://github.com/alembic-lockstep/alembic-lockstep"
PAID = "9c2e51d0a7b3"
BRANCH = "refs/heads/main"


def documented(name: str) -> str:
    """Give what the docs page says should stand in a file."""
    page = (ROOT / "docs" / "hook-managers.md").read_text()
    (text,) = [block for block in BLOCK.findall(page) if f"# {name}\n" in block]
    return str(text)


@pytest.fixture(scope="session")
def our_repository(session_cache: SessionCache) -> Path:
    """Make a repository of this working tree, with a release's tag, for managers to clone."""

    def build(new: Path) -> None:
        asked = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        listed = run(asked, cwd=ROOT, environ=clean_environ(new), check=True).stdout
        for name in filter(None, listed.split("\0")):
            if not name.startswith("tests/") and (ROOT / name).exists():
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, new / name)
        begin_repository(new, clean_environ(new))
        for words in (("add", "."), ("commit", "-qm", "Release"), ("tag", "v0.1.0")):
            run(("git", *words), cwd=new, environ=clean_environ(new), check=True)

    return session_cache("our repository", build)


@pytest.fixture
def managers(session_cache: SessionCache, pip: Callable[..., None]) -> Path:
    """The folder of the programs prek and lefthook, from their wheels."""

    def build(new: Path) -> None:
        pip("install", "--quiet", "--target", str(new), "prek", "lefthook", cwd=new)

    return session_cache("managers", build) / "bin"


@pytest.fixture
def shop(shop: Project, managers: Path, tmp_path: Path) -> Project:
    """The shop with an empty remote, and with the hook managers on PATH."""
    ours = Path(sys.executable).parent
    shop.environ["PATH"] = f"{managers}:{ours}:{shop.environ['PATH']}"
    shop.environ["PYTHONPATH"] = str(managers.parent)
    shop.git("init", "--quiet", "--bare", str(tmp_path / "remote"))
    shop.git("remote", "add", "origin", str(tmp_path / "remote"))
    shop.write(".git/info/exclude", "node_modules/\npackage*.json\n")
    return shop


def call(project: Project, *command: str) -> Result:
    return run(command, cwd=project.root, environ=project.environ)


def use(project: Project, *names: str) -> None:
    """Write the files as the docs page has them, and commit them."""
    for name in names:
        project.write(name, documented(name).replace(ADDRESS, "../our repository"))
    project.git("add", "--all")
    project.git("commit", "--quiet", "--no-verify", "-m", "Hooks")


def with_pre_commit(project: Project) -> None:
    use(project, ".pre-commit-config.yaml")
    done = call(project, sys.executable, "-m", "pre_commit", "install")
    assert done.returncode == 0, done.output


def with_prek(project: Project) -> None:
    # prek would make the hook's environment with uv; the twin needs none.
    text = documented(".pre-commit-config.yaml").replace(ADDRESS, "../our repository")
    project.write(".pre-commit-config.yaml", text.replace("lockstep\n", "lockstep-system\n"))
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "Hooks")
    done = call(project, "prek", "install")
    assert done.returncode == 0, done.output


def with_lefthook(project: Project) -> None:
    use(project, "lefthook.yml", "tools/judge-push")
    done = call(project, "lefthook", "install")
    assert done.returncode == 0, done.output


def with_husky(project: Project) -> None:
    require(shutil.which("npx") is not None, "npm and node")
    for command in (("npm", "install", "--no-audit", "husky"), ("npx", "husky", "init")):
        done = call(project, *command)
        assert done.returncode == 0, done.output
    names = (".husky/pre-commit", ".husky/pre-merge-commit", ".husky/pre-push")
    use(project, *names, "tools/judge-push")


def with_plain_hooks(project: Project) -> None:
    hooks = project.root / ".git/hooks"
    for name, block in (
        ("pre-commit", ".git/hooks/pre-commit"),
        ("pre-merge-commit", ".git/hooks/pre-commit"),
        ("pre-push", "tools/judge-push"),
    ):
        (hooks / name).parent.mkdir(exist_ok=True)
        (hooks / name).write_text(documented(block))
        (hooks / name).chmod(0o755)


MANAGERS = {
    "pre-commit": with_pre_commit,
    "prek": with_prek,
    "lefthook": with_lefthook,
    "husky": with_husky,
    "plain": with_plain_hooks,
}


def assert_blocked(result: Result, *said: str) -> None:
    assert result.returncode != 0, result.output
    for words in said:
        assert words in result.output, f"{words} not in:\n{result.output}"
    for wrong in ("could not judge", "internal error"):
        assert wrong not in result.output, result.output


def migrate(project: Project, *, staged: bool = True) -> str:
    return add_migration(project, PAID, upgrade=ADD_PAID, staged=staged)


def push(project: Project, *refs: str) -> Result:
    return call(project, "git", "push", "--force", "origin", *refs)


@pytest.fixture(params=list(MANAGERS))
def managed(request: pytest.FixtureRequest, shop: Project, our_repository: Path) -> Project:
    """The shop, with all the hooks that a manager sets up."""
    (shop.root.parent / "our repository").symlink_to(our_repository)
    if request.param == "pre-commit":  # one environment for all tests
        home = our_repository.parent / "pre-commit home"
        shop.environ["PRE_COMMIT_HOME"] = str(home)
    MANAGERS[request.param](shop)
    return shop


def test_commits_merges_and_pushes_are_judged(managed: Project) -> None:
    shop = managed
    assert push(shop, "main").returncode == 0  # the first: all of it is new, and in step
    before = shop.git("rev-parse", "HEAD")

    # Staged without its migration; unstaged on top is what spoils nothing and fixes nothing.
    where = shop.add_column()
    shop.stage(MODELS)
    migration = migrate(shop, staged=False)
    env_py = shop.read(ENV)
    shop.write(ENV, "raise SystemExit('not staged')\n")
    assert_blocked(shop.commit(), "uncommitted-migration", migration, where.removesuffix(":"))
    assert shop.git("rev-parse", "HEAD") == before
    assert shop.read(ENV) != env_py
    shop.stage(migration)
    done = shop.commit()
    assert done.returncode == 0, done.output
    assert shop.git("diff", "--name-only") == ENV
    shop.write(ENV, env_py)

    # What was committed past the hook is seen by the merge, and by the push of a new branch.
    shop.git("checkout", "--quiet", "-b", "side", before)
    add_migration(shop, "aaaaaaaaaaaa")
    shop.git("commit", "--quiet", "--no-verify", "-m", "A second head")
    shop.git("checkout", "--quiet", "main")
    merge = call(shop, "git", "merge", "--no-edit", "side")
    assert_blocked(merge, "multiple-heads")
    shop.git("merge", "--abort")
    shop.git("rm", "--quiet", migration)
    shop.git("commit", "--quiet", "--no-verify", "-m", "Lost")
    assert_blocked(push(shop, "main:refs/heads/new"), f"{MODELS}:40:", "missing-migration")


@pytest.fixture
def pushed(shop: Project, our_repository: Path) -> Project:
    """The shop under pre-commit, with its main branch on the remote."""
    (shop.root.parent / "our repository").symlink_to(our_repository)
    text = documented(".pre-commit-config.yaml").replace(ADDRESS, "../our repository")
    shop.write(".pre-commit-config.yaml", text.replace("lockstep\n", "lockstep-system\n"))
    shop.git("add", "--all")
    shop.git("commit", "--quiet", "-m", "Hooks")
    call(shop, sys.executable, "-m", "pre_commit", "install")
    shop.git("push", "--quiet", "--no-verify", "origin", "main")
    return shop


def lose_migration(project: Project) -> None:
    """Commit the model alone, past the hook, and something else after it."""
    project.add_column()
    project.git("commit", "--quiet", "--no-verify", "-a", "-m", "Paid")
    project.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "Something else")


@pytest.mark.parametrize("ref", ["main", "main:new"])
def test_a_push_is_judged_as_what_it_brings_and_not_as_what_is_staged(
    pushed: Project, ref: str
) -> None:
    lose_migration(pushed)
    # On disk and in the index all is well.
    migrate(pushed)
    assert_blocked(push(pushed, ref), f"{MODELS}:40:", "missing-migration")
    pushed.git("commit", "--quiet", "--no-verify", "-m", "Its migration")
    assert push(pushed, ref).returncode == 0


@pytest.mark.parametrize("manager", ["pre-commit", "prek"])
def test_a_first_push_is_judged_as_all_of_it(pushed: Project, tmp_path: Path, manager: str) -> None:
    if manager == "prek":
        call(pushed, "prek", "install", "--overwrite")
    lose_migration(pushed)
    pushed.git("init", "--quiet", "--bare", str(tmp_path / "another"))
    first = call(pushed, "git", "push", str(tmp_path / "another"), "main")
    assert_blocked(first, f"{MODELS}:40:", "column orders.paid")


def test_a_forced_push_is_compared_with_what_it_replaces(pushed: Project) -> None:
    pushed.add_column()
    migrate(pushed)
    pushed.stage(MODELS)
    pushed.git("commit", "--quiet", "--no-verify", "-m", "Paid")
    pushed.git("push", "--quiet", "--no-verify", "origin", "main")
    pushed.git("rm", "--quiet", f"{VERSIONS}/{PAID}_test.py")
    pushed.git("commit", "--quiet", "--no-verify", "--amend", "-m", "Paid")
    assert_blocked(push(pushed, "main"), f"{MODELS}:40:", "missing-migration")


def test_all_files_and_ranges_are_judged(pushed: Project) -> None:
    where = pushed.add_column()
    pushed.stage(MODELS)
    pre_commit = (sys.executable, "-m", "pre_commit", "run")
    assert_blocked(call(pushed, *pre_commit, "--all-files"), where, "missing-migration")
    pushed.git("commit", "--quiet", "--no-verify", "-m", "Paid")
    assert call(pushed, *pre_commit, "--all-files").returncode == 0
    span = ("--from-ref", "HEAD^", "--to-ref", "HEAD")
    assert_blocked(call(pushed, *pre_commit, *span), where, "missing-migration")


def test_try_repo_of_a_clone(shop: Project, our_repository: Path) -> None:
    where = shop.add_column()
    shop.stage(MODELS)
    tried = (sys.executable, "-m", "pre_commit", "try-repo", str(our_repository))
    assert_blocked(call(shop, *tried, "alembic-lockstep-system"), where, "missing-migration")


def test_the_manifest_is_valid_and_its_twins_differ_in_their_environment_only(
    our_repository: Path,
) -> None:
    from pre_commit.clientlib import load_manifest  # type: ignore[import-untyped]

    manifest = our_repository / ".pre-commit-hooks.yaml"
    command = (sys.executable, "-m", "pre_commit", "validate-manifest", str(manifest))
    done = run(command, cwd=our_repository, environ=clean_environ(our_repository))
    assert done.returncode == 0, done.output
    assert "warning" not in done.output.lower()
    first, *twins = load_manifest(str(manifest))
    assert first["always_run"]
    assert not first["pass_filenames"]
    assert first["require_serial"]
    assert first["args"] == []
    assert first["stages"] == ["pre-commit", "pre-merge-commit", "pre-push", "manual"]
    own = ("id", "description", "language", "additional_dependencies", "entry")
    *twins, fix = twins
    assert (fix["id"], fix["entry"]) == ("alembic-lockstep-fix", "alembic-lockstep fix")
    assert fix["stages"] == ["pre-commit", "pre-merge-commit", "manual"]  # no commit to add to
    for twin in twins:
        static = " --static" if twin["id"] == "alembic-lockstep-static" else ""
        assert twin["entry"] == first["entry"] + static
        assert {k: v for k, v in twin.items() if k not in own} == {
            k: v for k, v in first.items() if k not in own
        }
