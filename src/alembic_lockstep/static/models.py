"""The tables that a tree's model files declare, told from their text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from alembic_lockstep.pysource.declared_tables import NO_COLUMNS
from alembic_lockstep.pysource.module_index import Module, Modules, chain_of
from alembic_lockstep.pysource.source import FUNCTION, members
from alembic_lockstep.static.evaluate import Evaluator, Scope, opaque
from alembic_lockstep.static.parts import COLUMNS, Made, Parts, with_origin
from alembic_lockstep.static.schema import Column, Constraint, Origin, Schema, Table
from alembic_lockstep.static.types import Types
from alembic_lockstep.static.values import (
    Attribute,
    Called,
    Class,
    Dictionary,
    Function,
    Named,
    Opaque,
    Value,
    last_name,
    text_of,
)

# What may be in a file that declares tables, for `git grep -E`.
MAY_DECLARE = r"[Cc]olumn|Mapped|Table\(|__table|table *= *True"
# What makes an attribute that is no column.
_NOT_COLUMNS = NO_COLUMNS | {
    *("composite", "contains_alias", "dynamic_loader", "hybrid_property", "query_expression"),
    *("Relationship", "with_expression", "AssociationProxy"),
}
_MAKES = re.compile(r"\b(?:Column|mapped_column|Table|setattr)\(")
_MAKES_TABLES = re.compile(r"\bTable\(")
# What it derives from makes no class a mapped one.
_NO_ROOTS = {"object", "ABC", "Generic", "Protocol", "MappedAsDataclass", "[]", ""}
_DECLARATIVE_ROOTS = {"DeclarativeBase", "DeclarativeBaseNoMeta"}


def read_models(modules: Modules, paths: Iterable[str]) -> Schema:
    """What the files declare.

    Args:
        paths: The files that may declare tables; what they import is read as well.
    """
    return _Reader(modules, Evaluator(modules)).schema(paths)


@dataclass
class _Reader:
    modules: Modules
    evaluator: Evaluator
    _owners: dict[int, Class | None] = field(default_factory=dict)

    def schema(self, paths: Iterable[str]) -> Schema:
        tables: dict[int, Table] = {}
        plain: list[Table] = []
        loose: list[Constraint] = []
        odd: dict[str, tuple[Value, ...]] = {}
        for path in paths:
            module = self.modules.at(path)
            if module is None:
                odd[path] = (opaque("it is not valid Python", self.modules.read(path)),)
                continue
            if "down_revision" in module.definitions:
                continue  # a migration's helper tables
            for cls in self._classes(module):
                owner = self._owner(cls)
                if owner is not None:
                    self._add(tables, owner, cls)
            strange: list[Value] = []
            for value in self._statements(module, strange):
                call = _plain_call(value) if isinstance(value, Called) else Called("")
                if call.last == "Table" and not call.keyword("autoload_with"):
                    plain.append(self._plain(call, path))
                elif call.last == "Index":
                    found = Parts(Types(self.evaluator)).constraint(call)
                    loose += [found] if found else []
            if strange:
                odd[path] = tuple(strange)
        placed = [_with_loose(table, loose) for table in (*tables.values(), *plain)]
        return Schema(tuple(_finished(placed, tables)), odd)

    def _classes(self, module: Module) -> Iterator[Class]:
        for name in module.classes:
            found = self.evaluator.name(module, name)
            if isinstance(found, Class):
                yield found

    def _add(self, tables: dict[int, Table], owner: Class, cls: Class) -> None:
        """Put what a class declares into its table; a subclass may share its parent's."""
        key = id(owner.node)
        if key not in tables:
            tables[key] = self._mapped(owner)
        if cls.node is not owner.node:
            columns, constraints, odd = self._columns(cls)
            table = tables[key]
            tables[key] = replace(
                table,
                columns={**columns, **table.columns},
                constraints=(*table.constraints, *constraints),
                odd=(*table.odd, *odd),
            )

    def _owner(self, cls: Class) -> Class | None:
        """The class whose table a class has: its own, that of a parent, or None."""
        key = id(cls.node)
        if key not in self._owners:
            self._owners[key] = None  # what derives from itself
            self._owners[key] = self._find_owner(cls)
        return self._owners[key]

    def _find_owner(self, cls: Class) -> Class | None:
        own = dict(members(cls.node))
        if "__abstract__" in own and self._own(cls, "__abstract__") is True:
            return None
        given = {one.arg: one.value for one in cls.node.keywords}
        if "table" in given and self.evaluator.evaluate(given["table"], Scope(cls.module)) is True:
            return cls
        roots = self._roots(cls)
        if "SQLModel" in roots or not self._is_declarative(cls, roots):
            return None
        if "__tablename__" in own or "__table__" in own:
            return cls
        bases = [base for base in self.evaluator.bases(cls) if isinstance(base, Class)]
        parents = list(filter(None, map(self._owner, bases)))
        named = self._member(cls, "__tablename__")
        is_made = named is not None and isinstance(named[1], FUNCTION)
        if parents and not is_made:
            has_key = "Model" in roots and self._has_key([cls])
            return cls if has_key else parents[0]
        if named is not None:
            return cls
        return cls if "Model" in roots and self._has_key(self.evaluator.lineage(cls)) else None

    def _roots(self, cls: Class) -> set[str]:
        """The names of the libraries' classes that it derives from."""
        lineage = self.evaluator.lineage(cls)
        return {last_name(base) for one in lineage for base in self.evaluator.bases(one)}

    def _is_declarative(self, cls: Class, roots: set[str]) -> bool:
        """Whether it may be mapped: neither a mixin nor a declarative base itself."""
        own = {last_name(base) for base in self.evaluator.bases(cls)}
        if own & _DECLARATIVE_ROOTS or _is_decorated(cls.node, "as_declarative"):
            return False
        if roots - _NO_ROOTS:
            return True
        decorators = ("as_declarative", "mapped", "mapped_as_dataclass", "as_declarative_base")
        return any(_is_decorated(one.node, *decorators) for one in self.evaluator.lineage(cls))

    def _has_key(self, classes: Iterable[Class]) -> bool:
        return any(
            isinstance(value, Called) and value.keyword("primary_key")
            for one in classes
            for name, _ in members(one.node)
            for value in [self._own(one, name)]
        )

    def _own(self, cls: Class, name: str) -> Value:
        statement = dict(members(cls.node))[name]
        value = getattr(statement, "value", None)
        return self.evaluator.evaluate(value, Scope(cls.module, {}, cls)) if value else None

    def _member(self, cls: Class, name: str) -> tuple[Class, ast.stmt] | None:
        for one in self.evaluator.lineage(cls):
            for known, statement in members(one.node):
                if known == name:
                    return one, statement
        return None

    def _inherited(self, cls: Class, name: str) -> Value:
        """What an attribute is for the class, of itself or of an ancestor."""
        found = self._member(cls, name)
        return None if found is None else self._value(cls, *found)

    def _value(self, cls: Class, one: Class, statement: ast.stmt) -> Value:
        if isinstance(statement, ast.FunctionDef):
            function = Function(statement.name, one.module, statement)
            first = statement.args.args[:1]
            return self.evaluator.result(function, {arg.arg: cls for arg in first})
        value = getattr(statement, "value", None)
        return self.evaluator.evaluate(value, Scope(one.module, {}, one)) if value else None

    def _mapped(self, cls: Class) -> Table:
        origin = Origin(cls.module.path, cls.name)
        given = self._inherited(cls, "__table__") if self._member(cls, "__table__") else None
        if isinstance(given, Called) and given.last == "Table":
            return replace(self._plain(given, cls.module.path), origin=origin)
        columns, constraints, odd = self._columns(cls)
        arguments, options, strange = _table_args(self._inherited(cls, "__table_args__"))
        made = list(filter(None, map(self._parts(cls).constraint, arguments)))
        made = [replace(one, origin=origin) for one in made]
        name, schema = self._table_name(cls), options.get("schema")
        if schema is None:
            schema = self._metadata_schema(cls)
        return Table(
            _key(name, schema),
            columns,
            (*constraints, *made),
            options.get("comment"),
            (*odd, *strange, *((name,) if isinstance(name, Opaque) else ())),
            origin,
        )

    def _table_name(self, cls: Class) -> Value:
        found = self._member(cls, "__tablename__")
        if found is not None:
            return self._value(cls, *found)
        roots = self._roots(cls)
        return cls.name.lower() if "SQLModel" in roots else _snake(cls.name)

    def _metadata_schema(self, cls: Class) -> Value:
        metadata = self._inherited(cls, "metadata")
        return metadata.keyword("schema") if isinstance(metadata, Called) else None

    def _parts(self, cls: Class) -> Parts:
        known = self._inherited(cls, "type_annotation_map")
        types = Types(self.evaluator)
        return Parts(types, known=known) if isinstance(known, Dictionary) else Parts(types)

    def _columns(
        self, cls: Class
    ) -> tuple[dict[str, Column], tuple[Constraint, ...], tuple[Value, ...]]:
        """The columns of a class and of what it is mixed of, with their constraints."""
        columns: dict[str, Column] = {}
        constraints: list[Constraint] = []
        odd: list[Value] = []
        seen: set[str] = set()
        parts = self._parts(cls)
        is_sqlmodel = "SQLModel" in self._roots(cls)
        hidden = "_" if is_sqlmodel else "__"  # Pydantic's private attributes are no fields
        for one in self.evaluator.lineage(cls):
            if one.node is not cls.node and not is_sqlmodel and self._owner(one) is not None:
                continue  # its columns are in its own table
            for name, statement in members(one.node):
                if name in seen or name.startswith(hidden):
                    continue
                seen.add(name)
                found = self._made(parts, cls, one, name, statement, is_sqlmodel)
                if isinstance(found, Made):
                    made = with_origin(found, Origin(one.module.path, one.name, name))
                    columns[made.column.name] = made.column
                    constraints += made.constraints
                elif found is not None:
                    odd.append(found)
        return columns, tuple(constraints), tuple(odd)

    def _made(
        self,
        parts: Parts,
        cls: Class,
        one: Class,
        name: str,
        statement: ast.stmt,
        is_sqlmodel: bool,
    ) -> Made | Opaque | None:
        """The column that a member makes; None if it makes none; what it is if nobody can tell."""
        if isinstance(statement, FUNCTION) and not _is_decorated(statement, "declared_attr"):
            return None
        value = self._value(cls, one, statement)
        scope = Scope(one.module, {}, one)
        hint = statement.annotation if isinstance(statement, ast.AnnAssign) else None
        if isinstance(statement, FUNCTION):
            hint = statement.returns
        annotation = self.evaluator.annotation(hint, scope) if hint is not None else None
        inner = self.evaluator.unquoted(_inside(annotation, "Mapped"), scope)
        if isinstance(value, Called) and value.last in ("deferred", "column_property"):
            value = value.args[0] if value.args else None
        if isinstance(value, Called):
            value = _plain_call(value)
            if value.last in COLUMNS:
                return parts.column(value, name, inner)
            if value.last in _NOT_COLUMNS or value.last.endswith("relationship"):
                return None
        if is_sqlmodel and isinstance(statement, ast.AnnAssign):
            if _inside(annotation, "ClassVar") is not None or last_name(annotation) == "ClassVar":
                return None
            call = value if isinstance(value, Called) and value.last == "Field" else None
            return parts.field(call, name, annotation)
        if inner is not None and value is None:
            return parts.column(Called("sqlalchemy.orm.mapped_column"), name, inner)
        if inner is not None or "olumn" in _said(value):
            return value if isinstance(value, Opaque) else opaque(f"{name} = {_said(value)}", value)
        return None

    def _plain(self, call: Called, path: str) -> Table:
        """The table of a `Table("name", metadata, …)`."""
        name = text_of(call.args[0]) if call.args else text_of(call.keyword("name"))
        columns: dict[str, Column] = {}
        constraints: list[Constraint] = []
        odd: list[Value] = []
        parts, origin = Parts(Types(self.evaluator)), Origin(path)
        for arg in call.args[1:]:
            one = _plain_call(arg) if isinstance(arg, Called) else arg
            if isinstance(one, Called) and one.last in COLUMNS:
                made = with_origin(parts.column(one, ""), origin)
                columns[made.column.name] = made.column
                constraints += made.constraints
                continue
            made_of = parts.constraint(one) if isinstance(one, Called) else None
            if made_of is not None:
                constraints.append(replace(made_of, origin=origin))
            elif isinstance(one, Opaque) and arg is not call.args[1]:
                odd.append(one)
        metadata = call.args[1] if len(call.args) > 1 else None
        schema = call.keyword("schema")
        if schema is None and isinstance(metadata, Called):
            schema = metadata.keyword("schema")
        odd += [] if name else [call.args[0] if call.args else None]
        key = _key(name, schema)
        return Table(key, columns, tuple(constraints), call.keyword("comment"), tuple(odd), origin)

    def _statements(self, module: Module, strange: list[Value]) -> Iterator[Value]:
        """What the module's statements make; what makes tables in another way is put aside."""
        scope = Scope(module)
        found = [(scope, list(_flat(module.tree)))]
        for statement in found[0][1]:
            if isinstance(statement, ast.ClassDef):
                cls = self.evaluator.name(module, statement.name)
                inner = Scope(module, {}, cls if isinstance(cls, Class) else None)
                found.append((inner, list(_flat(statement))))
            is_loop = isinstance(statement, (ast.For, ast.While))
            if is_loop and _MAKES.search(ast.unparse(statement)):
                strange.append(self.evaluator.text(statement, scope))
        for where, statements in found:
            for text, made in self._made_by(statements, where):
                # The columns of classes are read with them.
                pattern = _MAKES_TABLES if where.owner else _MAKES
                if isinstance(made, Opaque) and pattern.search(made.text + text):
                    strange.append(made)
                yield made

    def _made_by(self, statements: Iterable[ast.stmt], scope: Scope) -> Iterator[tuple[str, Value]]:
        """The texts of calls that statements consist of, and what they make."""
        for statement in statements:
            value = getattr(statement, "value", None)
            is_plain = isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr))
            if is_plain and isinstance(value, ast.Call):
                yield ast.unparse(value), self.evaluator.evaluate(value, scope)


