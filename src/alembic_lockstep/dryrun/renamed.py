"""Ask whether a column that goes and one of the same type that comes are one, renamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from alembic_lockstep.dryrun.operation import Operation

_IN_SQL = "/* if it was renamed"  # of `probe/twin/rows.py`


def with_renames(missing: Sequence[Operation]) -> list[Operation]:
    """Return the operations; renaming a column is the code for both that may be a rename.

    Only a person can know. The code that keeps the values is live, the other code is a comment.
    """
    answers: dict[int, Operation] = {}
    for new in missing:
        old = next((operation for operation in missing if _is_renamed(operation, new)), None)
        if old is not None:
            answers.update(_asked(old, new))
    return [answers.get(id(operation), operation) for operation in missing]


def _is_renamed(old: Operation, new: Operation) -> bool:
    same_table = (old.database, old.table) == (new.database, new.table)
    return same_table and old.kind == "remove_column" and old.name == new.renames != ""


def _asked(old: Operation, new: Operation) -> Iterator[tuple[int, Operation]]:
    names = f"{old.table}.{old.name} goes, and {new.name} of the same type comes"
    question = f"# {names}: was it renamed?"
    if is_plain(old, new):
        instead = "# If so, this keeps its values. If not, write this in place of it:"
        code = (question, *new.rename, instead, *_commented(new.code))
        yield id(new), replace(new, code=code, drops_referenced=_rebuilds(new.rename, old))
        # Plain on SQLite: to make the table again would take more.
        plain = (f"op.drop_column({old.table!r}, {old.name!r})",)
        drop = plain if old.drops_referenced else old.code
        lost = f"# And, if it was not renamed, which loses the values of {old.name}:"
        yield id(old), replace(old, code=(lost, *_commented(drop)), drops_referenced=False)
    elif not any(_IN_SQL in line for line in (*new.whole_code, *old.whole_code)):
        note = (question, "# Then write this in place of both, or its values are lost:")
        yield id(new), replace(new, question=(*note, *_commented(new.rename)))


def is_plain(old: Operation, new: Operation) -> bool:
    """Return whether the code of both operations is that of autogenerate, and no more."""
    is_usual = (*new.code, *old.code) == new.replaces
    return is_usual and not any((new.before, new.after, old.before, old.after))


def _rebuilds(rename: Iterable[str], old: Operation) -> bool:
    return old.drops_referenced and any(line.startswith("with op.batch_alter") for line in rename)


def _commented(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from (f"# {each}" for each in line.split("\n"))
