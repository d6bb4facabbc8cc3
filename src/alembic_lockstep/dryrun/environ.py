"""The environment as it was before the hook's own environment and git changed it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

# What git sets for a hook: `git rev-parse --local-env-vars` and githooks(5). A project's own
# GIT_SHA or a user's GIT_SSH_COMMAND stays.
# fmt: off
_OF_THE_HOOK = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_AUTHOR_DATE", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_NAME",
    "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_DIR",
    "GIT_EDITOR", "GIT_EXEC_PATH", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX", "GIT_QUARANTINE_PATH", "GIT_REFLOG_ACTION", "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
})
# fmt: on
# macOS' framework Python leaves it for its children, which would then start as our own.
_LAUNCHER = "__PYVENV_LAUNCHER__"


def outer_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without our own virtual environment and without git's variables."""
    left_out = _OF_THE_HOOK | {_LAUNCHER}
    outer = {name: value for name, value in environ.items() if name not in left_out}
    # Outside a virtual environment sys.prefix is /usr, and /usr/bin must stay.
    if sys.prefix == sys.base_prefix:
        return outer
    if _is_ours(outer.get("VIRTUAL_ENV", "")):
        del outer["VIRTUAL_ENV"]
    if "PATH" in outer:
        entries = outer["PATH"].split(os.pathsep)
        outer["PATH"] = os.pathsep.join(entry for entry in entries if not _is_our_scripts(entry))
    return outer


def _is_ours(folder: str) -> bool:
    return bool(folder) and Path(folder).resolve() == Path(sys.prefix).resolve()


def _is_our_scripts(entry: str) -> bool:
    return Path(entry).name in ("bin", "Scripts") and _is_ours(str(Path(entry).parent))
