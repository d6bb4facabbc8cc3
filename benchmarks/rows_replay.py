#!/usr/bin/env python3
"""Try each revision of a project's history on rows, as if it were the new one.

``python benchmarks/rows_replay.py CLONE --outcomes FILE``, with a Python in whose environment
alembic-lockstep is installed, in the variables with which `check` judges the project there.

The database that a revision's parents made gets rows; then come the trial and the three rules of
the tool, with HEAD's code and models. All revisions are tried in one process of the project, which
starts once: a `check` of each costs ten times as much. Each outcome is a line of JSON in FILE; what
is there is not tried again. docs/rows-replay.md says what came of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree, EnvironmentFinder
from alembic_lockstep.alembic_env.revisions import History
from alembic_lockstep.cache.store import cache_root
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.process import TrialBrokenError
from alembic_lockstep.dryrun.row_trial import RowTrial
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.facts import Facts, Histories
from alembic_lockstep.gate import Gate
from alembic_lockstep.git.change_set import read_change_set
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.rules import broken_downgrade, lost_rows, unsafe_upgrade
from alembic_lockstep.rules.row_notes import row_notes
from alembic_lockstep.runners import Runners

RULES = {rule.RULE: rule.check for rule in (unsafe_upgrade, lost_rows, broken_downgrade)}
STAND_IN = Path(__file__).with_name("replaying") / "one_process.py"


class Replay:
    """The host's side: databases for each revision's run and trial.

    Args:
        log: The file of outcomes; the revisions that it has are only run.
        most: How many revisions are tried, evenly spread; 0 for all.
    """

    def __init__(self, runner: DryRunner, env: EnvironmentAtTree, log: Path, most: int) -> None:
        self._log = log
        self._runner = runner
        self._servers = runner.servers
        self._env = env
        ids = _ordered(env.history)
        self.trials = {name: RowTrial(self._servers, env, {name}) for name in ids}
        done = _trials(log)
        # Below the first one there is no table to put rows into.
        chosen = set(_spread(ids[1:], most)) - set(done)
        self.plan = [(name, self.trials[name].phases if name in chosen else []) for name in ids]
        self._current: dict[str, str] = {}
        self.dialect = ""
        self.number = 0

    def run(self) -> Observation:
        """Start the project, and run the plan."""
        text = STAND_IN.read_text().replace("]] = []", f"]] = {self.plan!r}")
        settings = self._runner.settings
        own = settings.stand_in_text
        settings = replace(settings, stand_in="lockstep.py", stand_in_text=f"{own}\n{text}")
        launcher = self._runner.launcher
        launcher.settings = settings
        launcher.waits, launcher.mark = self._servers.waits, self._servers.mark
        launcher.is_shared = self._servers.is_shared
        with self._servers.replay():
            try:
                return launcher.run(self._env, "tree", lambda: self._connect, self._is_ready)
            finally:
                for trial in self.trials.values():
                    trial.settle()

    @property
    def trial(self) -> RowTrial:
        """Return the trial of the revision that runs."""
        return self.trials[self.plan[self.number][0]]

    def _connect(self, dialect: str, purpose: str, target: str) -> str:
        kind, _, number = purpose.partition("-")
        if kind == "scratch":
            self.dialect, self.number = dialect, int(number)
            return self._next(dialect, target)
        if kind in ("rows", "unfilled"):
            return self.trial.url(kind, dialect, target)
        return self._servers.create(dialect)

    def _next(self, dialect: str, target: str) -> str:
        """Return a copy of the database that the last revision left, and keep it for the trial."""
        before = self._current.get(target)
        if before and not self.plan[self.number][1]:
            return before
        if before:
            self._end_sessions(dialect, before)
        url = self._servers.copy(before) if before else self._servers.create(dialect)
        self._current[target] = url
        if self.plan[self.number][1]:
            self.trial.keep(target, url)
        return url

    def _end_sessions(self, dialect: str, url: str) -> None:
        """End what a pool of the project's holds: PostgreSQL copies no database in use."""
        if dialect != "postgresql":
            return
        with self._servers._server(dialect) as server:
            server._connection.execute(  # type: ignore[attr-defined]
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                [url.rpartition("/")[2].partition("?")[0]],
            )

    def _is_ready(self, step: str) -> bool:
        if not step.startswith("{"):
            return self.trial.is_ready_for(step)
        answer = json.loads(step)
        observation = Observation(revisions=tuple(answer["ran"]), trial=answer["outcome"])
        if self.plan[self.number][1] and answer["ran"]:
            self.note(self.trial.facts(observation))
        self.trial.settle()
        return True

    def note(self, facts: Any) -> None:
        """Write the outcome of the revision that runs to the file."""
        revision = self.plan[self.number][0]
        with self._log.open("a") as log:
            log.write(json.dumps({"revision": revision, "trial": facts}) + "\n")
        print(revision, facts.get("note", ""), file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Try the revisions, and print the project's cells of the table."""
    options = _options(argv)
    log: Path = options.outcomes.resolve()
    os.chdir(options.clone)
    with _runner() as (runner, histories):
        if not histories.history.revisions:  # env.py sets where they are
            scripts = _scripts(runner, histories.now)
            histories = histories.with_loaded_version_locations(scripts)
        while True:
            replay = Replay(runner, histories.now, log, options.most)
            try:
                last = replay.run()
            except TrialBrokenError as error:  # go on without that trial
                replay.note({"note": str(error)})
            else:
                break
    now = replace(last, connections=({"dialect": replay.dialect},))
    facts = Facts.of(histories, comparison=Comparison(now, None, "replay"))
    trials = _trials(log)
    judged = [
        {"revision": name, "trial": trials[name], **_judged(facts, trials[name])}
        for name, _ in replay.plan
        if name in trials
    ]
    log.write_text("".join(json.dumps(outcome) + "\n" for outcome in judged))
    if last.error:
        print(f"stopped at {last.revision}: {last.error['message']}", file=sys.stderr)
    print(_cells(judged, len(replay.plan)))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clone", type=Path)
    parser.add_argument("--outcomes", type=Path, required=True, metavar="FILE")
    parser.add_argument("--most", type=int, default=0, help="revisions to try; default: all")
    return parser.parse_args(argv)


@contextmanager
def _runner() -> Iterator[tuple[DryRunner, Histories]]:
    """Yield a runner for HEAD's first environment, without a cache."""
    environ = {**os.environ, "ALEMBIC_LOCKSTEP_ROWS": "true", "ALEMBIC_LOCKSTEP_TIMEOUT": "86400"}
    repository = Repository.discover(Path.cwd())
    context = RunContext(repository, environ)
    head = repository.tree_of("HEAD")
    change_set = read_change_set(repository, head, head)
    with (
        acquire_workplace(find_workplace(repository, environ, cache_root())) as slot,
        EarlyProbes(context, slot) as early,
        Runners(context, lambda *_: None, early, None) as runners,
    ):
        settings = Gate(runners).settings(change_set.tree)
        env = EnvironmentFinder(repository, settings, environ).find(change_set.tree)[0]
        yield runners.open(repository, settings), Histories(change_set, env, None)


def _scripts(runner: DryRunner, env: EnvironmentAtTree) -> Sequence[str]:
    """Return the migration files that env.py loads."""

    def connect(dialect: str, *_: str) -> str:
        return runner.servers.create(dialect)

    with runner.servers.replay():
        loading = runner.launcher.run(env, "tree", lambda: connect, upgrade=False, compare=False)
    return loading.scripts


def _ordered(history: History) -> list[str]:
    """Return ids of revisions, parents first."""
    parents = {each.id: history.parents(each) for each in history.revisions}
    return [name for name in TopologicalSorter(parents).static_order() if name in parents]


def _spread(ids: Sequence[str], most: int) -> list[str]:
    """Return so many of the ids, evenly spread; all for 0."""
    if most == 0 or most >= len(ids):
        return list(ids)
    return [ids[number * (len(ids) - 1) // max(most - 1, 1)] for number in range(most)]


def _trials(log: Path) -> dict[str, Any]:
    """Return the trials of a file of outcomes, by their revisions."""
    lines = log.read_text().splitlines() if log.exists() else []
    return {outcome["revision"]: outcome["trial"] for outcome in map(json.loads, lines)}


def _judged(facts: Facts, trial: Any) -> dict[str, Any]:
    """Return the findings and notes of a trial."""
    comparison = facts.comparison
    assert comparison is not None
    facts = replace(facts, comparison=replace(comparison, now=replace(comparison.now, trial=trial)))
    findings = [asdict(finding) for check in RULES.values() for finding in check(facts)]
    return {"findings": findings, "notes": row_notes(facts)}


def _cells(outcomes: Sequence[dict[str, Any]], count: int) -> str:
    """Return cells: revisions, tables with rows, findings by rule, tables and revisions without."""
    trials = [outcome["trial"] for outcome in outcomes]
    filled, unfilled = (
        sum(len(trial.get(name, ())) for trial in trials) for name in ("filled", "unfilled")
    )
    rules = Counter(
        rule
        for outcome in outcomes
        for rule in {finding["rule"] for finding in outcome["findings"]}
    )
    share = f"{filled / (filled + unfilled):.1%} of {filled + unfilled}" if filled else "none"
    noted = sum("note" in trial for trial in trials)
    cells = [f"{len(outcomes)} of {count}", share, *(rules[rule] for rule in RULES)]
    return " | ".join(map(str, [*cells, unfilled, noted]))


if __name__ == "__main__":
    main()
