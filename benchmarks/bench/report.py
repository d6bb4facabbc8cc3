"""The table: on the terminal, in `results.md`, and the part of it that stands in docs/speed.md."""

from __future__ import annotations

from collections.abc import Sequence

from bench.lines import Line

BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"
_HEAD = ("case", "project", "ours", "theirs", "against", "ratio", "goal", "")
_PAGE = """\
`python3 dev.py bench` measures whole processes; medians of {repetitions}, {when}, on {machine}.
All lines, and what is measured how: [benchmarks/results.md](../benchmarks/results.md)."""
_RESULTS = """\
# Results

Made by `python3 dev.py bench --write`; medians of {repetitions} whole-process wall times,
interleaved, {when}, on {machine}.

{table}

{missed}

{method}
"""


def on_terminal(lines: Sequence[Line]) -> str:
    """Lay the table out in columns."""
    rows = [_HEAD, *map(_cells, lines)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def missed(lines: Sequence[Line]) -> str:
    """Name each goal that was missed, one a line."""
    said = [
        f"- missed: {line.case} ({line.subject}): {line.ratio or line.ours}, goal {line.goal}"
        for line in lines
        if line.met is False
    ]
    measured = any(line.goal for line in lines)
    return "\n".join(said) or ("All goals are met." if measured else "No goal was measured.")


def results(
    lines: Sequence[Line], *, repetitions: int, when: str, machine: str, method: str
) -> str:
    """Give the text of `results.md`."""
    return _RESULTS.format(
        repetitions=repetitions,
        when=when,
        machine=machine,
        table=_markdown(lines),
        missed=missed(lines),
        method=method,
    )


def into_page(
    page: str, lines: Sequence[Line], *, repetitions: int, when: str, machine: str
) -> str:
    """Put the few lines that are for it between the markers of docs/speed.md."""
    start, rest = page.split(BEGIN)
    _, end = rest.split(END)
    words = _PAGE.format(repetitions=repetitions, when=when, machine=machine)
    table = _markdown([line for line in lines if line.on_page])
    return f"{start}{BEGIN}\n{words}\n\n{table}\n{END}{end}"


def _markdown(lines: Sequence[Line]) -> str:
    rows = [_HEAD, ("---",) * len(_HEAD), *map(_cells, lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(line: Line) -> tuple[str, ...]:
    verdict = {True: "met", False: "**missed**", None: ""}[line.met]
    rest = (line.ours, line.theirs, line.rival, line.ratio, line.goal, verdict)
    return (line.case, line.subject, *rest)
