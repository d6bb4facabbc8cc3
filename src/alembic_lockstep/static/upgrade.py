"""Read what a migration's `upgrade()` says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from alembic_lockstep.pysource.module_index import Module, Modules
from alembic_lockstep.pysource.source import callee, calls, keyword, strings
from alembic_lockstep.static.column_types import enum_labels
from alembic_lockstep.static.lookup import Lookup, with_name
from alembic_lockstep.static.parts import PartReader, arguments
from alembic_lockstep.static.steps import (
    Step,
    changes_no_schema,
    qualified,
    steps_of_call,
    steps_of_sql,
)
from alembic_lockstep.static.tables import Unread

# Methods of `op` that change no schema.
_IDLE = {"bulk_insert", "f", "get_bind", "get_context", "batch_alter_table", "inline_literal"}
# Methods that make a statement about rows.
_ROWS = {"insert", "update", "delete", "select", "values", "where", "from_select", "returning"}
_EXECUTE = {"execute", "exec_driver_sql", "executescript"}
_CHANGES = re.compile(r"\b(?:op|batch\w*)\.|\bexecute\(|\b(?:create|drop)(?:_all)?\(")
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_CONDITIONS = (ast.If, ast.Try, ast.Match, ast.IfExp, ast.BoolOp)
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)

Steps = list[Step | Unread]


def read_upgrade(modules: Modules, path: str) -> Steps:
    """Return the steps of a migration; what cannot be read is one, too."""
    module = modules.at(path)
    if module is None:
        return [Unread("it is not valid Python", path)]
    functions = {
        name: node
        for name, node in module.definitions.items()
        # `upgrade_engine1` and its like are those of the templates for several databases.
        if isinstance(node, ast.FunctionDef) and re.fullmatch(r"upgrade(_\w*)?", name)
    }
    upgrade = functions.get("upgrade")
    several = functions.values() if upgrade and upgrade.args.args else filter(None, [upgrade])
    reader = _UpgradeReader(path, Lookup(modules))
    try:
        return [step for node in several for step in reader.body(node.body, module)]
    except RecursionError:
        return [Unread("its definitions lead in a circle", path)]


@dataclass
class _UpgradeReader:
    path: str
    lookup: Lookup
    _batches: dict[str, str] = field(default_factory=dict)

    def body(self, body: Iterable[ast.stmt], module: Module) -> Steps:
        """Return the steps of a function's statements."""
        steps: Steps = []
        may_have_returned = False
        for statement in body:
            if may_have_returned:
                steps += self._unread("it may have returned before", statement, module)
            else:
                steps += self._statement(statement, module)
            returns = any(isinstance(inner, ast.Return) for inner in ast.walk(statement))
            may_have_returned |= returns and self._branch(statement, module) is None
            if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
                module = with_name(module, statement.targets[0].id, statement.value)
        return steps

    def _statement(self, statement: ast.stmt, module: Module) -> Steps:
        if isinstance(statement, ast.With):
            for item in statement.items:
                if self.lookup.callee(item.context_expr, module) == "batch_alter_table":
                    self._open_batch(item, module)
            return self.body(statement.body, module)
        branch = self._branch(statement, module)
        if branch is not None:
            return self.body(branch, module)
        node = statement.value if isinstance(statement, ast.Expr) else statement
        if isinstance(node, (*_CONDITIONS, *_LOOPS)):
            why = "a loop" if isinstance(node, _LOOPS) else "a condition"
            return self._unread(f"it depends on {why}", statement, module)
        inner = () if isinstance(statement, _NESTED) else calls(statement)
        return [step for call in inner for step in self._call(call, module)]

    def _open_batch(self, item: ast.withitem, module: Module) -> None:
        call, reader = item.context_expr, PartReader(self.lookup, module)
        keywords = arguments(call) if isinstance(call, ast.Call) else {}
        keywords |= {"table_name": call.args[0]} if isinstance(call, ast.Call) and call.args else {}
        if isinstance(item.optional_vars, ast.Name):
            self._batches[item.optional_vars.id] = qualified(reader, keywords, "table_name")

    def _branch(self, statement: ast.stmt, module: Module) -> list[ast.stmt] | None:
        """Return the branch that is not SQLite's, where only the dialect decides; else None."""
        if not isinstance(statement, ast.If):
            return None
        test = ast.unparse(statement.test)
        for call in ast.walk(statement.test):
            helper = self.lookup.definition(getattr(call, "func", None), module)
            test += ast.unparse(helper.node) if helper and helper.node else ""
        is_for_sqlite = "sqlite" in test and not re.search(r"!=|\bnot\b", test)
        branch = statement.orelse if is_for_sqlite else statement.body
        return branch if "dialect" in test else None

    def _unread(self, why: str, node: ast.AST, module: Module) -> Steps:
        """Return the names in what cannot be read, if it may change the schema."""
        if not self._changes(node, module):
            return []
        words = _words(self.lookup.strings(node, module))
        return [Unread(why, self.path, getattr(node, "lineno", 1), words or None)]

    def _changes(self, node: ast.AST, module: Module, depth: int = 4) -> bool:
        """Return whether code speaks of `op` and the like, or a function that it calls does."""
        targets = (self.lookup.definition(call.func, module) for call in calls(node))
        return bool(_CHANGES.search(ast.unparse(node))) or any(
            self._changes(target.node, target.module, depth - 1)
            for target in targets
            if depth and target and isinstance(target.node, ast.FunctionDef)
        )

    def _call(self, call: ast.Call, module: Module) -> Steps:
        target = self.lookup.definition(call.func, module)
        if target and isinstance(target.node, ast.FunctionDef):
            return self._unread(f"it calls {target.name}()", call, module)
        owner, method = getattr(call.func, "value", None), callee(call)
        batch = self._batches.get(owner.id) if isinstance(owner, ast.Name) else None
        if method in _EXECUTE:
            return self._execute(call, module)
        if batch is not None or self._is_op(owner, module):
            if method in _IDLE or "entity" in method:
                return []
            reader = PartReader(self.lookup, module, migrated=True)
            steps = steps_of_call(reader, call, batch)
            if steps is not None:
                return list(steps)
            return self._unread(f"what op.{method}() changes cannot be told", call, module)
        labels = enum_labels(self.lookup, owner, module)
        if labels and method == "create":
            return [Step("relabel", labels[0], values={"labels": labels[1]})]
        name = ast.unparse(call.func)
        makes_tables = method.endswith("_all") or "__table__" in name
        if any(self._is_op(arg, module) for arg in call.args) or (
            makes_tables and method.startswith(("create", "drop"))
        ):
            return [Unread(f"it calls {name}()", self.path, call.lineno)]
        return []

    def _is_op(self, node: ast.expr | None, module: Module) -> bool:
        target = self.lookup.definition(node, module)
        return bool(target and target.node is None and target.name == "op")

    def _execute(self, call: ast.Call, module: Module) -> Steps:
        node = call.args[0] if call.args else keyword(call, "sqltext")
        text = self.lookup.text(node, module)
        if text:
            return list(steps_of_sql(text, self.path, call.lineno))
        node, inside = self.lookup.resolved(node, module) if node else (call, module)
        if {*map(callee, calls(node))} & _ROWS or any(map(changes_no_schema, strings(node)[:1])):
            return []
        words = _words(self.lookup.strings(node, inside))
        is_file = "open(" in ast.unparse(call) or "read" in ast.unparse(call)
        why = "it executes SQL that is made while it runs"
        return [Unread(why, self.path, call.lineno, None if is_file else words)]


def _words(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))
