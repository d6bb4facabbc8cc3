"""Changes of a branch that affect its own verdict: they are named, not forbidden.

Settings and ignores do so as well; they can be read from the base.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from alembic_lockstep.facts import Facts

# Files that Python, Flask and dotenv read before any code of the project, in any folder.
_READ_FIRST = {".env", ".flaskenv", "sitecustomize.py", "usercustomize.py"}
# Libraries that a module of the project with the same name would replace.
_LIBRARIES = {"alembic", "alembic_lockstep", "flask_migrate", "sqlalchemy"}
# Code that changes the comparison, or the program that compares.
_INTERFERES = re.compile(
    r"alembic_lockstep|alembic\.autogenerate|compare_metadata|include_(?:object|name)\b"
    r"|process_revision_directives|sys\.addaudithook|sys\.meta_path"
)


def named_influences(facts: Facts) -> tuple[str, ...]:
    """Return a note for the summary if the change affects its own verdict."""
    paths = dict.fromkeys(_influences(facts))
    if not paths:
        return ()
    return (
        f"this change affects its own verdict by {', '.join(paths)}: settings and ignores are "
        "the base's, the project's code is the change's",
    )


def _influences(facts: Facts) -> Iterator[str]:
    environment = facts.environment
    own = {environment.config, posixpath.join(environment.script_location, "env.py")}
    if facts.in_base:
        own.add(facts.in_base.environment.config)
    for change in facts.changes:
        for path in (change.old_path, change.path):
            if (
                path in own
                or posixpath.basename(path) in _READ_FIRST
                or _replaces_library(facts, path)
            ):
                yield path
        if change.path.endswith(".py"):
            text = facts.tree.read(change.path) or ""
            if _INTERFERES.search(text) and text != facts.base.read(change.old_path):
                yield change.path


def _replaces_library(facts: Facts, path: str) -> bool:
    """Return whether a file belongs to a package or module with the name of a library.

    A folder of migrations may have such a name, and is no package.
    """
    parts = path.removesuffix(".py").split("/")
    if not path.endswith(".py") or _LIBRARIES.isdisjoint(parts):
        return False
    depth = next(number for number, part in enumerate(parts) if part in _LIBRARIES)
    package = "/".join(parts[: depth + 1])
    return path == f"{package}.py" or f"{package}/__init__.py" in facts.tree.files
