"""The verdict does not depend on the guard, and the summary says which was at work."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from .conftest import MakeProject
from .harness import Project, require
from .subfolder_project import assert_clean, assert_finding, assert_unjudged, change_and_check

SAID = {
    "namespaces": "guarded by: namespaces, seccomp\n",
    "landlock": "guarded by: landlock, seccomp\n",
    "python": "guarded by: Python alone, not by the kernel; see docs/isolation.md\n",
}
every_guard = pytest.mark.parametrize("guard", SAID)


@pytest.mark.sampled(2)
# The other tests have the strongest.
@pytest.mark.parametrize("guard", ["landlock", "python"])
@pytest.mark.parametrize("name", ["subfolder", "async_settings"])
def test_each_guard_comes_to_the_same_verdict(
    guarded: Callable[[str], Project], name: str, guard: str
) -> None:
    require(guard == "python" or sys.platform == "linux", f"{guard} on this system")
    project = guarded(name)
    project.environ["ALEMBIC_LOCKSTEP_GUARD"] = guard
    project.change_no_schema()
    project.stage(".")
    with project.untouched():
        assert_clean(project.check(), SAID[guard])
    where = project.add_column()
    project.stage(".")
    with project.untouched():
        assert_finding(project.check(), where, "missing-migration")


@every_guard
def test_a_process_that_hangs_ends_with_its_children(make_project: MakeProject, guard: str) -> None:
    """A double fork ignored the timeout. That nobody stays is watched at each check."""
    project = make_project("subfolder", hook=None)
    project.environ.update(
        ALEMBIC_LOCKSTEP_GUARD=guard,
        ALEMBIC_LOCKSTEP_TIMEOUT="3",
        ALEMBIC_LOCKSTEP_ALLOW_RUN="fork",
    )
    code = "import os, time\nif not os.fork():\n    os.setsid()\n    os.fork()\ntime.sleep(4242)\n"
    project.write("service/shop/__init__.py", code)
    assert_unjudged(change_and_check(project), "took longer than 3 seconds")
