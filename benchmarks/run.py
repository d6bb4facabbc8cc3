#!/usr/bin/env python3
"""Measure alembic-lockstep: ``python3 dev.py bench``, or this file with Python 3.10 or later.

Makes what it needs in a temporary folder: environments from the package index, a generated project
of several sizes on SQLite and PostgreSQL. `benchmarks/method.md` says what is measured, and how.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

from bench import cases, report
from bench.databases import PostgresServer
from bench.lines import Line
from bench.machine import PROJECT, ROOT, TOOL, describe, make_environment
from bench.make_subjects import Workshop
from bench.public_subjects import PROJECTS, make_real
from bench.subject import Subject

#: The goals for one new revision stand for projects of that size.
LARGE = 1000
CASES = ("irrelevant", "docstring", "warm", "rows", "growth", "private", "cold")
VARIABLE = "ALEMBIC_LOCKSTEP_BENCH_POSTGRES"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, and write it if asked to; 1 if a goal was missed."""
    options = _options(argv)
    with ExitStack() as stack:
        workshop = stack.enter_context(_workshop(options))
        lines = []
        for line in _measure(workshop, options):
            print(f"{line.case}, {line.subject}: {line.ours} {line.ratio}", file=sys.stderr)
            lines.append(line)
        server = workshop.postgres.description if workshop.postgres else ""
        machine = describe(workshop.project, server)
    print(f"\nMedians of {options.repetitions}, on {machine}\n\n{report.on_terminal(lines)}\n")
    print(report.missed(lines))
    if options.write:
        _write(lines, options.repetitions, machine)
    return int(any(line.met is False for line in lines))


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3 repetitions, no 1,000 revisions")
    parser.add_argument(
        "--real", nargs="*", metavar="NAME", choices=PROJECTS, help="public projects, too: three"
    )
    parser.add_argument("--write", action="store_true", help="write results.md and docs/speed.md")
    parser.add_argument("--repetitions", type=int, help="default: 7")
    parser.add_argument("--sizes", type=int, nargs="*", help="default: 10 100 1000")
    parser.add_argument("--dialects", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES)
    parser.add_argument(
        "--postgres",
        metavar="URL",
        default=os.environ.get(VARIABLE, ""),
        help=f"a server, postgresql://user@host:port/database; also {VARIABLE}; default: one of"
        " the benchmark's own, with the settings of the tool's private servers",
    )
    parser.add_argument("--work", type=Path, help="a folder to keep; default: a temporary one")
    options = parser.parse_args(argv)
    options.real = [] if options.real is None else options.real or list(PROJECTS)
    if options.repetitions is None:
        options.repetitions = 3 if options.quick else 7
    if options.sizes is None:
        options.sizes = [10, 100] if options.quick else [10, 100, 1000]
    return options


@contextmanager
def _workshop(options: argparse.Namespace) -> Iterator[Workshop]:
    with ExitStack() as stack:
        folder = options.work or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="alembic-lockstep-bench-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        folder.chmod(0o755)  # a private server may have to run as another account
        print("Making the environments …", file=sys.stderr)
        tool = make_environment(folder / "tool", TOOL)
        project = make_environment(folder / "project", PROJECT)
        postgres = None
        if options.real or "postgresql" in options.dialects:
            postgres = PostgresServer(tool, folder / "server", options.postgres)
            stack.callback(postgres.close)
        yield Workshop(folder, tool / "alembic-lockstep", project, postgres)


def _measure(workshop: Workshop, options: argparse.Namespace) -> Iterator[Line]:
    for dialect in options.dialects:
        subjects = [workshop.generate(size, dialect) for size in sorted(options.sizes)]
        yield from _generated(subjects, options)
    for name in options.real:
        subject = make_real(workshop, name, *PROJECTS[name])
        yield from _cases(subject, options, goals=False, rows_goal=1.3)
        if "cold" in options.cases:
            yield from cases.cold(subject, options.repetitions)


def _generated(subjects: Sequence[Subject], options: argparse.Namespace) -> Iterator[Line]:
    """Measure the sizes of the generated project on one database, the cold case last.

    docs/speed.md shows the goals at the largest size, and the fast answer at the smallest, too.
    """
    for subject in subjects:
        is_large = subject.revisions >= LARGE
        for line in _cases(subject, options, goals=is_large, rows_goal=1.5 * is_large):
            shown = subject is subjects[-1] or (
                subject is subjects[0] and line.case == cases.IRRELEVANT
            )
            yield replace(line, on_page=shown and bool(line.goal))
    if "growth" in options.cases and len(subjects) > 1:
        for line in cases.grown(subjects[0], subjects[-1], options.repetitions):
            yield replace(line, on_page=True)
    for subject in subjects if "cold" in options.cases else ():
        for line in cases.cold(subject, options.repetitions):
            yield replace(line, on_page=subject is subjects[-1])


def _cases(
    subject: Subject, options: argparse.Namespace, *, goals: bool, rows_goal: float
) -> Iterator[Line]:
    """Measure the cases that leave the caches warm."""
    if "irrelevant" in options.cases:
        yield from cases.irrelevant(subject, options.repetitions)
    if "docstring" in options.cases:
        yield from cases.comment(subject, options.repetitions)
    if "warm" in options.cases:
        yield from cases.warm(subject, options.repetitions, goals=goals)
    if "rows" in options.cases:
        yield from cases.rows(subject, options.repetitions, factor=rows_goal)
    if "private" in options.cases and subject.dialect == "postgresql":
        yield from cases.private(subject, options.repetitions)


def _write(lines: Sequence[Line], repetitions: int, machine: str) -> None:
    when = datetime.now(timezone.utc).strftime("%B %Y")
    method = (ROOT / "benchmarks" / "method.md").read_text().rstrip()
    results, page = ROOT / "benchmarks" / "results.md", ROOT / "docs" / "speed.md"
    results.write_text(
        report.results(lines, repetitions=repetitions, when=when, machine=machine, method=method)
    )
    page.write_text(
        report.into_page(
            page.read_text(), lines, repetitions=repetitions, when=when, machine=machine
        )
    )


if __name__ == "__main__":
    sys.exit(main())
