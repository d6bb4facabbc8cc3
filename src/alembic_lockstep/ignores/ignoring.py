"""Ignores of the project: of differences by globs, of findings by directives in the code.

The rules do not know them. Ignored differences are removed before the rules judge, so that the
fix does not have them either; other ignored findings are removed afterwards. All are reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property

from alembic_lockstep.dryrun.comparison import BASE_MODELS
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts, merged_catalogue
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.ignores.directives import (
    MARKER,
    Directive,
    lines_around,
    lines_of_migration,
    read_directives,
    surroundings,
)
from alembic_lockstep.rules import DIFFERENCE_RULES, DRY_RUN_RULES, HISTORY_RULES, TRIAL_RULES
from alembic_lockstep.rules.differences import locations, rule_of
from alembic_lockstep.verdict import Ignored, Ignores

# Where an upgrade fails, nothing is compared: to ignore that would be to ignore everything.
IGNORABLE = {*HISTORY_RULES, *DRY_RUN_RULES} - {"broken-upgrade"}


@dataclass(frozen=True)
class Directives:
    """Reads the directives of a tree.

    Attributes:
        trusted: The tree that must have the same directives; None where `tree` itself is trusted.
    """

    repository: Repository
    tree: Tree
    trusted: Tree | None = None
    _read: dict[str, list[Directive]] = field(default_factory=dict)

    @cached_property
    def files(self) -> frozenset[str]:
        """Paths of Python files that may have a directive: few, or none."""
        return frozenset(self.repository.grep(self.tree.sha, "-F", MARKER, among="*.py"))

    def of(self, path: str) -> list[Directive]:
        """Return the directives of a file."""
        path = self.tree.real(path)
        if path in self.files and path not in self._read:
            self._read[path] = self._checked(path)
        return self._read.get(path, [])

    def _checked(self, path: str) -> list[Directive]:
        """Return the directives of a file; those that the trusted tree lacks have a fault."""
        contexts = _contexts(path, self.tree)
        if self.trusted is None:
            return list(contexts)
        # The base does not have a directive that is copied elsewhere in the file.
        counts = Counter(contexts.values())
        trusted_counts = Counter(_contexts(path, self.trusted).values())
        fault = "the base does not have it there"
        return [
            directive
            if directive.fault or counts[context] <= trusted_counts[context]
            else replace(directive, fault=fault)
            for directive, context in contexts.items()
        ]

    def at(self, location: Location, *, whole: bool = False) -> list[Directive]:
        """Return the honoured directives about a location; a deleted line has none.

        Args:
            location: The location of a finding.
            whole: Count those about its function, or its migration, too.
        """
        if location.in_base:
            return []
        directives = [each for each in self.of(location.path) if not each.fault]
        if not directives:
            return []
        text = self.tree.read(location.path) or ""
        around = {*lines_around(text, location.line)}
        if whole:
            around.update(lines_of_migration(text, location.line))
        return [directive for directive in directives if directive.target in around]


def _contexts(path: str, tree: Tree) -> dict[Directive, tuple[str, ...]]:
    """Return a file's directives, each with its line, its target line and what encloses that."""
    text = tree.read(path) or ""
    lines = text.split("\n")
    return {
        directive: (
            lines[directive.line - 1].strip(),
            lines[directive.target - 1].strip(),
            *surroundings(text, directive.target),
        )
        for directive in read_directives(path, text, IGNORABLE)
    }


def ignore_differences(
    facts: Facts, globs: Mapping[str, str], directives: Directives
) -> tuple[Facts, list[Ignored]]:
    """Return the facts without the ignored ones of the introduced differences, and those.

    Args:
        facts: The facts of an environment.
        globs: From each glob to its reason.
        directives: The directives of the tree.
    """
    if facts.comparison is None:
        return facts, []
    ignored = {
        operation: _ignored_difference(facts, operation, globs, directives)
        for operation in facts.comparison.introduced
    }
    introduced = tuple(operation for operation in ignored if ignored[operation] is None)
    fixed = tuple(operation for operation in facts.fixed if operation in introduced)
    comparison = replace(facts.comparison, introduced=introduced)
    without = replace(facts, comparison=comparison, fixed=fixed)
    return without, [entry for entry in ignored.values() if entry is not None]


def _ignored_difference(
    facts: Facts, operation: Operation, globs: Mapping[str, str], directives: Directives
) -> Ignored | None:
    rule, environment = rule_of(facts, operation), facts.environment.name
    for glob, reason in globs.items():
        if _matches(glob, operation):
            return Ignored(rule, operation.text, reason, glob, True, environment)
    if not directives.files:
        return None
    location = locations(facts, operation)[0]
    return _ignored_by_directive(directives, rule, operation.text, location, environment)


