"""Write what a commit lacks, judge it, and hand it over."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click

from alembic_lockstep.cache.store import Cache, cache_root
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.exit_codes import CLEAN, FINDINGS
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Finding
from alembic_lockstep.gate import Gate
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.git.workplace import acquire_workplace, find_workplace
from alembic_lockstep.init.proposals import Proposal
from alembic_lockstep.report.progress import progress
from alembic_lockstep.report.text import block, listed, position, printable
from alembic_lockstep.runners import Runners
from alembic_lockstep.system.slots import hold_lock
from alembic_lockstep.verdict import Verdict
from alembic_lockstep.write_migration.asking import ask
from alembic_lockstep.write_migration.drafting import NewFile, draft
from alembic_lockstep.write_migration.message import message_for
from alembic_lockstep.write_migration.new_file import write_new

#: Rules whose findings a new migration fixes.
_FIXED = {"missing-migration", "migration-mismatch"}
#: Rules after whose findings nothing is written.
_REFUSED = {"broken-upgrade"}


@dataclass(frozen=True)
class Wishes:
    """The options of the command.

    Attributes:
        message: The migration's message; empty for one that says what it does.
        only_shows: Whether nothing is written.
        stages: Whether what is written is staged.
    """

    message: str = ""
    only_shows: bool = False
    stages: bool = False


def fix_commit(
    repository: Repository, environ: Mapping[str, str], base: str, wishes: Wishes
) -> int:
    """Write the migrations that what is staged lacks; return the exit code."""
    # A second one would write the same: it waits, and then finds the first one's file.
    with (
        hold_lock(repository.private / "fix.lock", seconds=600),
        _gate(repository, environ) as gate,
    ):
        fixing = _Fixing(repository, gate, base, wishes)
        return fixing.run(repository.staged_tree(environ))


@contextmanager
def _gate(repository: Repository, environ: Mapping[str, str]) -> Iterator[Gate]:
    """Yield a gate that tries new migrations on rows, whatever the settings say."""
    tree = Tree(repository, repository.staged_tree(environ))
    settings = RunContext(repository, environ).load_settings(tree.read("pyproject.toml"))
    context = RunContext(repository, environ, {"rows": settings.rows or True})
    with (
        acquire_workplace(find_workplace(repository, environ, cache_root())) as slot,
        EarlyProbes(context, slot) as early,
        progress() as show,
        Runners(context, show, early, Cache(cache_root())) as runners,
    ):
        yield Gate(runners)


@dataclass(frozen=True)
class _Fixing:
    repository: Repository
    gate: Gate
    base: str
    wishes: Wishes

    def run(self, tree: str) -> int:
        verdict = self.gate.judge(self.base, tree)
        lacking = [each.facts for each in verdict.environments if each.facts]
        forgotten = [path for facts in lacking if facts.fixed for path in facts.forgotten]
        if forgotten:
            return self._add_forgotten(forgotten)
        lacking = [facts for facts in lacking if _lacks_migration(facts, verdict)]
        if not lacking:
            return self._nothing_to_write(verdict)
        files = [self._draft(facts) for facts in lacking]
        judged = self.gate.judge(self.base, self._tree_with(tree, files))
        refused = [each for each in judged.findings if each.rule in _REFUSED]
        return self._refuse(files, refused) if refused else self._hand_over(files, judged)

    def _draft(self, facts: Facts) -> NewFile:
        settings = self.gate.settings(facts.tree)
        runner = self.gate.runners.open(facts.repository, settings)
        message = self.wishes.message or message_for(facts.unfixed)
        return draft(facts, runner, message, ask(facts.unfixed))

    def _tree_with(self, tree: str, files: Sequence[NewFile]) -> str:
        for file in files:
            with tempfile.TemporaryFile() as content:
                content.write(file.content)
                content.seek(0)
                blob = self.repository.git("hash-object", "-w", "--stdin", stdin=content)
            tree = self.repository.tree_with_file(tree, file.path, blob.decode().strip())
        return tree

    def _add_forgotten(self, paths: Sequence[str]) -> int:
        """Stage a migration that is on disk already, or say so."""
        click.echo(f"The migration is on disk, and not staged: {listed(map(printable, paths))}")
        return self._stage(paths)

    def _nothing_to_write(self, verdict: Verdict) -> int:
        for finding in verdict.findings:
            click.echo(_line(finding))
        click.echo("Nothing to write: the staged models need no migration of their own.", err=True)
        unstaged = [path for path in self.repository.unstaged() if path.endswith(".py")]
        if unstaged:
            names = listed(map(printable, unstaged))
            click.echo(f"Only what is staged counts. Not staged: {names}", err=True)
        return FINDINGS if verdict.findings else CLEAN

    def _refuse(self, files: Sequence[NewFile], refused: Sequence[Finding]) -> int:
        for file in files:
            click.echo(block(_diff(file)))
        click.echo("\nNothing was written, for this migration fails:")
        for finding in refused:
            click.echo(f"  {_line(finding)}")
        return FINDINGS

    def _hand_over(self, files: Sequence[NewFile], judged: Verdict) -> int:
        for file in files:
            if self.wishes.only_shows:
                click.echo(block(_diff(file)))
            else:
                write_new(self.repository.root / file.path, file.content)
                click.echo(f"Wrote {printable(file.path)}")
            for words in file.does:
                click.echo(f"  {printable(words)}")
        for line in _outcome(files, judged):
            click.echo(line)
        if self.wishes.only_shows:
            return FINDINGS
        code = self._stage([file.path for file in files])
        return FINDINGS if judged.findings else code

    def _stage(self, paths: Sequence[str]) -> int:
        if not self.wishes.stages:
            click.echo(f"\n    {add_command(paths)}")
            return FINDINGS
        self.repository.git("add", "--", *(f":(top,literal){path}" for path in paths))
        click.echo("Staged.")
        return CLEAN


def _lacks_migration(facts: Facts, verdict: Verdict) -> bool:
    name = facts.environment.name
    rules = {finding.rule for finding in verdict.findings if finding.environment == name}
    return bool(facts.unfixed) and bool(rules & _FIXED)


def _diff(file: NewFile) -> str:
    return Proposal(file.path, None, file.text, file.text).diff()


def _outcome(files: Sequence[NewFile], judged: Verdict) -> Iterator[str]:
    """Yield what was judged, what a person has to look at, and what is still wrong."""
    trials = [each.comparison.now.trial for each in judged.environments if each.comparison]
    untried = [trial["note"] for trial in trials if trial.get("note")]
    one_way = any(trial.get("one_way") or trial.get("empty_downgrades") for trial in trials)
    tried = ["upgrade", *([] if untried else ["rows", *([] if one_way else ["way back"])])]
    yield f"Judged: {', '.join(tried)}, and compared with the models."
    yield from (f"  not on rows: {printable(note)}" for note in dict.fromkeys(untried))
    yield from (f"  {printable(file.note)}" for file in files if file.note)
    marks = [(file, *mark) for file in files for mark in file.marks]
    if marks:
        yield "\nLook at this before you commit it:"
        yield from (f"  {printable(f'{file.path}:{line}: {text}')}" for file, line, text in marks)
    if judged.findings:
        yield "\nStill wrong, and for you to decide:"
        yield from (f"  {_line(finding)}" for finding in judged.findings)


def _line(finding: Finding) -> str:
    return f"{position(finding.location)}: {finding.rule}: {printable(finding.message)}"
