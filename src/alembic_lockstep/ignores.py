"""What the project wants to be ignored: differences by glob, findings by directives in the code.

The rules know nothing of it. Differences are taken away before they judge, so that the fix does
not name them either; what else the rules find is taken away afterwards. All of it is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property

from alembic_lockstep.directives import (
    WORD,
    Directive,
    lines_around,
    read_directives,
    surroundings,
)
from alembic_lockstep.dryrun.comparison import BASE_MODELS
from alembic_lockstep.dryrun.operations import Operation
from alembic_lockstep.facts import Facts, merged_catalogue
from alembic_lockstep.findings import Finding, Location
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.rules import DIFFERENCE_RULES, DRY_RUN_RULES, HISTORY_RULES
from alembic_lockstep.rules.differences import locations, rule_of
from alembic_lockstep.verdict import Ignored, Ignores

# Where an upgrade fails, nothing is compared: to ignore that would be to ignore everything.
IGNORABLE = {*HISTORY_RULES, *DRY_RUN_RULES} - {"broken-upgrade"}


@dataclass(frozen=True)
class Directives:
    """The directives of a tree.

    Attributes:
        trusted: The tree that must have them, too; None where the tree itself is trusted.
    """

    repository: Repository
    tree: Tree
    trusted: Tree | None = None
    _read: dict[str, list[Directive]] = field(default_factory=dict)

    @cached_property
    def files(self) -> frozenset[str]:
        """The Python files that may hold one: few, or none."""
        return frozenset(self.repository.grep(self.tree.sha, "-F", WORD, among="*.py"))

    def of(self, path: str) -> list[Directive]:
        """Those of a file."""
        path = self.tree.real(path)
        if path in self.files and path not in self._read:
            self._read[path] = self._honoured(path)
        return self._read.get(path, [])

    def _honoured(self, path: str) -> list[Directive]:
        found = _with_lines(path, self.tree)
        if self.trusted is None:
            return list(found)
        # One that is copied to another place is none of the base's.
        now, known = (Counter(one.values()) for one in (found, _with_lines(path, self.trusted)))
        fault = "the base does not have it there"
        return [
            one if one.fault or now[lines] <= known[lines] else replace(one, fault=fault)
            for one, lines in found.items()
        ]

    def beside(self, place: Location) -> list[Directive]:
        """Those that are honoured and about a place; a line that was deleted has none."""
        found = [] if place.in_base else [one for one in self.of(place.path) if not one.fault]
        if not found:
            return []
        around = lines_around(self.tree.read(place.path) or "", place.line)
        return [one for one in found if one.target in around]


def _with_lines(path: str, tree: Tree) -> dict[Directive, tuple[str, ...]]:
    """A file's directives, each with its own line, the one that it is about, and what has that."""
    text = tree.read(path) or ""
    lines = text.split("\n")
    return {
        one: (
            lines[one.line - 1].strip(),
            lines[one.target - 1].strip(),
            *surroundings(text, one.target),
        )
        for one in read_directives(path, text, IGNORABLE)
    }


def ignore_differences(
    facts: Facts, globs: Mapping[str, str], directives: Directives
) -> tuple[Facts, list[Ignored]]:
    """The facts without the introduced differences that shall be ignored, and those.

    Args:
        globs: From each to its reason.
    """
    if facts.comparison is None:
        return facts, []
    found = {one: _why(facts, one, globs, directives) for one in facts.comparison.introduced}
    kept = tuple(one for one, ignored in found.items() if ignored is None)
    fixed = tuple(one for one in facts.fixed if one in kept)
    comparison = replace(facts.comparison, introduced=kept)
    without = replace(facts, comparison=comparison, fixed=fixed)
    return without, [ignored for ignored in found.values() if ignored is not None]


def _why(
    facts: Facts, operation: Operation, globs: Mapping[str, str], directives: Directives
) -> Ignored | None:
    rule, name = rule_of(facts, operation), facts.environment.name
    for glob, reason in globs.items():
        if _matches(glob, operation):
            return Ignored(rule, operation.text, reason, glob, True, name)
    if not directives.files:
        return None
    place = locations(facts, operation)[0]
    return _told(directives, rule, operation.text, place, name)


