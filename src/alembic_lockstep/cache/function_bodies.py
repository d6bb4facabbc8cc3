"""Functions whose bodies may differ, because they did not run."""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from types import CodeType
from typing import TypeAlias, TypeGuard

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

# A function of one of these kinds runs when it is resumed, and not when it is called.
_KINDS = (
    inspect.CO_GENERATOR
    | inspect.CO_COROUTINE
    | inspect.CO_ASYNC_GENERATOR
    | inspect.CO_ITERABLE_COROUTINE
)
# A function's name and first line, with decorators; for each, its kinds and free variables.
_Interface: TypeAlias = tuple[int, tuple[str, ...]]
_ByPosition: TypeAlias = Mapping[tuple[str, int], "frozenset[_Interface]"]


@dataclass(frozen=True)
class Interfaces:
    """What can be known of the functions of two versions of a file without running them.

    Attributes:
        old: The compiled functions of the old version.
        new: Those of the new version.
        ran: Qualified names of the functions that ran, as in `code.co_qualname`.
        moved: Names that a `global` statement moves to the module, so that the place of their
            definition does not tell their qualified name.
        scope: The qualified name of what is around, with the separator.
    """

    old: _ByPosition
    new: _ByPosition
    ran: Collection[str]
    moved: Collection[str]
    scope: str = ""

    @classmethod
    def of(cls, old: str, new: str, ran: Collection[str]) -> Interfaces:
        """Compile both versions.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: one is not valid, or warns.
        """
        return cls(_compiled(old), _compiled(new), ran, _global_names(old) | _global_names(new))

    def within(self, node: ast.AST) -> Interfaces:
        """Return the interfaces for what is inside of a node."""
        if isinstance(node, ast.ClassDef):
            return replace(self, scope=f"{self.scope}{node.name}.")
        if is_function(node):
            return replace(self, scope=f"{self.scope}{node.name}.<locals>.")
        if isinstance(node, ast.Lambda):
            return replace(self, scope=f"{self.scope}<lambda>.<locals>.")
        return self

    def are_same(self, old: Function, new: Function) -> bool:
        """Return whether two functions differ in nothing but the body of one that did not run.

        Name, parameters, decorators and annotations are compared with the rest of the file.
        """
        name = f"{self.scope}{old.name}"
        if name in self.ran or old.name in self.moved or getattr(old, "type_params", None):
            return False
        return ast.get_docstring(old, clean=False) == ast.get_docstring(new, clean=False) and (
            self.old[_position(old)] == self.new[_position(new)]
        )


def is_function(node: object) -> TypeGuard[Function]:
    """Return whether a node is a `def` or `async def`."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def _compiled(text: str) -> _ByPosition:
    functions: dict[tuple[str, int], frozenset[_Interface]] = {}
    with warnings.catch_warnings():
        # Who turns warnings into errors could not import it.
        warnings.simplefilter("error")
        module = compile(text, "<string>", "exec", dont_inherit=True)
    for code in _nested(module):
        position = (code.co_name, code.co_firstlineno)
        interface = (code.co_flags & _KINDS, code.co_freevars)
        functions[position] = functions.get(position, frozenset()) | {interface}
    return functions


def _nested(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _nested(constant)


def _position(function: Function) -> tuple[str, int]:
    return function.name, min(part.lineno for part in (function, *function.decorator_list))


def _global_names(text: str) -> set[str]:
    nodes = ast.walk(ast.parse(text))
    return {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
