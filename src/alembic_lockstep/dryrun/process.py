"""Running the probe in the project's Python, and answering what it asks."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from alembic_lockstep.dryrun.policy import bytecode_folder
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.isolation.addresses import addresses_of
from alembic_lockstep.isolation.cell import Cell, Guard, Policy

PROBE = Path(__file__).parent.parent / "probe"

# The first statement takes the working directory off `sys.path`; the probe is loaded by path,
# under a name of its own. Imports make little garbage, and to collect it takes a fifth of their
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
# in front of the conversation. Reading the pipe unbuffered leaves the conversation in it.
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

Ask = Callable[[str, str, str], str]


@dataclass(frozen=True)
class Run:
    """One dry run to be made.

    Attributes:
        policy: What the project may change on this machine.
        allowed: Addresses that it may reach beside its database.
        request: What the probe is told; see `probe/main.py`.
        connect: Answers (dialect, place, target) with the scratch database's URL.
        progress: Called with (revision id, number, total) before each revision.
        started: Told of the process.
        ran: Called when the project has done its part, before the probe looks around.
        mark: Gives the comment for what the project makes on the server of a dialect.
        waits: Says who waits for whom on the scratch servers, a line each: asked at the timeout.
        is_shared: Whether the server of a dialect has databases of others: its address is open
            only while SQLAlchemy connects.
    """

    interpreter: str
    prefix: tuple[str, ...]
    checkout: Path
    policy: Policy
    allowed: tuple[str, ...]
    request: Mapping[str, Any]
    environ: Mapping[str, str]
    timeout: float
    connect: Ask
    progress: Callable[[str, int, int], None]
    started: Callable[[Probe], object]
    ran: Callable[[], None]
    waits: Callable[[], Sequence[str]] = tuple
    mark: Callable[[str], str] = lambda _: ""
    is_shared: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True)
class Observation:
    """What the probe saw. `error` is empty when it came to the end.

    Attributes:
        databases: One entry per migrated database: name, operations, model catalogue.
        connections: Dialect, driver and (password-free) target of each redirected connection.
        revisions: Ids of the revisions that ran, in order.
        paths: The files of those revisions.
        transcript: From those revisions to digests of what they sent to the database.
        outdated: Files that the base's revisions took something from and this commit changes, so
            that they ran in the base's checkout.
        remembered: Ids of the revisions that had run in the database before.
        circumstances: What of env.py and the models makes old migrations do what they do.
        scripts: Files of the tree that Alembic loaded as its history, empty if it could not.
        phase: Where it failed: start, env, start-sql, upgrade, create or compare.
        guard: What guarded the machine against the project; None if it is remembered.
        refused: Addresses that the project wanted to reach beside SQLAlchemy.
        refused_writes: Files outside of the checkout that the project wanted to change.
        refused_programs: Programs that the project wanted to start.
        denied: Dialect and statement of what a server refused for want of a privilege.
        worktree: Files of the user's working tree that were loaded as modules.
        copies: Modules of the tree that were loaded from elsewhere: see `probe/copies.py`.
        asked_x: env.py asked for arguments of `alembic -x`.
        flask: The version of the project's Flask; empty where none was needed.
        reads: What was read: see `probe/trace.py`.
        log: What the project printed.
    """

    databases: tuple[Mapping[str, Any], ...] = ()
    connections: tuple[Mapping[str, str], ...] = ()
    revisions: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    transcript: Mapping[str, str] = field(default_factory=dict)
    outdated: tuple[str, ...] = ()
    remembered: tuple[str, ...] = ()
    circumstances: str = ""
    scripts: tuple[str, ...] = ()
    error: Mapping[str, Any] = field(default_factory=dict)
    phase: str = ""
    revision: str = ""
    guard: Guard | None = None
    refused: tuple[str, ...] = ()
    refused_writes: tuple[str, ...] = ()
    refused_programs: tuple[str, ...] = ()
    denied: tuple[Mapping[str, str], ...] = ()
    worktree: tuple[str, ...] = ()
    copies: tuple[Mapping[str, Any], ...] = ()
    asked_x: bool = False
    flask: str = ""
    reads: Mapping[str, Any] = field(default_factory=dict)
    log: str = ""


class Probe:
    """The probe, behind a guard. Until it is asked it imports its libraries.

    Attributes:
        log: What it prints.
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
        """The process that ends as the probe does."""
        return self.cell.process

    def kill(self) -> None:
        """Begin to end it and all that it started."""
        self.cell.kill()

    def end(self) -> None:
        """Wait for its end, which it has begun itself."""
        self.cell.end()

    def close(self) -> None:
        """Leave nothing of it."""
        self.cell.close()
        self.log.close()


