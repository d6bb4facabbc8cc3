"""unregistered-model: a new or changed table, in a module that env.py never imports."""

from __future__ import annotations

from pathlib import PurePosixPath

from alembic_lockstep.facts import Facts, at, merged_catalogue
from alembic_lockstep.findings import Finding
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.models.declared import Declared, Resolver

# Tables in these are not the application's.
ASIDE = {"tests", "test", "testing", "examples", "example", "docs", "benchmarks"}


def check(facts: Facts) -> list[Finding]:
    """One finding for each such table that the base's version of the file declares otherwise."""
    if facts.comparison is None or facts.comparison.now.error:
        return []
    catalogue = merged_catalogue(facts.comparison.now.databases)
    bases = {(module, name) for module, name in catalogue["bases"]}
    # Environments may share a base, of a library say (`SQLModel`): each has its own tables on it.
    loaded = {*catalogue["modules"], *facts.loaded_elsewhere}
    now, before = _resolver(bases, facts.tree), _resolver(bases, facts.base)
    findings = []
    for change in facts.changes:
        path = change.path
        if path in loaded or path not in facts.tree.files or not may_hold_models(path):
            continue
        if _is_of_migrations(facts, path):
            continue
        old = {table.name: table.columns for table in before.tables(change.old_path)}
        findings += [
            _finding(facts, change.path, table, is_new=table.name not in old)
            for table in now.tables(change.path)
            if table.columns != old.get(table.name)
        ]
    return findings


def _resolver(bases: set[tuple[str, str]], tree: Tree) -> Resolver:
    return Resolver(bases, tree.read, tree.files)


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


def _finding(facts: Facts, path: str, table: Declared, *, is_new: bool) -> Finding:
    env_py = f"{facts.environment.script_location}/env.py"
    return Finding(
        "unregistered-model",
        f"{table.name} is a {'new' if is_new else 'changed'} table that {env_py} never imports: "
        f"autogenerate cannot see it, and no migration will {'make' if is_new else 'change'} it",
        at(facts.tree, path, table.line, table.column, len(table.name)),
        facts.environment.name,
        hint=f"Import {path.removesuffix('.py').replace('/', '.')} where the other models are "
        "imported, then generate the migration.",
    )
