"""`alembic-lockstep init`: what a repository needs so that its commits are judged.

The first check comes first: what it learns (environments, dialects) decides what is written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from posixpath import basename

import click

from alembic_lockstep import __version__
from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.cache.store import Cache, cache_root
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.gate import Gate
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.init.install import install_commands
from alembic_lockstep.init.job_needs import (
    SERVICES,
    Needs,
    names_in,
    variable_lines,
    variables_used,
)
from alembic_lockstep.init.managers import propose_hook, steps_for
from alembic_lockstep.init.proposals import Proposal, in_list, read_file
from alembic_lockstep.report.progress import progress
from alembic_lockstep.report.summary import summary
from alembic_lockstep.report.text import block, plural, printable
from alembic_lockstep.runners import Runners
from alembic_lockstep.system.regular import read_text
from alembic_lockstep.verdict import Verdict

WORKFLOW = ".github/workflows/alembic-lockstep.yml"
GITLAB = ".gitlab-ci.yml"
EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}

_WORKFLOW = """\
name: alembic-lockstep

on:
  pull_request:
  push:
    branches: [{branch}]

permissions:
  contents: read

jobs:
  lockstep:
    runs-on: ubuntu-latest
{services}    steps:
      - uses: actions/checkout@v7
        with:
          fetch-depth: 0 # the commits since the branch left its target
          persist-credentials: false
      - uses: actions/setup-python@v7
        with:
          {python}
      - run: {install}
      - uses: alembic-lockstep/alembic-lockstep@v{version}
"""
_COMPONENT = """\
- component: $CI_SERVER_FQDN/alembic-lockstep/alembic-lockstep/alembic-lockstep@{version}
  inputs:
    install: {install}
"""


@dataclass(frozen=True)
class Survey:
    """What is known of a repository.

    Attributes:
        needs: What a job in CI needs beside the project.
        remote: The URL of `origin`; "" if there is none.
        branch: The default branch.
    """

    tree: Tree
    environments: tuple[Environment, ...]
    extras: tuple[str, ...]
    needs: Needs
    remote: str
    branch: str


def survey(
    repository: Repository, verdict: Verdict, environ: Mapping[str, str], servers: Collection[str]
) -> Survey:
    """Look at the repository, after its first check.

    Args:
        environ: With what the first check passed.
        servers: The URLs of `scratch.urls`.
    """
    judged = verdict.environments
    seen = [one.comparison.now for one in judged if one.comparison]
    dialects = {connection["dialect"] for one in seen for connection in one.connections}
    ask = repository.git
    remote = ask("config", "--default=", "--get", "remote.origin.url").decode().strip()
    head = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    branch = ask(*head, accepted=(0, 1)).decode().strip().removeprefix("origin/")
    tree = Tree(repository, verdict.tree)
    # The wheel brings PostgreSQL, unless a server was chosen; nothing brings one of MySQL.
    is_chosen = any(url.startswith("postgres") for url in servers)
    wanted = dialects & SERVICES.keys() - (set() if is_chosen else {"postgresql"})
    return Survey(
        tree,
        tuple(one.environment for one in judged),
        tuple(sorted({EXTRAS[one] for one in dialects if one in EXTRAS})),
        Needs(tuple(sorted(wanted)), _variables(repository, tree, seen, environ)),
        remote,
        branch or ask("branch", "--show-current").decode().strip() or "main",
    )


def _variables(
    repository: Repository,
    tree: Tree,
    seen: Sequence[Observation],
    environ: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables that the project's files name, of the environment and of `.env`."""
    names = {path for one in seen for path in (*one.reads.get("opened", ()), *one.scripts)}
    ignored = {path for path in list_ignored(repository) if basename(path).startswith(".env")}
    dotenv = "\n".join(read_text(repository.root / path) or "" for path in sorted(ignored & names))
    texts = (tree.read(path) or "" for path in names & tree.files.keys())
    return variables_used({**environ, **names_in(dotenv)}, texts)


def proposals(known: Survey, root: Path) -> Iterator[Proposal]:
    """What would be written, file by file; nothing for what is there already."""
    files = known.tree.files
    found = [propose_hook(root, files, known.extras)]
    if "github.com" in known.remote or any(path.startswith(".github/") for path in files):
        found.append(_workflow(known, root))
    if "gitlab" in known.remote or GITLAB in files:
        found.append(_gitlab(known, root))
    yield from (one for one in found if one is not None)


def _workflow(known: Survey, root: Path) -> Proposal | None:
    used = [text for path, text in _texts(known.tree, ".github/workflows/")]
    if (root / WORKFLOW).exists() or any("alembic-lockstep" in text for text in used):
        return None
    text = _WORKFLOW.format(
        branch=known.branch,
        python=_python(known.tree),
        install=_install(known),
        version=__version__,
        services=known.needs.for_github(),
    )
    if known.extras:
        text += f"        with:\n          extras: {','.join(known.extras)}\n"
    variables = known.needs.job_variables("127.0.0.1")
    if variables:
        text += f"        env:\n{variable_lines(variables, '          ')}"
    return Proposal(WORKFLOW, None, text, text)


