"""unregistered-model: a new or changed table, in a module that env.py never imports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts, location_in, merged_catalogue
from alembic_lockstep.findings import Finding
from alembic_lockstep.pysource.declared_tables import (
    DeclaredTable,
    Resolver,
    may_hold_models,
    mentions_tables,
)
from alembic_lockstep.pysource.module_index import import_name

RULE = "unregistered-model"


@dataclass(frozen=True)
class Unregistered:
    """A table that the commit declares or changes in a module that env.py does not import.

    Attributes:
        is_new: The base's version of the file does not declare it.
        was_unregistered: The base has tables in this file already, and did not import it either.
        is_migrated: The commit's own migrations name it.
        is_in_database: It is new in this file, and autogenerate would drop it from the database.
    """

    path: str
    table: DeclaredTable
    is_new: bool
    was_unregistered: bool
    is_migrated: bool
    is_in_database: bool


def check(facts: Facts) -> list[Finding]:
    """Return one finding for each unregistered table.

    Leave out tables of modules that the base did not import either, if the commit has a migration
    for them that was written by hand.
    """
    return [
        _finding(facts, model)
        for model in _unregistered(facts)
        if not (model.was_unregistered and model.is_migrated)
    ]


def without_unregistered_tables(facts: Facts) -> Facts:
    """Return the facts with the removal of unregistered tables counted as old.

    Dropping the table is not the fix; this rule's own finding names the right one.
    """
    if facts.comparison is None or not any(map(_removes, facts.comparison.introduced)):
        return facts
    tables = {name for model in _unregistered(facts) for name in model.table.tables}
    hidden = [
        operation
        for operation in facts.comparison.introduced
        if _removes(operation) and operation.table.rpartition(".")[2] in tables
    ]
    introduced = tuple(each for each in facts.comparison.introduced if each not in hidden)
    old = (*facts.comparison.old, *hidden)
    return replace(facts, comparison=replace(facts.comparison, introduced=introduced, old=old))


def unregistered_models(facts: Facts) -> dict[str, list[str]]:
    """Return the files of unregistered models, each with the models' names."""
    names: dict[str, list[str]] = {}
    for model in _unregistered(facts):
        names.setdefault(model.path, []).append(model.table.name)
    return names


def _removes(operation: Operation) -> bool:
    return operation.kind.startswith("remove")


def _unregistered(facts: Facts) -> Iterator[Unregistered]:
    if facts.comparison is None or facts.comparison.now.error:
        return
    catalogue = merged_catalogue(facts.comparison.now.databases)
    # Environments may share a base of a library (`SQLModel`), each with its own tables.
    loaded = {*catalogue["modules"], *facts.loaded_elsewhere}
    removed = filter(_removes, (*facts.comparison.introduced, *facts.comparison.old))
    dropped = {operation.table.rpartition(".")[2] for operation in removed}
    loaded_before = set(_catalogue_before(facts)["modules"])
    bases = {(module, name) for module, name in catalogue["bases"]}
    now = Resolver(bases, facts.tree.read, facts.tree.files)
    for change in facts.changes:
        path = change.path
        if path in loaded or not may_hold_models(path):
            continue
        if _is_of_migrations(facts, path) or not mentions_tables(facts.tree.read(path) or ""):
            continue
        before = {table.name: table for table in _tables_before(facts, now, change.old_path)}
        was_unregistered = bool(before) and change.old_path not in loaded_before
        for table in now.tables(path):
            if not table.makes_same_table(before.get(table.name)):
                is_new = table.name not in before
                yield Unregistered(
                    path,
                    table,
                    is_new=is_new,
                    was_unregistered=was_unregistered,
                    is_migrated=_is_migrated(facts, table),
                    is_in_database=is_new and not dropped.isdisjoint(table.tables),
                )


def _tables_before(facts: Facts, now: Resolver, path: str) -> list[DeclaredTable]:
    """Return the tables that the base declares in a file, on the same declarative bases.

    The bases may have had other names. Their names are certain if the base was run. Else every
    table counts where the base lacks a module that defines a base now: it was renamed or split.
    """
    bases = {(module, name) for module, name in _catalogue_before(facts)["bases"]}
    before = Resolver(bases or now.bases, facts.base.read, facts.base.files)
    modules = {module for module, _ in now.bases if now.has_module(module)}
    if bases or all(map(before.has_module, modules)):
        return before.tables(path)
    return before.all_tables(path)


def _catalogue_before(facts: Facts) -> dict[str, Any]:
    assert facts.comparison is not None
    before = facts.comparison.before
    return merged_catalogue(before.databases if before else ())


def _is_migrated(facts: Facts, table: DeclaredTable) -> bool:
    texts = [facts.tree.read(revision.path) or "" for revision in facts.new]
    return any(
        re.search(rf"\b{re.escape(name)}\b", text) for text in texts for name in table.tables
    )


def _is_of_migrations(facts: Facts, path: str) -> bool:
    environments = (facts.environment, *facts.elsewhere)
    return any(path.startswith(f"{each.script_location}/") for each in environments)


def _finding(facts: Facts, model: Unregistered) -> Finding:
    env_py = f"{facts.environment.script_location}/env.py"
    table = model.table
    kind = "a new table" if model.is_new else "a changed table"
    effect = f"and no migration will {'make' if model.is_new else 'change'} it"
    if model.is_in_database:
        kind, effect = "a table", "and would drop it"
    elif model.is_migrated:
        effect = "nor any later change of it"
    return Finding(
        RULE,
        f"{table.name} is {kind} that {env_py} never imports: autogenerate cannot see it, {effect}",
        location_in(facts.tree, model.path, table.line, table.column, len(table.name)),
        facts.environment.name,
        hint=_hint(facts, model),
    )


def _hint(facts: Facts, model: Unregistered) -> str:
    assert facts.comparison is not None
    catalogue = merged_catalogue(facts.comparison.now.databases)
    modules = {module for module, _ in catalogue["bases"]}
    name = import_name(model.path, modules, catalogue["modules"])
    if not name:
        return (
            f"Give {model.path} a name that Python can import, and import it with the other models."
        )
    is_complete = model.is_in_database or model.is_migrated
    return f"Import {name} where the other models are imported" + (
        "." if is_complete else ", then generate the migration."
    )
