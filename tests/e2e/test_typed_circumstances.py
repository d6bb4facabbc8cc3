"""Advice about bad circumstances, typed into the shell in which the check was made."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .harness import Project, Result, reachable_directory, require, run
from .subfolder_project import assert_clean, assert_finding
from .test_accounts import NOBODY, give_away

OURS = f'alembic-lockstep() {{ {shlex.quote(sys.executable)} -m alembic_lockstep "$@"; }}\n'
#: Makes a check that cannot judge, and types the last line of what it says.
TYPED = """\
alembic-lockstep check --static 2> message && exit 99
test $(grep -c "could not judge: " message) = 1
eval "$(tail -n1 message)"
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder that every account can pass through; pytest's own are closed."""
    with reachable_directory() as folder:
        yield folder


def type_all(project: Project, lines: str, *, cwd: Path | None = None) -> Result:
    command = ("bash", "-c", OURS + lines)
    return run(command, cwd=cwd or project.root, environ=project.environ)


def test_a_working_directory_that_was_made_anew(shop: Project) -> None:
    """As `git switch` does with a folder that one of the branches lacks."""
    folder = shop.root / "service"
    again = f"mv {shlex.quote(str(folder))} ../away; cp -r ../away {shlex.quote(str(folder))}\n"
    again += "rm -r ../away\n"
    typed = TYPED.replace(" message", f" {shlex.quote(str(shop.root.parent / 'message'))}")
    result = type_all(shop, again + typed + "alembic-lockstep check --static", cwd=folder)
    assert_clean(result, "Passed")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("who", ["root", "another account"])
def test_a_limit_that_the_shell_may_not_raise(shop: Project, who: str) -> None:
    """It was `ulimit -n 1024`, which the shell refuses there."""
    require(shutil.which("prlimit") is not None and shutil.which("setpriv") is not None, "prlimit")
    if os.geteuid():
        pytest.skip("only root can be without its capability, or another account")
    weak = ["setpriv", "--bounding-set=-sys_resource", "--inh-caps=-sys_resource"]
    if who == "another account":
        weak = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        give_away(shop.root)
        give_away(Path(shop.environ["HOME"]))
    check = "alembic-lockstep check --static"
    with session(shop, *weak) as shell:
        said = type_line(shell, f"ulimit -n 32; {check}")
        assert "only 32 files may be open at once here" in said
        assert ("prlimit" in said) == (who == "another account")
        for line in (line.strip() for line in said.splitlines() if "sudo prlimit" in line):
            by_us = line.removeprefix("sudo ").replace("$$", str(shell.pid))
            raised = run(("bash", "-c", by_us), cwd=shop.root, environ=shop.environ)
            if raised.returncode:
                pytest.skip("the administrator of this container may not raise limits either")
            assert "Passed" in type_line(shell, check)
    with session(shop, "prlimit", "--nofile=1024:1024", *weak) as shell:
        assert "Passed" in type_line(shell, check)


def test_a_permission_that_was_lost_is_given_back_by_the_command(shop: Project) -> None:
    """A folder of root's, as `sudo git commit` leaves it; and one of this user, closed."""
    require(shutil.which("setpriv") is not None, "setpriv")
    if os.geteuid():
        pytest.skip("only root can be another account")
    for root in (shop.root, Path(shop.environ["HOME"])):
        give_away(root)
    folder = shop.root / ".git/alembic-lockstep"
    folder.mkdir(mode=0o700)
    check = "alembic-lockstep check --tree HEAD"
    groups = ("--clear-groups", f"--reuid={NOBODY}", f"--regid={NOBODY}")
    with session(shop, "setpriv", *groups) as shell:
        said = type_line(shell, check)
        (line,) = (line.strip() for line in said.splitlines() if "sudo chown" in line)
        by_root = line.removeprefix("sudo ").replace('"$(id -un)"', str(NOBODY))
        run(("bash", "-ec", by_root), cwd=shop.root, environ=shop.environ, check=True)
        assert "Passed" in type_line(shell, check)
        said = type_line(shell, f"chmod 0 {shlex.quote(str(folder))}; {check} --no-cache")
        (line,) = (line.strip() for line in said.splitlines() if "chmod -R" in line)
        assert "Passed" in type_line(shell, f"{line}; {check} --no-cache")


@contextmanager
def session(project: Project, *begin: str) -> Iterator[subprocess.Popen[str]]:
    """Begin a shell that knows the tool, to be typed into."""
    with subprocess.Popen(
        (*begin, "bash"),
        cwd=project.root,
        env=project.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as shell:
        type_line(shell, OURS)
        try:
            yield shell
        finally:
            shell.kill()


def type_line(shell: subprocess.Popen[str], line: str) -> str:
    """Type a line into a running shell; give what it prints, and at the end its exit code."""
    assert shell.stdin is not None
    assert shell.stdout is not None
    shell.stdin.write(f"{line}\necho END $?\n")
    shell.stdin.flush()
    printed: list[str] = []
    while not printed or not printed[-1].startswith("END "):
        printed.append(shell.stdout.readline())
        assert printed[-1], printed
    return "".join(printed)


IN_NAMESPACE = """\
mount -t tmpfs tmpfs /var/tmp
touch /var/tmp/alembic-lockstep-0 "$TMPDIR/alembic-lockstep-0"
mkdir -p "$XDG_CACHE_HOME/alembic-lockstep/checkouts"
chmod a+w "$XDG_CACHE_HOME/alembic-lockstep/checkouts"
"""


def test_a_folder_for_the_checkout_is_made_by_the_command(shop: Project) -> None:
    """The others are somebody else's, or anybody may write there."""
    shop.add_column()
    shop.stage(shop.sample.models)
    check = TYPED.replace(" --static", "").replace(" message", " ../message")
    command = ("unshare", "--mount", "bash", "-c", OURS + IN_NAMESPACE + check)
    trial = run(("unshare", "--mount", "true"), cwd=shop.root, environ=shop.environ)
    if trial.returncode:
        pytest.skip("only root has a /var/tmp of its own")
    command = (*command[:-1], command[-1] + "alembic-lockstep check")
    result = run(command, cwd=shop.root, environ=shop.environ)
    assert_finding(result, "missing-migration")
    said = (shop.root.parent / "message").read_text()
    assert "no folder for the private checkout that only you can write to" in said
