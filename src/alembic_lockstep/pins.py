"""Models in a package whose version the commit pins anew: the base is run with today's package."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from alembic_lockstep.config import parse_toml
from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.facts import Histories, merged_catalogue
from alembic_lockstep.memory.trace import pins_versions

# A name and what is said of its version, on a line of its own or in quotes.
_REQUIREMENT = re.compile(
    r"""(?m)(?:^[ \t]*|["'])([A-Za-z0-9][\w.-]*)"""
    r"""((?:\[[^\]\n]*\])?[ \t]*(?:=[ \t]*["'{][^\n]*|[<>=~!@;][^\n"']*)?)"""
)
#: Files that name versions among other things: most edits of them are about those.
_OTHERS = frozenset({"pylock.toml", "pyproject.toml", "setup.cfg", "setup.py"})
_TOML_LOCKS = frozenset({"pdm.lock", "poetry.lock", "pylock.toml", "uv.lock"})


def count_pinned_models(
    histories: Histories, comparison: Comparison
) -> tuple[Comparison, list[str]]:
    """Count differences as introduced that a package may have brought; return a note on it, too.

    Such a difference is in the base's run, too, as that has the same package installed. It is the
    commit's if the table's model is in a package of which the commit changes the version.
    """
    changed = frozenset(_changed(histories)) if comparison.old else frozenset()
    if not changed:
        return comparison, []
    tables = merged_catalogue(comparison.now.databases)["tables"]
    packages = {
        one: changed & _packages(tables.get(one.table, {}), one.name) for one in comparison.old
    }
    moved = [one for one in comparison.old if packages[one]]
    if not moved:
        return comparison, []
    names = ", ".join(sorted({name for one in moved for name in packages[one]}))
    note = f"the base was run with today's {names}, so what differs in its models counts as new"
    introduced = (*comparison.introduced, *moved)
    old = tuple(one for one in comparison.old if one not in moved)
    return replace(comparison, introduced=introduced, old=old), [note]


def _packages(table: Mapping[str, Any], column: str) -> frozenset[str]:
    """Return what the distributions of a table's model, or of a column's mixin, may be called."""
    sources = (table, table.get("columns", {}).get(column, {}))
    modules = [str(one["module"]).split(".") for one in sources if one.get("module")]
    return frozenset(_normal("-".join(parts[:size])) for parts in modules for size in (1, 2))


def _changed(histories: Histories) -> Iterator[str]:
    """Yield the names of packages whose wanted versions the commit changes."""
    for change in histories.changes:
        if pins_versions(change.path) or posixpath.basename(change.path) in _OTHERS:
            now = dict(_pins(change.path, histories.tree.read(change.path) or ""))
            before = dict(_pins(change.path, histories.base.read(change.old_path) or ""))
            yield from (name for name, said in now.items() if before.get(name) != said)


def _pins(path: str, text: str) -> Iterator[tuple[str, str]]:
    name = posixpath.basename(path)
    try:
        if name in _TOML_LOCKS:
            locked = parse_toml(text, path).get("package") or parse_toml(text, path).get("packages")
            for one in locked or ():
                yield _normal(str(one["name"])), str(one.get("version", one))
        elif name == "Pipfile.lock":
            for group in ("default", "develop"):
                for one, said in json.loads(text or "{}").get(group, {}).items():
                    yield _normal(one), str(said.get("version", said))
        else:
            for one, said in _REQUIREMENT.findall(text):
                yield _normal(one), said.strip()
    except (CouldNotJudge, ValueError, KeyError, TypeError, AttributeError):
        return  # a lock file of a form that is not known


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