def _flat(node: ast.AST) -> Iterator[ast.stmt]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _flat(child)
        elif isinstance(child, ast.stmt):
            yield child


def _plain_call(call: Called) -> Called:
    """A call of a project's own subclass of `Column` or `Table` as one of that."""
    own = call.args[0] if call.args else None
    if isinstance(own, Class) and own.name == call.name:
        last = "Column" if call.name.lower().endswith("column") else call.name
        return Called(last, call.args[1:], call.keywords)
    return call


def _inside(annotation: Value, name: str) -> Value:
    """What stands in `name[…]`; None for another annotation."""
    if not isinstance(annotation, Called) or annotation.name != "[]":
        return None
    return annotation.args[1] if last_name(annotation.args[0]) == name else None


def _is_decorated(statement: ast.stmt, *names: str) -> bool:
    """Whether a decorator of one of the names, called or not, is put before it."""
    decorators = getattr(statement, "decorator_list", [])
    called = (one.func if isinstance(one, ast.Call) else one for one in decorators)
    return any(name in chain_of(one) for one in called for name in names)


def _said(value: Value) -> str:
    if isinstance(value, (Called, Named)):
        return value.name
    return value.text if isinstance(value, Opaque) else ""


def _table_args(value: Value) -> tuple[list[Called], dict[str, Value], list[Value]]:
    """The parts of `__table_args__`: calls, options, and what cannot be told."""
    parts = value if isinstance(value, tuple) else () if value is None else (value,)
    calls = [part for part in parts if isinstance(part, Called)]
    options: dict[str, Value] = {
        str(key): item for part in parts if isinstance(part, Dictionary) for key, item in part.items
    }
    odd: list[Value] = [part for part in parts if not isinstance(part, (Called, Dictionary))]
    return calls, options, odd


