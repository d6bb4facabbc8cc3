"""A process in a cell: under each guard, as each account, where some guard cannot be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from alembic_lockstep.isolation.cell import GUARDS, SUPERVISOR, Cell, Policy

from .harness import Listener, require

#: Says what came of it, a line each, and writes to both folders.
TRY = """
import os, pathlib, socket, sys
home, work, port = sys.argv[1:]
for folder in (home, work):
    try:
        pathlib.Path(folder, "note").write_text("written")
        print("wrote", pathlib.Path(folder, "note").read_text())
    except OSError as error:
        print(type(error).__name__)
try:
    socket.create_connection(("127.0.0.1", int(port)), 5)
    print("reached")
except OSError as error:
    print(type(error).__name__)
print(os.getuid(), os.getcwd())
"""
#: As a container's own filter, which lets nobody make namespaces: numbers of unshare(2).
CONTAINER = """
import os, sys
sys.path.insert(0, {package!r})
from alembic_lockstep.isolation import kernel, seccomp
kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
numbers = {{"x86_64": 272, "aarch64": 97}}
seccomp._load(seccomp._when(numbers[kernel.MACHINE], 0x00050001), 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


#: Modules that take longer to import than all that the supervisor does.
SLOW = {
    *("argparse", "collections", "contextlib", "dataclasses", "enum", "functools", "json"),
    *("pathlib", "re", "signal", "socket", "subprocess", "typing"),
}


@pytest.fixture
def folders() -> Iterator[tuple[Path, Path, Path]]:
    """The user's folder, one that may be written to, and one for a view of the machine."""
    require(sys.platform == "linux", "Linux")
    # Within the reach of every account, as those of pytest are not.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        home, work, base = (Path(name, part) for part in ("home", "work", "view"))
        for folder in (home, work, base):
            folder.mkdir()
            folder.chmod(0o777)
        yield home, work, base


@pytest.fixture(params=["work", "home"])
def mounted(request: pytest.FixtureRequest, folders: tuple[Path, Path, Path]) -> Iterator[Path]:
    """A file system that is mounted below the writable folder, or below the user's."""
    mount_point = folders[0].with_name(request.param) / "mounted"
    mount_point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=777", "tmpfs", str(mount_point)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a file system can only be mounted by root")
    yield mount_point
    subprocess.run(["umount", "--lazy", str(mount_point)], capture_output=True, check=False)


def run_cell(
    folders: tuple[Path, Path, Path], listener: Listener, guards: tuple[str, ...]
) -> tuple[Cell, list[str]]:
    home, work, base = folders
    with tempfile.TemporaryFile() as log:
        cell = Cell.start(
            [sys.executable, "-c", TRY, str(home), str(work), str(listener.port)],
            environ=dict(os.environ),
            folder="/",
            log=log,
            policy=Policy(guards, (str(work),), base),
        )
        assert cell.process.stdout is not None
        lines = cell.process.stdout.read().decode().splitlines()
        cell.end()
        log.seek(0)
        assert not log.read()
    return cell, lines


@pytest.mark.parametrize("guard", ["namespaces", "landlock"])
def test_a_write_elsewhere_never_lands_and_nobody_is_reached(
    folders: tuple[Path, Path, Path], listener: Listener, guard: str
) -> None:
    cell, lines = run_cell(folders, listener, (guard,))
    assert (cell.guard.files, cell.guard.network) == (guard, "seccomp")
    elsewhere = {"namespaces": "wrote written", "landlock": "PermissionError"}[guard]
    assert lines[:3] == [elsewhere, "wrote written", "ConnectionRefusedError"]
    assert lines[3] == f"{os.getuid()} /"
    home, work, base = folders
    assert [path.name for path in work.iterdir()] == ["note"]
    assert not list(home.iterdir())
    assert not list(base.iterdir())
    assert cell.refused().addresses == (f"127.0.0.1:{listener.port}",)
    cell.close()


def test_without_a_kernel_guard_it_says_so(
    folders: tuple[Path, Path, Path], listener: Listener
) -> None:
    cell, lines = run_cell(folders, listener, ("python",))
    assert (cell.guard.files, cell.guard.network) == ("python", "python")
    assert lines[:3] == ["wrote written", "wrote written", "reached"]
    cell.close()


