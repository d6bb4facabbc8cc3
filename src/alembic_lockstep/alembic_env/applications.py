"""Find applications of web frameworks in a tree's files, which are read and not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from alembic_lockstep.alembic_env.config_sources import Read, folder_of, is_material
from alembic_lockstep.pysource.source import syntax_tree

_DEF = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Framework:
    """Names by which applications of a framework are recognised.

    Attributes:
        classes: The classes of applications.
        factories: Names of functions that return an application, whatever they call.
        pattern: A regular expression for `git grep -E`: files without it have no application.
    """

    classes: frozenset[str]
    factories: frozenset[str]
    pattern: str


FLASK = Framework(
    frozenset({"Flask"}), frozenset({"create_app", "make_app"}), r"Flask\(|def (create|make)_app"
)
LITESTAR = Framework(frozenset({"Litestar"}), frozenset(), r"Litestar\(")


def find_applications(
    framework: Framework, paths: Iterable[str], read: Read, directory: str
) -> list[str]:
    """Return the applications and factories in files, each as a value of the framework's `--app`.

    Args:
        directory: Where its command is run; applications elsewhere cannot be imported there.
    """
    prefix = f"{directory}/" if directory else ""
    names: list[str] = []
    for path in sorted(paths):
        if path.startswith(prefix) and path.endswith(".py") and not is_material(folder_of(path)):
            module = module_of(path.removeprefix(prefix))
            names += [f"{module}:{name}" for name in _names_in(read(path) or "", framework)]
    return names


def module_of(path: str) -> str:
    """Return the name of a file's module.

    Args:
        path: POSIX from the folder in which the framework's command is run.
    """
    inner = path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__")
    return inner.replace("/", ".")


def assigned_calls(text: str, classes: frozenset[str]) -> Iterator[str]:
    """Yield the module's names that are assigned an instance of one of these classes."""
    for statement in syntax_tree(text).body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            values = [statement.value]
            if isinstance(statement.value, (ast.List, ast.Tuple)):
                values = [*statement.value.elts]
            if any(_is_call(value, classes) for value in values):
                yield from (node.id for node in _targets(statement) if isinstance(node, ast.Name))


def _targets(statement: ast.Assign | ast.AnnAssign) -> list[ast.expr]:
    return statement.targets if isinstance(statement, ast.Assign) else [statement.target]


def _names_in(text: str, framework: Framework) -> Iterator[str]:
    yield from assigned_calls(text, framework.classes)
    for statement in syntax_tree(text).body:
        if isinstance(statement, _DEF) and (
            statement.name in framework.factories
            or any(_is_call(node, framework.classes) for node in ast.walk(statement))
        ):
            yield statement.name + _arguments(statement.args)


def _is_call(node: ast.AST | None, classes: frozenset[str]) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func
    return bool(classes & {getattr(name, "id", ""), getattr(name, "attr", "")})


def _arguments(arguments: ast.arguments) -> str:
    """Return arguments for a call of a factory; "" if it requires none."""
    positional = [*arguments.posonlyargs, *arguments.args]
    required = positional[: len(positional) - len(arguments.defaults)]
    words = [f"'{argument.arg}'" for argument in required]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    words += [
        f"{argument.arg}='{argument.arg}'" for argument, default in keywords if default is None
    ]
    return f"({', '.join(words)})" if words else ""
