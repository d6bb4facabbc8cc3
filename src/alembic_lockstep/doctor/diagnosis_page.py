"""The page that `doctor` prints, in each format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from alembic_lockstep.doctor.database_fixes import DatabaseFix
from alembic_lockstep.doctor.diagnosis_text import evidence_lines, headline
from alembic_lockstep.doctor.examination import Examination
from alembic_lockstep.report.markdown import fenced, prose
from alembic_lockstep.report.text import printable, without_commands

#: Rises when a name of the JSON changes or is removed.
VERSION = 1
_WHERE = "Run the commands where the project is configured with this database."


def render_diagnosis(name: str, examination: Examination) -> str:
    """Return the page in a format: `full`, `json` or `markdown`."""
    if name == "json":
        return without_commands(_json(examination), is_json=True)
    if name == "markdown":
        return without_commands("\n\n".join(_sections(examination)) + "\n")
    return without_commands("".join(f"{printable(line)}\n" for line in _lines(examination)))


def _lines(examination: Examination) -> Iterator[str]:
    yield headline(examination)
    yield from (f"  {line}" for line in evidence_lines(examination))
    fixes = examination.fixes
    if fixes:
        yield from ["", f"{'Fixes, safest first' if len(fixes) > 1 else 'Fix'}. {_WHERE}"]
    for number, fix in enumerate(fixes, 1):
        yield ""
        yield f"{f'{number}. ' if len(fixes) > 1 else ''}{fix.title}. {fix.effect}"
        yield from _step_lines("In the database:", fix.sql)
        yield from _step_lines("Then in the shell:" if fix.sql else "", fix.commands)


def _step_lines(title: str, steps: Sequence[str]) -> Iterator[str]:
    if steps:
        yield from [f"  {title}"] if title else []
        yield from (f"    {line}" for step in steps for line in step.expandtabs(4).splitlines())


def _sections(examination: Examination) -> Iterator[str]:
    yield "## alembic-lockstep doctor"
    yield f"**{prose(headline(examination))}**"
    evidence = [line.strip() for line in evidence_lines(examination)]
    if evidence:
        yield "\n".join(f"- {prose(line)}" for line in evidence)
    for number, fix in enumerate(examination.fixes, 1):
        yield from _fix_sections(number, fix)
    if examination.fixes:
        yield _WHERE


def _fix_sections(number: int, fix: DatabaseFix) -> Iterator[str]:
    yield f"### {number}. {prose(fix.title)}"
    yield prose(fix.effect)
    if fix.sql:
        yield fenced("\n".join(fix.sql), "sql")
    if fix.commands:
        yield fenced("\n".join(fix.commands), "console")


def _json(examination: Examination) -> str:
    diagnosis, words = examination.diagnosis, examination.diagnosis.delta.words
    content = {
        "version": VERSION,
        "database": examination.live.address.shown,
        "environment": examination.code.name,
        "state": diagnosis.state,
        "sentence": headline(examination),
        "revisions": list(diagnosis.standing.revisions),
        "pending": list(diagnosis.standing.pending),
        "nearest": list(diagnosis.nearest),
        "missing": list(words.lost),
        "more": list(words.left),
        "changed": list(words.changed),
        "evidence": [line.strip() for line in evidence_lines(examination)],
        "fixes": [asdict(fix) for fix in examination.fixes],
    }
    return json.dumps(content, indent=2) + "\n"
