"""Collect the facts about a repository that decide what `init` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename

from alembic_lockstep.advice.database_servers import DATABASE_SERVERS
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.config import Settings
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.init.job_needs import Needs, dotenv_variables, variables_used
from alembic_lockstep.system.regular import read_text
from alembic_lockstep.verdict import Verdict

EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}


@dataclass(frozen=True)
class FirstCheck:
    """Result of the check of everything that is committed and staged.

    Attributes:
        strict: The verdict on future commits, from the models; None where the history replays.
        settings: The settings of the check.
    """

    verdict: Verdict
    strict: Verdict | None
    settings: Settings


@dataclass(frozen=True)
class Survey:
    """Facts about a repository that decide what is written.

    Attributes:
        needs: The needs of a CI job, apart from the project.
        remote: The URL of `origin`; "" if there is none.
        branch: The default branch.
    """

    tree: Tree
    environments: tuple[Environment, ...]
    extras: tuple[str, ...]
    needs: Needs
    remote: str
    branch: str


def survey_repository(
    repository: Repository, check: FirstCheck, environ: Mapping[str, str]
) -> Survey:
    """Collect the facts about a repository, after its first check.

    Args:
        environ: The environment in which the first check ran.
    """
    judged = check.verdict.environments
    observations = [judgement.comparison.now for judgement in judged if judgement.comparison]
    dialects = {
        connection["dialect"]
        for observation in observations
        for connection in observation.connections
    }
    tree = Tree(repository, check.verdict.tree)
    # The wheel has PostgreSQL, unless the settings name a server; no wheel has MySQL.
    is_named = any(url.startswith("postgres") for url in check.settings.scratch_urls)
    services = dialects & DATABASE_SERVERS.keys() - (set() if is_named else {"postgresql"})
    remote = repository.git("config", "--default=", "--get", "remote.origin.url")
    return Survey(
        tree=tree,
        environments=tuple(judgement.environment for judgement in judged),
        extras=tuple(sorted({EXTRAS[dialect] for dialect in dialects & EXTRAS.keys()})),
        needs=Needs(tuple(sorted(services)), _variables(repository, tree, observations, environ)),
        remote=remote.decode().strip(),
        branch=_default_branch(repository),
    )


def _default_branch(repository: Repository) -> str:
    head = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    branch = repository.git(*head, accepted=(0, 1)).decode().strip().removeprefix("origin/")
    return branch or repository.git("branch", "--show-current").decode().strip() or "main"


def _variables(
    repository: Repository,
    tree: Tree,
    observations: Sequence[Observation],
    environ: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables of the environment and of `.env` that the project's files name."""
    paths = {
        path
        for observation in observations
        for path in (*observation.reads.get("opened", ()), *observation.scripts)
    }
    ignored = {path for path in list_ignored(repository) if basename(path).startswith(".env")}
    dotenv = "\n".join(read_text(repository.root / path) or "" for path in sorted(ignored & paths))
    texts = (tree.read(path) or "" for path in paths & tree.files.keys())
    return variables_used({**environ, **dotenv_variables(dotenv)}, texts)
