"""Read the tables that model files declare."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from alembic_lockstep.pysource.declared_tables import NO_COLUMNS, snake_case
from alembic_lockstep.pysource.module_index import Module, Modules, chain_of
from alembic_lockstep.pysource.source import FUNCTION, keyword
from alembic_lockstep.static.linking import linked
from alembic_lockstep.static.lookup import Definition, Lookup, items_of, returned_by
from alembic_lockstep.static.parts import COLUMNS, PartReader, without_none
from alembic_lockstep.static.tables import Declarations, Origin, Table, TablePart, Unread

# What may be in a file that declares tables, for `git grep -E`.
MAY_DECLARE = r"Column\(|mapped_column|Mapped|Table\(|__table|table *= *True"
# Calls that make an attribute that is no column.
_NOT_COLUMNS = NO_COLUMNS | {
    *("composite", "contains_alias", "dynamic_loader", "hybrid_property", "query_expression"),
    *("Relationship", "with_expression", "AssociationProxy"),
}
_MAKES = re.compile(r"\b(?:Column|mapped_column|Table|setattr)\(")
# Bases of libraries that make no class a mapped one, and bring no columns.
_PLAIN = {"object", "ABC", "Generic", "Protocol", "MappedAsDataclass", "AsyncAttrs", ""}
# Bases of libraries that bring no columns.
_BARE = _PLAIN | {
    *("DeclarativeBase", "DeclarativeBaseNoMeta", "declarative_base", "automap_base", "Model"),
    *("SQLModel", "BaseModel", "AbstractConcreteBase", "ConcreteBase", "DeferredReflection"),
}
_DECORATORS = ("as_declarative", "as_declarative_base", "mapped", "mapped_as_dataclass")


def read_declarations(modules: Modules, paths: Iterable[str]) -> Declarations:
    """Return what the files declare; what they import is followed."""
    reader = _DeclarationReader(Lookup(modules))
    for path in paths:
        module = modules.at(path)
        source = modules.read(path) or ""
        if module is None:
            reader.unread.append(Unread("it is not valid Python", path, source=source))
        elif "down_revision" not in module.definitions:  # a migration's helper tables
            try:
                reader.read(module)
            except RecursionError:
                why = "its definitions lead in a circle"
                reader.unread.append(Unread(why, path, source=source))
    return Declarations(tuple(linked(reader.tables.values(), reader.loose)), tuple(reader.unread))


@dataclass
class _DeclarationReader:
    lookup: Lookup
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    loose: list[TablePart] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def read(self, module: Module) -> None:
        """Read a module's classes and statements."""
        for name, node in module.classes.items():
            cls = Definition(node, module, name)
            owner = self._owner(cls)
            if owner is not None:
                # A subclass may share its parent's table.
                key = (owner.module.path, owner.name)
                table = self.tables.get(key) or self._mapped(owner)
                is_own = owner.node is cls.node
                self.tables[key] = table if is_own else _with_parts(table, self._parts(cls))
        reader = PartReader(self.lookup, module)
        for statement in _statements(module.tree):
            call = getattr(statement, "value", None)
            callee = reader.name_of(call) if isinstance(call, ast.Call) else ""
            is_table = callee == "Table" and keyword(call, "autoload_with") is None  # type: ignore[arg-type]
            if isinstance(call, ast.Call) and is_table:
                table = self._plain(reader, call)
                self.tables[module.path, table.name or str(call.lineno)] = table
            elif callee == "Index":
                self.loose += filter(None, [reader.constraint(call)])
            elif isinstance(statement, (ast.For, ast.While)) or callee not in ("", *COLUMNS):
                text = ast.unparse(statement)
                if _MAKES.search(text) and callee not in _NOT_COLUMNS:
                    self.unread.append(reader.unread(statement))

    def _owner(self, cls: Definition, path: tuple[str, ...] = ()) -> Definition | None:
        """Return the class whose table a class has: itself, a parent, or None."""
        if cls.name in path or not isinstance(cls.node, ast.ClassDef):
            return None
        if any(ast.unparse(flag) == "table=True" for flag in cls.node.keywords):
            return cls
        own, roots = cls.statements, self.lookup.roots(cls)
        # The table of `__table__ = Table(…)` is read by itself.
        if not self._is_mapped(cls) or "__abstract__" in own or "__table__" in own:
            return None
        bases = filter(None, (self.lookup.definition(base, cls.module) for base in cls.bases))
        parents = filter(None, (self._owner(base, (*path, cls.name)) for base in bases))
        parent = next(parents, None)
        lineage = self.lookup.lineage(cls)
        names = [base.statements.get("__tablename__") for base in lineage]
        named = next(filter(None, names), None)
        is_named = names[0] or isinstance(named, FUNCTION) or (named and not parent)
        # Flask-SQLAlchemy names the tables of classes with a key.
        is_keyed = "Model" in roots and _has_key([cls] if parent else lineage)
        return cls if is_named or is_keyed else parent

    def _is_mapped(self, cls: Definition) -> bool:
        """Return whether a class is declarative, and not the base or SQLModel's schema of data."""
        lineage, roots = self.lookup.lineage(cls), {*self.lookup.roots(cls)}
        direct = {name for base in cls.bases for name in chain_of(base)[-1:]}
        is_base = not direct.isdisjoint(("DeclarativeBase", "DeclarativeBaseNoMeta"))
        if is_base or "SQLModel" in roots or _is_decorated(cls.node, "as_declarative"):
            return False
        return bool(roots - _PLAIN) or any(
            _is_decorated(base.node, *_DECORATORS) for base in lineage
        )

    def _inherited(self, cls: Definition, name: str) -> tuple[ast.AST | None, Module]:
        """Return the expression of an attribute, or what its function returns."""
        for ancestor in self.lookup.lineage(cls):
            statement = ancestor.statements.get(name)
            if statement is not None:
                value = getattr(statement, "value", None) or returned_by(statement)
                return value or statement, ancestor.module
        return None, cls.module

    def _mapped(self, cls: Definition) -> Table:
        value, module = self._inherited(cls, "__table_args__")
        reader = PartReader(self.lookup, module)
        schema = self._schema(*self._inherited(cls, "metadata"))
        for item in items_of(value):
            if isinstance(item, ast.Dict):
                options = zip(item.keys, item.values, strict=True)
                keywords = {reader.text(key): reader.text(option) for key, option in options}
                schema = keywords.get("schema") or schema
        others = [item for item in items_of(value) if not isinstance(item, ast.Dict)]
        table = Table(_key(self._table_name(cls), schema), origin=Origin(cls.module.path, cls.name))
        return _with_parts(table, [*self._parts(cls), *reader.parts(others)])

    def _table_name(self, cls: Definition) -> str:
        value, module = self._inherited(cls, "__tablename__")
        if "__tablename__" not in cls.statements and isinstance(value, ast.Constant):
            # A parent's name is the parent's table's, if the parent has one.
            value = None if any(map(self._owner, self.lookup.lineage(cls)[1:])) else value
        if value is None and "SQLModel" not in self.lookup.roots(cls):
            return snake_case(cls.name)
        if value is None or ast.unparse(value) == "cls.__name__.lower()":
            return cls.name.lower()
        return self.lookup.text(value, module)

    def _schema(self, metadata: ast.AST | None, module: Module) -> str:
        target = self.lookup.definition(metadata, module)
        call, module = (target.node, target.module) if target else (metadata, module)
        return (
            self.lookup.text(keyword(call, "schema"), module) if isinstance(call, ast.Call) else ""
        )

    def _parts(self, cls: Definition) -> Iterator[TablePart | Unread]:
        """Yield the columns and constraints of a class and of what it is mixed of."""
        names: set[str] = set()
        roots = self.lookup.roots(cls)
        is_sqlmodel = "SQLModel" in roots
        for root in roots:
            if root not in _BARE:
                line = getattr(cls.node, "lineno", 1)
                yield Unread(f"{cls.name} derives from {root}", cls.module.path, line)
        annotated, _ = self._inherited(cls, "type_annotation_map")
        for source in self.lookup.lineage(cls):
            if source.node is not cls.node and not is_sqlmodel and self._owner(source):
                continue  # its columns are in its own table
            mapping = annotated if isinstance(annotated, ast.Dict) else None
            reader = PartReader(self.lookup, source.module, annotated=mapping)
            for name, statement in source.statements.items():
                # Pydantic's private attributes are no fields.
                if name in names or name.startswith("_" if is_sqlmodel else "__"):
                    continue
                names.add(name)
                for part in self._member(reader, name, statement, is_sqlmodel):
                    if isinstance(part, TablePart):
                        part = replace(part, origin=Origin(source.module.path, source.name, name))
                    yield part

    def _member(
        self, reader: PartReader, name: str, statement: ast.stmt, is_sqlmodel: bool
    ) -> list[TablePart] | list[Unread]:
        """Return the column that an attribute makes, or that it cannot be told."""
        if isinstance(statement, FUNCTION) and not _is_decorated(statement, "declared_attr"):
            return []
        value = getattr(statement, "value", None) or returned_by(statement)
        hint = getattr(statement, "annotation", getattr(statement, "returns", None))
        hint = without_none(hint)[0] if isinstance(hint, ast.Constant) else hint
        outer = (
            reader.name_of(hint.value) if isinstance(hint, ast.Subscript) else reader.name_of(hint)
        )
        inner = hint.slice if isinstance(hint, ast.Subscript) and outer == "Mapped" else None
        if isinstance(value, ast.Call) and value.args:
            is_wrapped = reader.name_of(value) in ("deferred", "column_property")
            value = value.args[0] if is_wrapped else value
        reader, value = _behind(reader, value)
        callee = reader.name_of(value) if isinstance(value, ast.Call) else ""
        if isinstance(value, ast.Call) and callee in COLUMNS:
            return reader.column(value, name, inner)
        if callee in _NOT_COLUMNS or callee.endswith("relationship"):
            return []
        if is_sqlmodel and isinstance(statement, ast.AnnAssign):
            return reader.field(value, name, statement.annotation) if outer != "ClassVar" else []
        if inner is not None and value is None:
            return reader.column(None, name, inner)
        text = ast.unparse(statement)
        if inner is not None or (callee and "olumn" in text) or _MAKES.search(text):
            return [reader.unread(statement)]
        return []

    def _plain(self, reader: PartReader, call: ast.Call) -> Table:
        """Return the table of a `Table("name", metadata, …)`."""
        name = reader.text(call.args[0] if call.args else keyword(call, "name"))
        metadata = call.args[1] if len(call.args) > 1 else None
        schema = reader.text(keyword(call, "schema")) or self._schema(metadata, reader.module)
        table = Table(_key(name, schema), origin=Origin(reader.module.path))
        return _with_parts(table, reader.parts(call.args[2:]))


