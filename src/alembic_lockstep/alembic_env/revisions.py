"""Read revisions statically from the migration files, without importing them, and their graph."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter

from alembic_lockstep.pysource.parsing import parse_python

_FIELDS = ("revision", "down_revision", "depends_on", "branch_labels")
# Files that Alembic loads from a version location: `_only_source_rev_file` in alembic.script.base.
_MIGRATION_FILE = re.compile(r"(?!\.#|__init__).*\.py")


@dataclass(frozen=True)
class Revision:
    """Revision that a migration file defines.

    Attributes:
        id: The revision id.
        path: POSIX path from the root.
        down: `down_revision`: empty for a base revision, several ids for a merge.
        depends_on: Ids or branch labels.
        branch_labels: The labels that this revision starts.
        lines: From a field's name to its value's line, column (1-based, characters), length;
            of a value that spans lines, the length on its first line.
        unread: Fields whose value is computed and therefore empty here: neither the heads nor the
            parents of such a history are certain.
    """

    id: str
    path: str
    down: tuple[str, ...]
    depends_on: tuple[str, ...]
    branch_labels: tuple[str, ...]
    lines: Mapping[str, tuple[int, int, int]]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """Migration file that is not valid Python; line and column are 1-based."""

    path: str
    line: int
    column: int
    message: str


def migration_files(
    files: Iterable[str], version_locations: Iterable[str], *, recursive: bool = False
) -> list[str]:
    """Return the files of a tree that Alembic would load from the version locations."""
    locations = set(version_locations)

    def is_below(folder: str) -> bool:
        if folder in locations:
            return True
        parts = folder.split("/")
        if not recursive or "__pycache__" in parts:
            return False
        return any("/".join(parts[:depth]) in locations for depth in range(1, len(parts)))

    python = (file.rpartition("/") for file in files if file.endswith(".py"))
    return sorted(
        folder + slash + name
        for folder, slash, name in python
        if is_below(folder) and _MIGRATION_FILE.fullmatch(name)
    )


def parse_revision(path: str, text: str) -> Revision | None:
    """Read a migration file; None if it has no revision id, or is not valid Python."""
    parsed = _parse(path, text)
    return parsed if isinstance(parsed, Revision) else None


def read_revisions(
    paths: Iterable[str], read: Callable[[str], str | None]
) -> tuple[list[Revision], list[Broken]]:
    """Read the migration files; those that are not valid Python come second."""
    texts = {path: read(path) for path in paths if _MIGRATION_FILE.fullmatch(_name(path))}
    parsed = [_parse(path, text) for path, text in texts.items() if text is not None]
    revisions = [each for each in parsed if isinstance(each, Revision)]
    return revisions, [each for each in parsed if isinstance(each, Broken)]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


# The tree and its base share nearly every migration file.
@cache
def _parse(path: str, text: str) -> Revision | Broken | None:
    text = text.removeprefix("\ufeff")
    try:
        module = parse_python(text)
    except SyntaxError as error:
        return Broken(path, error.lineno or 1, max(error.offset or 1, 1), error.msg)
    except (ValueError, RecursionError, MemoryError) as error:
        return Broken(path, 1, 1, " ".join(str(error).split()) or type(error).__name__)
    return _revision(path, text, module)


def _revision(path: str, text: str, module: ast.Module) -> Revision | None:
    values = constants(module)
    source = re.split(r"\r\n|\r|\n", text)
    fields = {name: node for name, node in _assignments(module) if name in _FIELDS}
    lines = {name: _position(node, source) for name, node in fields.items()}
    ids = _names(values.get("revision"))
    if not ids:
        return None
    down, depends_on, labels = (_names(values.get(name)) for name in _FIELDS[1:])
    unread = tuple(name for name in _FIELDS if name in lines and name not in values)
    return Revision(ids[0], path, down, depends_on, labels, lines, unread)


def constants(module: ast.Module) -> dict[str, object]:
    """Return the constants that a module assigns to names, evaluated without running it."""
    values: dict[str, object] = {}
    for name, node in _assignments(module):
        with suppress(ValueError, TypeError, RecursionError, MemoryError):
            values[name] = _evaluate(node, values)
            continue
        values.pop(name, None)
    return values


def _assignments(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for statement in module.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                yield target.id, value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                names = [name.id for name in target.elts if isinstance(name, ast.Name)]
                if len(names) == len(target.elts) == len(value.elts):
                    yield from zip(names, value.elts, strict=True)


def _evaluate(node: ast.expr, values: Mapping[str, object]) -> object:
    """Evaluate literals, names of earlier literals, and `"a" + "b"`; ValueError otherwise."""
    if isinstance(node, ast.Name) and node.id in values:
        return values[node.id]
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        return tuple(_evaluate(item, values) for item in node.elts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _evaluate(node.left, values), _evaluate(node.right, values)
        if isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(left, tuple) and isinstance(right, tuple):
            return left + right
    return ast.literal_eval(node)


def _names(value: object) -> tuple[str, ...]:
    """Return the ids in a field's value, as Alembic reads them."""
    if isinstance(value, tuple):
        return tuple(name for item in value for name in _names(item))
    if isinstance(value, int) and not isinstance(value, bool):
        # Beyond 4300 digits `str` refuses, and no id is that long.
        return (str(value),) if abs(value) < 10**100 else ()
    return (value,) if isinstance(value, str) and value else ()


