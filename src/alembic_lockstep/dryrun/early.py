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
    """The probes that nobody has taken yet, by their interpreters; none outlives this."""

    repository: Repository
    environ: Mapping[str, str]
    _waiting: dict[str, list[Probe]] = field(default_factory=dict)

    def __enter__(self) -> EarlyProbes:
        return self

    def __exit__(self, *_: object) -> None:
        for probes in self._waiting.values():
            for probe in probes:
                probe.close()

    def guess(self) -> None:
        """Start one with the interpreter that was used last, if there was but one."""
        used = used_interpreters(self.repository.private / "interpreter.json")
        if len(used) == 1:
            self.start(used.pop())

    def start(self, interpreter: str, wanted: int = 1) -> None:
        """Have so many wait. With a PYTHONPATH their libraries might be the working tree's."""
        if "PYTHONPATH" in self.environ:
            return
        waiting = self._waiting.setdefault(interpreter, [])
        while len(waiting) < wanted:
            environ = outer_environ(self.environ)
            waiting.append(start_probe(interpreter, environ, self.repository.root))

    def take(self, interpreter: str) -> Probe | None:
        """One that waits, if there is one."""
        waiting = self._waiting.get(interpreter)
        return waiting.pop(0) if waiting else None
