"""Fixes of a database that keep its rows, the safest first: commands and SQL, with their effect."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.revisions import History
from alembic_lockstep.doctor.diagnosis import (
    BATCH,
    DRIFT,
    HALF_WAY,
    MODELS_AHEAD,
    STAMPED_AHEAD,
    STAMPED_BEHIND,
    STAMPED_ELSEWHERE,
    Diagnosis,
    LostEvidence,
)
from alembic_lockstep.doctor.standing import (
    BEHIND,
    EMPTY,
    NO_REVISION,
    SEVERAL_ROWS,
    UNKNOWN_REVISION,
)
from alembic_lockstep.fix.commands import database_command, merge_command
from alembic_lockstep.git.pathspec import from_anywhere
from alembic_lockstep.report.text import listed

_ENTER = re.compile(r"cd (?:'[^']*'|\S+) && ")
_ADDS = "The SQL adds what is missing, and writes none of the values that a migration would have."


@dataclass(frozen=True)
class DatabaseFix:
    """A fix.

    Attributes:
        title: What it does, in the imperative.
        effect: What it changes, and what it does not.
        sql: Statements for the database, to run before the commands.
        commands: Commands for the shell, in order.
    """

    title: str
    effect: str
    commands: tuple[str, ...] = ()
    sql: tuple[str, ...] = ()


@dataclass(frozen=True)
class Circumstances:
    """What fixes are made from.

    Attributes:
        files: Every file of the code.
        ddl: The SQL that makes what the diagnosis says is missing.
        left: The differences that no SQL here removes, in words.
        models_fix: The commands that make the migration for the models.
    """

    diagnosis: Diagnosis
    environment: Environment
    files: Collection[str]
    history: History
    ddl: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    models_fix: tuple[str, ...] = ()

    def command(self, name: str, arguments: str) -> str:
        """Return a command of Alembic's or Flask-Migrate's."""
        return database_command(self.environment, self.files, f"{name} {arguments}")

    def upgrade(self, heads: Sequence[str] = ()) -> str:
        """Return the command that runs what is pending."""
        return self.command("upgrade", "heads" if len(heads or self.history.heads) > 1 else "head")

    def stamp(self, names: Sequence[str]) -> str:
        """Return the command that notes other revisions and runs nothing."""
        return self.command("stamp", f"--purge {names[0] if len(names) == 1 else 'heads'}")


def fixes_of(facts: Circumstances) -> list[DatabaseFix]:
    """Return the fixes, the safest first."""
    make_fixes = _FIXES.get(facts.diagnosis.state)
    fixes = make_fixes(facts) if make_fixes else ()
    return [replace(fix, commands=_in_one_shell(fix.commands)) for fix in fixes]


def _in_one_shell(commands: Sequence[str]) -> tuple[str, ...]:
    """Return commands of which only the first enters their folder: they are typed in turn."""
    entered = ""
    lines = []
    for command in commands:
        enter = _ENTER.match(command)
        lines.append(command[enter.end() :] if enter and enter[0] == entered else command)
        entered = enter[0] if enter else entered
    return tuple(lines)


def _pending(facts: Circumstances) -> Iterator[DatabaseFix]:
    yield DatabaseFix(
        "Run the pending migrations",
        "Nothing else is wrong.",
        (facts.upgrade(),),
    )


def _several_rows(facts: Circumstances) -> Iterator[DatabaseFix]:
    ids = facts.diagnosis.standing.revisions
    tips = [name for name in ids if name not in _covered(facts.history, ids)]
    if len(tips) == 1:
        yield DatabaseFix(
            "Note only the revision that includes the others",
            "It changes the version table, and no other.",
            (facts.stamp(tips), facts.upgrade()),
        )


def _covered(history: History, ids: Sequence[str]) -> set[str]:
    return {
        name for name in ids if name in history.up_to(*(other for other in ids if other != name))
    }


def _noted_wrongly(facts: Circumstances) -> Iterator[DatabaseFix]:
    """Yield the fix of a database whose schema is, or nearly is, that of other revisions."""
    names, ddl = facts.diagnosis.nearest, facts.ddl
    effect = "It changes the version table; the upgrade then runs what is pending. No row is lost."
    title = f"Note {', '.join(names)}, whose schema it {'nearly ' if facts.left else ''}has"
    if ddl:
        title = f"Add what it lacks of {', '.join(names)}, and note that"
        effect = f"{_ADDS} {effect}"
    effect += _leaves(facts)
    yield DatabaseFix(title, effect, (facts.stamp(names), facts.upgrade()), ddl)


def _leaves(facts: Circumstances) -> str:
    """Return the sentences about what a fix does not do by itself."""
    by_hand = any(statement.startswith("--") for statement in facts.ddl)
    left = f" It leaves: {listed(facts.left)}." if facts.left else ""
    return f"{' Complete the lines that are comments first.' if by_hand else ''}{left}"


def _drift(facts: Circumstances) -> Iterator[DatabaseFix]:
    if facts.ddl:
        yield DatabaseFix(
            "Add what is missing",
            _ADDS + _leaves(facts),
            sql=facts.ddl,
        )


def _half_way(facts: Circumstances) -> Iterator[DatabaseFix]:
    (name,) = facts.diagnosis.nearest
    more = facts.diagnosis.delta.more
    copies = [part.name for part in more if part.kind == "table" and part.name.startswith(BATCH)]
    if copies:
        if len(facts.diagnosis.done) == len(copies):  # else an original may be gone
            yield DatabaseFix(
                f"Drop the copies that {name} left, and run it again",
                "SQLite's batch mode had not finished them, and the tables themselves are there.",
                (facts.upgrade(),),
                tuple(f'DROP TABLE "{copy}";' for copy in copies),
            )
        return
    yield DatabaseFix(
        f"Finish {name} by hand, and note it",
        f"{_ADDS} Read the migration first.{_leaves(facts)}",
        (facts.stamp((name,)), facts.upgrade()),
        facts.ddl,
    )


def _models(facts: Circumstances) -> Iterator[DatabaseFix]:
    yield DatabaseFix(
        "Make the migration, and run it",
        "It adds what the models have. Commit the migration with the models.",
        (*facts.models_fix, facts.upgrade()),
    )


def _unknown(facts: Circumstances) -> Iterator[DatabaseFix]:
    diagnosis = facts.diagnosis
    is_equal = bool(diagnosis.nearest) and not diagnosis.delta
    changes_schema = any(each.adds for each in diagnosis.lost)
    if is_equal and changes_schema:  # with its file back, the same change would run twice
        yield from _noted_wrongly(facts)
        return
    for each in diagnosis.lost:
        if each.lost:
            yield from _lost(each, facts)
        else:
            yield DatabaseFix(
                f"Fetch the branch on which {each.id} was made, and ask again",
                "It changes nothing in the database.",
                ("git fetch --all",),
            )
    if diagnosis.nearest:
        yield from _noted_wrongly(facts)


def _lost(evidence: LostEvidence, facts: Circumstances) -> Iterator[DatabaseFix]:
    lost = evidence.lost
    assert lost is not None
    merge = len(evidence.heads) > len(facts.history.heads)
    commands = [lost.command]
    commands += [merge_command(facts.environment, facts.files)] if merge else []
    yield DatabaseFix(
        "Bring the migration back",
        "It changes the working tree; the upgrade then runs what is pending. No row is lost.",
        (*commands, facts.upgrade(() if merge else evidence.heads)),
    )
    if len(evidence.base) > 1 or not evidence.comes_back:
        return
    dropped = f"drops {listed(evidence.adds)}, with the values in it" if evidence.adds else ""
    yield DatabaseFix(
        "Undo the migration by its own downgrade",
        f"It {dropped or 'runs its downgrade()'}. Back the database up first.",
        (
            lost.command,
            facts.command("downgrade", evidence.base[0] if evidence.base else "base"),
            f"git rm --quiet --force -- {from_anywhere(lost.paths)}",
            facts.upgrade(),
        ),
    )


_FIXES: Mapping[str, Callable[[Circumstances], Iterator[DatabaseFix]]] = {
    BEHIND: _pending,
    EMPTY: _pending,
    UNKNOWN_REVISION: _unknown,
    SEVERAL_ROWS: _several_rows,
    NO_REVISION: _noted_wrongly,
    STAMPED_AHEAD: _noted_wrongly,
    STAMPED_BEHIND: _noted_wrongly,
    STAMPED_ELSEWHERE: _noted_wrongly,
    DRIFT: _drift,
    HALF_WAY: _half_way,
    MODELS_AHEAD: _models,
}