def start_probe(
    interpreter: str, environ: Mapping[str, str], folder: Path, policy: Policy
) -> Probe:
    """Start the probe on this machine.

    Args:
        folder: What a relative PYTHONPATH is relative to. Without one, Python is started away from
            it: there may be a `re.py`, which Python 3.13 takes for its own.
    """
    command = [interpreter, "-c", LOCAL, str(PROBE), str(bytecode_folder(policy))]
    return Probe(command, environ, str(folder) if "PYTHONPATH" in environ else os.sep, policy)


def observe(run: Run, early: Probe | None = None) -> Observation:
    """Run the probe to its end; `CouldNotJudge` if it dies or takes longer than the timeout.

    Args:
        early: One that was started with the same interpreter and environment.
    """
    with _asked(run, early) as (probe, clock):
        facts, doing = None, "before the first revision"
        process, log = probe.process, probe.log
        for event in _events(process, log):
            facts = _handle(event, run, probe, clock)
            if event["event"] == "revision":
                doing = f"at revision {event['id']}, {event['number']} of {event['total']}"
            if facts is not None:  # children may hold the pipe open
                break
        probe.end()
        guard, refused = probe.cell.guard, probe.cell.refused()
        log.seek(0)
        printed = log.read().decode("utf-8", "replace")
    if clock.has_expired:
        raise _took_too_long(run.timeout, doing, clock.waits, printed)
    if facts is None:
        raise CouldNotJudge(
            f"the project's Python {_ending(process.returncode)}; the dry run was {doing}",
            log=printed,
        )
    lists = (
        *("databases", "connections", "revisions", "scripts", "worktree", "copies"),
        *("refused_programs", "denied"),
    )
    return Observation(
        **{name: tuple(facts.get(name, ())) for name in lists},
        guard=guard,
        refused=_joined(facts.get("refused", ()), refused.addresses),
        refused_writes=_joined(facts.get("refused_writes", ()), refused.writes),
        error=facts.get("error", {}),
        paths=facts.get("paths", {}),
        transcript=facts.get("transcript", {}),
        circumstances=facts.get("circumstances", ""),
        phase=facts.get("phase", ""),
        revision=facts.get("revision", ""),
        asked_x=facts.get("asked_x", False),
        flask=facts.get("flask", ""),
        reads=facts.get("reads", {}),
        log=printed,
    )


def _joined(*names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain(*names)))


def _took_too_long(seconds: float, doing: str, waits: Sequence[str], printed: str) -> CouldNotJudge:
    """Explain a timeout: more time is advised only where nothing waits for a lock."""
    what = f"the dry run took longer than {seconds:g} seconds; it was {doing}"
    if not waits:
        fix = "If that is its usual time:\n[tool.alembic-lockstep]\ntimeout = 900"
        return CouldNotJudge(what, fix=fix, log=printed)
    what += f"; {waits[0]}"
    fix = (
        "Commit or close the transaction that holds the lock before that statement: "
        "it would wait on your databases, too."
    )
    return CouldNotJudge(what, tried=tuple(waits[1:]), fix=fix, log=printed)


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-status}"


@contextmanager
def _asked(run: Run, early: Probe | None) -> Iterator[tuple[Probe, _Clock]]:
    """The probe with its request, killed when it takes too long; nothing is left of it."""
    if run.prefix:
        archive = _archive(run.checkout, _ignored_folders(run.request))
        command = [*run.prefix, run.interpreter, "-c", REMOTE, str(len(archive))]
        probe, header = Probe(command, run.environ, None, None), archive
    else:
        probe = early or start_probe(run.interpreter, run.environ, run.checkout, run.policy)
        header = b""
    run.started(probe)
    clock = _Clock(probe, run.timeout, run.waits)
    clock.start()
    try:
        request = {
            "checkout": str(run.checkout),
            **run.request,
            "isolation": _isolation(run, probe),
        }
        probe.cell.allow(run.allowed)
        _write(probe.process, header + _line(request))
        yield probe, clock
    finally:
        clock.stop()
        probe.close()


