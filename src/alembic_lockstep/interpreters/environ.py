"""Restore the environment variables from before git and our own virtual environment."""

from __future__ import annotations

import os
import sys

from alembic_lockstep.cache.digests import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Variables that git sets for a hook: `git rev-parse --local-env-vars`, githooks(5), and options of
# git(1) that it passes on. A project's own GIT_SHA or a user's GIT_SSH_COMMAND stays.
# fmt: off
_HOOK_VARIABLES = frozenset({
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_ATTR_SOURCE", "GIT_AUTHOR_DATE", "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS",
    "GIT_DIR", "GIT_EDITOR", "GIT_EXEC_PATH", "GIT_GLOB_PATHSPECS", "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_LITERAL_PATHSPECS", "GIT_NAMESPACE", "GIT_NOGLOB_PATHSPECS", "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY", "GIT_OPTIONAL_LOCKS", "GIT_PREFIX", "GIT_QUARANTINE_PATH",
    "GIT_REFLOG_ACTION", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
})
# Variables of a terminal, which differ from commit to commit: bash(1), ssh(1), terminals' manuals.
_SESSION_VARIABLES = frozenset({
    "_", "COLUMNS", "GPG_TTY", "ITERM_SESSION_ID", "LINES", "OLDPWD", "SHLVL",
    "SSH_AGENT_PID", "SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "STY",
    "TERM_SESSION_ID", "TMUX", "TMUX_PANE", "WINDOWID", "WT_SESSION", "XDG_SESSION_ID",
})
_SESSION_PREFIXES = ("PRE_COMMIT", "VSCODE_")
# fmt: on
# macOS' framework Python sets it for its children, which would then start as our own Python.
_LAUNCHER = "__PYVENV_LAUNCHER__"


def outer_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without our own virtual environment and without git's variables."""
    excluded = _HOOK_VARIABLES | {_LAUNCHER}
    outer = {name: value for name, value in environ.items() if name not in excluded}
    # Outside a virtual environment sys.prefix is /usr, and /usr/bin must stay.
    if sys.prefix == sys.base_prefix:
        return outer
    if _is_ours(outer.get("VIRTUAL_ENV", "")):
        del outer["VIRTUAL_ENV"]
    if "PATH" in outer:
        entries = outer["PATH"].split(os.pathsep)
        outer["PATH"] = os.pathsep.join(entry for entry in entries if not _is_our_scripts(entry))
    return outer


def project_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the project's Python gets: no schema may depend on a terminal."""
    return {
        name: value
        for name, value in outer_environ(environ).items()
        if name not in _SESSION_VARIABLES and not name.startswith(_SESSION_PREFIXES)
    }


def environ_digest(environ: Mapping[str, str]) -> str:
    """Return a digest of the variables that a project gets; it reveals no value."""
    assignments = sorted(f"{name}={value}" for name, value in project_environ(environ).items())
    return _digest("\0".join(assignments), 16)


def variable_digests(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a digest of each of these variables, too short to guess a value by it."""
    variables = project_environ(environ).items()
    return {name: _digest(f"{name}={value}", 2) for name, value in variables}


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=size).hexdigest()


def _is_ours(folder: str) -> bool:
    return bool(folder) and os.path.realpath(folder) == os.path.realpath(sys.prefix)


def _is_our_scripts(entry: str) -> bool:
    folder, name = os.path.split(entry.rstrip(os.sep))
    return name in ("bin", "Scripts") and _is_ours(folder)
