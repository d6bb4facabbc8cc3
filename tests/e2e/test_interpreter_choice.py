"""Which Python runs the project, as its developer sees it when it was the wrong one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project, Result
from .subfolder_project import MODELS
from .virtual_environments import make_venv

pytestmark = pytest.mark.real_start

IMPORT = "from decimal import Decimal\n"


@pytest.fixture
def broken(make_project: MakeProject) -> Project:
    """A project that needs a module which only its environment has, and that one is broken."""
    project = make_project("subfolder", hook=None)
    project.environ["PATH"] = "/usr/bin:/bin"
    python = project.root / ".venv/bin/python"
    python.unlink()
    python.write_text("#!/bin/sh\necho 'it was moved' >&2\nexit 1\n")
    python.chmod(0o755)
    project.replace(MODELS, IMPORT, f"{IMPORT}import pastry\n")
    project.stage(MODELS)
    return project


def provide_pastry(environment: Path) -> None:
    (make_venv(environment) / "pastry.py").write_text("")


def assert_wrong_one(result: Result, python: Path) -> None:
    assert result.returncode == 2, result.output
    assert "No module named 'pastry'" in result.stderr
    assert f".venv at the root: {python}: it was moved" in result.stderr
    assert f"alembic-lockstep's own interpreter: {sys.executable}: was used" in result.stderr


def test_a_missing_module_names_the_environments_that_were_passed_over(broken: Project) -> None:
    assert_wrong_one(broken.check(), broken.python)
    # Also when the choice is not made anew.
    assert_wrong_one(broken.check(), broken.python)


def test_a_wrong_choice_is_not_kept_when_there_is_a_right_one(broken: Project) -> None:
    assert broken.check().returncode == 2
    provide_pastry(broken.root / "venv")
    result = broken.check()
    assert result.returncode == 0, result.output


def test_a_wrong_choice_is_not_kept_when_a_tool_knows_a_right_one(broken: Project) -> None:
    """Nothing that the choice depends on tells that poetry has made an environment meanwhile."""
    elsewhere, tools = broken.root.with_name("elsewhere"), broken.root.with_name("tools")
    tools.mkdir()
    poetry = tools / "poetry"
    poetry.write_text(f"#!/bin/sh\n[ -d '{elsewhere}' ] && echo '{elsewhere}'\n")
    poetry.chmod(0o755)
    broken.environ["PATH"] = f"{tools}:/usr/bin:/bin"
    broken.write("poetry.lock", "")
    broken.stage("poetry.lock")
    assert_wrong_one(broken.check(), broken.python)
    provide_pastry(elsewhere)
    result = broken.check()
    assert result.returncode == 0, result.output


def test_a_module_that_was_forgotten_is_not_put_down_to_the_interpreter(broken: Project) -> None:
    broken.write("service/pastry.py", "")
    result = broken.check()
    assert result.returncode == 2, result.output
    assert "git add :/service/pastry.py" in result.stderr
    assert "was used" not in result.stderr


def test_a_command_that_does_not_exist_could_not_judge(broken: Project) -> None:
    broken.environ["ALEMBIC_LOCKSTEP_RUN"] = "/gone/docker exec web"
    result = broken.check()
    assert result.returncode == 2, result.output
    assert "the setting 'run' starts /gone/docker, which does not exist" in result.stderr
