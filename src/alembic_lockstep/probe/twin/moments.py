"""Replace the time at which a database was made by `'now'`, so that two databases compare equal.

PostgreSQL folds the string `'now'` (`'today'` …) into the time at which a table was made, and a
model may take a time itself, `server_default=str(datetime.now())`. Either way no two databases have
the same value: only that both have such a time is compared.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Callable, Dict, Iterator, List, Match, Tuple

from .schema import DatabaseSchema, Part

_TIME = re.compile(
    r"""'(?:(?P<date>\d{4}-\d\d-\d\d)(?:[ T](?P<time>\d\d:\d\d:\d\d(?:\.\d+)?))?
         |(?P<only_time>\d\d:\d\d:\d\d\.\d+))(?:[+-]\d\d(?::?\d\d)*)?'""",
    re.VERBOSE,
)
_NEAR = timedelta(days=2)  # a time zone, `'tomorrow'`, and a run over midnight


def name_moments(database: DatabaseSchema, models: DatabaseSchema, ddl: str, today: date) -> None:
    """Replace the times at which the two databases were made by `'now'` or `'today'`.

    Args:
        ddl: The statements that made the models' database. A day in them was chosen by the models;
            with fractions of a second it is the time of their import.
        today: The day on which the models' database was made.
    """

    def name(match: Match[str]) -> str:
        return _name(match) if _is_made(match, ddl, today) else match.group()

    named: Dict[str, List[Part]] = {}
    for key, parts in _groups(models):
        for position, part in enumerate(parts):
            renamed = _renamed(part, name)
            if renamed.facts != part.facts:
                parts[position] = renamed
                named.setdefault(key, []).append(renamed)
    for key, parts in _groups(database):
        for model_part in named.get(key, ()):
            parts[:] = [_with_names_of(part, model_part) for part in parts]


def _groups(schema: DatabaseSchema) -> Iterator[Tuple[str, List[Part]]]:
    yield "", schema.objects
    for key, table in schema.tables.items():
        yield key, table.parts


def _with_names_of(actual: Part, expected: Part) -> Part:
    """Return the database's part with its times replaced as in the models' part."""
    if actual.kind != expected.kind or (actual.kind == "column" and actual.name != expected.name):
        return actual
    facts = {
        aspect: expected.facts.get(aspect, "")
        if _TIME.sub(_name, text) == expected.facts.get(aspect)
        else text
        for aspect, text in actual.facts.items()
    }
    return replace(actual, facts=facts)


def _renamed(part: Part, name: Callable[[Match[str]], str]) -> Part:
    facts = {aspect: _TIME.sub(name, text) for aspect, text in part.facts.items()}
    return replace(part, facts=facts, sql=_TIME.sub(name, part.sql))


def _name(match: Match[str]) -> str:
    time = match["only_time"] or match["time"] or ""
    return "'now'" if time.strip("0:.") else "'today'"


def _is_made(match: Match[str], ddl: str, today: date) -> bool:
    if match["only_time"]:
        return True  # hand-written times have no fractions of a second
    try:
        is_near = abs(date.fromisoformat(match["date"]) - today) <= _NEAR
    except ValueError:  # no day at all
        return False
    return is_near and not re.search(match["date"] + r"(?![ T]\d\d:\d\d:\d\d\.\d)", ddl)
