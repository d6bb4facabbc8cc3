"""Where in the models an operation comes from.

The catalogue, which the probe observed, says which class and attribute make a table and
its columns; the source text says on which line they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from alembic_lockstep.findings import Location
from alembic_lockstep.models.migration import find_in_migration
from alembic_lockstep.models.search import (
    find_attribute,
    find_class,
    find_column,
    find_table,
    find_table_arg,
    find_thing,
)
from alembic_lockstep.models.source import Span

__all__ = [
    "Sources",
    "Span",
    "find_attribute",
    "find_class",
    "find_column",
    "find_in_migration",
    "find_table",
    "find_table_arg",
    "locate",
    "locate_original",
]

COLUMN = {
    f"modify_{aspect}"
    for aspect in (
        *("type", "nullable", "default", "comment", "collation", "computed", "identity"),
        *("charset", "on_update", "autoincrement", "invisible"),
    )
}
# They have no table of their own: their first column is where they are said to be.
TYPES = ("enum", "domain")
LOOSE = (*TYPES, "sequence")
ARGUMENT = ("index", "constraint", "fk")


class Sources(Protocol):
    """The text of a file of the tree by its path; None when the tree lacks it."""

    def __call__(self, path: str, /) -> str | None:  # noqa: D102 - the class says it
        ...


def locate(
    operation: Mapping[str, Any], catalogue: Mapping[str, Any], read: Sources
) -> Location | None:
    """The best place in the models for an operation; None when it is nowhere.

    What was removed is not in the tree's catalogue: its table is the place then. With the
    base's catalogue and reader the deleted line itself is.
    """
    table = _Table(operation["table"], catalogue, read)
    what = str(operation["kind"]).partition("_")[2]
    name, columns = str(operation["name"]), [str(column) for column in operation["columns"]]
    found = None
    if what == "column" or operation["kind"] in COLUMN:
        found = table.column(name)
    elif (what in TYPES or operation["kind"] == "other") and columns:
        found = table.column(columns[0])
    elif what in ARGUMENT:
        found = table.argument(what, name, columns)
        if found is None and len(columns) == 1:  # index=True, unique=True, ForeignKey()
            found = table.column(columns[0])
    if found is None and name and (what in LOOSE or operation["kind"] == "other"):
        found = table.thing(name)
    return found or table.definition()


def locate_original(table: str, catalogue: Mapping[str, Any], read: Sources) -> Location | None:
    """The table after whose model code makes this one, as `person_version` after `person`."""
    keys = [key for key in catalogue["tables"] if table.startswith(f"{key}_")]
    tables = (_Table(key, catalogue, read) for key in sorted(keys, key=len, reverse=True))
    return next(filter(None, (one.definition() for one in tables)), None)


@dataclass(frozen=True)
class _Table:
    """One table of a catalogue, and the files that may define it."""

    key: str
    catalogue: Mapping[str, Any]
    read: Sources

    @property
    def _entry(self) -> Mapping[str, Any]:
        unknown: Mapping[str, Any] = {"file": "", "class": "", "columns": {}}
        found: Mapping[str, Any] = self.catalogue["tables"].get(self.key, unknown)
        return found

    def definition(self) -> Location | None:
        """The class, or the `Table(…)` call."""
        entry = self._entry
        found = self._in(entry["file"], lambda text: find_class(text, entry["class"]))
        return found or self._searched(lambda text: find_table(text, self.key))

    def thing(self, name: str) -> Location | None:
        """What no table has, by its name: a sequence, a type, a function."""
        word = name.lower()
        modules = self.catalogue["modules"]
        paths = (path for path in modules if word in (self.read(path) or "").lower())
        places = (self._in(path, partial(find_thing, name=name)) for path in paths)
        return next(filter(None, places), None)

    def column(self, name: str) -> Location | None:
        """What makes the column: an attribute of a class, or a part of a `Table(…)`."""
        entry = self._entry
        known = entry["columns"].get(name)
        if known is None and entry["class"]:
            return None  # the models lack it: a namesake elsewhere is not the column
        for path, cls in self._classes([name]) if known else ():
            attribute = known["attribute"]
            found = self._in(path, partial(find_attribute, qualname=cls, attribute=attribute))
            if found:
                return found
        return self._searched(lambda text: find_column(text, self.key, name))

    def argument(self, kind: str, name: str, columns: Sequence[str]) -> Location | None:
        """The index or constraint among the table's arguments, its mixins' included."""
        known = self._entry["columns"]
        attributes = [
            known[column]["attribute"] if column in known else column for column in columns
        ]
        for path, cls in self._classes(known):
            for names in ([name, *columns], [name, *attributes]):
                find = partial(find_table_arg, qualname=cls, names=names, kind=kind)
                found = self._in(path, find)
                if found:
                    return found
        given = [name, *columns]
        find = partial(find_table_arg, qualname="", names=given, kind=kind, table=self.key)
        return self._searched(find)

    def _classes(self, columns: Sequence[str] | Mapping[str, Any]) -> list[tuple[str, str]]:
        """File and name of the table's class, then of the classes that make the columns.

        The table's own comes first: it may override what the probe saw in a mixin.
        """
        entry = self._entry
        makers = [entry, *(entry["columns"][column] for column in columns)]
        found = dict.fromkeys((maker["file"], maker["class"]) for maker in makers)
        return [(path, cls) for path, cls in found if path and cls]

    def _searched(self, find: Callable[[str], Span | None]) -> Location | None:
        # Parsing every loaded file would cost more than the rest of the report.
        name = self.key.rpartition(".")[2]
        return next(filter(None, (self._in(path, find, name) for path in self._files())), None)

    def _files(self) -> Iterator[str]:
        own = self._entry["file"]
        yield from dict.fromkeys(
            [own, *self.catalogue["modules"]] if own else self.catalogue["modules"]
        )

    def _in(self, path: str, find: Callable[[str], Span | None], word: str = "") -> Location | None:
        text = self.read(path) if path else None
        span = find(text) if text and word in text else None
        if span is None:
            return None
        return Location(path, span.line, span.column, span.source, span.length)
