"""Tables that a Python file declares, found by its text and the repository's imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from alembic_lockstep.pysource.module_index import Module, Modules, Name, chain_of
from alembic_lockstep.pysource.schema_text import schema_text

# Tables in files below these folders are not the application's.
OTHER_FOLDERS = {"tests", "test", "testing", "examples", "example", "docs", "benchmarks"}
# Functions whose value in a class attribute makes no column.
NO_COLUMNS = {"association_proxy", "backref", "column_property", "relationship", "synonym"}


@dataclass(frozen=True)
class DeclaredTable:
    """A table declared in a file.

    Attributes:
        name: Name of its class, or of the table.
        line, column: Position of the name, 1-based.
        columns: The parts of the declaration that may change the schema, see `schema_text`.
        bases: Last parts of the names of the class's bases.
        mixins: Those of `bases` that are not targeted themselves.
        tables: Possible names of the table: several if none is written down.
    """

    name: str
    line: int
    column: int
    columns: str = field(compare=False, default="")
    bases: tuple[str, ...] = field(compare=False, default=())
    mixins: tuple[str, ...] = field(compare=False, default=())
    tables: tuple[str, ...] = field(compare=False, default=())

    def makes_same_table(self, before: DeclaredTable | None) -> bool:
        """Return whether an earlier declaration makes the same table, on any base."""
        if before is None or self.columns != before.columns:
            return False
        return self.bases == before.bases or self.mixins == before.mixins


def may_hold_models(path: str) -> bool:
    """Return whether a file of this name could hold tables of the application."""
    file = PurePosixPath(path)
    if OTHER_FOLDERS & set(file.parts[:-1]) or file.suffix != ".py" or file.name == "conftest.py":
        return False
    return not file.name.startswith("test_") and not file.stem.endswith("_test")


def may_declare_tables(source: bytes) -> bool:
    """Return whether a file may declare a table, on any base."""
    text = source.decode("utf-8", "replace")
    if not mentions_tables(text):
        return False
    module = Module.parse("", text)
    if module is None:
        return False  # the rule finds none in it, either
    classes = (node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef))
    return any(_calls(module.tree, "Table")) or any(map(_is_table, classes))


def mentions_tables(text: str) -> bool:
    """Return whether a text has a word of table declarations: to parse it takes 20 ms."""
    return re.search(r"Column|column|Table\(|__table|table\s*=", text) is not None


@dataclass(frozen=True)
class Resolver:
    """Follows names through the repository's imports to the bases that an environment targets.

    Attributes:
        bases: Importable names of the targeted declarative bases and `MetaData`.
        read: The text of the judged tree's files.
        files: Paths of the judged tree.
    """

    bases: Set[Name]
    read: Callable[[str], str | None]
    files: Collection[str]

    @cached_property
    def _modules(self) -> Modules:
        return Modules(self.read, self.files)

    def tables(self, path: str) -> list[DeclaredTable]:
        """Return the tables that a file declares on a targeted base; none if it is not Python."""
        module = self._modules.at(path)
        if module is None:
            return []
        return [*self._mapped_classes(module), *self._table_calls(module)]

    def all_tables(self, path: str) -> list[DeclaredTable]:
        """Return the tables that a file declares on any base."""
        module = self._modules.at(path)
        if module is None:
            return []
        tables = (node for node in _calls(module.tree, "Table") if _table_name(node))
        mapped = (self._class(module, node) for node in module.classes.values() if _is_table(node))
        return [*mapped, *map(_table, tables)]

    def has_module(self, dotted: str) -> bool:
        """Return whether the tree has a module of this name."""
        return self._modules.named(dotted) is not None

    def _mapped_classes(self, module: Module) -> Iterator[DeclaredTable]:
        for node in module.classes.values():
            if _is_table(node) and any(self._is_targeted(module, base) for base in node.bases):
                yield self._class(module, node)

    def _class(self, module: Module, node: ast.ClassDef) -> DeclaredTable:
        chains = [chain_of(base) for base in node.bases]
        mixins = [chain for chain in chains if not self.bases & {*module.imported(chain or [""])}]
        return DeclaredTable(
            node.name,
            node.lineno,
            node.col_offset + len("class ") + 1,
            _columns(node),
            bases=_last_names(chains),
            mixins=_last_names(mixins),
            tables=_table_names(node),
        )

    def _table_calls(self, module: Module) -> Iterator[DeclaredTable]:
        for node in _calls(module.tree, "Table"):
            owners = [*node.args[1:2], node.func]
            if _table_name(node) and any(self._is_targeted(module, owner) for owner in owners):
                yield _table(node)

    def _is_targeted(self, module: Module, expression: ast.expr, depth: int = 8) -> bool:
        """Return whether an expression names a targeted base, or a class derived from one."""
        if isinstance(expression, ast.Subscript):
            return self._is_targeted(module, expression.value, depth)
        chain = chain_of(expression)
        if not chain or depth == 0:
            return False
        node = module.classes.get(chain[0])
        if node is not None:
            return any(self._is_targeted(module, base, depth - 1) for base in node.bases)
        return any(self._is_targeted_name(name, depth) for name in module.imported(chain))

    def _is_targeted_name(self, name: Name, depth: int) -> bool:
        if name in self.bases:
            return True
        source = self._modules.named(name[0])
        if source is None:
            return False
        return self._is_targeted(source, ast.Name(name[1]), depth - 1)


def _called(node: ast.expr) -> str:
    chain = chain_of(node.func) if isinstance(node, ast.Call) else []
    return chain[-1] if chain else ""


def _is_table(node: ast.ClassDef) -> bool:
    """Return whether a mapped class has a table of its own: it is neither abstract nor a mixin."""
    if any(word.arg == "table" and _is_true(word.value) for word in node.keywords):  # SQLModel
        return True
    names = dict(_assignments(node))
    if "__abstract__" in names:
        return False
    columns = (_called(value) in {"Column", "mapped_column"} for value in names.values() if value)
    return "__tablename__" in names or "__table__" in names or any(columns)


def _columns(node: ast.ClassDef) -> str:
    """Return a class as text, without its methods, docstring and relationships."""
    columns = [statement for statement in node.body if _may_be_column(statement)]
    return schema_text([*node.keywords, *columns])


def _last_names(chains: Iterable[list[str]]) -> tuple[str, ...]:
    return tuple(chain[-1] for chain in chains if chain)


def _table_names(node: ast.ClassDef) -> tuple[str, ...]:
    """Return the table's name, or the names that Flask-SQLAlchemy and SQLModel would give it."""
    values = dict(_assignments(node))
    name = values.get("__tablename__")
    if isinstance(name, ast.Constant):
        return (str(name.value),)
    table = values.get("__table__")
    if isinstance(table, ast.Call) and _table_name(table):
        return (_table_name(table),)
    return tuple(dict.fromkeys((snake_case(node.name), node.name.lower())))


def snake_case(name: str) -> str:
    """Return the name that Flask-SQLAlchemy gives to the table of a class."""
    return re.sub(r"((?<=[a-z0-9])[A-Z]|(?!^)[A-Z](?=[a-z]))", r"_\1", name).lower().lstrip("_")


def _calls(module: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _called(node) == name:
            yield node


def _table_name(node: ast.Call) -> str:
    """Return the name in a `Table(…)` call if it is a literal; else ""."""
    first = node.args[0] if node.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _table(node: ast.Call) -> DeclaredTable:
    name = _table_name(node)
    columns = schema_text([*node.args[2:], *node.keywords])  # the metadata does not matter
    return DeclaredTable(name, node.lineno, node.col_offset + 1, columns, tables=(name,))


def _may_be_column(statement: ast.stmt) -> bool:
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return not statement.value or _called(statement.value) not in NO_COLUMNS
    decorators = statement.decorator_list if isinstance(statement, ast.FunctionDef) else []
    return any("declared_attr" in chain_of(decorator) for decorator in decorators)


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _assignments(node: ast.ClassDef) -> Iterator[tuple[str, ast.expr | None]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    yield target.id, statement.value
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement.value