@pytest.mark.parametrize("guard", ["namespaces", "landlock"])
def test_an_ordinary_account_needs_no_privileges(
    folders: tuple[Path, Path, Path], guard: str
) -> None:
    require(os.geteuid() == 0 and Path("/usr/bin/python3").exists(), "root, to be somebody else")
    result = supervise(["/usr/bin/python3", "-I", "-S"], folders, guard, user=65534)
    elsewhere = {"namespaces": "wrote written", "landlock": "PermissionError"}[guard]
    assert result.stdout.splitlines()[:2] == [elsewhere, "wrote written"], result
    assert result.stdout.splitlines()[3] == "65534 /", result
    assert not list(folders[0].iterdir())


@pytest.mark.parametrize("path", ["note", "app/note", "shared/app/note"])
def test_an_ordinary_account_changes_its_files_below_folders_of_others_in_the_view(
    folders: tuple[Path, Path, Path], path: str
) -> None:
    """The log in a home that does not lie in /home: EOVERFLOW, as root owns the way to it."""
    require(os.geteuid() == 0 and Path("/usr/bin/python3").exists(), "root, to be somebody else")
    note = folders[0] / path
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("precious")
    for ours in (folders[0], note, *((note.parent,) if path != "note" else ())):
        os.chown(ours, 65534, 65534)
    python = ["/usr/bin/python3", "-I", "-S"]
    home = note.parent if path.startswith("shared") else folders[0]
    nested = (home, folders[1], folders[2])
    result = supervise(python, nested, "namespaces", user=65534, written=note.parent)
    assert result.stdout.splitlines()[1] == "wrote written", result
    assert note.read_text() == "precious"


@pytest.mark.parametrize("user", [None, 65534], ids=["root", "ordinary"])
@pytest.mark.parametrize("guard", ["namespaces", "landlock"])
def test_what_is_mounted_is_written_for_real_below_a_writable_folder_only(
    folders: tuple[Path, Path, Path], mounted: Path, guard: str, user: int | None
) -> None:
    python = ["/usr/bin/python3" if user else sys.executable, "-I", "-S"]
    require(Path(python[0]).exists(), "a Python of the system")
    result = supervise(python, folders, guard, user=user, written=mounted)
    lands = mounted.is_relative_to(folders[1])
    is_refused = guard == "landlock" and not lands
    assert result.stdout.splitlines()[1] == ("PermissionError" if is_refused else "wrote written")
    assert (mounted / "note").exists() == lands
    subprocess.run(["umount", str(mounted)], check=True)
    assert not list(mounted.iterdir())  # the folder behind it


def test_a_container_that_forbids_namespaces_has_landlock(
    folders: tuple[Path, Path, Path],
) -> None:
    container = CONTAINER.format(package=str(SUPERVISOR.parents[2]))
    command = [sys.executable, "-c", container, "-I", "-S"]
    result = supervise(command, folders, ",".join(GUARDS), user=None)
    assert result.stdout.splitlines()[:2] == ["PermissionError", "wrote written"], result
    assert not list(folders[0].iterdir())


def supervise(
    python: list[str],
    folders: tuple[Path, Path, Path],
    guards: str,
    *,
    user: int | None,
    written: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the supervisor by itself, with a socket to a host that never says anything.

    Args:
        written: What the second line is about, instead of the writable folder.
    """
    home, work, base = folders
    package = (
        base.with_name("package") / "alembic_lockstep"
    )  # ours may be out of the account's reach
    shutil.copytree(SUPERVISOR.parent, package / "isolation")
    (package / "__init__.py").touch()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lists = ["1", str(work), "0", "1", str(home)]
        task = [str(theirs.fileno()), "1", guards, str(base), *lists]
        return subprocess.run(
            [
                *(*python, str(package / "isolation" / SUPERVISOR.name), *task),
                *(python[0], "-c", TRY, str(home), str(written or work), "1"),
            ],
            pass_fds=[theirs.fileno()],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            timeout=60,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="has no faster modules")
def test_the_supervisor_imports_little() -> None:
    code = (
        "import sys; before = {*sys.modules}\n"
        f"sys.path.insert(0, {str(SUPERVISOR.parents[2])!r})\n"
        "import alembic_lockstep.isolation.supervisor\n"
        "print(*({*sys.modules} - before))"
    )
    command = [sys.executable, "-I", "-S", "-c", code]
    modules = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert not SLOW & {*modules}
    assert len(modules) < 36, sorted(modules)
