"""unregistered-model: a new or changed table, in a module that env.py never imports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.facts import Facts, at, merged_catalogue
from alembic_lockstep.findings import Finding
from alembic_lockstep.models.declared import Declared, Resolver, speaks_of_tables
from alembic_lockstep.models.modules import import_name

RULE = "unregistered-model"
# Tables in these are not the application's.
ASIDE = {"tests", "test", "testing", "examples", "example", "docs", "benchmarks"}


@dataclass(frozen=True)
class Unregistered:
    """A table that the commit declares or changes where env.py does not see it.

    Attributes:
        is_new: The base's version of the file does not declare it.
        was_unseen: The base has tables in this file already, and env.py did not see them there.
        is_migrated: The commit's own migrations speak of it.
        is_there: It is new in this file, and autogenerate wants to drop it from the database.
    """

    path: str
    table: Declared
    is_new: bool
    was_unseen: bool
    is_migrated: bool
    is_there: bool


def check(facts: Facts) -> list[Finding]:
    """One finding for each such table.

    None where the import is missing for long and the commit brings the migration by hand.
    """
    return [_finding(facts, one) for one in _unregistered(facts) if not _is_by_hand(one)]


def without_unseen_tables(facts: Facts) -> Facts:
    """Return the facts with the removal of such tables counted as old.

    To drop the table is not the fix, and the rule's own finding names the one that is.
    """
    if facts.comparison is None or not any(map(_removes, facts.comparison.introduced)):
        return facts
    tables = {name for one in _unregistered(facts) for name in one.table.tables}
    hidden = [one for one in facts.comparison.introduced if _removes(one) and _is_in(one, tables)]
    if not hidden:
        return facts
    introduced = tuple(one for one in facts.comparison.introduced if one not in hidden)
    old = (*facts.comparison.old, *hidden)
    return replace(facts, comparison=replace(facts.comparison, introduced=introduced, old=old))


def _removes(operation: Operation) -> bool:
    return operation.kind.startswith("remove")


def _is_in(operation: Operation, tables: set[str]) -> bool:
    return operation.table.rpartition(".")[2] in tables


def _is_by_hand(one: Unregistered) -> bool:
    return one.was_unseen and one.is_migrated


def _unregistered(facts: Facts) -> Iterator[Unregistered]:
    if facts.comparison is None or facts.comparison.now.error:
        return
    catalogue = merged_catalogue(facts.comparison.now.databases)
    # Environments may share a base, of a library say (`SQLModel`): each has its own tables on it.
    loaded = {*catalogue["modules"], *facts.loaded_elsewhere}
    removed = filter(_removes, (*facts.comparison.introduced, *facts.comparison.old))
    dropped = {operation.table.rpartition(".")[2] for operation in removed}
    seen = facts.comparison.before
    loaded_before = set(merged_catalogue(seen.databases)["modules"]) if seen else set()
    bases = {(module, name) for module, name in catalogue["bases"]}
    now = Resolver(bases, facts.tree.read, facts.tree.files)
    for change in facts.changes:
        path = change.path
        if path in loaded or path not in facts.tree.files or not may_hold_models(path):
            continue
        if _is_of_migrations(facts, path) or not speaks_of_tables(facts.tree.read(path) or ""):
            continue
        tables = now.tables(path)
        if not tables:
            continue
        before = {table.name: table for table in _tables_before(facts, now, change.old_path)}
        was_unseen = bool(before) and change.old_path not in loaded_before
        for table in tables:
            if not table.makes_same(before.get(table.name)):
                is_new = table.name not in before
                is_there = is_new and not dropped.isdisjoint(table.tables)
                is_migrated = _is_migrated(facts, table)
                yield Unregistered(path, table, is_new, was_unseen, is_migrated, is_there)


def _tables_before(facts: Facts, now: Resolver, path: str) -> list[Declared]:
    """Return what the base declares in a file on the same declarative bases.

    These may have had other names. Unless the base was run, and told them, every table counts
    where a module that defines one now was not there: it was renamed or split.
    """
    assert facts.comparison is not None
    seen = facts.comparison.before
    bases = {
        (module, name) for module, name in merged_catalogue(seen.databases if seen else ())["bases"]
    }
    before = Resolver(bases or now.bases, facts.base.read, facts.base.files)
    modules = {module for module, _ in now.bases if now.has_module(module)}
    if bases or all(map(before.has_module, modules)):
        return before.tables(path)
    return before.all_tables(path)


def _is_migrated(facts: Facts, table: Declared) -> bool:
    texts = [facts.tree.read(revision.path) or "" for revision in facts.new]
    return any(
        re.search(rf"\b{re.escape(name)}\b", text) for text in texts for name in table.tables
    )


def may_hold_models(path: str) -> bool:
    """Whether a file of this name could hold tables of the application."""
    file = PurePosixPath(path)
    if ASIDE & set(file.parts[:-1]) or file.suffix != ".py" or file.name == "conftest.py":
        return False
    return not file.name.startswith("test_") and not file.stem.endswith("_test")


def _is_of_migrations(facts: Facts, path: str) -> bool:
    environments = (facts.environment, *facts.elsewhere)
    return any(_below(path, one.script_location) for one in environments)


def _below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(f"{folder}/")


def _finding(facts: Facts, one: Unregistered) -> Finding:
    env_py = f"{facts.environment.script_location}/env.py"
    table = one.table
    what = "a new table" if one.is_new else "a changed table"
    then = f"and no migration will {'make' if one.is_new else 'change'} it"
    if one.is_there:
        what, then = "a table", "and would drop it"
    elif one.is_migrated:
        then = "nor any later change of it"
    return Finding(
        RULE,
        f"{table.name} is {what} that {env_py} never imports: autogenerate cannot see it, {then}",
        at(facts.tree, one.path, table.line, table.column, len(table.name)),
        facts.environment.name,
        hint=_hint(facts, one),
    )


def _hint(facts: Facts, one: Unregistered) -> str:
    assert facts.comparison is not None
    catalogue = merged_catalogue(facts.comparison.now.databases)
    modules = {module for module, _ in catalogue["bases"]}
    name = import_name(one.path, modules, catalogue["modules"])
    if not name:
        return (
            f"Give {one.path} a name that Python can import, and import it with the other models."
        )
    is_made = one.is_there or one.is_migrated
    return f"Import {name} where the other models are imported" + (
        "." if is_made else ", then generate the migration."
    )
