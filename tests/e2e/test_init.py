"""`alembic-lockstep init`: the first check, and what it leaves in the repository."""

from __future__ import annotations

import sys

import yaml

from .conftest import MakeProject
from .harness import Project, Result, run
from .subfolder_project import ENV, FIRST_FILE, MODELS

HOOKS, GITLAB = ".pre-commit-config.yaml", ".gitlab-ci.yml"
WORKFLOW = ".github/workflows/alembic-lockstep.yml"


def init(project: Project, *arguments: str) -> Result:
    command = (sys.executable, "-m", "alembic_lockstep", "init", *arguments)
    return run(command, cwd=project.root, environ=project.environ)


def validate_hooks(project: Project) -> None:
    command = (sys.executable, "-m", "pre_commit", "validate-config", HOOKS)
    run(command, cwd=project.root, environ=project.environ, check=True)


def test_a_hook_is_written_and_nothing_twice(shop: Project) -> None:
    shown = init(shop)
    assert shown.returncode == 0, shown.output
    assert "2 revisions run from empty on SQLite" in shown.stdout
    assert "New migrations of a commit also run on tables with rows" in shown.stdout
    assert "+      - id: alembic-lockstep\n" in shown.stdout
    assert "alembic-lockstep init --yes" in shown.stdout
    assert shop.git("status", "--porcelain") == ""
    written = init(shop, "--yes")
    assert f"    pre-commit install\n    git add :/{HOOKS}\n" in written.stdout
    assert shop.git("status", "--porcelain") == f"?? {HOOKS}"
    validate_hooks(shop)
    again = init(shop, "--yes")
    assert again.stdout.endswith("Everything is set up: nothing to write.\n")


def test_a_workflow_is_written_for_github(shop: Project) -> None:
    shop.git("remote", "add", "origin", "git@github.com:ada/shop.git")
    shop.write("service/uv.lock", "version = 1\n")
    shop.write("pyproject.toml", '[project]\nname = "shop"\nrequires-python = ">=3.10"\n')
    shop.stage(".")
    shop.write(HOOKS, "repos:\n- repo: local\n  hooks: []\n")
    result = init(shop, "--yes")
    assert f"git add :/{HOOKS} :/{WORKFLOW}\n" in result.stdout, result.output
    validate_hooks(shop)
    text = shop.read(WORKFLOW)
    assert "run: (cd service && pip install uv && uv sync --frozen)\n" in text
    assert "python-version-file: pyproject.toml\n" in text
    assert "branches: [main]\n" in text
    assert "extras" not in text


def test_the_ci_gets_the_variables_that_the_first_check_had(make_project: MakeProject) -> None:
    project = make_project("async_settings", hook=None)
    project.git("remote", "add", "origin", "git@github.com:ada/shop.git")
    assert project.read(".env")
    result = init(project, "--yes")
    assert result.returncode == 0, result.output
    (job,) = yaml.safe_load(project.read(WORKFLOW))["jobs"].values()
    variables = job["steps"][-1]["env"]
    assert variables.keys() == {"APP_SECRET", "DATABASE_URL"}
    # A CI has no .env.
    (project.root / ".env").unlink()
    every = ("check", "--base", project.git("hash-object", "-t", "tree", "/dev/null"))
    command = (sys.executable, "-m", "alembic_lockstep", *every)
    without = run(command, cwd=project.root, environ=project.environ)
    assert without.returncode == 2, without.output
    environ = {**project.environ, **variables}
    done = run(command, cwd=project.root, environ=environ)
    assert done.returncode == 0, done.output


def test_a_job_is_written_for_gitlab(shop: Project) -> None:
    shop.write(GITLAB, "stages: [test]\n\nlint:\n  script: ruff check\n")
    shop.stage(".")
    init(shop, "--yes")
    before, after = shop.read(GITLAB).split("\ninclude:\n")
    assert before == "stages: [test]\n\nlint:\n  script: ruff check\n"
    assert after.startswith("  - component: $CI_SERVER_FQDN/")


def test_a_list_that_is_hard_to_read_is_for_people(shop: Project) -> None:
    shop.write(HOOKS, "repos: []\n")
    result = init(shop, "--yes")
    assert f"# to paste into {HOOKS}:\n- repo: " in result.stdout
    assert shop.read(HOOKS) == "repos: []\n"


def test_postgresql_gets_what_brings_a_server(make_project: MakeProject) -> None:
    url = "postgresql+psycopg://app@127.0.0.1:1/prod"
    project = make_project("subfolder", config_url=url, hook=None)
    project.git("remote", "add", "origin", "https://github.com/ada/shop")
    result = init(project)
    assert "+      - id: alembic-lockstep-postgres\n" in result.stdout, result.output
    assert "+          extras: postgres\n" in result.stdout


def test_old_differences_are_counted_and_do_not_hinder(make_project: MakeProject) -> None:
    project = make_project("old_drift", hook=None)
    result = init(project)
    assert result.returncode == 0
    assert "3 findings in the existing code." in result.stdout, result.output
    arguments = result.stdout.split("To see them: alembic-lockstep check ")[1].splitlines()[0]
    assert project.check(*arguments.split()).returncode == 1


def test_where_nothing_can_be_judged_nothing_is_written(shop: Project) -> None:
    shop.write(ENV, "import nothing_of_that_name\n")
    shop.stage(".")
    result = init(shop, "--yes")
    assert result.returncode == 2
    assert "could not judge: " in result.stderr
    assert not (shop.root / HOOKS).exists()


def test_where_the_history_does_not_replay_the_start_of_commits_is_tried(shop: Project) -> None:
    """What a start from the models needs was asked for at the first commit only."""
    upgrade = "def upgrade() -> None:\n"
    shop.replace(FIRST_FILE, upgrade, f"{upgrade}    op.execute('DROP TABLE made_by_hand')\n")
    shop.git("commit", "--quiet", "--all", "-m", "A first table that somebody made by hand")
    result = init(shop)
    assert result.returncode == 0, result.output
    assert "As a commit will be judged:\n" in result.stdout
    assert "0 revisions run from the base's models on SQLite" in result.stdout
    shop.write(MODELS, shop.read(MODELS) + NO_TABLE)
    shop.stage(MODELS)
    result = init(shop, "--yes")
    assert result.returncode == 2, result.output
    assert "create_all() of the base's models failed: " in result.stderr
    assert 'start = "start.sql"' in result.stderr
    assert not (shop.root / HOOKS).exists()


def test_a_repository_without_a_commit_is_told_to_add_its_files(shop: Project) -> None:
    shop.git("update-ref", "-d", "HEAD")
    shop.git("rm", "-r", "--cached", "--quiet", ".")
    result = init(shop)
    assert result.returncode == 2, result.output
    command = result.stderr.splitlines()[-1].strip()
    shell = ("bash", "-ec", command)
    run(shell, cwd=shop.root / "service", environ=shop.environ, check=True)
    assert "2 revisions run from empty on SQLite" in init(shop).stdout


#: Of which no database makes a table.
NO_TABLE = """

from sqlalchemy import Column, Table, text
from sqlalchemy.types import UserDefinedType


class Odd(UserDefinedType):
    def get_col_spec(self, **_):
        return "INTEGER REFERENCES ("


Table("odd", Base.metadata, Column("a", Odd()))
"""