def _with_parts(table: Table, parts: Iterable[TablePart | Unread]) -> Table:
    """Return the table with further parts; columns that it has count more."""
    parts, columns = list(parts), table.columns
    more = [
        part if part.origin.path else replace(part, origin=table.origin)
        for part in parts
        if isinstance(part, TablePart)
    ]
    more = [part for part in more if part.kind != "column" or part.name not in columns]
    unread = tuple(part for part in parts if isinstance(part, Unread))
    return replace(table, parts=(*table.parts, *more), unread=(*table.unread, *unread))


def _behind(reader: PartReader, value: ast.expr | None) -> tuple[PartReader, ast.expr | None]:
    """Return the call that a function of the repository returns, and its module's reader."""
    target = reader.lookup.definition(getattr(value, "func", None), reader.module)
    returned = returned_by(target.node) if target else None
    if target is None or not isinstance(returned, ast.Call):
        return reader, value
    return replace(reader, module=target.module), returned


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield a module's statements, and those of its classes that may make tables."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from _statements(child)
        elif isinstance(child, ast.ClassDef):
            yield from (inner for inner in child.body if isinstance(inner, (ast.Assign, ast.Expr)))
        elif isinstance(child, ast.stmt):
            yield child


def _is_decorated(node: ast.AST | None, *names: str) -> bool:
    """Return whether a decorator of one of the names, called or not, stands before it."""
    decorators = getattr(node, "decorator_list", [])
    called = (
        decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in decorators
    )
    return any(name in chain_of(target) for target in called for name in names)


def _has_key(classes: Iterable[Definition]) -> bool:
    members = (member for cls in classes for member in cls.statements.values())
    values = (getattr(member, "value", None) for member in members)
    return any(isinstance(value, ast.Call) and keyword(value, "primary_key") for value in values)


def _key(name: str, schema: str) -> str:
    return f"{schema}.{name}" if schema and name else name
