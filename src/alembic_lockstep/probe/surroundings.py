"""Fingerprint what reaches old migrations without an import, for snapshots.

A snapshot is used again if the files that its migrations import are the same. They are also under
the influence of what other modules of the project register or patch: operations, compilers,
listeners, SQL functions, environment variables, attributes of the configuration.
"""

from __future__ import annotations

import os
from hashlib import blake2b
from types import CodeType, FunctionType, MethodType
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

import alembic.op
import sqlalchemy
from alembic.ddl.impl import DefaultImpl
from alembic.operations import BatchOperations, Operations
from sqlalchemy.event import registry
from sqlalchemy.sql import visitors

CONSTANTS = (str, bytes, int, float, complex, bool, type(None))
PATCHED = (Operations, BatchOperations, sqlalchemy.Table, sqlalchemy.Column, sqlalchemy.MetaData)


class Surroundings:
    """What the project's modules have changed around its migrations since it started.

    Attributes:
        checkout: Code of other folders is the installation's, and known by its versions.
    """

    def __init__(self, checkout: str) -> None:
        self.checkout = checkout + os.sep
        self._variables = dict(os.environ)

    def fingerprint(self, attributes: Mapping[Any, Any]) -> str:
        """Return a digest.

        Args:
            attributes: `config.attributes`.
        """
        facts: List[str] = [
            *self._changed_variables(),
            *(f"attribute {key}: {self._value(value)}" for key, value in attributes.items()),
            *(f"operation {key}" for key in self._of_functions(_implementations())),
            *(f"compiler {key}" for key in self._of_functions(_compilers())),
            *(f"listener {key}" for key in self._of_functions(_listeners())),
            *(f"patch {key}" for key in self._of_functions(_members())),
        ]
        return _digest(sorted(facts))

    def _changed_variables(self) -> Iterator[str]:
        for name in os.environ.keys() | self._variables.keys():
            value = os.environ.get(name)
            if value != self._variables.get(name):
                yield f"variable {name}: {value}"

    def _of_functions(self, functions: Iterable[Tuple[str, Any]]) -> Iterator[str]:
        """Yield a fact for each function of the checkout."""
        for key, function in functions:
            code = _code(function)
            if code is not None and code.co_filename.startswith(self.checkout):
                yield f"{key}: {self._value(function)}"

    def _value(self, value: Any, done: Optional[Set[CodeType]] = None) -> str:
        """Return a text that is the same in each run: constants, functions with what they name."""
        done = set() if done is None else done
        if isinstance(value, CONSTANTS):
            return repr(value)
        if isinstance(value, (tuple, list, set, frozenset, dict)):
            items = value.items() if isinstance(value, dict) else value
            texts = [self._value(item, done) for item in items]
            return repr(texts if isinstance(value, (tuple, list)) else sorted(texts))
        code = _code(value)
        if code is None or code in done or not code.co_filename.startswith(self.checkout):
            return f"{type(value).__qualname__} {getattr(value, '__qualname__', '')}"
        done.add(code)
        names = sorted({name for part in _parts(code) for name in part.co_names})
        function = getattr(value, "__func__", value)
        used: Dict[str, Any] = {
            name: function.__globals__[name] for name in names if name in function.__globals__
        }
        closure = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        inner = [function.__defaults__, function.__kwdefaults__, closure, used]
        return _digest([*map(_text, _parts(code)), self._value(inner, done)])


def _implementations() -> Iterator[Tuple[str, Any]]:
    for key, function in Operations._to_impl._registry.items():
        yield str(key), function


def _compilers() -> Iterator[Tuple[str, Any]]:
    """Yield the functions of `@compiles`, by class and dialect."""
    # SQLAlchemy 1.4 has another name for it.
    waiting: List[Any] = [getattr(visitors, "Visitable", None) or visitors.Traversible]
    classes: Set[Any] = set()
    while waiting:
        cls = waiting.pop()
        if cls not in classes:
            classes.add(cls)
            waiting += cls.__subclasses__()
            dispatcher = cls.__dict__.get("_compiler_dispatcher")
            for dialect, function in getattr(dispatcher, "specs", {}).items():
                yield f"{cls.__module__}.{cls.__qualname__} {dialect}", function


def _listeners() -> Iterator[Tuple[str, Any]]:
    """Yield the functions of `event.listen`, by event."""
    for collection, functions in list(registry._collection_to_key.items()):
        name = getattr(collection(), "name", "")
        for reference in functions:
            yield name, reference()


def _members() -> Iterator[Tuple[str, Any]]:
    """Yield the functions of the classes whose behaviour migrations rely on, and of `op`."""
    implementations = [DefaultImpl, *DefaultImpl.__subclasses__()]
    owners: List[Any] = [*PATCHED, *implementations, alembic.op]
    for owner in owners:
        for name, member in vars(owner).items():
            yield f"{owner.__name__}.{name}", member


def _code(value: Any) -> Optional[CodeType]:
    function = getattr(value, "__func__", value)  # of a method, of a static one
    if isinstance(value, (MethodType, FunctionType, staticmethod, classmethod)):
        return getattr(function, "__code__", None)
    return None


def _parts(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object and those of the functions in it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _text(code: CodeType) -> str:
    constants = [value for value in code.co_consts if not isinstance(value, CodeType)]
    texts = [
        repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
        for value in constants
    ]
    return repr((code.co_code, texts, code.co_names, code.co_varnames, code.co_freevars))


def _is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def _digest(value: object) -> str:
    return blake2b(repr(value).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