def _position(node: ast.expr, source: list[str]) -> tuple[int, int, int]:
    line = source[node.lineno - 1].encode("utf-8")
    ends_here = node.end_lineno == node.lineno
    end = node.end_col_offset if ends_here else len(line)
    before, value = line[: node.col_offset], line[node.col_offset : end]
    return node.lineno, len(before.decode("utf-8")) + 1, len(value.decode("utf-8"))


class History:
    """Revision graph of one environment in one tree."""

    def __init__(self, revisions: Iterable[Revision]) -> None:
        self.revisions = tuple(revisions)

    @cached_property
    def ids(self) -> frozenset[str]:
        """Return the ids that the tree's files define."""
        return frozenset(revision.id for revision in self.revisions)

    @cached_property
    def edges(self) -> frozenset[tuple[str, tuple[str, ...]]]:
        """Return each id with its parents."""
        return frozenset((revision.id, revision.down) for revision in self.revisions)

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(label for revision in self.revisions for label in revision.branch_labels)

    @cached_property
    def tips(self) -> frozenset[str]:
        """Return the ids that no file builds on: the heads, unless the graph has a fault."""
        return self.ids - {parent for revision in self.revisions for parent in revision.down}

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """Return the heads as Alembic counts them, sorted, without unknown parents and cycles."""
        if len(self.tips) == 1:
            return tuple(self.tips)  # Alembic counts the same, but takes 0.4 s to import
        from alembic.script import revision as alembic

        def nodes() -> Iterator[alembic.Revision]:
            for revision in {each.id: each for each in self.revisions}.values():
                down = tuple(parent for parent in revision.down if parent in self.ids)
                yield alembic.Revision(revision.id, down or None)

        try:
            return tuple(sorted(alembic.RevisionMap(nodes).heads))
        except alembic.RevisionError:
            return tuple(sorted(self.tips))  # a cycle, or an id that Alembic forbids

    def parents(self, revision: Revision) -> set[str]:
        """Return the ids that a revision builds or depends on, with those of branch labels."""
        named = {parent.partition("@")[0] for parent in revision.depends_on}
        return {*revision.down, *(self._owners.get(name, name) for name in named)}

    @cached_property
    def _owners(self) -> dict[str, str]:
        return {
            label: revision.id for revision in self.revisions for label in revision.branch_labels
        }

    def up_to(self, *ids: str) -> set[str]:
        """Return the ids that an upgrade to these revisions runs, unknown parents included."""
        parents = {revision.id: self.parents(revision) for revision in self.revisions}
        reached: set[str] = set()
        waiting = list(ids)
        while waiting:
            current = waiting.pop()
            if current not in reached:
                reached.add(current)
                waiting += parents.get(current, ())
        return reached

    def closed_subset(self, ids: Collection[str]) -> frozenset[str]:
        """Return those of the ids that an upgrade to them runs without any other."""
        parents = {revision.id: self.parents(revision) for revision in self.revisions}
        wanted = self.ids & frozenset(ids)
        while lacking := {name for name in wanted if not parents[name] <= wanted}:
            wanted -= lacking
        return wanted

    def missing_parents(self) -> list[tuple[Revision, str, str]]:
        """Return each revision, field and id that no file of the tree defines.

        Alembic requires full ids in `down_revision`, and full ids or branch labels in `depends_on`:
        a partial id, which its command line accepts, is a KeyError in a file.
        """
        fields = (("down_revision", "down"), ("depends_on", "depends_on"))
        return [
            (revision, name, parent)
            for revision in self.revisions
            for name, attribute in fields
            for parent in getattr(revision, attribute)
            if not self._is_defined(name, parent)
        ]

    def _is_defined(self, field: str, parent: str) -> bool:
        label, at, _ = parent.partition("@")
        if at and field == "depends_on":
            return label in self._labels or label in self.ids
        relative = re.fullmatch(r"(\w+)[+-]\d+", parent)
        if relative and relative[1] in self.ids | self._labels:
            return True
        return parent in self.ids or (field == "depends_on" and parent in self._labels)

    def new_since(self, base: History) -> list[Revision]:
        """Return the revisions that `base` lacks, parents first."""
        new = [revision for revision in self.revisions if revision.id not in base.ids]
        order = {name: index for index, name in enumerate(_parents_first(new))}
        return sorted(new, key=lambda revision: order[revision.id])


def _parents_first(revisions: list[Revision]) -> list[str]:
    """Return the ids so that each revision follows those that it builds or depends on."""
    owners = {label: revision.id for revision in revisions for label in revision.branch_labels}
    ids = {revision.id: revision.id for revision in revisions}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(ids, ()))
    for revision in revisions:
        named = (parent.partition("@")[0] for parent in (*revision.down, *revision.depends_on))
        parents = ((owners | ids).get(name) for name in named)
        sorter.add(revision.id, *(parent for parent in parents if parent))
    try:
        return list(sorter.static_order())
    except CycleError:
        return list(ids)