def _key(name: Value, schema: Value) -> str | None:
    if not isinstance(name, str):
        return None
    return f"{schema}.{name}" if isinstance(schema, str) and schema else name


def _snake(name: str) -> str:
    """Flask-SQLAlchemy's name for a class's table."""
    spaced = re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name)
    return spaced.lower().lstrip("_")


def _with_loose(table: Table, loose: Iterable[Constraint]) -> Table:
    """The table with the indexes that are made after it: `Index("ix", Game.host)`."""
    mine = [
        replace(one, origin=table.origin)
        for one in loose
        if any(_is_of(table, column) for column in one.columns)
    ]
    return replace(table, constraints=(*table.constraints, *mine)) if mine else table


def _is_of(table: Table, column: Value) -> bool:
    if isinstance(column, Called):  # Game.host.desc()
        return any(_is_of(table, one) for one in column.args)
    if not isinstance(column, Attribute):
        return False
    owner = column.owner
    if isinstance(owner, Class):
        return (owner.module.path, owner.name) == (table.origin.path, table.origin.cls)
    return owner == table.name


def _finished(tables: Iterable[Table], mapped: dict[int, Table]) -> Iterator[Table]:
    """The tables with their constraints' columns and targets by name, and all types known."""
    every = [_with_names(table) for table in tables]
    known = {table.name: table for table in every}
    for table in every:
        constraints = tuple(
            _with_target(one, mapped) if one.kind == "foreign key" else one
            for one in table.constraints
        )
        columns = {
            name: _with_type(column, constraints, known) for name, column in table.columns.items()
        }
        yield replace(table, columns=columns, constraints=_one_key(constraints))


