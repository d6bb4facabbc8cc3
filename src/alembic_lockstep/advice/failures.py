"""From a failed dry run to one clear message: what happened, where, what to set."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from alembic_lockstep.advice.application import application_advice
from alembic_lockstep.advice.compose import run_in_compose, server_in_compose
from alembic_lockstep.advice.hints import hint
from alembic_lockstep.advice.variables import missing_fields
from alembic_lockstep.alembic_env.at_tree import EnvironmentAtTree
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.absent import add_forgotten, explain_absent, forgotten_hint
from alembic_lockstep.git.repository import Repository

PHASES = {
    "start": "the project could not be started",
    "env": "env.py failed",
    "start-sql": "the SQL file of the setting `start` failed",
    "upgrade": "the migrations could not be run",
    "create": "create_all() of the base's models failed",
    "compare": "the migrated database could not be compared with the models",
}
# A module, or a distribution of which the metadata is asked for (`use = egg:shop` of an .ini file).
NOT_INSTALLED = ("ModuleNotFoundError", "PackageNotFoundError")
IMPORT = re.compile(
    r"cannot import name '(?P<name>\w+)' "
    r"from (?:partially initialized module )?'(?P<package>[\w.]+)'"
)
# The machine's troubles as databases tell them: no fault of the migration that ran just then.
MACHINE = re.compile(
    r"(?i)no space left on device|database or disk is full|disk I/O error|out of (shared )?memory"
    r"|too many (clients|connections)|connection slots are reserved|lost connection"
    r"|server (closed the connection|has gone away)|terminating connection due to"
    r"|connection (was closed|is closed|does not exist)|attempt to write a readonly database"
)

# What drivers say of a server that a container cannot reach.
UNREACHED = re.compile(
    r"(?i)connection refused|connect call failed|could not translate host name|can't connect to"
    r"|name or service not known|name resolution|no route to host|network is unreachable|timed out"
)
# What databases say of a column that is not there.
NO_COLUMN = re.compile(
    r"no such column: (?P<sqlite>[\w.]+)|has no column named (?P<insert>\w+)"
    r"|column \"?(?P<postgresql>[\w.]+)\"? (?:of relation .*)?does not exist"
    r"|Unknown column '(?P<mysql>[^']+)'"
)


def could_not_judge(
    seen: Observation,
    env: EnvironmentAtTree,
    repository: Repository,
    *,
    tried: Sequence[str] = (),
    is_elsewhere: bool = False,
) -> CouldNotJudge:
    """Explain a dry run that failed before there was anything to judge.

    Args:
        env: What ran.
        tried: The interpreters that were looked at: shown where a missing module may mean that
            it was not the project's own that ran.
        is_elsewhere: The setting `run` has it run in a container.
    """
    error = seen.error
    message = str(error["message"]) or str(error["type"])
    first = message.splitlines()[0]
    fields = "".join(f"; {name} has no value" for name in missing_fields(message))
    what = f"{env.environment.name}: {PHASES[seen.phase]}: {error['type']}: {first}{fields}"
    frames = [frame for frame in error["frames"] if frame["path"]]
    if frames:
        what += f" ({frames[-1]['path']}:{frames[-1]['line']})"
    absent = explain_absent(repository, env.tree.sha, error, seen.reads)
    app = application_advice(seen, env.environment, repository, env.tree.sha)
    if app:
        return CouldNotJudge(what, fix="\n".join([app, *absent]), log=seen.log)
    if error["type"] in NOT_INSTALLED and error["module"]:
        compose = "" if is_elsewhere else run_in_compose(env.tree, env.environment.directory)
        return _not_found(what, seen, repository, tried, absent, compose)
    fix = (
        _forgotten(_relative_import(message), repository)
        or forgotten_hint(message, seen.reads, repository)
        or (_unreached(seen, env) if is_elsewhere else "")
        or hint(seen, env)
    )
    return CouldNotJudge(what, fix="\n".join(filter(None, [fix, *absent])), log=seen.log)


def is_of_the_machine(seen: Observation) -> bool:
    """Whether a run failed for want of space, memory or a connection."""
    return MACHINE.search(str(seen.error["message"])) is not None


def lacks_column(seen: Observation) -> str:
    """Return the column for which a start failed: of a database that its migrations had made."""
    absent = NO_COLUMN.search(str(seen.error["message"]))
    if absent is None or seen.phase not in {"start", "env"} or seen.connections:
        return ""
    return next((name for name in absent.groups() if name), "")


def _relative_import(message: str) -> str:
    """The module that `from . import version` wanted: such an error names its parts only."""
    found = IMPORT.match(message)
    return f"{found['package']}.{found['name']}" if found else ""


def _forgotten(module: str, repository: Repository) -> str:
    """What to type if the module lies on disk only."""
    path = module.replace(".", "/")
    files = (f"/{path}.py", f"/{path}/__init__.py")
    found = [name for name in repository.untracked() if f"/{name}".endswith(files)]
    return add_forgotten(found if module else ())


def _not_found(
    what: str,
    seen: Observation,
    repository: Repository,
    tried: Sequence[str],
    absent: Sequence[str],
    compose: str,
) -> CouldNotJudge:
    module = str(seen.error["module"])
    fix = _forgotten(module, repository)
    if fix:
        return CouldNotJudge(what, fix=fix, log=seen.log)
    fix = (
        f"Install what provides '{module}' into the project's environment, or name the Python "
        'that has it:\n[tool.alembic-lockstep]\npython = "path/to/python"'
    )
    lines = filter(None, [*absent, fix, compose])
    return CouldNotJudge(what, fix="\n".join(lines), tried=tried, log=seen.log)


def _unreached(seen: Observation, env: EnvironmentAtTree) -> str:
    if not UNREACHED.search(str(seen.error["message"])) or not seen.connections:
        return ""
    dialect = seen.connections[-1]["dialect"]
    return server_in_compose(env.tree, env.environment.directory, dialect)


def check_loaded(seen: Observation, changed: Collection[str]) -> None:
    """Make sure that what was judged is the commit: not the working tree, not an installed copy."""
    if seen.worktree:
        raise CouldNotJudge(
            "the dry run loaded modules from the working tree and not from what is committed",
            tried=seen.worktree[:10],
            fix="Something puts their folder on sys.path by its absolute name: make that relative "
            "to the file that does it, or install the package editable.",
        )
    copies = [one for one in seen.copies if one["differs"] or one["path"] in changed]
    if copies:
        raise CouldNotJudge(
            "the dry run loaded an installed copy of the project, which is not what is committed",
            tried=[f"{one['path']}: loaded from {one['loaded']}" for one in copies[:10]],
            fix="Install the project editable; if PYTHONPATH leads there, run without it:\n"
            "pip install -e .",
        )
