"""`alembic-lockstep init`: write the files that have a repository's commits judged.

It begins with a check, whose environments and dialects decide what is written.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from alembic_lockstep import __version__
from alembic_lockstep.cache.store import Cache, cache_root
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.gate import Gate
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.init.install import install_commands
from alembic_lockstep.init.job_needs import variable_lines
from alembic_lockstep.init.managers import propose_hook, steps_for
from alembic_lockstep.init.proposals import Proposal, append_to_list, read_file
from alembic_lockstep.init.survey import FirstCheck, Survey, survey_repository
from alembic_lockstep.report.progress import progress
from alembic_lockstep.report.summary import summary
from alembic_lockstep.report.text import block, plural, printable
from alembic_lockstep.runners import Runners

WORKFLOW = ".github/workflows/alembic-lockstep.yml"
GITLAB = ".gitlab-ci.yml"

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


def proposals(survey: Survey, root: Path) -> Iterator[Proposal]:
    """Yield the files to write, without those that the repository has."""
    files = survey.tree.files
    proposed = [propose_hook(root, files, survey.extras)]
    if "github.com" in survey.remote or any(path.startswith(".github/") for path in files):
        proposed.append(_workflow(survey, root))
    if "gitlab" in survey.remote or GITLAB in files:
        proposed.append(_gitlab(survey, root))
    yield from (proposal for proposal in proposed if proposal is not None)


def _workflow(survey: Survey, root: Path) -> Proposal | None:
    paths = (path for path in survey.tree.files if path.startswith(".github/workflows/"))
    workflows = (survey.tree.read(path) or "" for path in paths)
    if (root / WORKFLOW).exists() or any("alembic-lockstep" in text for text in workflows):
        return None
    text = _WORKFLOW.format(
        branch=survey.branch,
        python=_python(survey.tree),
        install=_install(survey),
        version=__version__,
        services=survey.needs.for_github(),
    )
    if survey.extras:
        text += f"        with:\n          extras: {','.join(survey.extras)}\n"
    variables = survey.needs.job_variables("127.0.0.1")
    if variables:
        text += f"        env:\n{variable_lines(variables, '          ')}"
    return Proposal(WORKFLOW, None, text, text)


def _gitlab(survey: Survey, root: Path) -> Proposal | None:
    item = _COMPONENT.format(version=__version__, install=_install(survey))
    if survey.extras:
        item += f"    extras: {','.join(survey.extras)}\n"
    job = survey.needs.for_gitlab()
    before = read_file(root / GITLAB)
    if before is not None and "alembic-lockstep" in before:
        return None
    if before is None or re.search(r"(?m)^include:", before):
        text = append_to_list(before or "include:\n", "include", item)
    else:
        text = append_to_list(f"{before.rstrip()}\n\ninclude:\n", "include", item)
    if text and job:
        text = f"{text.rstrip()}\n\n{job}"
    return Proposal(GITLAB, before, text, item + job)


def _install(survey: Survey) -> str:
    return install_commands(survey.environments, survey.tree.files, survey.tree.read)


def _python(tree: Tree) -> str:
    for path in (".python-version", "pyproject.toml"):
        text = tree.read(path)
        if text and (path == ".python-version" or re.search(r"(?m)^requires-python\s*=", text)):
            return f"python-version-file: {path}"
    return 'python-version: "3.x"'


def write(root: Path, proposed: Sequence[Proposal]) -> list[str]:
    """Write the files and return their paths."""
    written = []
    for proposal in proposed:
        if proposal.text is not None:
            file = root / proposal.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(proposal.text.encode("utf-8", "surrogateescape"))
            written.append(proposal.path)
    return written


def next_steps(written: Collection[str], extras: Collection[str]) -> list[str]:
    """Return the commands that are left to run."""
    steps = [step for path in written for step in steps_for(path, extras)]
    return [*steps, add_command(written)]


def set_up(cwd: Path, environ: Mapping[str, str], *, yes: bool) -> int:
    """Make the first check, show what would be written, and write it after confirmation.

    Raises:
        CouldNotJudge: The first check could not be made; a hook would block every commit.
    """
    repository = Repository.discover(cwd)
    click.echo("The first check, of all that is committed and staged …", err=True)
    check = _make_first_check(repository, environ)
    if not check.verdict.environments:
        raise CouldNotJudge("nothing is committed or staged yet", fix="git add --all")
    for line in _describe_check(repository, check):
        click.echo(printable(line))
    survey = survey_repository(repository, check, environ)
    proposed = list(proposals(survey, repository.root))
    if not proposed:
        click.echo("Everything is set up: nothing to write.")
        return 0
    for proposal in proposed:
        click.echo(f"\n{block(proposal.diff())}")
    click.echo()
    if any(proposal.text is not None for proposal in proposed) and (yes or _is_confirmed()):
        written = write(repository.root, proposed)
        click.echo("Written. Next:\n")
        for line in next_steps(written, survey.extras):
            click.echo(f"    {line}")
    return 0


def _make_first_check(repository: Repository, environ: Mapping[str, str]) -> FirstCheck:
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
            settings = gate.settings(Tree(repository, tree))
        strict = None
        if any(finding.rule == "broken-upgrade" for finding in verdict.findings):
            # Commits are judged from what the models make, which may need further settings.
            with Runners(replace(context, flags={"strict": True}), show, early, cache) as runners:
                strict = Gate(runners).judge(tree, tree)
    return FirstCheck(verdict, strict, settings)


def _is_confirmed() -> bool:
    if sys.stdin.isatty():
        return click.confirm("Write this?")
    click.echo("Nothing was written. To write it: alembic-lockstep init --yes")
    return False


def _describe_check(repository: Repository, check: FirstCheck) -> Iterator[str]:
    """Yield what was run, and the number of findings that no commit is blocked for."""
    yield from summary(check.verdict)[1:]
    if check.strict:
        yield "As a commit will be judged:"
        yield from summary(check.strict)[1:]
    if check.settings.rows:
        yield (
            "New migrations of a commit also run on tables with rows: upgrade, downgrade, upgrade "
            "again. To switch that off, set rows = false."
        )
    count = len(check.verdict.findings)
    if count:
        yield (
            f"{plural(count, 'finding')} in the existing code. A commit is blocked only by what it "
            f"adds. To see them: alembic-lockstep check --base {repository.empty_tree}"
        )
