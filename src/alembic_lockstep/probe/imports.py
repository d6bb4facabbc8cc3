"""Imports come from the checkout, wherever an editable install points.

`.pth` files put folders of the working tree on `sys.path`; setuptools' and others' editable
finders answer with files of the working tree. Both are re-pointed. A module that the
commit lacks is an import error, as it will be in every clone.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence, Set

from .modules import globals_of, loaded_files
from .places import Places


class CheckoutFinder:
    """Meta path finder in front of all others; it re-points their specs."""

    def __init__(
        self,
        places: Places,
        after_import: Dict[str, Callable[[ModuleType], None]],
        imported: Set[str],
    ) -> None:
        self._places = places
        self._after_import = after_import
        self._imported = imported
        self._asking = threading.local()

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[ModuleSpec]:
        """Ask the other finders and move their spec into the checkout."""
        self._imported.add(name.rpartition(".")[2])
        if getattr(self._asking, "now", False):
            return None
        spec = self._ask(name, path, target)
        if spec is None:
            return None
        spec = self._move(spec)
        if name in self._after_import:
            _call_after(spec, self._after_import[name])
        return spec

    def _ask(
        self, name: str, path: Optional[Sequence[str]], target: Optional[ModuleType]
    ) -> Optional[ModuleSpec]:
        self._asking.now = True
        try:
            for finder in sys.meta_path:
                spec = None if finder is self else finder.find_spec(name, path, target)
                if spec is not None:
                    return spec
        finally:
            self._asking.now = False
        return None

    def _move(self, spec: ModuleSpec) -> ModuleSpec:
        folders = spec.submodule_search_locations
        moved = [self._places.shown(folder) for folder in folders or ()]
        origin = self._places.moved(spec.origin) if spec.origin and spec.has_location else None
        if origin is None:
            if folders is not None and moved != list(folders):
                spec.submodule_search_locations = moved
            return spec
        if not os.path.exists(origin):
            raise ModuleNotFoundError(
                f"No module named {spec.name!r} in the commit (on disk it is {spec.origin})",
                name=spec.name,
            )
        locations = moved if folders is not None else None
        moved_spec = importlib.util.spec_from_file_location(
            spec.name, origin, submodule_search_locations=locations
        )
        assert moved_spec is not None
        return moved_spec


def _call_after(spec: ModuleSpec, hook: Callable[[ModuleType], None]) -> None:
    loader: Any = spec.loader
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        hook(module)

    loader.exec_module = exec_module


def repoint_imports(
    places: Places,
    after_import: Dict[str, Callable[[ModuleType], None]],
    imported: Set[str],
) -> None:
    """Re-point `sys.path` and every later import into the checkout.

    `imported` collects the last components of the names of modules that are looked for.
    """
    sys.path[:] = [places.shown(entry) for entry in sys.path]
    for module in list(sys.modules.values()):
        _repoint_placeholder(places, globals_of(module))
    sys.meta_path.insert(0, CheckoutFinder(places, after_import, imported))


def _repoint_placeholder(places: Places, names: Dict[str, Any]) -> None:
    """Move a package that a `*-nspkg.pth` of setuptools made while Python started.

    It made the module and ran nothing of it: the module lacks what running it would have added.
    """
    file, path, spec = names.get("__file__"), names.get("__path__"), names.get("__spec__")
    if "__builtins__" in names or not isinstance(file, str) or not isinstance(path, list):
        return
    moved = places.moved(file)
    if moved is None or not os.path.exists(moved):
        return
    path[:] = [places.shown(folder) for folder in path]
    names["__file__"] = moved
    names["__spec__"] = importlib.util.spec_from_file_location(
        spec.name if spec else names.get("__name__", ""), moved, submodule_search_locations=path
    )


def loaded_from_worktree(places: Places) -> List[str]:
    """Return the files of the working tree that were loaded as modules all the same."""
    return sorted({file for file in loaded_files().values() if places.in_worktree(file)})
