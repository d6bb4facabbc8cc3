"""Columns, indexes and constraints out of calls: `Column(…)`, `Index(…)`, SQLModel's `Field(…)`."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from alembic_lockstep.pysource.module_index import Module, chain_of
from alembic_lockstep.pysource.schema_text import unquoted
from alembic_lockstep.static.column_types import Spellings, enum_labels, of_annotation, spellings
from alembic_lockstep.static.lookup import Lookup, Unknown, is_text, items_of
from alembic_lockstep.static.tables import TablePart, Unread

COLUMNS = ("Column", "mapped_column", "MappedColumn")
_GENERATED = ("Computed", "Identity", "Sequence")
_KINDS = {
    "Index": "index",
    "ForeignKey": "foreign key",
    "UniqueConstraint": "unique",
    "ForeignKeyConstraint": "foreign key",
    "PrimaryKeyConstraint": "primary key",
    "CheckConstraint": "check",
    "ExcludeConstraint": "exclude",
}
# Options of constraints that make no SQL.
_IDLE = {"name", "info", "quote", "link_to_name", "use_alter", "_table", "_column_flag", "schema"}
_DEFAULTS = {("postgresql_using", "btree"), ("mysql_using", "btree")}
_SHARED = ("primary_key", "unique", "index", "nullable")

Arguments = Mapping[str, ast.expr]


@dataclass(frozen=True)
class PartReader:
    """Reads calls in a module.

    Attributes:
        annotated: The `type_annotation_map` of the declarative base.
    """

    lookup: Lookup
    module: Module
    migrated: bool = False
    annotated: ast.expr | None = None

    def name_of(self, node: ast.AST | None) -> str:
        """Return what a call calls, or a name names."""
        if isinstance(node, ast.Call):
            return self.lookup.callee(node, self.module)
        return self.lookup.spelled(node, self.module) if isinstance(node, ast.expr) else ""

    def text(self, node: ast.AST | None) -> str:
        """Return the text of a literal; "" for anything else."""
        return self.lookup.text(node, self.module)

    def column(
        self, call: ast.Call | None, name: str, annotation: ast.expr | None = None
    ) -> list[TablePart]:
        """Return a column and the constraints that come with it.

        Args:
            name: Its attribute's; a name among the arguments counts more.
            annotation: What stands in `Mapped[…]`.
        """
        inner, is_optional = without_none(annotation)
        args = list(call.args) if call else []
        keywords = arguments(call)
        reader = self
        if inner is not None:
            resolved, module = self.lookup.resolved(inner, self.module)
            if isinstance(resolved, ast.Subscript):
                inner, reader = resolved, replace(self, module=module)
            if isinstance(inner, ast.Subscript) and reader.name_of(inner.value) == "Annotated":
                inner, *extra = items_of(inner.slice)
                for item in extra:
                    if isinstance(item, ast.Call) and reader.name_of(item) in COLUMNS:
                        args, keywords = [*args, *item.args], arguments(item) | keywords
        return reader._column(name, args, keywords, inner, is_optional)

    def field(self, value: ast.expr | None, name: str, annotation: ast.expr) -> list[TablePart]:
        """Return the column of SQLModel's `name: annotation = Field(…)`, with or without a call."""
        call = value if isinstance(value, ast.Call) and self.name_of(value) == "Field" else None
        options = arguments(call)
        column = options.get("sa_column")
        if isinstance(column, ast.Call):
            return self.column(column, name)
        inner, is_optional = without_none(annotation)
        python_type = self.name_of(inner)
        args = [options["sa_type"]] if "sa_type" in options else []
        if not args and python_type in ("str", "EmailStr") and "max_length" in options:
            args = [ast.Call(ast.Name("String"), [options["max_length"]], [])]
        elif not args and python_type == "Decimal" and "max_digits" in options:
            scale = options.get("decimal_places", ast.Constant(None))
            args = [ast.Call(ast.Name("Numeric"), [options["max_digits"], scale], [])]
        # For SQLAlchemy its type is explicit, beside a foreign key, too.
        types = () if args else self._type(None, inner)
        cls = self.lookup.definition(inner, self.module)
        if types == ("Enum",) and cls and "str" in self.lookup.roots(cls):
            types = ("Enum", "String")  # by the version of SQLModel
        args += items_of(options.get("sa_column_args"))
        if "foreign_key" in options:
            action = options.get("ondelete", ast.Constant(None))
            actions = [ast.keyword("ondelete", action)]
            args.append(ast.Call(ast.Name("ForeignKey"), [options["foreign_key"]], actions))
        shared = {option: options[option] for option in _SHARED if option in options}
        more = options.get("sa_column_kwargs")
        pairs = zip(more.keys, more.values, strict=True) if isinstance(more, ast.Dict) else ()
        keywords = shared | {self.text(key): option for key, option in pairs}
        return self._column(name, args, keywords, inner, is_optional, types)

    def parts(self, items: Iterable[ast.expr]) -> Iterator[TablePart | Unread]:
        """Yield the columns and constraints among arguments, directly or by name."""
        for item in items:
            call, module = self.lookup.resolved(item, self.module)
            reader = replace(self, module=module)
            if isinstance(call, ast.Call) and reader.name_of(call) in COLUMNS:
                yield from reader.column(call, "")
            else:
                yield reader.constraint(call) or self.unread(item)

    def unread(self, node: ast.stmt | ast.expr) -> Unread:
        """Return code whose text does not tell what it makes."""
        return Unread(f"code makes this: {ast.unparse(node)}", self.module.path, node.lineno)

    def constraint(self, node: ast.AST | None, column: str = "") -> TablePart | None:
        """Return the index or constraint of a call; None if it is another call.

        Args:
            column: The column that a `ForeignKey(…)` is of.
        """
        name = self.name_of(node)
        kind = _KINDS.get(name)
        if kind is None or not isinstance(node, ast.Call):
            return None
        args, keywords = list(node.args), arguments(node)
        target: Sequence[ast.expr] = ()
        if name == "ForeignKey":
            target = args[:1] or [keywords.pop("column", ast.Constant(""))]
            args = [ast.Constant(column)]
        elif kind == "index" and args:
            keywords["name"] = args.pop(0)
        elif kind == "foreign key":
            local = args[0] if args else keywords.pop("columns", None)
            target = items_of(args[1] if len(args) > 1 else keywords.pop("refcolumns", None))
            args = items_of(local)
        elif kind == "check":
            keywords["sqltext"] = args[0] if args else keywords.get("sqltext", ast.Constant(""))
        return self.build(kind, keywords, () if kind in ("check", "exclude") else args, target)

    def build(
        self,
        kind: str,
        keywords: Arguments,
        columns: Sequence[ast.expr],
        target: Sequence[ast.expr] = (),
    ) -> TablePart:
        """Return a constraint of columns and keyword arguments."""
        spelled = {
            name: self.lookup.spelled(value, self.module)
            for name, value in keywords.items()
            if name not in _IDLE
        }
        # False and None are the defaults of all options that make SQL.
        options: dict[str, Any] = {
            name: text
            for name, text in spelled.items()
            if text not in ("None", "False") and (name, text) not in _DEFAULTS
        }
        if target:
            options["target"] = tuple(map(self._column_name, target))
        names = tuple(map(self._column_name, columns))
        return TablePart(kind, self.text(keywords.get("name")), names, options, self.migrated)

    def _column_name(self, node: ast.expr) -> str:
        """Return a column's name, or the unknown text of an expression: `Game.size.desc()`."""
        return self.text(node) or Unknown(ast.unparse(node))

    def _column(
        self,
        name: str,
        args: list[ast.expr],
        keywords: Arguments,
        inner: ast.expr | None,
        is_optional: bool,
        types: Spellings = (),
    ) -> list[TablePart]:
        lookup, module = self.lookup, self.module
        literal = {key: lookup.literal(value, module) for key, value in keywords.items()}
        first = lookup.literal(args[0], module) if args else ...
        if first is None or is_text(first):
            args = args[1:]
        name = next(filter(is_text, (literal.get("name"), first)), name)
        items = [arg for arg in args if self.name_of(arg) in (*_KINDS, *_GENERATED, "FetchedValue")]
        others = [arg for arg in args if arg not in items]
        node = keywords.get("type_", keywords.get("type", next(iter(others), None)))
        generated = [item for item in items if self.name_of(item) in _GENERATED]
        parts = [*filter(None, (self.constraint(item, name) for item in items))]
        is_key = bool(literal.get("primary_key"))
        refers = any(part.kind == "foreign key" for part in parts)
        is_keys = node is None and (inner is None or refers)
        values = {
            # A foreign key has the type of what it refers to, whatever is annotated.
            "type": types or (() if is_keys else self._type(node, inner)),
            "nullable": not is_key and literal.get("nullable", inner is None or is_optional),
            "default": self._spelled(keywords.get("server_default")),
            "comment": self._spelled(keywords.get("comment")),
            "generated": tuple(sorted(lookup.spelled(item, module) for item in generated)),
        }
        labels = enum_labels(lookup, node if node is not None else inner, module)
        values |= {"enum": labels} if labels and values["type"] == ("Enum",) else {}
        column = TablePart("column", name, (name,), values, self.migrated)
        return [column, *self._keys(name, keywords, literal), *parts]

    def _keys(
        self, name: str, keywords: Arguments, literal: Mapping[str, object]
    ) -> Iterator[TablePart]:
        """Yield the index or constraint, and the primary key, that a column's arguments make."""
        own: list[ast.expr] = [ast.Constant(name)]
        if literal.get("index"):
            options = {option: value for option, value in keywords.items() if option == "unique"}
            yield self.build("index", options, own)
        elif literal.get("unique"):
            yield self.build("unique", {}, own)
        if literal.get("primary_key"):
            yield self.build("primary key", {}, own)

    def _spelled(self, node: ast.expr | None) -> str | None:
        text = self.lookup.spelled(node, self.module) if node is not None else "None"
        return None if text in ("None", "False") else text

    def _type(self, node: ast.expr | None, inner: ast.expr | None) -> tuple[str, ...]:
        if node is None and isinstance(self.annotated, ast.Dict) and inner is not None:
            pairs = zip(self.annotated.keys, self.annotated.values, strict=True)
            node = next((v for key, v in pairs if self.name_of(key) == self.name_of(inner)), None)
        if node is not None:
            return tuple(spellings(self.lookup, node, self.module))
        return of_annotation(self.lookup, inner, self.module) if inner is not None else ()


def arguments(call: ast.Call | None) -> dict[str, ast.expr]:
    """Return a call's keyword arguments."""
    return {item.arg or "**": item.value for item in call.keywords} if call else {}


def without_none(annotation: ast.expr | None) -> tuple[ast.expr | None, bool]:
    """Return an annotation without quotes, `Optional[…]` and `| None`, and whether it had that."""
    if annotation is None:
        return None, False
    annotation = unquoted(annotation)
    parts = [annotation]
    if isinstance(annotation, ast.BinOp):
        parts = [annotation.left, annotation.right]
    elif isinstance(annotation, ast.Subscript):
        name = chain_of(annotation.value)[-1:]
        if name == ["Optional"]:
            return without_none(annotation.slice)[0], True
        parts = items_of(annotation.slice) if name == ["Union"] else parts
    types = [part for part in parts if ast.unparse(part) != "None"]
    if len(types) == 1 and len(parts) > 1:
        return without_none(types[0])[0], True
    return annotation, False
