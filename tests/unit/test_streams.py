"""The command under bad circumstances: one message, never a traceback, never a wrong exit code."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs a shell and /dev/full"
)

OURS = shlex.join([sys.executable, "-m", "alembic_lockstep"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a repository whose second revision waits for a migration, by its text alone."""
    files = {
        "alembic.ini": "[alembic]\nscript_location = m\n",
        "m/env.py": "",
        "m/versions/1.py": "revision = '1'\ndown_revision = None\n",
        "models.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / "m/versions/1.py").write_text("revision = '1'\ndown_revision = 'gone'\n")
    subprocess.run([*git, "add", "."], cwd=tmp_path, check=True)
    return tmp_path


def run(root: Path, shell: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", shell.replace("OURS", OURS)],
        cwd=root,
        env={**os.environ, "XDG_CACHE_HOME": str(root.parent / "cache")},
        capture_output=True,
        text=True,
    )


CHECK = "OURS check --static"


@pytest.mark.parametrize(
    ("shell", "code", "out", "err"),
    [
        (CHECK, 1, "unknown-parent", "Blocked"),
        (f"{CHECK} 2>&-", 1, "unknown-parent", ""),
        (f"{CHECK} >&-", 1, "", "Blocked"),
        (f"{CHECK} <&-", 1, "unknown-parent", "Blocked"),
        (f"{CHECK} <&- >&- 2>&-", 1, "", ""),
        (f"{CHECK} >/dev/full", 2, "", "standard output: No space left on device"),
        (f"{CHECK} --output-format json >/dev/full", 2, "", "standard output: No space left"),
        (f"{CHECK} 2>/dev/full", 2, "unknown-parent", ""),
        (f"{CHECK} >/dev/full 2>&1", 2, "", ""),
        # Who goes away before the end has read as much as was wanted.
        (f"set -o pipefail; (sleep 0.1; {CHECK}) | true", 1, "", "Blocked"),
        ("OURS --version >/dev/full", 2, "", "standard output or a temporary file cannot be"),
        ("OURS --version >&-", 0, "", ""),
        ("OURS rule nonsense 2>/dev/full", 2, "", ""),
        (f"ulimit -S -n 12; {CHECK}", 1, "unknown-parent", "Blocked"),
        (f"mkdir d; cd d; rmdir ../d; {CHECK}", 2, "", "the working directory cannot be found"),
        ("mkdir d; cd d; rmdir ../d; OURS cache info", 2, "", "the working directory cannot be"),
    ],
)
def test_bad_circumstances(root: Path, shell: str, code: int, out: str, err: str) -> None:
    done = run(root, shell)
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert out in done.stdout
    assert err in done.stderr
    assert err or not [line for line in done.stderr.splitlines() if "getcwd" not in line]
    assert out or not done.stdout