def _gitlab(known: Survey, root: Path) -> Proposal | None:
    item = _COMPONENT.format(version=__version__, install=_install(known))
    if known.extras:
        item += f"    extras: {','.join(known.extras)}\n"
    job = known.needs.for_gitlab()
    before = read_file(root / GITLAB)
    if before is not None and "alembic-lockstep" in before:
        return None
    if before is None or re.search(r"(?m)^include:", before):
        text = in_list(before or "include:\n", "include", item)
    else:
        text = in_list(f"{before.rstrip()}\n\ninclude:\n", "include", item)
    if text and job:
        text = f"{text.rstrip()}\n\n{job}"
    return Proposal(GITLAB, before, text, item + job)


def _install(known: Survey) -> str:
    return install_commands(known.environments, known.tree.files, known.tree.read)


def _python(tree: Tree) -> str:
    for path in (".python-version", "pyproject.toml"):
        text = tree.read(path)
        if text and (path == ".python-version" or re.search(r"(?m)^requires-python\s*=", text)):
            return f"python-version-file: {path}"
    return 'python-version: "3.x"'


def _texts(tree: Tree, folder: str) -> Iterator[tuple[str, str]]:
    for path in tree.files:
        if path.startswith(folder):
            yield path, tree.read(path) or ""


def write(root: Path, proposed: Sequence[Proposal]) -> list[str]:
    """Write the files; gives their paths."""
    written = []
    for one in proposed:
        if one.text is not None:
            file = root / one.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(one.text.encode("utf-8", "surrogateescape"))
            written.append(one.path)
    return written


def next_steps(written: Collection[str], extras: Collection[str]) -> list[str]:
    """What is left to type."""
    steps = [step for path in written for step in steps_for(path, extras)]
    return [*steps, add_command(written)]


def set_up(cwd: Path, environ: Mapping[str, str], *, yes: bool) -> int:
    """Make the first check, show what would be written, and write it if that is wanted.

    Raises:
        CouldNotJudge: the first check could not be made; a hook would block every commit.
    """
    repository = Repository.discover(cwd)
    click.echo("The first check, of all that is committed and staged …", err=True)
    tree = repository.staged_tree(environ)
    cache, context = Cache(cache_root()), RunContext(repository, environ)
    with (
        acquire_workplace(find_workplace(repository, environ, cache_root())) as slot,
        EarlyProbes(context, slot) as early,
        progress() as show,
    ):
        with Runners(context, show, early, cache) as runners:
            gate = Gate(runners)
            verdict = gate.judge(repository.empty_tree, tree)
            servers = gate.settings(Tree(repository, tree)).scratch_urls
        again = None
        if any(one.rule == "broken-upgrade" for one in verdict.findings):
            # Commits are judged from what the models make, for which more may be wanted.
            strictly = replace(context, flags={"strict": True})
            with Runners(strictly, show, early, cache) as runners:
                gate = Gate(runners)
                again = gate.judge(tree, tree)
    if not verdict.environments:
        raise CouldNotJudge("nothing is committed or staged yet", fix="git add --all")
    for line in _first_check(repository, verdict, again):
        click.echo(printable(line))
    known = survey(repository, verdict, environ, servers)
    proposed = list(proposals(known, repository.root))
    if not proposed:
        click.echo("All is there already: nothing to write.")
        return 0
    for one in proposed:
        click.echo(f"\n{block(one.shown())}")
    click.echo()
    if not any(one.text is not None for one in proposed):
        return 0
    if not yes and not sys.stdin.isatty():
        click.echo("Nothing was written. To write it: alembic-lockstep init --yes")
        return 0
    if not yes and not click.confirm("Write this?"):
        return 0
    written = write(repository.root, proposed)
    click.echo("Written. Next:\n")
    for line in next_steps(written, known.extras):
        click.echo(f"    {line}")
    return 0


def _first_check(repository: Repository, verdict: Verdict, again: Verdict | None) -> Iterator[str]:
    """What was run, and how many differences there are that no commit will be blamed for.

    Args:
        again: From the models, where the history does not replay.
    """
    yield from summary(verdict)[1:]
    if again:
        yield "As a commit will be judged:"
        yield from summary(again)[1:]
    count = len(verdict.findings)
    if count:
        see = f"alembic-lockstep check --base {repository.empty_tree}"
        yield (
            f"{plural(count, 'finding')} in what is there already. Only what a commit adds will "
            f"block it. To see them: {see}"
        )
