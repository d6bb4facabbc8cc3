"""The same verdicts for root, for an ordinary account, and in a container.

An application that clears its uploads, rotates its logs and writes a pid file when it starts, in a
repository and a home of the account's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_lockstep.isolation import kernel

from .conftest import MakeProject
from .harness import PLAIN_START, Project, reachable_directory
from .subfolder_project import assert_clean, migration_text
from .test_start_writes import OWN_FILES, read_files
from .typed_advice import upgrade_in

pytestmark = [
    pytest.mark.real_start,
    pytest.mark.skipif(sys.platform != "linux", reason="no guard of the kernel's here"),
]

NOBODY = 65534
HEAD = "5b0f6a1c92e4"

_RUN = 'runpy.run_module("alembic_lockstep", run_name="__main__", alter_sys=True)\n'
AS_ANOTHER = f"""\
import os, runpy
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
{_RUN}"""
#: As Docker's filter does, which lets nobody make namespaces: unshare(2).
IN_A_CONTAINER = f"""\
import runpy
from alembic_lockstep.isolation import kernel, seccomp
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
seccomp._load(seccomp._when({272 if kernel.MACHINE == "x86_64" else 97}, 0x00050001), 0)
{_RUN}"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that every account can pass through; pytest's own are closed."""
    with reachable_directory() as folder:
        yield folder


@pytest.fixture
def gallery(make_project: MakeProject) -> Project:
    project = make_project("gallery", hook=None)
    assert project.alembic("upgrade", "head").returncode == 0
    for path, text in OWN_FILES.items():
        project.write(path, text)
    project.git("config", "--global", "safe.directory", "*")
    return project


def require_another_account() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can be another account")
    trial = [sys.executable, "-c", "import alembic_lockstep"]
    if subprocess.run(trial, user=NOBODY, group=NOBODY, capture_output=True, cwd="/").returncode:
        pytest.skip("our Python or our source is out of another account's reach")


def give_away(folder: Path) -> None:
    """Make all in there the ordinary account's."""
    for file in (folder, *folder.rglob("*")):
        os.lchown(file, NOBODY, NOBODY)


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("start", "said"),
    [
        (PLAIN_START, "guarded by: "),
        (("-c", AS_ANOTHER), "guarded by: "),
        (("-c", IN_A_CONTAINER), "guarded by: landlock, seccomp (namespaces: "),
    ],
    ids=["own account", "ordinary account", "container"],
)
def test_each_account_comes_to_the_same_verdicts(
    gallery: Project, tmp_path: Path, start: tuple[str, ...], said: str
) -> None:
    is_another = start == ("-c", AS_ANOTHER)
    if is_another:
        require_another_account()
    gallery.start_check = start

    def stage() -> dict[str, bytes]:
        gallery.stage(".")
        if is_another:
            give_away(tmp_path)
        return read_files(gallery.root)

    gallery.change_no_schema()
    before = stage()
    assert_clean(gallery.check("--no-cache"), said)
    assert read_files(gallery.root) == before
    where = gallery.add_column()
    before = stage()
    result = gallery.check("--output-format", "json")
    (finding,) = result.json["findings"]
    assert f"{finding['path']}:{finding['line']}:" == where, result.output
    assert finding["rule"] == "missing-migration"
    assert read_files(gallery.root) == before
    text = migration_text("abababababab", HEAD, upgrade_in(result))
    gallery.write(f"{gallery.sample.versions}/abababababab_note.py", text)
    before = stage()
    assert_clean(gallery.check(), said)
    assert read_files(gallery.root) == before
