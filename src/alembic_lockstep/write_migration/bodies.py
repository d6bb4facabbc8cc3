"""Compose the bodies of `upgrade()` and `downgrade()`, with a person's choices in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from alembic_lockstep.dryrun.operation import Operation
from alembic_lockstep.dryrun.renamed import is_plain
from alembic_lockstep.dryrun.schema_operations import (
    body_lines,
    imports,
    indented,
    operations_of,
)
from alembic_lockstep.fix.row_steps import CHOOSE
from alembic_lockstep.probe.database_facts import DatabaseFacts
from alembic_lockstep.probe.protocol import Bodies, Body
from alembic_lockstep.write_migration.choices import Choices, RenamedColumn, with_value

#: Marks lines that a person has to look at.
MARK = "# Look at this: "

CHOOSE_IN_SQL = re.compile(r" /\* choose the value for rows that exist \*/")
_IF_RENAMED = re.compile(
    r"coalesce\((?P<name>[^,]+), (?P<value>[^)]*)\) /\* if it was renamed, else only the value \*/"
    r"|(?P<only>\S+) /\* if it was renamed, else NULL \*/"
)
_OPPOSITES = {"add": "remove", "remove": "add"}


@dataclass(frozen=True)
class Composer:
    """Composes the bodies from what the probe found in the databases.

    Attributes:
        wanted: The identities of the operations that the migration is to do.
        choices: A person's answers; what was not asked is done in the form that keeps values.
    """

    wanted: frozenset[tuple[object, ...]]
    choices: Choices

    def compose(self, databases: Sequence[DatabaseFacts]) -> Bodies:
        """Return the bodies for each database, and the imports of all."""
        forward = operations_of(databases)
        unwanted = [each for each in forward if each.identity not in self.wanted]
        forward = [each for each in forward if each.identity in self.wanted]
        back = without_counterparts(operations_of(databases, "way_back"), unwanted)
        ups = self._decided(forward)
        downs = [unmarked(each) for each in self._decided(back, back=True)]
        bodies: dict[str, Body] = {}
        for name in dict.fromkeys(database["name"] for database in databases):
            bodies[name] = {"upgrade": _body(ups, name), "downgrade": _body(downs, name)}
        code = "\n".join(f"{each['upgrade']}\n{each['downgrade']}" for each in bodies.values())
        return {"databases": bodies, "imports": imports([*ups, *downs], code)}

    def _decided(self, missing: Sequence[Operation], *, back: bool = False) -> list[Operation]:
        decided = {id(each): self._filled(each) for each in missing}
        for new in missing:
            old = next((each for each in missing if _is_renamed(each, new)), None)
            if old is None:
                continue
            names = (new.name, old.name) if back else (old.name, new.name)
            answer = self.choices.renamed.get(RenamedColumn(new.table, *names))
            is_marked = answer is None and not back
            if answer is False:
                decided[id(new)] = replace(_not_renamed(decided[id(new)]), renames="")
                decided[id(old)] = _not_renamed(old)
            else:
                decided[id(new)], decided[id(old)] = _renamed(old, new, is_marked=is_marked)
        return [decided[id(each)] for each in missing]

    def _filled(self, operation: Operation) -> Operation:
        value = self.choices.values.get((operation.table, operation.name))
        if value is None or not operation.fills:
            return operation
        return replace(operation, code=tuple(with_value(line, value) for line in operation.code))


def without_counterparts(
    back: Iterable[Operation], unwanted: Collection[Operation]
) -> list[Operation]:
    """Return the operations of the way back that do not undo what the migration leaves alone."""
    left = {_undone(each) for each in unwanted}
    return [each for each in back if _key(each) not in left]


def _undone(operation: Operation) -> tuple[object, ...]:
    verb, _, noun = operation.kind.partition("_")
    return _key(replace(operation, kind=f"{_OPPOSITES.get(verb, verb)}_{noun}"))


def _key(operation: Operation) -> tuple[object, ...]:
    return (operation.database, operation.kind, operation.table, operation.name, operation.columns)


def _is_renamed(old: Operation, new: Operation) -> bool:
    same_table = (old.database, old.table) == (new.database, new.table)
    return same_table and old.kind == "remove_column" and old.name == new.renames != ""


def _renamed(old: Operation, new: Operation, *, is_marked: bool) -> tuple[Operation, Operation]:
    """Return both operations as one renaming, which is the code of the new column."""
    lines = (*new.whole_code, *old.whole_code)
    question = f"{MARK}this keeps the values of {old.name}. If {new.name} is a new column, drop"
    mark = (question, f"# {old.name} and add {new.name} instead.") if is_marked else ()
    if not is_plain(old, new) and any(_IF_RENAMED.search(line) for line in lines):
        in_sql = re.compile(r" /\* if it was renamed, else [^*]* \*/")
        return (
            replace(_with_code(new, lambda line: in_sql.sub("", line)), renames="", question=mark),
            _with_code(old, lambda line: in_sql.sub("", line)),
        )
    rebuilds = old.drops_referenced and any("batch_alter" in line for line in new.rename)
    code = (*mark, *new.rename)
    renamed = replace(
        new, code=code, before=(), after=(), renames="", fills=False, drops_referenced=rebuilds
    )
    return renamed, replace(old, code=(), before=(), after=(), drops_referenced=False)


def _not_renamed(operation: Operation) -> Operation:
    return _with_code(
        operation, lambda line: _IF_RENAMED.sub(lambda match: match["value"] or "NULL", line)
    )


def unmarked(operation: Operation) -> Operation:
    """Return an operation of the way back, in which there is nothing to choose."""
    return _with_code(operation, lambda line: CHOOSE_IN_SQL.sub("", line.removesuffix(CHOOSE)))


def _with_code(operation: Operation, change: Callable[[str], str]) -> Operation:
    return replace(
        operation,
        before=tuple(map(change, operation.before)),
        code=tuple(map(change, operation.code)),
        after=tuple(map(change, operation.after)),
        instead=tuple(map(change, operation.instead)),
    )


def _body(missing: Sequence[Operation], database: str) -> str:
    own = [each for each in missing if each.database in ("", database)]
    return indented(body_lines(own)).lstrip()
