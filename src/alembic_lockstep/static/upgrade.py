"""The steps of a migration's `upgrade()`, told from its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from alembic_lockstep.pysource.module_index import Module, Modules
from alembic_lockstep.static.evaluate import Evaluator, Scope
from alembic_lockstep.static.parts import COLUMNS, Parts
from alembic_lockstep.static.schema import Constraint
from alembic_lockstep.static.sql import changes_no_schema, steps_of_sql
from alembic_lockstep.static.steps import (
    AddColumn,
    AddConstraint,
    AddTable,
    AlterColumn,
    CommentTable,
    DropColumn,
    DropConstraint,
    DropTable,
    RenameTable,
    SetLabels,
    Step,
    Unread,
    names_in,
)
from alembic_lockstep.static.types import Types
from alembic_lockstep.static.values import (
    TEXTS,
    Called,
    Function,
    Named,
    Opaque,
    Value,
    is_opaque,
    text_of,
)

# What `op` has that changes no schema.
_IDLE = {"bulk_insert", "f", "get_bind", "get_context", "batch_alter_table", "inline_literal"}
# Calls that make a statement about rows.
_ROWS = {"insert", "update", "delete", "select", "values", "where", "from_select", "returning"}
_KINDS = {"foreignkey": "foreign key", "primary": "primary key", "unique": "unique"}
DEEPEST = 8


def read_upgrade(modules: Modules, path: str) -> list[Step]:
    """The steps of a migration; what cannot be read is one, too."""
    module = modules.at(path)
    if module is None:
        return [Unread("it is not valid Python", path, 1)]
    reader = _Reader(path, Evaluator(modules))
    steps = []
    for name, node in module.definitions.items():
        # `upgrade_engine1` and its like are those of the templates for several databases.
        if isinstance(node, ast.FunctionDef) and re.fullmatch(r"upgrade(_\w*)?", name):
            if name != "upgrade" and not _has_several(module):
                continue
            steps += reader.steps(node.body, Scope(module))
    return steps


def undone(steps: Iterable[Step], path: str) -> list[Step]:
    """What takes back steps that an edited or deleted migration does no longer."""
    steps = list(steps)
    tables = {step.table for step in steps if isinstance(step, AddTable)}
    columns = {(step.table, step.column.name) for step in steps if isinstance(step, AddColumn)}
    found: list[Step] = [DropTable(table) for table in sorted(tables)]
    for step in steps:
        if isinstance(step, AddTable) or getattr(step, "table", "") in tables:
            continue
        if isinstance(step, AddColumn):
            found.append(DropColumn(step.table, step.column.name))
        elif isinstance(step, AddConstraint):
            parts = step.constraint.columns
            if step.constraint.name is not None:
                found.append(DropConstraint(step.table, step.constraint.name, step.constraint.kind))
            elif not any((step.table, part) in columns for part in parts):
                found.append(_no_longer(step, path))
        else:
            found.append(_no_longer(step, path))
    return found


def _no_longer(step: Step, path: str) -> Unread:
    words = step.words if isinstance(step, Unread) else names_in(step)
    return Unread("it no longer does what it did", path, 1, words)


def _has_several(module: Module) -> bool:
    """Whether `upgrade(engine_name)` chooses one of several functions."""
    upgrade = module.definitions.get("upgrade")
    return isinstance(upgrade, ast.FunctionDef) and bool(upgrade.args.args)


@dataclass
class _Reader:
    path: str
    evaluator: Evaluator
    _batches: dict[str, tuple[str | None, Value]] = field(default_factory=dict)
    _depth: int = 0
    _line: int = 1

    def steps(self, body: Iterable[ast.stmt], scope: Scope) -> list[Step]:
        """The steps of a function's statements."""
        names = dict(scope.names)
        scope = replace(scope, names=names)
        found: list[Step] = []
        is_certain = True
        for statement in body:
            if scope.module.path == self.path:
                self._line = statement.lineno
            made, returns = self._statement(statement, scope, names)
            found += made if is_certain else self._perhaps(made, "it may have returned before")
            is_certain = is_certain and not returns
        return found

    def _statement(
        self, statement: ast.stmt, scope: Scope, names: dict[str, Value]
    ) -> tuple[list[Step], bool]:
        """The steps of a statement, and whether the function may end with it."""
        if isinstance(statement, ast.With):
            return self._with(statement, scope, names), False
        if isinstance(statement, ast.For):
            return self._for(statement, scope), False
        if isinstance(statement, ast.If):
            branch = self._of_the_server(statement, scope)
            if branch is not None:
                return self.steps(branch, scope), any(isinstance(s, ast.Return) for s in branch)
        if isinstance(statement, (ast.If, ast.Try, ast.While)):
            steps = self._perhaps(self._within(statement, scope), "it depends on a condition")
            returns = any(isinstance(inner, ast.Return) for inner in ast.walk(statement))
            return steps, returns
        steps = []
        for call in _calls(statement):
            steps += self._call(call, scope)
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            names[statement.targets[0].id] = self.evaluator.evaluate(statement.value, scope)
        return steps, isinstance(statement, ast.Return)

    def _of_the_server(self, statement: ast.If, scope: Scope) -> list[ast.stmt] | None:
        """Return the branch that is not SQLite's, where only the dialect decides; else None."""
        test = ast.unparse(statement.test)
        for call in ast.walk(statement.test):
            if isinstance(call, ast.Call):
                helper = self.evaluator.evaluate(call.func, scope)
                test += ast.unparse(helper.node) if isinstance(helper, Function) else ""
        if "dialect" not in test:
            return None
        is_for_sqlite = "sqlite" in test and not re.search(r"!=|\bnot\b", test)
        return statement.orelse if is_for_sqlite else statement.body

    def _within(self, statement: ast.stmt, scope: Scope) -> list[Step]:
        inner = [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
        for handler in getattr(statement, "handlers", []):
            inner += handler.body
        return self.steps(inner, scope)

    def _perhaps(self, steps: Iterable[Step], why: str) -> list[Step]:
        return [
            step
            if isinstance(step, Unread)
            else Unread(f"{why}, what it does", self.path, self._line, names_in(step))
            for step in steps
        ]

    def _with(self, statement: ast.With, scope: Scope, names: dict[str, Value]) -> list[Step]:
        for item in statement.items:
            opened = self.evaluator.evaluate(item.context_expr, scope)
            is_batch = isinstance(opened, Called) and opened.name == "alembic.op.batch_alter_table"
            if isinstance(opened, Called) and is_batch and isinstance(item.optional_vars, ast.Name):
                name = f"batch{len(self._batches)}"
                table, schema = _taken(opened, "table_name", "schema")
                self._batches[name] = (text_of(table), schema)
                names[item.optional_vars.id] = Named(name)
        return self.steps(statement.body, scope)

    def _for(self, statement: ast.For, scope: Scope) -> list[Step]:
        """The steps of a loop over what stands there, or else of one time."""
        items = self.evaluator.evaluate(statement.iter, scope)
        known = items if isinstance(items, tuple) and not is_opaque(items) else ()
        bound = [_unpacked(statement.target, item) for item in known]
        if bound and None not in bound and not statement.orelse:
            return [
                step
                for names in bound
                for step in self.steps(
                    statement.body, replace(scope, names={**scope.names, **(names or {})})
                )
            ]
        return self._perhaps(self._within(statement, scope), "it depends on a loop")

    def _call(self, node: ast.Call, scope: Scope) -> list[Step]:
        function = self.evaluator.evaluate(node.func, scope)
        if isinstance(function, Function):
            return self._helper(function, node, scope)
        value = self.evaluator.evaluate(node, scope)
        if not isinstance(value, Called):
            return []
        owner, _, method = value.name.rpartition(".")
        if owner == "alembic.op":
            return self._operation(method, value)
        if owner in self._batches:
            table, schema = self._batches[owner]
            if table is None:
                return [self._unread("its table cannot be told")]
            return self._operation(method, _in_batch(method, value, table, schema))
        if method == "execute":
            return self._execute(value.args[1:] if value.name == ".execute" else value.args)
        if method in ("create_all", "drop_all"):
            return [self._unread(f"it calls {method}()")]
        if any(arg == Named("alembic.op") for arg in value.args):
            return [self._unread(f"it calls {method}(), which is not in this repository")]
        return []

    def _helper(self, function: Function, node: ast.Call, scope: Scope) -> list[Step]:
        """The steps of a function that is called with what is known."""
        if self._depth > DEEPEST or isinstance(function.node, ast.Lambda):
            return []
        names = self.evaluator.bound(function, node, scope)
        if names is None:
            made = self._within(function.node, Scope(function.module))
            return self._perhaps(made, f"it depends on what {function.name}() is given")
        self._depth += 1
        try:
            return self.steps(function.node.body, Scope(function.module, names))
        finally:
            self._depth -= 1

    def _execute(self, args: tuple[Value, ...]) -> list[Step]:
        given = args[0] if args else None
        text = text_of(given)
        if text is not None:
            return list(steps_of_sql(text, self.path, self._line))
        if isinstance(given, Called):
            method, owner = given.last, next(iter(given.args), None)
            if method in _ROWS or changes_no_schema(text_of(owner) or ""):
                return []
            if method != "format" and (method in TEXTS or given.name.startswith(".")):
                return self._execute((owner,))
        if isinstance(given, Opaque) and changes_no_schema(given.text.lstrip("frbFRB'\"\n\\ ")):
            return []
        return [self._unread("it executes SQL that is made while it runs")]

    def _unread(self, what: str) -> Unread:
        return Unread(what, self.path, self._line)

    def _operation(self, method: str, call: Called) -> list[Step]:
        if method in _IDLE:
            return []
        if method == "execute":
            return self._execute(call.args or (call.keyword("sqltext"),))
        read = getattr(self, f"_{method}", None)
        steps = list(read(call)) if read else None
        if steps is None:
            words = frozenset(text for arg in call.args for text in [text_of(arg)] if text)
            return [Unread(f"op.{method}() is not known", self.path, self._line, words or None)]
        if any(getattr(step, "table", "") is None for step in steps):
            return [self._unread(f"the table of op.{method}() cannot be told")]
        return steps

    @property
    def _parts(self) -> Parts:
        return Parts(Types(self.evaluator), migrated=True)

    def _create_table(self, call: Called) -> Iterator[Step]:
        table = _table(call, call.args[0] if call.args else call.keyword("table_name"))
        yield AddTable(table)
        if call.keyword("comment") is not None:
            yield CommentTable(table, call.keyword("comment"))
        for part in call.args[1:]:
            if isinstance(part, Called) and part.last in COLUMNS:
                yield from self._column(table, part)
                continue
            constraint = self._parts.constraint(part) if isinstance(part, Called) else None
            if constraint is not None:
                yield AddConstraint(table, constraint)
            elif not isinstance(part, Called):
                yield self._unread(f"a part of table {table} cannot be told")

    def _column(self, table: str, call: Called) -> Iterator[Step]:
        made = self._parts.column(call, "")
        yield AddColumn(table, made.column)
        yield from (AddConstraint(table, one) for one in made.constraints)

    def _add_column(self, call: Called) -> Iterator[Step]:
        table, column = _taken(call, "table_name", "column")
        if isinstance(column, Called) and column.last in COLUMNS:
            yield from self._column(_table(call, table), column)
        else:
            yield self._unread("the column that it adds cannot be told")

    def _drop_table(self, call: Called) -> Iterator[Step]:
        yield DropTable(_table(call, *_taken(call, "table_name")))

    def _rename_table(self, call: Called) -> Iterator[Step]:
        old, new = _taken(call, "old_table_name", "new_table_name")
        yield RenameTable(_table(call, old), _table(call, new))

    def _create_table_comment(self, call: Called) -> Iterator[Step]:
        table, comment = _taken(call, "table_name", "comment")
        yield CommentTable(_table(call, table), comment)

    def _drop_table_comment(self, call: Called) -> Iterator[Step]:
        yield CommentTable(_table(call, *_taken(call, "table_name")), None)

    def _drop_column(self, call: Called) -> Iterator[Step]:
        table, name = _taken(call, "table_name", "column_name")
        if isinstance(name, str):
            yield DropColumn(_table(call, table), name)
        else:
            yield self._unread("the column that it drops cannot be told")

    def _alter_column(self, call: Called) -> Iterator[Step]:
        table, name = _taken(call, "table_name", "column_name")
        if not isinstance(name, str):
            yield self._unread("the column that it alters cannot be told")
            return
        given = dict(call.keywords)
        changes: dict[str, Value] = {}
        if given.get("nullable") is not None:
            changes["nullable"] = given["nullable"]
        if given.get("type_") is not None:
            changes["type"] = self._parts.types.readings(given["type_"])  # type: ignore[assignment]
        if given.get("server_default", False) is not False:
            changes["default"] = given["server_default"]
        if given.get("comment", False) is not False:
            changes["comment"] = given["comment"]
        if given.get("new_column_name") is not None:
            changes["name"] = given["new_column_name"]
        yield AlterColumn(_table(call, table), name, tuple(changes.items()))

    def _create_index(self, call: Called) -> Iterator[Step]:
        name, table, columns = _taken(call, "index_name", "table_name", "columns")
        yield self._made(call, "Index", name, table, columns)

    def _create_unique_constraint(self, call: Called) -> Iterator[Step]:
        name, table, columns = _taken(call, "constraint_name", "table_name", "columns")
        yield self._made(call, "UniqueConstraint", name, table, columns)

    def _create_primary_key(self, call: Called) -> Iterator[Step]:
        name, table, columns = _taken(call, "constraint_name", "table_name", "columns")
        yield self._made(call, "PrimaryKeyConstraint", name, table, columns)

    def _create_check_constraint(self, call: Called) -> Iterator[Step]:
        name, table, condition = _taken(call, "constraint_name", "table_name", "condition")
        yield self._made(call, "CheckConstraint", name, table, (condition,))

    def _create_exclude_constraint(self, call: Called) -> Iterator[Step]:
        name, table = _taken(call, "constraint_name", "table_name")
        yield self._made(call, "ExcludeConstraint", name, table, call.args[2:])

    def _create_foreign_key(self, call: Called) -> Iterator[Step]:
        wanted = ("constraint_name", "source_table", "referent_table", "local_cols", "remote_cols")
        name, table, referent, local, remote = _taken(call, *wanted)
        options = dict(call.keywords)
        for one in wanted:
            options.pop(one, None)
        schema = options.pop("referent_schema", None)
        source = options.pop("source_schema", None)
        prefix = f"{schema}." if schema else ""
        targets = remote if isinstance(remote, tuple) else (remote,)
        target = tuple(f"{prefix}{referent}.{one}" for one in targets)
        made = Called("ForeignKeyConstraint", (local, target), tuple(options.items()))
        constraint = self._parts.constraint(made)
        assert constraint is not None
        key = f"{source}.{table}" if source else text_of(table)
        yield AddConstraint(key, replace(constraint, name=text_of(name)))  # type: ignore[arg-type]

    def _drop_index(self, call: Called) -> Iterator[Step]:
        name, table = _taken(call, "index_name", "table_name")
        text = text_of(name)
        if text is None:
            yield self._unread("the index that it drops cannot be told")
        else:
            yield DropConstraint(_table(call, table) if table else "", text, "index")

    def _drop_constraint(self, call: Called) -> Iterator[Step]:
        name, table, kind = _taken(call, "constraint_name", "table_name", "type_")
        text = text_of(name)
        if text is None and kind is None:
            yield self._unread("the constraint that it drops cannot be told")
        else:
            known = _KINDS.get(str(kind), str(kind or ""))
            yield DropConstraint(_table(call, table), text or "", known)

    def _sync_enum_values(self, call: Called) -> Iterator[Step]:
        wanted = ("enum_schema", "enum_name", "new_values")
        _, name, labels = _taken(call, *wanted)
        if isinstance(name, str) and isinstance(labels, tuple):
            yield SetLabels(name, labels)
        else:
            yield self._unread("the labels of an enum cannot be told")

    def _made(self, call: Called, kind: str, name: Value, table: Value, parts: Value) -> Step:
        columns = parts if isinstance(parts, tuple) else (parts,)
        args = (name, *columns) if kind == "Index" else columns
        idle = {"table_name", "columns", "condition", "constraint_name", "index_name", "schema"}
        keywords = tuple(pair for pair in call.keywords if pair[0] not in idle | _CONDITIONS)
        constraint = self._parts.constraint(Called(kind, args, keywords))
        assert constraint is not None
        found: Constraint = replace(constraint, name=text_of(name))
        return AddConstraint(_table(call, table), found)


_CONDITIONS = {"if_not_exists", "if_exists", "postgresql_concurrently"}


def _in_batch(method: str, call: Called, table: str, schema: Value) -> Called:
    """A batch's operation as that of `op`: with the table in its place."""
    named_first = method.startswith(("create_", "drop_index", "drop_constraint"))
    is_first = "comment" in method or not named_first
    args = call.args
    args = (table, *args) if is_first else (*(args[:1] or (None,)), table, *args[1:])
    keywords = dict(call.keywords)
    if not is_first and not call.args:
        first = "index_name" if "index" in method else "constraint_name"
        args = (keywords.pop(first, None), table)
    if schema is not None:
        keywords["source_schema" if "foreign" in method else "schema"] = schema
    return Called(f"alembic.op.{method}", args, tuple(keywords.items()))


def _taken(call: Called, *names: str) -> list[Value]:
    """Arguments by place or by name."""
    given = {**dict(call.keywords), **dict(zip(names, call.args, strict=False))}
    return [given.get(name) for name in names]


def _table(call: Called, name: Value) -> str:
    """A table's key. None, which the caller looks for, if it cannot be told."""
    schema, bare = call.keyword("schema"), text_of(name)
    if bare is None or isinstance(schema, Opaque):
        return None  # type: ignore[return-value]
    return f"{schema}.{bare}" if schema else bare


def _calls(statement: ast.stmt) -> Iterator[ast.Call]:
    """The calls that a statement makes for themselves: not those within one another."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
        return
    value = getattr(statement, "value", None)
    while isinstance(value, ast.Call):
        yield value
        # op.get_bind().execute(…), conn.execute(…).fetchall()
        value = value.func.value if isinstance(value.func, ast.Attribute) else None


def _unpacked(target: ast.expr, item: Value) -> dict[str, Value] | None:
    """What a loop's names stand for; None if that cannot be told."""
    if isinstance(target, ast.Name):
        return {target.id: item}
    if isinstance(target, ast.Tuple) and isinstance(item, tuple):
        names = [one.id for one in target.elts if isinstance(one, ast.Name)]
        if len(names) == len(item) == len(target.elts):
            return dict(zip(names, item, strict=True))
    return None
