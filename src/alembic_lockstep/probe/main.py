"""Run the probe from its first line to its last."""

from __future__ import annotations

import faulthandler
import os
import re
import sys
from contextlib import ExitStack
from importlib import metadata
from typing import TYPE_CHECKING, Optional

from .channel import Channel
from .copies import loaded_copies
from .exceptions import describe_error
from .imports import loaded_from_worktree, repoint_imports
from .isolation import Isolation
from .places import Places
from .protocol import Done, Outcome, Progress, Request, TrialOutcome
from .reads import Reads
from .stand_in import run_stand_in
from .trace import trace

if TYPE_CHECKING:
    from .dryrun import DryRun
    from .redirect import Redirect

OUR_FILES = (os.path.dirname(os.path.abspath(__file__)) + os.sep, "<frozen importlib.")


def main(top: str) -> None:
    """Talk to the host on the standard streams until the verdict's facts are sent.

    `top` is the temporary folder into which the checkout travelled; empty where host and
    probe share a file system.
    """
    # A crash of C code leaves the project's lines in the log.
    faulthandler.enable(2, all_threads=False)
    reads = Reads()
    reads.start()
    # While the host prepares its request. A failure is reported later; nothing is imported twice.
    failed = None
    try:
        from . import dryrun, project, redirect  # noqa: F401 - used by `_observe`
    except Exception as error:
        failed = error
    channel = Channel(top)
    request = channel.request
    if top:
        request["checkout"], request["worktrees"] = os.path.join(top, "tree"), [(os.getcwd(), [])]
    isolation = Isolation(request, reads, top)
    os.environ.update({**isolation.variables, **request["env"]})
    os.chdir(os.path.join(request["checkout"], request["directory"]))
    places = Places(request)
    repoint_imports(places, isolation.after_import, reads.imported)
    sys.path[:0] = [os.path.join(request["checkout"], path) for path in request["paths"]]
    isolation.install()
    outcome = _observe(channel, request, isolation, places, reads, failed)
    reads.stop()
    # Now the host asks the kernel which files the project read, before we read others.
    channel.ask({"event": "ran"})
    _report(channel, request, isolation, places, reads, outcome)
    try:
        sys.stderr.flush()  # which the project may have closed
    finally:
        os._exit(0)  # without waiting for the project's threads and exit handlers


def _report(
    channel: Channel,
    request: Request,
    isolation: Isolation,
    places: Places,
    reads: Reads,
    outcome: Outcome,
) -> None:
    """Send the last message."""
    with isolation.bypass():
        copies, elsewhere = loaded_copies(places)
        uses_flask = request["flask"] and "flask" in sys.modules
        done: Done = {
            "event": "done",
            "refused": isolation.refusals.addresses,
            "refused_writes": isolation.refusals.writes,
            "refused_programs": isolation.refusals.programs,
            "worktree": loaded_from_worktree(places),
            "copies": copies,
            "reads": trace(reads, places, elsewhere),
            "flask": metadata.version("flask") if uses_flask else "",
            **outcome,
        }
        channel.send(done)


def _observe(
    channel: Channel,
    request: Request,
    isolation: Isolation,
    places: Places,
    reads: Reads,
    failed: Optional[Exception],
) -> Outcome:
    """Run the project; its failure is an observation like any other."""
    run = redirect = None
    failure: Outcome = {}
    progress: Progress = {}
    trial: TrialOutcome = {}
    with ExitStack() as stack:
        try:
            if failed is not None:
                raise failed
            from . import dryrun, project
            from .redirect import Redirect
            from .surroundings import Surroundings

            surroundings = Surroundings(places.checkout)
            redirect = Redirect(channel, isolation, places)
            redirect.install()
            run_stand_in(request)
            config = project.load_config(request, stack)
            run = dryrun.DryRun(config, channel, redirect, request, reads, surroundings)
            run.run()
            trial = _try_on_rows(run, channel, redirect, request, reads)
        except BaseException as error:  # also SystemExit and asyncio's CancelledError
            failure = _failure(error, places.checkout, redirect)
    if run:
        databases = [] if failure else run.databases
        progress = {**run.progress(), "databases": databases, "trial": trial}
    connections = redirect.connections if redirect else []
    denied = redirect.cluster.denied if redirect else []
    reads.scratch = redirect.files if redirect else set()
    return {**failure, **progress, "connections": connections, "denied": denied}


def _failure(error: BaseException, checkout: str, redirect: Optional[Redirect]) -> Outcome:
    """Print what failed as the project's own command would, and return it for the host."""
    _print_trace(error, checkout)
    if redirect and redirect.connections:
        redirect.cluster.note(error, redirect.connections[-1]["dialect"])
    return {"error": describe_error(error, checkout), "phase": "start"}


def _try_on_rows(
    run: DryRun, channel: Channel, redirect: Redirect, request: Request, reads: Reads
) -> TrialOutcome:
    """Run the new revisions on tables with rows, if the host has asked for it."""
    if not request["phases"] or not run.revisions:
        return {}
    from .trial import Trial

    return Trial(run, channel, redirect, request, reads).run()


def _print_trace(error: BaseException, checkout: str) -> None:
    """Print the traceback as the project's own command would: without our frames and paths.

    Exceptions of ours are shown without our module's name.
    """
    from traceback import TracebackException

    printed = TracebackException.from_exception(error)
    part: Optional[TracebackException] = printed
    while part is not None:
        frames = [frame for frame in part.stack if not frame.filename.startswith(OUR_FILES)]
        part.stack[:] = frames
        part = part.__cause__ or (None if part.__suppress_context__ else part.__context__)
    text = "".join(printed.format()).replace(checkout + os.sep, "")
    sys.stderr.write(re.sub(rf"(?m)^{__package__}\.\w+\.", "", text))
