"""Explain a failed dry run in one message: what happened, where, and what to set."""

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
    "draft": "the migration could not be written",
}
# A module, or a distribution whose metadata is read (`use = egg:shop` of an .ini file).
NOT_INSTALLED = ("ModuleNotFoundError", "PackageNotFoundError")
IMPORT = re.compile(
    r"cannot import name '(?P<name>\w+)' "
    r"from (?:partially initialized module )?'(?P<package>[\w.]+)'"
)
# Messages of databases about the machine or the connection: the migration has no fault.
MACHINE = re.compile(
    r"(?i)no space left on device|database or disk is full|disk I/O error|out of (shared )?memory"
    r"|too many (clients|connections)|connection slots are reserved|lost connection"
    r"|server (closed the connection|has gone away)|terminating connection due to"
    r"|connection (was closed|is closed|does not exist)|attempt to write a readonly database"
)

# Messages of drivers about a server that a container cannot reach.
UNREACHED = re.compile(
    r"(?i)connection refused|connect call failed|could not translate host name|can't connect to"
    r"|name or service not known|name resolution|no route to host|network is unreachable|timed out"
)
# Messages of databases about a column that does not exist.
NO_COLUMN = re.compile(
    r"no such column: (?P<sqlite>[\w.]+)|has no column named (?P<insert>\w+)"
    r"|column \"?(?P<postgresql>[\w.]+)\"? (?:of relation .*)?does not exist"
    r"|Unknown column '(?P<mysql>[^']+)'"
)


def could_not_judge(
    observation: Observation,
    env: EnvironmentAtTree,
    repository: Repository,
    *,
    tried: Sequence[str] = (),
    is_elsewhere: bool = False,
) -> CouldNotJudge:
    """Explain a dry run that failed before anything could be judged.

    Args:
        env: The environment that ran.
        tried: The interpreters that were tried, shown where a missing module may mean that
            another interpreter than the project's ran.
        is_elsewhere: The setting `run` runs the project in a container.
    """
    error = observation.error
    message = str(error["message"]) or str(error["type"])
    summary = _summary(observation, env.environment.name)
    absent = explain_absent(repository, env.tree.sha, error, observation.reads)
    app = application_advice(observation, env.environment, repository, env.tree.sha)
    if app:
        return CouldNotJudge(summary, fix="\n".join([app, *absent]), log=observation.log)
    if error["type"] in NOT_INSTALLED and error["module"]:
        compose = "" if is_elsewhere else run_in_compose(env.tree, env.environment.directory)
        return _missing_module(
            summary, observation, repository, tried=tried, absent=absent, compose=compose
        )
    fix = (
        _forgotten(_relative_import(message), repository)
        or forgotten_hint(message, observation.reads, repository)
        or (_unreached(observation, env) if is_elsewhere else "")
        or hint(observation, env)
    )
    return CouldNotJudge(summary, fix="\n".join(filter(None, [fix, *absent])), log=observation.log)


def _summary(observation: Observation, name: str) -> str:
    """Return one line: the environment, the phase, the error and the project's line."""
    error, phase = observation.error, PHASES[observation.phase]
    message = str(error["message"]) or str(error["type"])
    fields = "".join(f"; {field} has no value" for field in missing_fields(message))
    frames = [frame for frame in error["frames"] if frame["path"]]
    location = f" ({frames[-1]['path']}:{frames[-1]['line']})" if frames else ""
    return f"{name}: {phase}: {error['type']}: {message.splitlines()[0]}{fields}{location}"


def is_machine_failure(observation: Observation) -> bool:
    """Return whether a run failed because space, memory or a connection was lacking."""
    return MACHINE.search(str(observation.error["message"])) is not None


def missing_column(observation: Observation) -> str:
    """Return the column that a project misses while it starts, before its migrations run; or ""."""
    absent = NO_COLUMN.search(str(observation.error["message"]))
    if absent is None or observation.phase not in {"start", "env"} or observation.connections:
        return ""
    return next((name for name in absent.groups() if name), "")


def _relative_import(message: str) -> str:
    """Return the module that `from . import version` names; "" for other errors."""
    match = IMPORT.match(message)
    return f"{match['package']}.{match['name']}" if match else ""


def _forgotten(module: str, repository: Repository) -> str:
    """Return how to add a module that is on disk only; "" if it is not."""
    path = module.replace(".", "/")
    files = (f"/{path}.py", f"/{path}/__init__.py")
    paths = [path for path in repository.untracked() if f"/{path}".endswith(files)]
    return add_forgotten(paths if module else ())


def _missing_module(
    summary: str,
    observation: Observation,
    repository: Repository,
    *,
    tried: Sequence[str],
    absent: Sequence[str],
    compose: str,
) -> CouldNotJudge:
    module = str(observation.error["module"])
    fix = _forgotten(module, repository)
    if fix:
        return CouldNotJudge(summary, fix=fix, log=observation.log)
    fix = (
        f"Install what provides '{module}' into the project's environment, or name the Python "
        'that has it:\n[tool.alembic-lockstep]\npython = "path/to/python"'
    )
    lines = filter(None, [*absent, fix, compose])
    return CouldNotJudge(summary, fix="\n".join(lines), tried=tried, log=observation.log)


def _unreached(observation: Observation, env: EnvironmentAtTree) -> str:
    if not UNREACHED.search(str(observation.error["message"])) or not observation.connections:
        return ""
    dialect = observation.connections[-1]["dialect"]
    return server_in_compose(env.tree, env.environment.directory, dialect)


def check_loaded(observation: Observation, changed: Collection[str]) -> None:
    """Raise `CouldNotJudge` if a run loaded the working tree or an installed copy.

    Args:
        changed: The paths that the commit changes: an installed copy of one is never the same.
    """
    if observation.worktree:
        raise CouldNotJudge(
            "the dry run loaded modules from the working tree and not from what is committed",
            tried=observation.worktree[:10],
            fix="Something puts their folder on sys.path by its absolute name: make that relative "
            "to the file that does it, or install the package editable.",
        )
    copies = [copy for copy in observation.copies if copy["differs"] or copy["path"] in changed]
    if copies:
        raise CouldNotJudge(
            "the dry run loaded an installed copy of the project, which is not what is committed",
            tried=[f"{copy['path']}: loaded from {copy['loaded']}" for copy in copies[:10]],
            fix="Install the project editable; if PYTHONPATH leads there, run without it:\n"
            "pip install -e .",
        )
