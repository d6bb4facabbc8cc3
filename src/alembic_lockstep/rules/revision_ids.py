"""Notes for the summary on ids of new revisions: typed by hand, or the beginning of another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.facts import Facts

_WORDS = re.compile(r"x{3,}|todo|fixme|change_?me|deadbeef|placeholder|your_?revision.*|<.*>")
_ALPHABETS = ("0123456789", "1234567890", "abcdef", "abcdefghijklmnopqrstuvwxyz")
_SEQUENCES = (*_ALPHABETS, "0123456789abcdef", "1234567890abcdef", "abcdef0123456789")
#: Shorter ids are numbers that count the migrations.
_SHORTEST = 6


def id_notes(facts: Facts) -> list[str]:
    """Return a note for each new id that another migration may have or be confused with."""
    return [note for revision in facts.new for note in _notes(revision.id, facts)]


def _notes(name: str, facts: Facts) -> Iterator[str]:
    if is_typed(name):
        yield (
            f"the id {name} looks typed by hand, and others may type the same: "
            "`alembic revision` makes an id that nobody else has"
        )
    longer = sorted(each for each in facts.history.ids if each != name and each.startswith(name))
    shorter = sorted(each for each in facts.history.ids if each != name and name.startswith(each))
    for short, long in [*((name, each) for each in longer), *((each, name) for each in shorter)]:
        yield f"the id {short} is the beginning of {long}: write the longer one in full in commands"


def is_typed(name: str) -> bool:
    """Return whether an id looks like a placeholder: `aaaaaaaa`, `123456789abc`, `a1b2c3d4e5f6`."""
    name = name.lower()
    if _WORDS.fullmatch(name):
        return True
    if len(name) < _SHORTEST:
        return False
    every_second = (name[::2], name[1::2])
    return (
        len(set(name)) == 1
        or any(name in sequence * 2 for sequence in _SEQUENCES)
        or all(any(part in letters * 2 for letters in _ALPHABETS) for part in every_second)
    )
