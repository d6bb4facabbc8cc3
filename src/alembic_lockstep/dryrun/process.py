"""The conversation with the probe, from the request to the observation."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.probe_process import Probe, start_elsewhere, start_probe
from alembic_lockstep.dryrun.trial_facts import TrialFacts
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.isolation.addresses import addresses_of
from alembic_lockstep.isolation.cell import Guard, Policy, Refused
from alembic_lockstep.probe.database_facts import DatabaseFacts
from alembic_lockstep.probe.protocol import (
    Bodies,
    ConnectAnswer,
    Done,
    DraftRequest,
    Folders,
    Guards,
    Message,
    Request,
    RunRequest,
    TrialAnswer,
)

Ask = Callable[[str, str, str], str]
Compose = Callable[[Sequence[DatabaseFacts]], Bodies]

#: How far a run came that is in its trial.
#: In the frames of the probe, which a crash prints with the project's.
_PROBE = "alembic_lockstep/probe/"
_IN_TRIAL = "in the trial on tables with rows"


class TrialBrokenError(Exception):
    """The process ended, or took too long, while new revisions were tried on rows."""


@dataclass(frozen=True)
class Drafting:
    """A migration that the probe is to write; `compose` returns the bodies of its functions."""

    request: DraftRequest
    compose: Compose


@dataclass(frozen=True)
class Run:
    """The settings of one dry run.

    Attributes:
        root: The working tree's top folder, where `prefix` is run: a compose file may be there.
        policy: The files that the project may change on this machine.
        allowed: Addresses that it may reach besides its database.
        request: The request to the probe, which adds checkout and guards.
        folders: The folders that the project may write to.
        connect: Returns the scratch database's URL for (dialect, destination, target).
        progress: Called with (revision id, number, total) before each revision.
        started: Called with the process.
        ran: Called when the project has ended, before the probe reads the checkout itself.
        mark: Returns the comment for what the project makes on the server of a dialect.
        waits: Describes the sessions that wait on the scratch servers, at the timeout.
        is_shared: Whether the server of a dialect has databases of others: its address is open
            only while SQLAlchemy connects.
        is_ready: Prepares a step of the trial on rows; returns whether it can be taken.
        compose: Returns the bodies of the migration that the request has written.
    """

    interpreter: str
    prefix: tuple[str, ...]
    root: Path
    checkout: Path
    policy: Policy
    allowed: tuple[str, ...]
    request: RunRequest
    folders: Folders
    environ: Mapping[str, str]
    timeout: float
    connect: Ask
    progress: Callable[[str, int, int], None]
    started: Callable[[Probe], object]
    ran: Callable[[], None]
    waits: Callable[[], Sequence[str]] = tuple
    mark: Callable[[str], str] = lambda _: ""
    is_shared: Callable[[str], bool] = lambda _: False
    is_ready: Callable[[str], bool] = lambda _: False
    compose: Compose | None = None


def observe(run: Run, early: Probe | None = None) -> Observation:
    """Run the probe to its end; `CouldNotJudge` if it dies or takes longer than the timeout.

    Args:
        early: A probe that was started with the same interpreter and environment.

    Raises:
        TrialBrokenError: it did so in the trial on rows.
    """
    with _requested(run, early) as (probe, clock):
        done, position = _converse(run, probe, clock)
        probe.end()
        guard, refused = probe.cell.guard, probe.cell.refused()
        probe.log.seek(0)
        output = probe.log.read().decode("utf-8", "replace")
    if position == _IN_TRIAL and (clock.has_expired or done is None):
        how = "took too long" if clock.has_expired else "ended the project's Python"
        raise TrialBrokenError(f"the new revisions {how} on tables with rows")
    if clock.has_expired:
        raise _took_too_long(run.timeout, position, clock.waits, output)
    if done is None:
        raise _ended(probe.process.returncode, position, _of_the_project(output, run.checkout))
    return _observation(done, guard, refused, output)


def _converse(run: Run, probe: Probe, clock: _Clock) -> tuple[Done | None, str]:
    """Answer the probe's messages; return the last one, if it comes, and how far the run came."""
    position = "before the first revision"
    for event in _events(probe.process, probe.log):
        done = _handle(event, run, probe, clock)
        if event["event"] == "revision":
            position = f"at revision {event['id']}, {event['number']} of {event['total']}"
        elif event["event"] == "trial":
            position = _IN_TRIAL
        if done is not None:  # children may hold the pipe open
            return done, position
    return None, position


def _observation(facts: Done, guard: Guard, refused: Refused, output: str) -> Observation:
    return Observation(
        databases=tuple(facts.get("databases", ())),
        connections=tuple(facts.get("connections", ())),
        revisions=tuple(facts.get("revisions", ())),
        scripts=tuple(facts.get("scripts", ())),
        worktree=tuple(facts["worktree"]),
        copies=tuple(facts["copies"]),
        refused_programs=tuple(facts["refused_programs"]),
        denied=tuple(facts.get("denied", ())),
        extensions=tuple(facts.get("extensions", ())),
        is_stale=facts.get("is_stale", False),
        guard=guard,
        refused=_distinct(facts["refused"], refused.addresses),
        refused_writes=_distinct(facts["refused_writes"], refused.writes),
        error=facts.get("error", {}),
        paths=facts.get("paths", {}),
        transcript=facts.get("transcript", {}),
        circumstances=facts.get("circumstances", ""),
        phase=facts.get("phase", ""),
        revision=facts.get("revision", ""),
        asked_x=facts.get("asked_x", False),
        flask=facts["flask"],
        reads=facts["reads"],
        log=output,
        migration=cast(Mapping[str, str], facts.get("migration") or {}),
        trial=cast(TrialFacts, facts.get("trial", {})),
    )