def _isolation(run: Run, probe: Probe) -> dict[str, Any]:
    """Return what the probe has to know of the guard around it.

    Raises:
        CouldNotJudge: the settings name a guard that does not work here.
    """
    guard = probe.cell.guard
    if not guard.files:
        raise CouldNotJudge(
            "the guard that the settings name does not work on this machine",
            tried=guard.tried,
            fix='[tool.alembic-lockstep]\nguard = "auto"',
        )
    return {**run.request["isolation"], "files": guard.files, "network": guard.network}


class _Clock:
    """Kills a probe that takes longer than some seconds, those not counted in which it waits."""

    def __init__(
        self, probe: Probe, seconds: float, waits: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self._probe = probe
        self._left = seconds
        self._ask_waits = waits
        self.waits: Sequence[str] = ()
        self.has_expired = False

    def start(self) -> None:
        self._started = time.monotonic()
        self._timer = threading.Timer(self._left, self._expire)
        self._timer.start()

    def stop(self) -> None:
        self._timer.cancel()
        self._left -= time.monotonic() - self._started

    def _expire(self) -> None:
        self.has_expired = True
        try:
            self.waits = self._ask_waits()  # while both sessions are there
        finally:
            self._probe.kill()


def _ignored_folders(request: Mapping[str, Any]) -> frozenset[str]:
    """Return the paths of the checkout's ignored folders."""
    paths = (path for _, ignored in request["worktrees"] for path in ignored)
    return frozenset(path.rstrip("/") for path in paths if path.endswith("/"))


def _archive(checkout: Path, left_out: Collection[str]) -> bytes:
    """Pack the probe and a checkout, without its history and bytecode.

    Args:
        left_out: Folders of the checkout that the place where the project runs has of its own.
    """

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        path = member.name.removeprefix("tree/")
        aside = path == ".git" or path in left_out or "__pycache__" in path.split("/")
        # Large ignored files are links into the user's tree: not there, elsewhere.
        outside = member.issym() and member.linkname.startswith("/")
        return None if aside or outside else member

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(PROBE, "probe", filter=plain)
        archive.add(checkout, "tree", filter=plain)
    return buffer.getvalue()


def _events(process: subprocess.Popen[bytes], log: BinaryIO) -> Iterator[dict[str, Any]]:
    """What the probe says; what anybody else (the setting `run`, a .pth) says goes to the log."""
    assert process.stdout is not None
    for line in process.stdout:
        event = _parsed(line)
        if event:
            yield event
        else:
            log.write(line)
            log.flush()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) and "event" in event else {}


def _handle(event: dict[str, Any], run: Run, probe: Probe, clock: _Clock) -> dict[str, Any] | None:
    """Answer one event; the last one is the result."""
    process = probe.process
    if event["event"] == "connect":
        clock.stop()  # the database may be another run's, which has not ended yet
        url = run.connect(event["dialect"], event["place"], event["target"])
        clock.start()
        is_shared = run.is_shared(event["dialect"])
        if not is_shared:
            probe.cell.allow(addresses_of(url))
        answer = {"url": url, "mark": run.mark(event["dialect"]), "is_shared": is_shared}
        _write(process, _line(answer))
    elif event["event"] in ("open", "shut"):
        change = probe.cell.allow if event["event"] == "open" else probe.cell.forbid
        change(addresses_of(event["url"]))
        _write(process, _line({}))
    elif event["event"] == "revision":
        run.progress(event["id"], event["number"], event["total"])
    elif event["event"] == "ran":
        run.ran()
        _write(process, _line({}))
    elif event["event"] == "done":
        return event
    return None


def _write(process: subprocess.Popen[bytes], content: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(content)
        process.stdin.flush()
    except BrokenPipeError:
        pass  # it died; what it printed says why


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"
