"""Probes that are started before their request is known, and import libraries meanwhile."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.policy import policy_for
from alembic_lockstep.dryrun.probe_process import Probe, start_probe
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.choice import used_interpreters
from alembic_lockstep.interpreters.environ import project_environ
from alembic_lockstep.isolation.cell import Policy
from alembic_lockstep.system.regular import read_text


@dataclass
class EarlyProbes:
    """The probes that wait for a request, by interpreter and policy; closed at exit.

    Attributes:
        slot: This run's folder.
    """

    context: RunContext
    slot: Path
    _waiting: dict[tuple[str, Policy], list[Probe]] = field(default_factory=dict)

    def __enter__(self) -> EarlyProbes:
        return self

    def __exit__(self, *_: object) -> None:
        for probes in self._waiting.values():
            for probe in probes:
                probe.close()

    def guess(self) -> None:
        """Start a probe with the interpreter of the last run, if that used only one.

        It starts with the working tree's settings; a run with other settings does not take it.
        """
        interpreters = used_interpreters(self.context.repository.private / "interpreter.json")
        if len(interpreters) != 1:
            return
        with suppress(CouldNotJudge):  # raised when the judged tree's settings are read
            settings = self.context.load_settings(self._settings_text())
            if not (settings.run or settings.env):
                self.start(interpreters.pop(), policy_for(self.slot, settings))

    def _settings_text(self) -> str | None:
        """Return the working tree's pyproject.toml; None if it has no settings of ours."""
        file = self.context.repository.root / "pyproject.toml"
        text = read_text(file) or ""
        return text if "alembic-lockstep" in text else None

    def start(self, interpreter: str, policy: Policy, count: int = 1) -> None:
        """Start probes until `count` wait.

        With a PYTHONPATH none is started: its libraries might be the working tree's.
        """
        if "PYTHONPATH" in self.context.environ:
            return
        waiting = self._waiting.setdefault((interpreter, policy), [])
        while len(waiting) < count:
            environ = project_environ(self.context.environ)
            waiting.append(start_probe(interpreter, environ, self.context.repository.root, policy))

    def take(self, interpreter: str, policy: Policy) -> Probe | None:
        """Return a probe that waits, or None."""
        waiting = self._waiting.get((interpreter, policy))
        return waiting.pop(0) if waiting else None