def ignore_findings(
    findings: Iterable[Finding], directives: Directives
) -> tuple[list[Finding], list[Ignored]]:
    """The findings that stay, and what was ignored of them."""
    kept, ignored = [], []
    for one in findings:
        told = _told(directives, one.rule, one.message, one.location, one.environment)
        if told is None:
            kept.append(one)
        else:
            ignored.append(told)
    return kept, ignored


def _told(
    directives: Directives, rule: str, what: str, place: Location, environment: str
) -> Ignored | None:
    for one in directives.beside(place):
        if rule in one.rules:
            return Ignored(rule, what, one.reason, one.place, False, environment)
    return None


def _matches(glob: str, operation: Operation) -> bool:
    """A table's glob is about all of its parts, too."""
    table, name = operation.table, operation.name
    names = [table, *([f"{table}.{name}"] if name else [])] if table else [name]
    return any(fnmatchcase(one, glob) for one in names)


def account(
    facts: Facts,
    globs: Mapping[str, str],
    directives: Directives,
    findings: Sequence[Finding],
    ignored: Sequence[Ignored],
) -> Ignores:
    """Say what was ignored, and what to ignore by is wrong or about nothing.

    A directive about other rules than those of differences is never idle: they judge what a commit
    changes, so it may have been of use in an earlier one.

    Args:
        facts: With all introduced differences.
    """
    files = {revision.path for revision in facts.history.revisions}
    files.update(one.location.path for one in findings)
    if facts.comparison is not None:
        files.update(merged_catalogue(facts.comparison.now.databases)["modules"])
    found = [one for path in sorted(directives.files & files) for one in directives.of(path)]
    faults = tuple(f"{one.place}: {one.fault}" for one in found if one.fault)
    done = {one.by for one in ignored}
    if not _compared_all(facts):
        return Ignores(tuple(ignored), faults, frozenset(done))
    used = done.union(_in_use(facts, globs, directives))
    judged = (one for one in found if not one.fault and DIFFERENCE_RULES.issuperset(one.rules))
    idle = [name for name in (*globs, *(one.place for one in judged)) if name not in used]
    return Ignores(tuple(ignored), faults, frozenset(used), tuple(idle))


def _compared_all(facts: Facts) -> bool:
    """Whether every old difference was seen, too: from the base's models there are none."""
    seen = facts.comparison
    return seen is not None and not seen.now.error and seen.start != BASE_MODELS


def _in_use(facts: Facts, globs: Mapping[str, str], directives: Directives) -> Iterator[str]:
    """The globs and directives that are about a difference, introduced or old."""
    assert facts.comparison is not None
    operations = (*facts.comparison.introduced, *facts.comparison.old)
    yield from (glob for glob in globs if any(_matches(glob, one) for one in operations))
    if directives.files:
        for operation in operations:
            for place in _places(facts, operation, directives):
                yield from (one.place for one in directives.beside(place))


def _places(facts: Facts, operation: Operation, directives: Directives) -> Iterator[Location]:
    """Where the operation is found, or was while it was introduced."""
    yield locations(facts, operation)[0]
    if operation.kind.startswith("remove"):  # in the migration, while that was new
        revisions = [one for one in facts.history.revisions if one.path in directives.files]
        for new in ((), *((one,) for one in revisions)):
            yield locations(facts, operation, new)[0]


def unused(environments: Iterable[Ignores]) -> list[str]:
    """The globs and directives that are about nothing in any environment."""
    every = list(environments)
    if any(one.idle is None for one in every):
        return []
    used = {name for one in every for name in one.used}
    idle = dict.fromkeys(name for one in every for name in one.idle or ())
    return [name for name in idle if name not in used]


def faults(environments: Iterable[Ignores]) -> list[str]:
    """The directives that are not honoured, each once: `path:line: why`."""
    return list(dict.fromkeys(fault for one in environments for fault in one.faults))
