"""Replace migrations that have run already: Alembic needs only their places in the history."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any, Callable, Mapping

from alembic import util

from .channel import relative
from .modules import globals_of


class Inert(ModuleType):
    """Migration module that is loaded when an attribute beyond the known ones is read."""

    def __init__(self, path: str, facts: Mapping[str, Any], load: Callable[[], ModuleType]) -> None:
        super().__init__(os.path.basename(path), facts["doc"])
        fields = {name: value for name, value in facts.items() if name not in ("doc", "imports")}
        for name, value in fields.items():
            # JSON has lists where the file has tuples.
            setattr(self, name, tuple(value) if isinstance(value, list) else value)
        self.__file__ = path
        self._load = load

    def __getattr__(self, name: str) -> Any:
        """Load the module and return its attribute."""
        if name == "_load":  # not yet there
            raise AttributeError(name)
        real = self._load()
        self._load = lambda: real
        return getattr(real, name)


def install_inert_migrations(facts_by_path: Mapping[str, Mapping[str, Any]], checkout: str) -> None:
    """Make Alembic use these facts, by paths in the checkout, instead of loading the files.

    A file whose imports are not loaded yet is loaded all the same; see `inert_migrations.py`.
    """
    load = util.load_python_file

    def load_unless_inert(dir_: Any, filename: Any) -> ModuleType:
        path = os.path.join(dir_, filename)
        facts = facts_by_path.get(relative(path, checkout))
        if facts is None or not all(_is_imported(*pair) for pair in facts["imports"]):
            return load(dir_, filename)
        return Inert(path, facts, lambda: load(dir_, filename))

    util.load_python_file = load_unless_inert


def _is_imported(module: str, name: str) -> bool:
    loaded = sys.modules.get(module)
    return loaded is not None and (not name or name in globals_of(loaded))
