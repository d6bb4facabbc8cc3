"""Location of an operation in the models' source.

The probe's catalogue names the class and attribute that make a table and its columns; the source
text gives their line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from alembic_lockstep.findings import Location
from alembic_lockstep.pysource.search import (
    find_attribute,
    find_class,
    find_column,
    find_named_object,
    find_table,
    find_table_arg,
)
from alembic_lockstep.pysource.source import Span

COLUMN = {
    f"modify_{aspect}"
    for aspect in (
        *("type", "nullable", "default", "comment", "collation", "computed", "identity"),
        *("charset", "on_update", "autoincrement", "invisible"),
    )
}
# Types have no table of their own: their first column is their location.
TYPES = ("enum", "domain")
WITHOUT_TABLE = (*TYPES, "sequence")
ARGUMENT = ("index", "constraint", "fk")


#: Returns the text of a file of the tree; None if the tree lacks it.
Read = Callable[[str], str | None]


def locate(
    operation: Mapping[str, Any], catalogue: Mapping[str, Any], read: Read
) -> Location | None:
    """Return the best location in the models for an operation; None if there is none.

    A removed column or index is not in the tree's catalogue: its table is located then. With the
    base's catalogue and reader, the deleted line is.
    """
    table = _Table(operation["table"], catalogue, read)
    kind = str(operation["kind"])
    subject = kind.partition("_")[2]
    name, columns = str(operation["name"]), [str(column) for column in operation["columns"]]
    location = None
    if subject == "column" or kind in COLUMN:
        location = table.column(name)
    elif (subject in TYPES or kind == "other") and columns:
        location = table.column(columns[0])
    elif subject in ARGUMENT:
        location = table.argument(subject, name, columns)
        if location is None and len(columns) == 1:  # index=True, unique=True, ForeignKey()
            location = table.column(columns[0])
    if location is None and name and (subject in WITHOUT_TABLE or kind == "other"):
        location = table.named_object(name)
    return location or table.definition()


def locate_original(table: str, catalogue: Mapping[str, Any], read: Read) -> Location | None:
    """Return the location of the model from which code derives a table: `person_version`."""
    keys = [key for key in catalogue["tables"] if table.startswith(f"{key}_")]
    tables = (_Table(key, catalogue, read) for key in sorted(keys, key=len, reverse=True))
    return next(filter(None, (origin.definition() for origin in tables)), None)


@dataclass(frozen=True)
class _Table:
    """A table of a catalogue, and the files that may define it."""

    key: str
    catalogue: Mapping[str, Any]
    read: Read

    @property
    def _entry(self) -> Mapping[str, Any]:
        unknown = {"file": "", "class": "", "columns": {}}
        entry: Mapping[str, Any] = self.catalogue["tables"].get(self.key, unknown)
        return entry

    def definition(self) -> Location | None:
        """Locate the class, or the `Table(…)` call."""
        entry = self._entry
        location = self._find_in(entry["file"], lambda text: find_class(text, entry["class"]))
        return location or self._search(lambda text: find_table(text, self.key))

    def named_object(self, name: str) -> Location | None:
        """Locate an object outside of tables by its name: a sequence, a type, a function."""
        word = name.lower()
        modules = self.catalogue["modules"]
        paths = (path for path in modules if word in (self.read(path) or "").lower())
        find = partial(find_named_object, name=name)
        return next(filter(None, (self._find_in(path, find) for path in paths)), None)

    def column(self, name: str) -> Location | None:
        """Locate a column: an attribute of a class, or a part of a `Table(…)`."""
        entry = self._entry
        column = entry["columns"].get(name)
        if column is None and entry["class"]:
            return None  # the models lack it: a namesake elsewhere is not the column
        for path, cls in self._classes([name]) if column else ():
            find = partial(find_attribute, qualname=cls, attribute=column["attribute"])
            if location := self._find_in(path, find):
                return location
        return self._search(lambda text: find_column(text, self.key, name))

    def argument(self, kind: str, name: str, columns: Sequence[str]) -> Location | None:
        """Locate an index or constraint among the table's arguments, or those of its mixins."""
        entries = self._entry["columns"]
        attributes = [
            entries[column]["attribute"] if column in entries else column for column in columns
        ]
        for path, cls in self._classes(entries):
            for names in ([name, *columns], [name, *attributes]):
                find = partial(find_table_arg, qualname=cls, names=names, kind=kind)
                if location := self._find_in(path, find):
                    return location
        names = [name, *columns]
        find = partial(find_table_arg, qualname="", names=names, kind=kind, table=self.key)
        return self._search(find)

    def _classes(self, columns: Sequence[str] | Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return file and name of the table's class, then of the classes that make the columns.

        The table's own comes first: it may override the attribute of a mixin.
        """
        entry = self._entry
        entries = [entry, *(entry["columns"][column] for column in columns)]
        classes = dict.fromkeys((item["file"], item["class"]) for item in entries)
        return [(path, cls) for path, cls in classes if path and cls]

    def _search(self, find: Callable[[str], Span | None]) -> Location | None:
        # Parsing every loaded file would cost more than the rest of the report.
        name = self.key.rpartition(".")[2]
        return next(filter(None, (self._find_in(path, find, name) for path in self._files())), None)

    def _files(self) -> Iterator[str]:
        own = self._entry["file"]
        yield from dict.fromkeys(
            [own, *self.catalogue["modules"]] if own else self.catalogue["modules"]
        )

    def _find_in(
        self, path: str, find: Callable[[str], Span | None], word: str = ""
    ) -> Location | None:
        text = self.read(path) if path else None
        span = find(text) if text and word in text else None
        if span is None:
            return None
        return Location(path, span.line, span.column, span.source, span.length)
