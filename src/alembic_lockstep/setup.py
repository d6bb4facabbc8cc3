"""`alembic-lockstep init`: what a repository needs so that its commits are judged.

The first check comes first: what it learns (environments, dialects) decides what is written.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from alembic_lockstep import __version__
from alembic_lockstep.cache import Cache, cache_root
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.gate import Gate, Verdict
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.history.environments import Environment
from alembic_lockstep.install import install_commands
from alembic_lockstep.pages import HOME
from alembic_lockstep.report.progress import progress
from alembic_lockstep.report.summary import summary
from alembic_lockstep.report.text import block, plural, printable

HOOKS = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/alembic-lockstep.yml"
GITLAB = ".gitlab-ci.yml"
EXTRAS = {"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}

_HOOK = """\
- repo: {home}
  rev: v{version}
  hooks:
    - id: {id}
"""
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
    steps:
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
class Proposal:
    """A file to write.

    Attributes:
        path: From the root.
        before: Its text; None if it is new.
        text: What it would be; None where that is for people to do, with `lines`.
        lines: What has to be in it.
    """

    path: str
    before: str | None
    text: str | None
    lines: str

    def shown(self) -> str:
        """What changes, as a diff."""
        if self.text is None:
            return f"# to paste into {self.path}:\n{self.lines}"
        old = (self.before or "").splitlines(keepends=True)
        names = ("/dev/null" if self.before is None else self.path, self.path)
        return "".join(difflib.unified_diff(old, self.text.splitlines(keepends=True), *names))


@dataclass(frozen=True)
class Survey:
    """What is known of a repository.

    Attributes:
        remote: The URL of `origin`; "" if there is none.
        branch: The default branch.
    """

    tree: Tree
    environments: tuple[Environment, ...]
    extras: tuple[str, ...]
    remote: str
    branch: str


def survey(repository: Repository, verdict: Verdict) -> Survey:
    """Look at the repository, after its first check."""
    judged = verdict.environments
    seen = [one.comparison.now for one in judged if one.comparison]
    dialects = {connection["dialect"] for one in seen for connection in one.connections}
    ask = repository.git
    remote = ask("config", "--default=", "--get", "remote.origin.url").decode().strip()
    head = ("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    branch = ask(*head, accepted=(0, 1)).decode().strip().removeprefix("origin/")
    return Survey(
        Tree(repository, verdict.tree),
        tuple(one.environment for one in judged),
        tuple(sorted({EXTRAS[one] for one in dialects if one in EXTRAS})),
        remote,
        branch or ask("branch", "--show-current").decode().strip() or "main",
    )


def proposals(known: Survey, root: Path) -> Iterator[Proposal]:
    """What would be written, file by file; nothing for what is there already."""
    files = known.tree.files
    found = [_hooks(known, root)]
    if "github.com" in known.remote or any(path.startswith(".github/") for path in files):
        found.append(_workflow(known, root))
    if "gitlab" in known.remote or GITLAB in files:
        found.append(_gitlab(known, root))
    yield from (one for one in found if one is not None)


def in_list(text: str, key: str, item: str) -> str | None:
    """YAML with one more item at the end of a top-level list; None if that is not plain to see.

    The file stays as its people have written it: a YAML library would write it anew.
    """
    lines = text.splitlines(keepends=True)
    keys = [number for number, line in enumerate(lines) if re.match(rf"{key}:\s*(#.*)?$", line)]
    if len(keys) != 1:
        return None
    begin = keys[0] + 1
    # The items may be indented or not; what stands alone before the next key is about that.
    rest = range(begin, len(lines))
    end = next((number for number in rest if re.match(r"[^\s#-]", lines[number])), len(lines))
    while end > begin and re.match(r"#|\s*$", lines[end - 1]):
        end -= 1
    indents = [found[1] for line in lines[begin:end] if (found := re.match(r"(\s*)- ", line))]
    new = _indented(item, indents[0] if indents else "  ")
    before = "".join(lines[:end])
    before += "" if before.endswith("\n") else "\n"
    new = new.replace("\n", "\r\n") if "\r\n" in text else new
    return before + new + "".join(lines[end:])


def _hooks(known: Survey, root: Path) -> Proposal | None:
    several = len(known.extras) > 1
    name = "-".join(["alembic-lockstep", *([] if several else known.extras)])
    item = _HOOK.format(home=HOME, version=__version__, id=name)
    if several:
        item += f'      additional_dependencies: [".[{",".join(known.extras)}]"]\n'
    before = _text(root / HOOKS)
    if before is not None and "alembic-lockstep" in before:
        return None
    return Proposal(HOOKS, before, in_list(before or "repos:\n", "repos", item), item)


def _workflow(known: Survey, root: Path) -> Proposal | None:
    used = [text for path, text in _texts(known.tree, ".github/workflows/")]
    if (root / WORKFLOW).exists() or any("alembic-lockstep" in text for text in used):
        return None
    text = _WORKFLOW.format(
        branch=known.branch,
        python=_python(known.tree),
        install=_install(known),
        version=__version__,
    )
    if known.extras:
        text += f"        with:\n          extras: {','.join(known.extras)}\n"
    return Proposal(WORKFLOW, None, text, text)


def _gitlab(known: Survey, root: Path) -> Proposal | None:
    item = _COMPONENT.format(version=__version__, install=_install(known))
    if known.extras:
        item += f"    extras: {','.join(known.extras)}\n"
    before = _text(root / GITLAB)
    if before is not None and "alembic-lockstep" in before:
        return None
    if before is None or re.search(r"(?m)^include:", before):
        text = in_list(before or "include:\n", "include", item)
    else:
        text = in_list(f"{before.rstrip()}\n\ninclude:\n", "include", item)
    return Proposal(GITLAB, before, text, item)


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


def _text(file: Path) -> str | None:
    return file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else None


def _indented(text: str, indent: str) -> str:
    return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))


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


def next_steps(written: Collection[str]) -> list[str]:
    """What is left to type."""
    steps = [f"git add {' '.join(written)}"]
    return ["pre-commit install", *steps] if HOOKS in written else steps


def set_up(cwd: Path, environ: Mapping[str, str], *, yes: bool) -> int:
    """Make the first check, show what would be written, and write it if that is wanted.

    Raises:
        CouldNotJudge: the first check could not be made; a hook would block every commit.
    """
    repository = Repository.discover(cwd)
    click.echo("The first check, of all that is committed and staged …", err=True)
    tree = repository.staged_tree(environ)
    cache = Cache(cache_root())
    with (
        acquire_workplace(find_workplace(repository, environ, cache_root())) as slot,
        EarlyProbes(repository, environ, slot) as early,
        progress() as show,
        Gate(repository, environ, {}, show, early, cache) as gate,
    ):
        verdict = gate.judge(repository.empty_tree, tree)
    if not verdict.environments:
        raise CouldNotJudge("nothing is committed or staged yet", fix="git add .")
    for line in _first_check(repository, verdict):
        click.echo(printable(line))
    proposed = list(proposals(survey(repository, verdict), repository.root))
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
    for line in next_steps(written):
        click.echo(f"    {line}")
    return 0


def _first_check(repository: Repository, verdict: Verdict) -> Iterator[str]:
    """What was run, and how many differences there are that no commit will be blamed for."""
    yield from summary(verdict)[1:]
    count = len(verdict.findings)
    if count:
        see = f"alembic-lockstep check --base {repository.empty_tree}"
        yield (
            f"{plural(count, 'finding')} in what is there already. Only what a commit adds will "
            f"block it. To see them: {see}"
        )
