"""Start the tool as a fork of a process that has imported it.

What the tool does is the same as if it were started by `python -m`, which costs a sixth of a check.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from .forked_probes import ProbeServer

HERE = str(Path(__file__).resolve())
#: With another value of these, Python itself starts otherwise.
OF_PYTHON = ("PYTHON", "LC_", "LANG")
#: All that a check imports, also one on a server.
IMPORTED = (
    "alembic_lockstep.cli",
    "alembic_lockstep.gate",
    "alembic_lockstep.report.full",
    "alembic_lockstep.report.json",
    "alembic_lockstep.report.judged",
    "alembic_lockstep.scratch.mysql_start",
    "alembic_lockstep.scratch.postgres_start",
    "alembic_lockstep.start",
    "alembic_lockstep.write_migration.fixing",
    "filelock",
    "platformdirs",
)
#: Seconds; about what Python takes to start.
START = 0.1


def can_fork(environ: Mapping[str, str]) -> bool:
    """Return whether a tool with these variables would be like one with ours."""
    return _of_python(environ) == _of_python(_plain())


def run_fork(
    arguments: Sequence[str], cwd: Path, environ: Mapping[str, str], *, forks_probes: bool
) -> tuple[int, str, str]:
    """Run the tool to its end; gives its exit code, and what it wrote to both outputs.

    Args:
        forks_probes: Have the project's Python be a fork too: `forked_probes.py`.
    """
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("out", "err")]
        request = {
            "arguments": list(arguments),
            "cwd": str(cwd),
            "environ": dict(environ),
            "files": list(map(str, files)),
            "probes": probe_server().address if forks_probes else "",
        }
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        out, err = (file.read_text() for file in files)
    return code, out, err


@cache
def probe_server() -> ProbeServer:
    """Start the process of which probes are forks."""
    from .forked_probes import ProbeServer
    from .virtual_environments import make_venv

    with tempfile.TemporaryDirectory() as folder:
        make_venv(Path(folder))
        return ProbeServer(Path(folder, "bin/python"), _plain())


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def _of_python(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(OF_PYTHON)}


@cache
def _server() -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, HERE]
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=_plain(), text=True)


def _serve(requests: TextIO, answers: TextIO) -> None:
    for module in (*IMPORTED, "forked_probes"):
        import_module(module)
    gc.freeze()  # else a child that collects garbage copies all pages
    for line in requests:
        child = os.fork()
        if child == 0:
            _run(json.loads(line))
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def _run(request: dict[str, Any]) -> NoReturn:
    """Become what `python -m alembic_lockstep` would be."""
    # What a test wrote a moment ago is not to look as if it were written during the run.
    time.sleep(START)
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["cwd"])
    outputs = (os.open(file, os.O_WRONLY | os.O_CREAT, 0o600) for file in request["files"])
    for number, opened in enumerate((os.open(os.devnull, os.O_RDONLY), *outputs)):
        os.dup2(opened, number)
        os.close(opened)
    sys.argv = ["alembic-lockstep", *request["arguments"]]
    if request["probes"]:
        sys.modules["forked_probes"].fork_probes(request["probes"])
    code: object = 3
    try:
        sys.modules["alembic_lockstep.start"].run()
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 3)


if __name__ == "__main__":
    _serve(sys.stdin, sys.stdout)
