"""The environment as it was before the hook's own environment and git changed it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from hashlib import blake2b

# What git sets for a hook: `git rev-parse --local-env-vars`, githooks(5), and the options of git(1)
# that it hands on as variables. A project's own GIT_SHA or a user's GIT_SSH_COMMAND stays.
# fmt: off
_OF_THE_HOOK = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_ATTR_SOURCE", "GIT_AUTHOR_DATE", "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS",
    "GIT_DIR", "GIT_EDITOR", "GIT_EXEC_PATH", "GIT_GLOB_PATHSPECS", "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS", "GIT_NAMESPACE", "GIT_NOGLOB_PATHSPECS", "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY", "GIT_OPTIONAL_LOCKS", "GIT_PREFIX", "GIT_QUARANTINE_PATH",
    "GIT_REFLOG_ACTION", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
})
# What differs from terminal to terminal and makes no schema: bash(1), ssh(1), terminals' manuals.
_OF_THE_SESSION = frozenset({
    "_", "COLUMNS", "GPG_TTY", "ITERM_SESSION_ID", "LINES", "OLDPWD", "SHLVL",
    "SSH_AGENT_PID", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "STY",
    "TERM_SESSION_ID", "TMUX", "TMUX_PANE", "WINDOWID", "WT_SESSION", "XDG_SESSION_ID",
})
_SESSION_PREFIXES = ("PRE_COMMIT", "VSCODE_")
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


def environ_digest(environ: Mapping[str, str]) -> str:
    """A digest of what a project is given; no value can be read from it."""
    kept = sorted(
        f"{name}={value}"
        for name, value in outer_environ(environ).items()
        if name not in _OF_THE_SESSION and not name.startswith(_SESSION_PREFIXES)
    )
    return blake2b("\0".join(kept).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()


def _is_ours(folder: str) -> bool:
    return bool(folder) and os.path.realpath(folder) == os.path.realpath(sys.prefix)


def _is_our_scripts(entry: str) -> bool:
    folder, name = os.path.split(entry.rstrip(os.sep))
    return name in ("bin", "Scripts") and _is_ours(folder)
