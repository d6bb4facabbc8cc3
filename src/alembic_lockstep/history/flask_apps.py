"""Applications of Flask that a tree has, wherever they stand: read, and not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from alembic_lockstep.history.sources import Read, folder_of, is_material

#: A regular expression for `git grep -E`: files without it have no application.
HOLDS_APP = r"Flask\(|def (create|make)_app"
_FACTORIES = {"create_app", "make_app"}
_DEF = (ast.FunctionDef, ast.AsyncFunctionDef)


def flask_apps(paths: Iterable[str], read: Read, directory: str) -> list[str]:
    """Return the applications and factories in files, each as the setting `flask-app` names it.

    Args:
        directory: Where `flask` is run; applications elsewhere cannot be imported there.
    """
    prefix = f"{directory}/" if directory else ""
    names: list[str] = []
    for path in sorted(paths):
        if path.startswith(prefix) and path.endswith(".py") and not is_material(folder_of(path)):
            module = _module(path.removeprefix(prefix))
            names += [f"{module}:{name}" for name in _apps_in(read(path) or "")]
    return names


def _module(path: str) -> str:
    inner = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    return inner.replace("/", ".")


def _apps_in(text: str) -> Iterator[str]:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return
    for statement in body:
        if isinstance(statement, _DEF):
            if statement.name in _FACTORIES or any(map(_makes_app, ast.walk(statement))):
                yield statement.name + _arguments(statement.args)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and _makes_app(statement.value):
            is_one = isinstance(statement, ast.AnnAssign)
            targets = [statement.target] if is_one else statement.targets
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def _makes_app(node: ast.AST | None) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func
    return "Flask" in (getattr(name, "id", ""), getattr(name, "attr", ""))


def _arguments(arguments: ast.arguments) -> str:
    """Return a call's arguments where a factory cannot do without; "" where it can."""
    positional = [*arguments.posonlyargs, *arguments.args]
    wanted = positional[: len(positional) - len(arguments.defaults)]
    words = [f"'{argument.arg}'" for argument in wanted]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    words += [f"{one.arg}='{one.arg}'" for one, default in keywords if default is None]
    return f"({', '.join(words)})" if words else ""
