"""Write what a commit lacks, judge it, and hand it over."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

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
from alembic_lockstep.report.progress import progress
from alembic_lockstep.report.text import block, listed, printable
from alembic_lockstep.rules.unregistered_model import RULE as UNREGISTERED
from alembic_lockstep.rules.unregistered_model import unregistered_models
from alembic_lockstep.runners import Runners
from alembic_lockstep.system.slots import hold_lock
from alembic_lockstep.verdict import Verdict
from alembic_lockstep.write_migration import FIXED_BY_MIGRATION
from alembic_lockstep.write_migration.asking import ask, wants_completion
from alembic_lockstep.write_migration.changes import FileChange
from alembic_lockstep.write_migration.completing import completed
from alembic_lockstep.write_migration.drafting import draft
from alembic_lockstep.write_migration.message import message_for
from alembic_lockstep.write_migration.model_import import with_import
from alembic_lockstep.write_migration.outcome import line_of, outcome

#: Rules after whose findings nothing is written.
_REFUSED = {"broken-upgrade"}
#: Modules of models that one run imports at most: each costs a dry run.
_MOST_IMPORTS = 5


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
    """Write what is staged lacks; return the exit code.

    Args:
        base: The tree to compare with.
    """
    # A second run would write the same: it waits, and then finds the first one's file.
    lock = hold_lock(repository.private / "fix.lock", seconds=600)
    with lock, _gate(repository, environ) as gate:
        return _Fixing(repository, gate, base, wishes).run(repository.staged_tree(environ))


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


@dataclass
class _Fixing:
    """One run of the command.

    Attributes:
        changes: What is to be written, by path.
    """

    repository: Repository
    gate: Gate
    base: str
    wishes: Wishes
    changes: dict[str, FileChange] = field(default_factory=dict)

    def run(self, staged: str) -> int:
        verdict = self._import_models(staged)
        all_facts = [each.facts for each in verdict.environments if each.facts]
        forgotten = [path for facts in all_facts if facts.fixed for path in facts.forgotten]
        if forgotten:
            click.echo(f"The migration is on disk already: {listed(map(printable, forgotten))}")
            return self._stage(forgotten)
        for facts in all_facts:
            if _lacks_migration(facts, verdict):
                self._note(self._migration(facts))
        if not self.changes:
            return self._report_nothing(verdict)
        judged = self.gate.judge(self.base, self._tree_with_changes(staged))
        refused = [each for each in judged.findings if each.rule in _REFUSED]
        return self._refuse(refused) if refused else self._hand_over(judged)

    def _import_models(self, staged: str) -> Verdict:
        """Note imports of models that env.py does not see; return the verdict with them."""
        verdict = self.gate.judge(self.base, staged)
        for _ in range(_MOST_IMPORTS):
            change = next(_imports(verdict), None)
            if change is None:
                break
            self._note(change)
            verdict = self.gate.judge(self.base, self._tree_with_changes(staged))
        return verdict

    def _note(self, change: FileChange) -> None:
        """Note a change; of a file that changes already, both as one."""
        earlier = self.changes.get(change.path)
        if earlier is not None:
            does = (*earlier.does, *change.does)
            change = replace(change, before=earlier.before, does=does)
        self.changes[change.path] = change

    def _migration(self, facts: Facts) -> FileChange:
        """Return the migration that an environment lacks: a new one, or its own new one, whole."""
        runner = self.gate.runners.open(facts.repository, self.gate.settings(facts.tree))
        message = self.wishes.message or message_for(facts.unfixed)
        new = draft(facts, runner, message, ask(facts.unfixed))
        own = facts.new[-1].path if facts.new else ""
        if not own or own in self.repository.unstaged():
            return new
        before = facts.repository.contents.read(facts.tree.files[own])
        text = before.decode("utf-8", "surrogateescape")
        whole = completed(text, new.text)
        if whole is None or not wants_completion(own):
            return new
        return replace(new, path=own, before=text, text=whole)

    def _tree_with_changes(self, tree: str) -> str:
        for change in self.changes.values():
            with tempfile.TemporaryFile() as content:
                content.write(change.content)
                content.seek(0)
                blob = self.repository.git("hash-object", "-w", "--stdin", stdin=content)
            tree = self.repository.tree_with_file(tree, change.path, blob.decode().strip())
        return tree

    def _report_nothing(self, verdict: Verdict) -> int:
        for finding in verdict.findings:
            click.echo(line_of(finding))
        click.echo("Nothing to write: what is staged lacks no migration.", err=True)
        unstaged = [path for path in self.repository.unstaged() if path.endswith(".py")]
        if unstaged:
            names = listed(map(printable, unstaged))
            click.echo(f"Only what is staged counts. Not staged: {names}", err=True)
        return FINDINGS if verdict.findings else CLEAN

    def _refuse(self, refused: Sequence[Finding]) -> int:
        for change in self.changes.values():
            click.echo(block(change.diff))
        click.echo("\nNothing was written, for this migration fails:")
        for finding in refused:
            click.echo(f"  {line_of(finding)}")
        return FINDINGS

    def _hand_over(self, judged: Verdict) -> int:
        changes = [*self.changes.values()]
        for change in changes:
            if not self.wishes.only_shows:
                change.write(self.repository.root)
                click.echo(f"Wrote {printable(change.path)}")
            if self.wishes.only_shows or change.before is not None:
                click.echo(block(change.diff))
            for words in change.does:
                click.echo(f"  {printable(words)}")
        for line in outcome(changes, judged):
            click.echo(line)
        if self.wishes.only_shows:
            return FINDINGS
        code = self._stage([*self.changes])
        return FINDINGS if judged.findings else code

    def _stage(self, paths: Sequence[str]) -> int:
        if not self.wishes.stages:
            click.echo(f"\n    {add_command(paths)}")
            return FINDINGS
        self.repository.git("add", "--", *(f":(top,literal){path}" for path in paths))
        click.echo("Staged.")
        return CLEAN


def _imports(verdict: Verdict) -> Iterator[FileChange]:
    for environment in verdict.environments:
        paths = {each.location.path for each in environment.findings if each.rule == UNREGISTERED}
        if environment.facts and paths:
            for path, names in unregistered_models(environment.facts).items():
                change = with_import(environment.facts, path, names) if path in paths else None
                if change is not None:
                    yield change


def _lacks_migration(facts: Facts, verdict: Verdict) -> bool:
    name = facts.environment.name
    rules = {finding.rule for finding in verdict.findings if finding.environment == name}
    return bool(facts.unfixed) and bool(rules & FIXED_BY_MIGRATION)
