#!/usr/bin/env python3
"""Judge each commit of a project's history, and compare the verdicts with brute force.

``python benchmarks/replay.py NAME --snapshot GIT_DIRECTORY --python VENV/bin/python``, with a
Python in whose environment alembic-lockstep[postgres] is installed; it judges, and makes the
databases. NAME is one of `replaying/projects.py`; the other Python has the project's dependencies.
docs/history-replay.md says what came of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from bench.databases import PostgresServer
from bench.machine import developer
from bench.make_subjects import SCRATCH
from replaying.check import Checker
from replaying.outcome import CLEAN, DIFFER, HEAD, SAME, Outcome, agreement, precision, row
from replaying.projects import PROJECTS, Project
from replaying.repository import Clone, Commit
from replaying.truth import BruteForce

#: The columns, each with its arguments of `check`.
CHECKS: dict[str, tuple[str, ...]] = {"check": (), "static": ("--static",)}


def main(argv: Sequence[str] | None = None) -> int:
    """Replay, and print the tables; 1 if there is a commit on which the two disagree."""
    options = _options(argv)
    project = PROJECTS[options.name]
    python = options.python.absolute()  # not what it is a link to
    folder = (options.work / project.name).resolve()
    (folder / "home").mkdir(parents=True, exist_ok=True)
    clone = Clone.of(options.snapshot.resolve(), folder / "clone")
    commits = _commits(clone, project, options)
    server = None
    if project.dialect == "postgresql":
        server = PostgresServer(Path(sys.executable).parent, folder / "server", options.postgres)
    with closing(server) if server else nullcontext():
        environ = developer(folder / "home", folder / "cache", python.parent.parent)
        brute = BruteForce(project, clone, python, folder, environ, server)
        if server:
            environ = {**environ, SCRATCH: server.url}
        tool = Path(sys.executable).with_name("alembic-lockstep")
        checker = Checker(project, clone, tool, python, environ)
        outcomes = _replay(commits, brute, checker, options.checks)
    print(_report(project, outcomes, clone))
    return int(any(outcome.kind == DIFFER for column in outcomes.values() for outcome in column))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PROJECTS)
    parser.add_argument("--snapshot", type=Path, required=True, help="the project's git directory")
    parser.add_argument("--python", type=Path, required=True, help="with its dependencies")
    parser.add_argument("--commits", type=int, default=80, help="the newest so many; default: 80")
    parser.add_argument("--since", metavar="DAY", help="default: as projects.py says")
    parser.add_argument("--until", metavar="DAY")
    parser.add_argument("--checks", nargs="+", choices=CHECKS, default=["check"])
    parser.add_argument("--only", nargs="*", metavar="SHA", help="these commits of the stretch")
    parser.add_argument(
        "--postgres", metavar="URL", default="", help="a server; default: a private one"
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=Path(tempfile.gettempdir(), "alembic-lockstep-replay"),
        help="kept: the clone, the cache, and what brute force found; default: %(default)s",
    )
    return parser.parse_args(argv)


def _commits(clone: Clone, project: Project, options: argparse.Namespace) -> list[Commit]:
    migrations = [environment.migrations for environment in project.environments]
    since, until = options.since or project.since, options.until or project.until
    commits = clone.commits(since, until, migrations, project.models)
    if options.only:
        return [commit for commit in commits if commit.sha.startswith(tuple(options.only))]
    return commits[: options.commits]


def _replay(
    commits: Sequence[Commit], brute: BruteForce, checker: Checker, checks: Sequence[str]
) -> dict[str, list[Outcome]]:
    """Judge the commits, the oldest first, as they were made."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in checks}
    for commit in reversed(commits):
        truth = brute.truth(commit)
        for name in checks:
            outcome = Outcome(commit, truth, checker.found(commit, CHECKS[name]))
            outcomes[name].append(outcome)
            print(f"{name}: {row(outcome)}", file=sys.stderr, flush=True)
    return outcomes


def _report(project: Project, outcomes: dict[str, list[Outcome]], clone: Clone) -> str:
    lines = []
    for name, column in outcomes.items():
        days = [
            clone.git("show", "-s", "--format=%cs", outcome.commit.sha).strip()
            for outcome in column
        ]
        lines += ["", f"{name}: {precision(column)}"]
        lines += [row(outcome) for outcome in column if outcome.kind not in (CLEAN, SAME)]
        lines += [f"| {' | '.join(HEAD)} |"]
        lines += [agreement(project, column, min(days, default=""), max(days, default=""))]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
