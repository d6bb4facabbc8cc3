"""What of a branch decides its own verdict, beside settings and ignores: named, not forbidden."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from alembic_lockstep.facts import Facts

# Files that Python, Flask and dotenv read before any code of the project, wherever they lie.
_READ_FIRST = {".env", ".flaskenv", "sitecustomize.py", "usercustomize.py"}
# In the place of one of these, the project's own is imported.
_LIBRARIES = {"alembic", "alembic_lockstep", "flask_migrate", "sqlalchemy"}
# What reaches into the comparison, or into the program that makes it.
_REACHES_IN = re.compile(
    r"alembic_lockstep|alembic\.autogenerate|compare_metadata|include_(?:object|name)\b"
    r"|process_revision_directives|sys\.addaudithook|sys\.meta_path"
)


def named_influences(facts: Facts) -> tuple[str, ...]:
    """Return a note for the summary where the change touches what decides what is found."""
    paths = dict.fromkeys(_influences(facts))
    if not paths:
        return ()
    return (
        f"this change decides on its own verdict by {', '.join(paths)}: settings and ignores are "
        "the base's, the project's code is the change's",
    )


def _influences(facts: Facts) -> Iterator[str]:
    environment = facts.environment
    own = {environment.config, posixpath.join(environment.script_location, "env.py")}
    if facts.in_base:
        own.add(facts.in_base.environment.config)
    for change in facts.changes:
        for path in dict.fromkeys((change.old_path, change.path)):
            if path in own or posixpath.basename(path) in _READ_FIRST or _is_in_place(facts, path):
                yield path
        if change.path.endswith(".py") and change.path not in own:
            text = facts.tree.read(change.path) or ""
            if _REACHES_IN.search(text) and text != facts.base.read(change.old_path):
                yield change.path


def _is_in_place(facts: Facts, path: str) -> bool:
    """Whether a file is of a package or module that is called like a library of ours.

    A folder of migrations may be called so, and is no package.
    """
    parts = path.removesuffix(".py").split("/")
    if not path.endswith(".py") or _LIBRARIES.isdisjoint(parts):
        return False
    depth = next(number for number, part in enumerate(parts) if part in _LIBRARIES)
    package = "/".join(parts[: depth + 1])
    return path == f"{package}.py" or f"{package}/__init__.py" in facts.tree.files
