"""Try revisions on tables that hold rows: upgrade, downgrade, upgrade again.

env.py is executed anew for each phase, in the process of the ordinary run: the application is
imported already. The host fills the databases, and looks at them between the phases.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator, List, Optional

from alembic import util
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep

from .channel import Channel
from .dryrun import DryRun, execute_env
from .exceptions import describe_error
from .protocol import ROWS, UNFILLED, Request, TrialOutcome, TrialPhase
from .reads import Reads
from .redirect import Redirect
from .schemas import make_schemas

#: What Python raises where it reads a value in a form that it does not know.
OF_VALUES = (ArithmeticError, LookupError, ValueError)


class Trial:
    """Trial of the revisions that an ordinary run has run."""

    def __init__(
        self, run: DryRun, channel: Channel, redirect: Redirect, request: Request, reads: Reads
    ) -> None:
        self._run = run
        self._channel = channel
        self._redirect = redirect
        self._request = request
        self._reads = reads
        self._phase: TrialPhase = "upgrade"
        self._revision = ""
        self._calls = 0
        # By the number of the call of `run_migrations`: a database each.
        self._upgraded: Dict[int, List[str]] = {}

    def run(self) -> TrialOutcome:
        """Run the phases until one fails."""
        self._redirect.release()
        for phase in self._request["phases"]:
            if not self._channel.goes_on({"event": "trial", "step": phase}):
                return {}
            error = self._failure(phase, ROWS)
            if error is not None:
                return self._outcome(phase, error)
        self._channel.goes_on({"event": "trial", "step": "end"})
        return {}

    def _outcome(self, phase: TrialPhase, error: BaseException) -> TrialOutcome:
        outcome: TrialOutcome = {
            "phase": phase,
            "revision": self._revision,
            "error": describe_error(error, self._request["checkout"]),
        }
        is_about_values = isinstance(getattr(error, "orig", None) or error, OF_VALUES)
        phases = self._request["phases"]
        is_asked = phase == "upgrade" or (phase == "downgrade" and is_about_values)
        if is_asked and self._channel.goes_on({"event": "trial", "step": "unfilled"}):
            before = phases[: phases.index(phase) + 1]
            failures = (self._failure(each, UNFILLED) for each in before)
            outcome["fails_unfilled"] = any(failure is not None for failure in failures)
            outcome["is_about_values"] = is_about_values
        return outcome

    def _failure(self, phase: TrialPhase, destination: str) -> Optional[BaseException]:
        """Run a phase; return the exception that ended it."""
        self._phase, self._revision, self._calls = phase, "", 0
        self._redirect.begin_phase(destination)
        try:
            self._reload()
            self._execute()
        except BaseException as error:  # as in an ordinary run: also SystemExit
            return error
        finally:
            self._reads.is_migrating = False
            self._redirect.release()
        if self._calls < len(self._upgraded):
            return util.CommandError("env.py did not run the migrations again")
        return None

    def _execute(self) -> None:
        run = self._run
        environment = EnvironmentContext(run.config, run.script, fn=self._run_migrations)
        environment.configure = self._wrap_configure(environment.configure)  # type: ignore[method-assign]
        with environment:
            execute_env(run.script, self._request["worker_thread"])

    def _reload(self) -> None:
        """Load the migrations as a new process would: they may have made objects at their top."""
        for revision in dict.fromkeys(self._run.revisions):
            script: Any = self._run.script.get_revision(revision)
            script.module = util.load_python_file(*os.path.split(script.path))

    def _wrap_configure(self, configure: Callable[..., None]) -> Callable[..., None]:
        def claim_and_configure(connection: Any = None, *rest: Any, **options: Any) -> None:
            if connection is None:
                raise util.CommandError("env.py configured the migrations without a connection")
            self._redirect.claim(connection)
            make_schemas(connection, [options.get("version_table_schema")])
            configure(connection, *rest, **options)

        return claim_and_configure

    def _run_migrations(self, rev: Any, context: MigrationContext) -> Iterator[Any]:
        del context
        number, self._calls = self._calls, self._calls + 1
        for step in self._steps(number, rev):
            # Until env.py has ended: a deferred constraint fails when it commits.
            self._revision = step.revision.revision
            self._reads.is_migrating = True
            yield step
            self._reads.is_migrating = False

    def _steps(self, number: int, rev: Any) -> List[Any]:
        if self._phase != "downgrade":
            steps = list(self._run.pending_steps(rev))
            self._upgraded[number] = [step.revision.revision for step in steps]
            return steps
        script = self._run.script
        return [
            MigrationStep.downgrade_from_script(script.revision_map, script.get_revision(revision))
            for revision in reversed(self._upgraded.get(number, []))
        ]
