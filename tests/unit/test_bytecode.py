"""Bytecode that the guard lets nobody keep in the project's environment is kept elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from alembic_lockstep.dryrun.probe_process import PROBE

IMPORT = (
    "import sys; sys.path[:0] = [sys.argv[1], sys.argv[4]]\n"
    "from alembic_lockstep_probe.bytecode import keep_bytecode; keep_bytecode(sys.argv[2])\n"
    "__import__(sys.argv[3]); print(sys.modules[sys.argv[3]].VALUE)"
)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    for part in ("bytecode", "work"):
        (folder / part).mkdir(parents=True)
    return folder


def imported(run_folder: Path, package: Path) -> str:
    """Import a module in a Python of its own; return what it has as VALUE."""
    linked = run_folder.with_name("probe")
    if not linked.exists():
        linked.mkdir()
        (linked / "alembic_lockstep_probe").symlink_to(PROBE)
    folders = (str(linked), str(run_folder / "bytecode"), "module", str(package))
    command = [sys.executable, "-I", "-c", IMPORT, *folders]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def write(package: Path, value: int) -> None:
    """Write the module with the time and size that it had before: Python takes it for the same."""
    package.mkdir(exist_ok=True, parents=True)
    (package / "module.py").write_text(f"VALUE = {value}\n")
    os.utime(package / "module.py", (10**9, 10**9))


def test_the_second_run_reads_what_the_first_one_compiled(run_folder: Path) -> None:
    package = run_folder.with_name("package")
    write(package, 1)
    assert imported(run_folder, package) == "1"
    assert [path.name for path in package.iterdir()] == ["module.py"]
    write(package, 2)
    assert imported(run_folder, package) == "1"


def test_a_source_that_has_changed_is_compiled_again(run_folder: Path) -> None:
    package = run_folder.with_name("package")
    write(package, 1)
    assert imported(run_folder, package) == "1"
    (package / "module.py").write_text("VALUE = 2\n")
    assert imported(run_folder, package) == "2"


def test_a_checkouts_own_bytecode_stays_with_it(run_folder: Path) -> None:
    write(run_folder / "work" / "tree", 1)
    assert imported(run_folder, run_folder / "work" / "tree") == "1"
    assert list((run_folder / "work").rglob("*.pyc"))
    assert not list((run_folder / "bytecode").rglob("module*.pyc"))


def test_bytecode_beside_the_source_is_read_there(run_folder: Path) -> None:
    package = run_folder.with_name("package")
    write(package, 1)
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(package)], check=True)
    write(package, 2)
    assert imported(run_folder, package) == "1"
