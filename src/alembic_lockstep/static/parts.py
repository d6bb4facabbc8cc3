"""Columns, indexes and constraints out of calls: `Column(…)`, `Index(…)`, SQLModel's `Field(…)`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from alembic_lockstep.static.schema import Column, Constraint, Origin, Readings
from alembic_lockstep.static.types import OF_PYTHON, Types, enum_type
from alembic_lockstep.static.values import (
    Called,
    Dictionary,
    Named,
    Opaque,
    Value,
    last_name,
    text_of,
)

COLUMNS = ("Column", "mapped_column", "MappedColumn")
# Options of columns that make SQL; `autoincrement` and the like do not where nothing else changes.
_MORE = ("Computed", "Identity", "Sequence")
_KINDS = {
    "Index": "index",
    "UniqueConstraint": "unique",
    "ForeignKeyConstraint": "foreign key",
    "PrimaryKeyConstraint": "primary key",
    "CheckConstraint": "check",
    "ExcludeConstraint": "exclude",
}
# Options of constraints that make no SQL.
_IDLE = {"name", "info", "quote", "link_to_name", "use_alter", "_table", "_column_flag", "schema"}


@dataclass(frozen=True)
class Made:
    """A column, and the constraints that come with it."""

    column: Column
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True)
class Parts:
    """Makes parts of tables of calls.

    Attributes:
        migrated: The calls are a migration's.
        known: A declarative base's `type_annotation_map`.
    """

    types: Types
    migrated: bool = False
    known: Dictionary = field(default_factory=lambda: Dictionary(()))

    def column(self, call: Called, name: str, annotation: Value = None) -> Made:
        """The column of a `Column(…)` or `mapped_column(…)`.

        Args:
            name: Its attribute's; a name that is given counts more.
            annotation: What stands in `Mapped[…]`; None without one.
        """
        inner, optional = _without_none(annotation)
        mapped = self.known.get(annotation) or self.known.get(inner)
        if (
            isinstance(inner, Called)
            and inner.name == "[]"
            and last_name(inner.args[0]) == "Annotated"
        ):
            shared = [one for one in inner.args[2:] if last_name(one) in COLUMNS]
            call = _merged([*shared, call])
            inner = inner.args[1]
        args = list(call.args)
        given = text_of(args[0]) if args else None
        if given is not None or (args and args[0] is None):
            del args[0]
        name = text_of(call.keyword("name")) or given or name
        is_key = bool(call.keyword("primary_key"))
        typed = call.keyword("type_", call.keyword("type"))
        schema_items = []
        for arg in args:
            if last_name(arg) in ("ForeignKey", *_KINDS, *_MORE, "FetchedValue"):
                schema_items.append(arg)
            elif typed is None:
                typed = arg
        has_key = any(last_name(one) == "ForeignKey" for one in schema_items)
        if typed is None and has_key:  # it has the type of what it refers to, whatever is annotated
            readings: Readings = ()
        elif typed is None and annotation is not None:
            readings = self.types.readings(mapped) if mapped else self.of_annotation(inner)
        else:
            readings = self.types.readings(typed)
        plain = not is_key and (annotation is None or optional)
        nullable = call.keyword("nullable", False if is_key else plain)
        more = [(last_name(one), one) for one in schema_items if last_name(one) in _MORE]
        column = Column(
            name,
            readings,
            False if is_key else nullable,
            call.keyword("server_default"),
            call.keyword("comment"),
            tuple(sorted(more, key=lambda pair: pair[0])),
            self.migrated,
        )
        return Made(column, tuple(self._with_column(name, call, schema_items)))

    def field(self, call: Called | None, name: str, annotation: Value) -> Made:
        """The column of a SQLModel field, which may have no `Field(…)`."""
        call = call or Called("sqlmodel.Field")
        column = call.keyword("sa_column")
        if isinstance(column, Called):
            return self.column(column, name)
        inner, optional = _without_none(annotation)
        options = dict(call.keywords)
        kind = options.get("sa_type")
        length = options.get("max_length")
        is_text = isinstance(inner, Named) and OF_PYTHON.get(inner.name) == "String"
        if kind is None and is_text and length is not None:
            kind = Called("sqlalchemy.String", (length,))
        digits = (options.get("max_digits"), options.get("decimal_places"))
        if kind is None and last_name(inner) == "Decimal" and any(digits):
            kind = Called("sqlalchemy.Numeric", digits)
        more = options.get("sa_column_kwargs")
        given = (
            {str(key): value for key, value in more.items} if isinstance(more, Dictionary) else {}
        )
        shared = ("primary_key", "unique", "index", "nullable")
        given = {**{one: options[one] for one in shared if one in options}, **given}
        given.setdefault("nullable", optional)
        extra = options.get("sa_column_args")
        args: list[Value] = [kind] if kind is not None else []
        args += list(extra) if isinstance(extra, tuple) else []
        target = options.get("foreign_key")
        if target is not None:
            delete = options.get("ondelete")
            args.append(Called("sqlalchemy.ForeignKey", (target,), (("ondelete", delete),)))
        whole = Called("sqlalchemy.Column", tuple(args), tuple(given.items()))
        return self.column(whole, name, annotation)

    def of_annotation(self, inner: Value) -> Readings:
        """The type that an annotation means."""
        found = enum_type(inner)
        if found is not None:
            return (found,)
        if isinstance(inner, Named) and inner.name in OF_PYTHON:
            return self.types.readings(Named(f"sqlalchemy.{OF_PYTHON[inner.name]}"))
        if (
            isinstance(inner, Called)
            and inner.name == "[]"
            and last_name(inner.args[0]) == "Literal"
        ):
            labels = inner.args[1:]
            return self.types.readings(Called("sqlalchemy.Enum", labels, (("native_enum", False),)))
        return (Opaque(f"the type of {inner!r}"),)

    def constraint(self, call: Called) -> Constraint | None:
        """The index or constraint of a call; None if it is another call."""
        kind = _KINDS.get(call.last)
        if kind is None:
            return None
        args = list(call.args)
        name = call.keyword("name")
        options = {key: value for key, value in call.keywords if key not in _IDLE}
        if kind == "index":
            name = args.pop(0) if args else name
        columns: Iterable[Value] = args
        if kind == "check":
            columns, options["sqltext"] = (), args[0] if args else options.get("sqltext")
        elif kind == "exclude":
            columns, options["elements"] = (), tuple(args)
        elif kind == "foreign key":
            own = args[0] if args else options.pop("columns", ())
            target = args[1] if len(args) > 1 else options.pop("refcolumns", ())
            columns = own if isinstance(own, tuple) else (own,)
            options["target"] = target if isinstance(target, tuple) else (target,)
        return Constraint(kind, text_of(name), tuple(columns), _options(options), self.migrated)

    def _with_column(self, name: str, call: Called, items: list[Value]) -> Iterable[Constraint]:
        unique, index = call.keyword("unique"), call.keyword("index")
        if index:
            options = _options({"unique": unique})
            yield Constraint("index", None, (name,), options, self.migrated)
        elif unique:
            yield Constraint("unique", None, (name,), (), self.migrated)
        if call.keyword("primary_key"):
            yield Constraint("primary key", None, (name,), (), self.migrated)
        for item in items:
            if isinstance(item, Called) and item.last == "ForeignKey":
                given = {key: value for key, value in item.keywords if key not in _IDLE}
                target = item.args[0] if item.args else given.pop("column", None)
                given["target"] = (target,)
                named = text_of(item.keyword("name"))
                yield Constraint("foreign key", named, (name,), _options(given), self.migrated)
            elif isinstance(item, Called):
                found = self.constraint(item)
                if found is not None:
                    yield found


def with_origin(made: Made, origin: Origin) -> Made:
    """The same, declared there."""
    constraints = tuple(replace(one, origin=origin) for one in made.constraints)
    return Made(replace(made.column, origin=origin), constraints)


#: What an option says that says nothing.
_DEFAULTS = {"postgresql_using": "btree", "mysql_using": "btree"}


def _merged(calls: Sequence[Value]) -> Called:
    """What `Annotated[…]` and the attribute say together; the last one counts most."""
    known = [call for call in calls if isinstance(call, Called)]
    keywords = {key: value for call in known for key, value in call.keywords}
    args = tuple(arg for call in reversed(known) for arg in call.args)
    return Called(known[-1].name, args, tuple(sorted(keywords.items())))


def _options(given: dict[str, Value]) -> tuple[tuple[str, Value], ...]:
    # False and None are the defaults of all that make SQL.
    kept = (
        (key, value)
        for key, value in given.items()
        if value not in (None, False) and _DEFAULTS.get(key) != value
    )
    return tuple(sorted(kept, key=lambda pair: pair[0]))


def _without_none(annotation: Value) -> tuple[Value, bool]:
    """An annotation without `Optional[…]` and `| None`, and whether it had that."""
    if not isinstance(annotation, Called):
        return annotation, False
    if annotation.name == "[]" and last_name(annotation.args[0]) == "Optional":
        return _without_none(annotation.args[1])[0], True
    is_union = annotation.name == "[]" and last_name(annotation.args[0]) == "Union"
    parts = annotation.args[1:] if is_union else annotation.args if annotation.name == "|" else ()
    kept = [part for part in parts if part is not None]
    if len(kept) < len(parts) and len(kept) == 1:
        return _without_none(kept[0])[0], True
    return annotation, False