def _distinct(*names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain(*names)))


def _took_too_long(
    seconds: float, position: str, waits: Sequence[str], output: str
) -> CouldNotJudge:
    """Explain a timeout: more time is advised only where nothing waits for a lock."""
    problem = f"the dry run took longer than {seconds:g} seconds; it was {position}"
    if not waits:
        fix = "If that is its usual time:\n[tool.alembic-lockstep]\ntimeout = 900"
        return CouldNotJudge(problem, fix=fix, log=output)
    fix = (
        "Commit or close the transaction that holds the lock before that statement: "
        "it would wait on your databases, too."
    )
    return CouldNotJudge(f"{problem}; {waits[0]}", tried=tuple(waits[1:]), fix=fix, log=output)


def _ended(status: int, position: str, output: str) -> CouldNotJudge:
    """Explain the early end of the project's Python.

    Args:
        status: As of `subprocess`: negative is the number of a signal.
    """
    if status >= 0:
        fix = "Let the project raise an error there, and not end its own process (os._exit())."
    elif status == -signal.SIGKILL:
        fix = "The kernel kills the largest process where memory is short:\nfree -h"
    else:
        fix = (
            "Mend or replace the library that it calls there: the last lines that it printed "
            "say where."
        )
    problem = f"the project's Python {_ending(status)}; the dry run was {position}"
    return CouldNotJudge(problem, fix=fix, log=output)


def _of_the_project(output: str, checkout: Path) -> str:
    """Return what a crash printed, less the probe's frames and the checkout's folder."""
    lines = (line for line in output.splitlines(keepends=True) if _PROBE not in line)
    return "".join(lines).replace(f"{checkout}/", "")


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with exit code {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # a real-time signal has no name
        return f"was killed by signal {-status}"


@contextmanager
def _requested(run: Run, early: Probe | None) -> Iterator[tuple[Probe, _Clock]]:
    """Send the request to a probe, which is killed at the timeout and closed at exit."""
    if run.prefix:
        command = (*run.prefix, run.interpreter)
        probe, header = start_elsewhere(command, run.environ, run.root, run.checkout, run.request)
    else:
        probe = early or start_probe(run.interpreter, run.environ, run.checkout, run.policy)
        header = b""
    run.started(probe)
    clock = _Clock(probe, run.timeout, run.waits)
    clock.start()
    try:
        request: Request = {
            **run.request,
            "checkout": str(run.checkout),
            "isolation": _isolation(run, probe),
        }
        probe.cell.allow(run.allowed)
        _write(probe.process, header + _line(request))
        yield probe, clock
    finally:
        clock.stop()
        probe.close()


def _isolation(run: Run, probe: Probe) -> Guards:
    """Return the guard around the probe, for the request.

    Raises:
        CouldNotJudge: the settings name a guard that does not work on this machine.
    """
    guard = probe.cell.guard
    if not guard.files:
        raise CouldNotJudge(
            "the guard that the settings name does not work on this machine",
            tried=guard.tried,
            fix='[tool.alembic-lockstep]\nguard = "auto"',
        )
    return {**run.folders, "files": guard.files, "network": guard.network}


class _Clock:
    """Kills a probe at the timeout; does not count the seconds between `stop` and `start`."""

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


def _events(process: subprocess.Popen[bytes], log: BinaryIO) -> Iterator[Message]:
    """Yield the probe's messages; other output (of the setting `run`, a .pth) goes to the log."""
    assert process.stdout is not None
    for line in process.stdout:
        event = _parsed(line)
        if event:
            yield event
        else:
            log.write(line)
            log.flush()


def _parsed(line: bytes) -> Message | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return cast(Message, event) if isinstance(event, dict) and "event" in event else None


def _handle(event: Message, run: Run, probe: Probe, clock: _Clock) -> Done | None:
    """Answer one event; the last one is the result."""
    process = probe.process
    if event["event"] == "connect":
        clock.stop()  # the server may be busy with another run
        url = run.connect(event["dialect"], event["destination"], event["target"])
        clock.start()
        is_shared = run.is_shared(event["dialect"])
        if not is_shared:
            probe.cell.allow(addresses_of(url))
        answer: ConnectAnswer = {
            "url": url,
            "mark": run.mark(event["dialect"]),
            "is_shared": is_shared,
        }
        _write(process, _line(answer))
    elif event["event"] == "trial":
        clock.stop()
        trial_answer: TrialAnswer = {"goes_on": run.is_ready(event["step"])}
        clock.start()
        _write(process, _line(trial_answer))
    elif event["event"] == "draft":
        assert run.compose is not None
        _write(process, _line(run.compose(event["databases"])))
    elif event["event"] == "open" or event["event"] == "shut":
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
        pass  # it died; its output says why


def _line(facts: Mapping[str, Any]) -> bytes:
    return json.dumps(facts).encode() + b"\n"
