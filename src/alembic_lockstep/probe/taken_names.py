"""Record which names are taken from the checkout's modules, and what was loaded before each.

A module that binds a name more does the same as before if nobody takes the name. Its own code
mentions what it takes, and the host reads that; everyone else reads an attribute of the module.
Only whoever looks into the globals of a function or a frame does not; see `reads_globals`.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any, Callable, Collection, Dict, List, Mapping, Set

from .copies import INSTALLED, STANDARD_LIBRARY
from .modules import globals_of

PROBE = os.path.dirname(os.path.abspath(__file__)) + os.sep
#: The attribute that shows all names; noted in place of a name.
ALL = "__dict__"
GLOBALS = frozenset(
    {"f_globals", "f_locals", "f_builtins", "__globals__", "get_function_globals"}
    | {"get_objects", "get_referrers"}
)
# Code that looks up single names there: its own, or those that an annotation mentions.
BY_NAME = (
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
    os.path.join("", "dataclasses.py"),
    os.path.join("", "six.py"),
    os.path.join("", "typing.py"),
    os.path.join("", "typing_extensions.py"),
)
BY_NAME_PACKAGES = frozenset(
    {"alembic", "anyio", "attr", "click", "fastapi", "flask_sqlalchemy", "gevent", "jinja2", "mako"}
    | {"pydantic", "sqlalchemy", "werkzeug", "zope"}
)


class TakenNames:
    """Recorder of the names that are taken from modules, by the modules' files."""

    def __init__(self) -> None:
        self._modules: Dict[int, ModuleType] = {}
        self._taken: Dict[int, Set[str]] = {}
        self._starts: Dict[int, int] = {}
        self._loaded: Dict[str, int] = {}
        self._loading: List[str] = []
        self._type = _recorded_type(self._note)

    def watch(self, in_checkout: Callable[[str], bool]) -> None:
        """Make modules of the checkout, from now on, with a record of what is taken from them."""

        def create_module(loader: Any, spec: Any) -> Any:
            return self._create(spec.name) if in_checkout(loader.path) else None

        loader: Any = SourceFileLoader
        loader.create_module = create_module

    def taken(self) -> Dict[str, Set[str]]:
        """Return the names that were taken, by files; none of a file of which not all is known."""
        taken: Dict[str, Set[str]] = {}
        unclear: Set[str] = set()
        for key, module in self._modules.items():
            file = globals_of(module).get("__file__")
            if isinstance(file, str):
                taken.setdefault(file, set()).update(self._taken[key])
                # A lazy loader, or the project itself, has given it another class.
                unclear.update([file] if type(module) is not self._type else [])
        return {
            file: names for file, names in taken.items() if file not in unclear and ALL not in names
        }

    def order(self, imported: Collection[str]) -> Dict[str, Any]:
        """Return when the modules of the checkout started, and others were loaded before.

        `starts` has number and name of the checkout's modules by their files; `loaded` the number
        of the first of these before which a module was complete, with the names in it.

        Args:
            imported: Names of the modules to tell about besides the checkout's.
        """
        starts: Dict[str, Any] = {}
        own: Dict[str, ModuleType] = {}
        for key, number in self._starts.items():
            names = globals_of(self._modules[key])
            if isinstance(names.get("__file__"), str):
                starts.setdefault(names["__file__"], [number, names["__name__"]])
                own.setdefault(names["__name__"], self._modules[key])
        loaded: Dict[str, Any] = {}
        for name, number in self._loaded.items():
            module = sys.modules.get(name)
            if name not in own and name in imported:
                loaded[name] = [number, _names_in(module)]
            elif own.get(name) is module:  # nor has another object taken its place
                loaded[name] = [number, []]
        return {"starts": starts, "loaded": loaded}

    def _create(self, name: str) -> ModuleType:
        self._note_loaded()
        module: ModuleType = self._type(name)
        self._taken[id(module)] = set()
        self._modules[id(module)] = module
        self._starts[id(module)] = len(self._starts)
        return module

    def _note_loaded(self) -> None:
        """Number the modules that are complete by now; `sys.modules` has the newest at its end."""
        for name in reversed(list(sys.modules)):
            if name in self._loaded or name in self._loading:
                break
            self._loading.append(name)
        waiting = []
        for name in self._loading:
            if _is_initializing(sys.modules.get(name)):
                waiting.append(name)
            else:
                self._loaded[name] = len(self._starts)
        self._loading = waiting

    def _note(self, module: ModuleType, name: str) -> None:
        if name[:2] == "__" and (name != ALL or _looks_up(sys._getframe(2).f_code.co_filename)):
            return
        self._taken[id(module)].add(name)


def reads_globals(code: Any, file: str) -> bool:
    """Return whether code may look through all globals of any function or frame."""
    texts = (constant for constant in code.co_consts if type(constant) is str)
    if GLOBALS.isdisjoint(code.co_names) and GLOBALS.isdisjoint(texts):
        return False
    is_standard = file.startswith(STANDARD_LIBRARY) and not INSTALLED.search(file)
    return not (is_standard or file.startswith("<") or _looks_up(file))


def _looks_up(file: str) -> bool:
    """Return whether code of a file looks up single names in a module's globals."""
    if file.startswith(PROBE) or file.endswith(BY_NAME):
        return True
    package = INSTALLED.split(file)[-1].partition(os.sep)[0]
    return package in BY_NAME_PACKAGES and INSTALLED.search(file) is not None


def _recorded_type(note: Callable[[Any, str], None]) -> Any:
    """Return a class of modules that notes the attributes which are taken or deleted."""

    class RecordedModule(ModuleType):
        def __getattribute__(self, name: str) -> Any:
            note(self, name)
            return ModuleType.__getattribute__(self, name)

        def __delattr__(self, name: str) -> None:
            note(self, name)
            ModuleType.__delattr__(self, name)

    RecordedModule.__name__ = RecordedModule.__qualname__ = ModuleType.__name__
    return RecordedModule


def _is_initializing(module: Any) -> bool:
    spec = globals_of(module).get("__spec__")
    return not isinstance(module, ModuleType) or bool(getattr(spec, "_initializing", False))


def _names_in(module: Any) -> List[str]:
    """Return the names that an import takes from a module without loading another."""
    names: Mapping[str, Any] = globals_of(module)
    if "__getattr__" in names:
        return []
    return sorted(
        name
        for name, value in names.items()
        if not name.startswith("__") and not isinstance(value, ModuleType)
    )