def ignore_findings(
    findings: Iterable[Finding], directives: Directives
) -> tuple[list[Finding], list[Ignored]]:
    """Return the findings that no directive ignores, and the ignored ones."""
    remaining, ignored = [], []
    for finding in findings:
        entry = _ignored_by_directive(
            directives, finding.rule, finding.message, finding.location, finding.environment
        )
        if entry is None:
            remaining.append(finding)
        else:
            ignored.append(entry)
    return remaining, ignored


def _ignored_by_directive(
    directives: Directives, rule: str, text: str, location: Location, environment: str
) -> Ignored | None:
    for directive in directives.at(location, whole=rule in TRIAL_RULES):
        if rule in directive.rules:
            return Ignored(rule, text, directive.reason, directive.position, False, environment)
    return None


def _matches(glob: str, operation: Operation) -> bool:
    """Return whether a glob matches an operation's name or its table: with it go all its parts."""
    table, name = operation.table, operation.name
    names = [table, *([f"{table}.{name}"] if name else [])] if table else [name]
    return any(fnmatchcase(candidate, glob) for candidate in names)


def summarize_ignores(
    facts: Facts,
    globs: Mapping[str, str],
    directives: Directives,
    findings: Sequence[Finding],
    ignored: Sequence[Ignored],
) -> Ignores:
    """Return what was ignored, and which globs and directives are faulty, used or unused.

    A directive is never unused if it names a rule that is not about differences: such a rule judges
    what a commit changes, so the directive may have been used in an earlier commit.

    Args:
        facts: With all introduced differences, ignored ones included.
        globs: From each glob to its reason.
        directives: The directives of the tree.
        findings: All findings, ignored ones included.
        ignored: The ignored differences and findings.
    """
    files = {revision.path for revision in facts.history.revisions}
    files.update(finding.location.path for finding in findings)
    if facts.comparison is not None:
        files.update(merged_catalogue(facts.comparison.now.databases)["modules"])
    present = [each for path in sorted(directives.files & files) for each in directives.of(path)]
    faults = tuple(f"{each.position}: {each.fault}" for each in present if each.fault)
    used = {entry.by for entry in ignored}
    if not _has_old_differences(facts):
        return Ignores(tuple(ignored), faults, frozenset(used))
    used.update(_matching(facts, globs, directives))
    positions = (
        each.position
        for each in present
        if not each.fault and DIFFERENCE_RULES.issuperset(each.rules)
    )
    unused = tuple(name for name in (*globs, *positions) if name not in used)
    return Ignores(tuple(ignored), faults, frozenset(used), unused)


def _has_old_differences(facts: Facts) -> bool:
    """Return whether old differences were compared as well: not from the base's models."""
    comparison = facts.comparison
    return comparison is not None and not comparison.now.error and comparison.start != BASE_MODELS


def _matching(facts: Facts, globs: Mapping[str, str], directives: Directives) -> Iterator[str]:
    """Yield the globs and directives that match a difference, introduced or old."""
    assert facts.comparison is not None
    operations = (*facts.comparison.introduced, *facts.comparison.old)
    yield from (glob for glob in globs if any(_matches(glob, each) for each in operations))
    if directives.files:
        for operation in operations:
            for location in _all_locations(facts, operation, directives):
                yield from (directive.position for directive in directives.at(location))


def _all_locations(
    facts: Facts, operation: Operation, directives: Directives
) -> Iterator[Location]:
    """Yield the operation's location, now and in the commits that may have introduced it."""
    yield locations(facts, operation)[0]
    if operation.kind.startswith("remove"):  # it was in the migration while that was new
        marked = [each for each in facts.history.revisions if each.path in directives.files]
        for new in ((), *((revision,) for revision in marked)):
            yield locations(facts, operation, new)[0]


def unused_ignores(environments: Iterable[Ignores]) -> list[str]:
    """Return the globs and directives that match nothing in any environment."""
    every = list(environments)
    if any(ignores.unused is None for ignores in every):
        return []
    used = {name for ignores in every for name in ignores.used}
    unused = dict.fromkeys(name for ignores in every for name in ignores.unused or ())
    return [name for name in unused if name not in used]


def faulty_ignores(environments: Iterable[Ignores]) -> list[str]:
    """Return the directives that are not honoured, each once: `path:line: why`."""
    return list(dict.fromkeys(fault for ignores in environments for fault in ignores.faults))
