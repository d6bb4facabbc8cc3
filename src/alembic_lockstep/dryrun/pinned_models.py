"""Models in a package whose pinned version the commit changes: the base runs with the new one."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from alembic_lockstep.cache.tree_trace import pins_versions
from alembic_lockstep.config import parse_toml
from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Histories, merged_catalogue

# A package's name and the specification of its version, on a line of its own or in quotes.
_REQUIREMENT = re.compile(
    r"""(?m)(?:^[ \t]*|["'])([A-Za-z0-9][\w.-]*)"""
    r"""((?:\[[^\]\n]*\])?[ \t]*(?:=[ \t]*["'{][^\n]*|[<>=~!@;][^\n"']*)?)"""
)
# Files that also have other content, which most edits change.
_MIXED_FILES = frozenset({"pylock.toml", "pyproject.toml", "setup.cfg", "setup.py"})
_TOML_LOCKS = frozenset({"pdm.lock", "poetry.lock", "pylock.toml", "uv.lock"})


def count_pinned_models(
    histories: Histories, comparison: Comparison
) -> tuple[Comparison, list[str]]:
    """Count differences as introduced that a package may have caused; return a note, too.

    The base's run has such a difference as well, because it uses the same package. The commit
    introduces it if the table's model is in a package whose version the commit changes.
    """
    changed = frozenset(_changed(histories)) if comparison.old else frozenset()
    if not changed:
        return comparison, []
    tables = merged_catalogue(comparison.now.databases)["tables"]
    packages = {
        operation: changed & _packages(tables.get(operation.table, {}), operation.name)
        for operation in comparison.old
    }
    moved = [operation for operation in comparison.old if packages[operation]]
    if not moved:
        return comparison, []
    names = ", ".join(sorted(frozenset().union(*(packages[operation] for operation in moved))))
    note = (
        f"the base ran with the new version of {names}, so differences in its models count as new"
    )
    introduced = (*comparison.introduced, *moved)
    old = tuple(operation for operation in comparison.old if operation not in moved)
    return replace(comparison, introduced=introduced, old=old), [note]


def has_packaged_models(comparison: Comparison | None) -> bool:
    """Return whether a model with an old difference is in a package, whose version may count."""
    if comparison is None:
        return True
    tables = merged_catalogue(comparison.now.databases)["tables"]
    return any(
        _packages(tables.get(operation.table, {}), operation.name) for operation in comparison.old
    )


def _packages(table: Mapping[str, Any], column: str) -> frozenset[str]:
    """Return the possible names of distributions of a table's model, or of a column's mixin."""
    sources = (table, table.get("columns", {}).get(column, {}))
    modules = [str(source["module"]).split(".") for source in sources if source.get("module")]
    return frozenset(_normal("-".join(parts[:size])) for parts in modules for size in (1, 2))


def _changed(histories: Histories) -> Iterator[str]:
    """Yield the names of packages whose pinned versions the commit changes."""
    for change in histories.changes:
        if pins_versions(change.path) or posixpath.basename(change.path) in _MIXED_FILES:
            now = dict(_pins(change.path, histories.tree.read(change.path) or ""))
            before = dict(_pins(change.path, histories.base.read(change.old_path) or ""))
            yield from (name for name, version in now.items() if before.get(name) != version)


def _pins(path: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield each package that a file names, with the specification of its version."""
    name = posixpath.basename(path)
    try:
        if name in _TOML_LOCKS:
            locked = parse_toml(text, path).get("package") or parse_toml(text, path).get("packages")
            for package in locked or ():
                yield _normal(str(package["name"])), str(package.get("version", package))
        elif name == "Pipfile.lock":
            for group in ("default", "develop"):
                for package, entry in json.loads(text or "{}").get(group, {}).items():
                    yield _normal(package), str(entry.get("version", entry))
        else:
            for package, version in _REQUIREMENT.findall(text):
                yield _normal(package), version.strip()
    except (CouldNotJudge, ValueError, KeyError, TypeError, AttributeError):
        return  # a lock file in an unknown format


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
