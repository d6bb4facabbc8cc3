"""Probes that are started before it is known what to ask them: they have libraries to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alembic_lockstep.dryrun.environ import outer_environ
from alembic_lockstep.dryrun.interpreter import used_interpreters
from alembic_lockstep.dryrun.process import Probe, start_probe
from alembic_lockstep.git.repository import Repository


@dataclass
class EarlyProbes:
    """The probes that nobody has taken yet, by their interpreters; `close()` leaves none."""

    repository: Repository
    environ: Mapping[str, str]
    _waiting: dict[str, Probe] = field(default_factory=dict)

    def __enter__(self) -> EarlyProbes:
        return self

    def __exit__(self, *_: object) -> None:
        for probe in self._waiting.values():
            probe.close()

    def guess(self) -> None:
        """Start one with the interpreter that was used last, if there was but one."""
        used = used_interpreters(self.repository.private / "interpreter.json")
        if len(used) == 1:
            self.start(*used)

    def start(self, interpreter: str) -> None:
        """Start one. With a PYTHONPATH the libraries might be those of the working tree."""
        if interpreter in self._waiting or "PYTHONPATH" in self.environ:
            return
        environ = outer_environ(self.environ)
        self._waiting[interpreter] = start_probe(interpreter, environ, self.repository.root)

    def take(self, interpreter: str) -> Probe | None:
        """One that waits, if there is one."""
        return self._waiting.pop(interpreter, None)