def _with_names(table: Table) -> Table:
    names = {column.origin.attribute: name for name, column in table.columns.items()}

    def named(value: Value) -> Value:
        return names.get(value.name, value.name) if isinstance(value, Attribute) else value

    constraints = tuple(
        replace(one, columns=tuple(map(named, one.columns))) for one in table.constraints
    )
    return replace(table, constraints=constraints)


def _with_target(constraint: Constraint, mapped: dict[int, Table]) -> Constraint:
    """The same with `Game.id` as `games.id`."""
    target = constraint.option("target")
    if not isinstance(target, tuple):
        return constraint
    options = {**dict(constraint.options), "target": tuple(_target(one, mapped) for one in target)}
    return replace(constraint, options=tuple(sorted(options.items(), key=lambda pair: pair[0])))


def _target(value: Value, mapped: dict[int, Table]) -> Value:
    if not isinstance(value, Attribute):
        return value
    if isinstance(value.owner, str):
        return f"{value.owner}.{value.name}"
    table = mapped.get(id(value.owner.node))
    if table is None or table.name is None:
        return opaque(value.name, value)
    names = {column.origin.attribute: name for name, column in table.columns.items()}
    return f"{table.name}.{names.get(value.name, value.name)}"


def _with_type(
    column: Column, constraints: Iterable[Constraint], known: dict[str | None, Table]
) -> Column:
    """A column that only says what it refers to has the type of that."""
    if column.type:
        return column
    for one in constraints:
        target = one.option("target")
        if (
            one.kind == "foreign key"
            and one.columns == (column.name,)
            and isinstance(target, tuple)
        ):
            table, _, name = str(target[0]).rpartition(".")
            if table in known and name in known[table].columns:
                return replace(column, type=known[table].columns[name].type)
    return column


def _one_key(constraints: tuple[Constraint, ...]) -> tuple[Constraint, ...]:
    """The constraints with the columns that say `primary_key=True` in one key."""
    keys = [one for one in constraints if one.kind == "primary key"]
    if len(keys) < 2:
        return constraints
    columns = tuple(dict.fromkeys(column for one in keys for column in one.columns))
    others = tuple(one for one in constraints if one.kind != "primary key")
    return (replace(keys[0], columns=columns), *others)
