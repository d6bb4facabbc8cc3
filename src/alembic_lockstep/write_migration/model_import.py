"""Import a module of models where the other models are imported."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from alembic_lockstep.facts import Facts, merged_catalogue
from alembic_lockstep.pysource.module_index import Modules, import_name
from alembic_lockstep.pysource.source import syntax_tree
from alembic_lockstep.write_migration.changes import FileChange


@dataclass(frozen=True)
class _ModelImport:
    """A statement that imports a module of models.

    Attributes:
        path: The importing file.
        targets: The files of models that it imports.
        is_by_name: It imports classes from the module, not the module itself.
    """

    path: str
    statement: ast.Import | ast.ImportFrom
    targets: frozenset[str]
    is_by_name: bool


def with_import(facts: Facts, model_path: str, names: Collection[str]) -> FileChange | None:
    """Return the file that imports the most models, with another import; None if none does.

    Args:
        model_path: The file of the models that no loaded module imports.
        names: Their names there.
    """
    assert facts.comparison is not None
    catalogue = merged_catalogue(facts.comparison.now.databases)
    holders = {table["file"] for table in catalogue["tables"].values()} - {""}
    env_py = f"{facts.environment.script_location}/env.py"
    modules = Modules(facts.tree.read, facts.tree.files)
    imports = [
        each
        for path in sorted({*catalogue["modules"], env_py} & facts.tree.files.keys())
        if path.endswith("__init__.py") or path not in holders
        for each in _model_imports(modules, path, holders)
    ]
    if not imports:
        return None
    counts = {each.path: 0 for each in imports}
    for each in imports:
        counts[each.path] += len(each.targets)
    best = max(counts, key=lambda path: (counts[path], path == env_py, path))
    last = max((each for each in imports if each.path == best), key=lambda e: e.statement.lineno)
    bases = {module for module, _ in catalogue["bases"]}
    dotted = import_name(model_path, bases, catalogue["modules"])
    if not dotted:
        return None
    content = facts.repository.contents.read(facts.tree.files[best])
    text = content.decode("utf-8", "surrogateescape")
    return _added(best, text, last, _statement(last, model_path, dotted, sorted(names)))


def _model_imports(modules: Modules, path: str, holders: Collection[str]) -> Iterator[_ModelImport]:
    package = tuple(path.split("/")[:-1])
    for node in ast.walk(syntax_tree(modules.read(path) or "")):
        if isinstance(node, ast.Import):
            paths = {modules.path_of(alias.name, path) for alias in node.names}
            targets = frozenset(filter(None, paths & {*holders}))
            if targets:
                yield _ModelImport(path, node, targets, is_by_name=False)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            parts = [*above, *(node.module or "").split(".")]
            module = ".".join(filter(None, parts))
            of_names = {modules.path_of(f"{module}.{alias.name}", path) for alias in node.names}
            own = frozenset(filter(None, {modules.path_of(module, path)} & {*holders}))
            inner = frozenset(filter(None, of_names & {*holders}))
            if inner or own:
                yield _ModelImport(path, node, inner or own, is_by_name=not inner)


def _statement(like: _ModelImport, model_path: str, dotted: str, names: list[str]) -> str:
    """Return an import of the module in the form of another one."""
    node = like.statement
    parent, _, last = dotted.rpartition(".")
    if isinstance(node, ast.Import) or not parent:
        return f"import {dotted}"
    is_beside = any(_folder(target) == _folder(model_path) for target in like.targets)
    package = "." * node.level + (node.module or "")
    if is_beside and like.is_by_name:
        head, dot, _ = package.rpartition(".")
        return f"from {head}{dot}{last} import {', '.join(names)}"
    if is_beside:
        return f"from {package} import {last}"
    if like.is_by_name:
        return f"from {dotted} import {', '.join(names)}"
    return f"from {parent} import {last}"


def _added(path: str, text: str, like: _ModelImport, statement: str) -> FileChange:
    lines = text.splitlines(keepends=True)
    node = like.statement
    end = node.end_lineno or node.lineno
    indent = " " * node.col_offset
    code, hash_sign, comment = lines[end - 1].rstrip("\r\n").partition("#")
    remark = f"  #{comment}" if hash_sign and code.strip() and node.lineno == end else ""
    if lines[end - 1] == lines[end - 1].rstrip("\r\n"):
        lines[end - 1] += "\n"
    line_end = "\r\n" if lines[end - 1].endswith("\r\n") else "\n"
    lines.insert(end, f"{indent}{statement}{remark}{line_end}")
    return FileChange(path, text, "".join(lines), (statement,))


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
