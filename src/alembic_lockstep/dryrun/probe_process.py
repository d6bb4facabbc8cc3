"""Start the probe's process, on this machine or behind the setting `run`."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from alembic_lockstep.dryrun.policy import bytecode_folder
from alembic_lockstep.isolation.cell import Cell, Policy
from alembic_lockstep.probe.protocol import RunRequest

PROBE = Path(__file__).parent.parent / "probe"

# The first statement takes the working directory off `sys.path`; the probe is loaded by path,
# under a name of its own. Imports make little garbage, and collecting it takes a fifth of their
# time: the threshold, in objects, is that of mypy.
START = """\
import sys; sys.path[:1] = filter(None, sys.path[:1])
import gc; gc.set_threshold(200_000)
import importlib.util as u
def start(folder, top="", bytecode=""):
    s = u.spec_from_file_location("alembic_lockstep_probe", folder + "/__init__.py",
                                  submodule_search_locations=[folder])
    m = sys.modules[s.name] = u.module_from_spec(s); s.loader.exec_module(m)
    if bytecode:
        from alembic_lockstep_probe.bytecode import keep_bytecode
        keep_bytecode(bytecode)
    from alembic_lockstep_probe.main import main
    main(top)
"""
LOCAL = START + "start(sys.argv[1], bytecode=sys.argv[2])\n"

# Elsewhere (in a container) there is neither probe nor checkout: both come as one tar archive
# before the conversation. Reading the pipe unbuffered leaves the conversation in it.
REMOTE = (
    START
    + """\
import io, os, shutil, signal, tarfile, tempfile
def read(n):
    parts = []
    while n:
        part = os.read(0, n)
        if not part: sys.exit(1)
        parts.append(part); n -= len(part)
    return b"".join(parts)
top = os.path.realpath(tempfile.mkdtemp(prefix="alembic-lockstep-"))
tarfile.open(fileobj=io.BytesIO(read(int(sys.argv[1])))).extractall(top)
child = os.fork()
if child:
    os.close(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.waitpid(child, 0); shutil.rmtree(top, ignore_errors=True); os._exit(0)
start(top + "/probe", top)
"""
)


class Probe:
    """The probe behind a guard. It imports its libraries until its request comes.

    Attributes:
        log: Its output.
    """

    def __init__(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        folder: str | None,
        policy: Policy | None,
    ) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self.cell = Cell.start(
            command,
            environ={**environ, "PYTHONHASHSEED": "0"},  # sets are rendered in one order
            folder=folder,
            log=self.log,
            policy=policy,
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the process that ends with the probe's status."""
        return self.cell.process

    def kill(self) -> None:
        """Begin to end it and its descendants."""
        self.cell.kill()

    def end(self) -> None:
        """Wait until it has ended by itself."""
        self.cell.end()

    def close(self) -> None:
        """End it and close its log."""
        self.cell.close()
        self.log.close()


def start_probe(
    interpreter: str, environ: Mapping[str, str], folder: Path, policy: Policy
) -> Probe:
    """Start the probe on this machine.

    Args:
        folder: The working directory for a relative PYTHONPATH. Without one, Python is started in
            another folder: here may be a `re.py`, which Python 3.13 would import as its own.
    """
    command = [interpreter, "-c", LOCAL, str(PROBE), str(bytecode_folder(policy))]
    return Probe(command, environ, str(folder) if "PYTHONPATH" in environ else os.sep, policy)


def start_elsewhere(
    interpreter: Sequence[str],
    environ: Mapping[str, str],
    root: Path,
    checkout: Path,
    request: RunRequest,
) -> tuple[Probe, bytes]:
    """Start the probe behind a prefix, such as `docker compose exec`.

    Args:
        interpreter: The prefix, and the Python behind it.
        root: The working directory.

    Returns:
        The probe, and the bytes to send before the request.
    """
    archive = _pack(checkout, _ignored_folders(request))
    command = [*interpreter, "-c", REMOTE, str(len(archive))]
    return Probe(command, environ, str(root), None), archive


def _ignored_folders(request: RunRequest) -> frozenset[str]:
    """Return the paths of the checkout's ignored folders."""
    paths = (path for _, ignored in request["worktrees"] for path in ignored)
    return frozenset(path.rstrip("/") for path in paths if path.endswith("/"))


def _pack(checkout: Path, left_out: Collection[str]) -> bytes:
    """Pack the probe and a checkout, without its history and bytecode.

    Args:
        left_out: Folders of the checkout that the container or machine has itself.
    """

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = member.name.removeprefix("tree/")
        is_left_out = path == ".git" or path in left_out or "__pycache__" in path.split("/")
        # Large ignored files are links into the user's tree, which is not there.
        is_outside = member.issym() and member.linkname.startswith("/")
        return None if is_left_out or is_outside else member

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(PROBE, "probe", filter=plain)
        archive.add(checkout, "tree", filter=plain)
    return buffer.getvalue()
