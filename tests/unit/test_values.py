"""values.py: the same classes as `dataclasses` makes."""

from __future__ import annotations

import dataclasses
import importlib
from types import ModuleType
from typing import Any

import pytest

import alembic_lockstep.values

MODULES = [alembic_lockstep.values, dataclasses]


def change_class(module: Any) -> Any:
    class Change:
        path: str
        old: str = ""
        sha: str = module.field(default="-", compare=False)

        @property
        def shown(self) -> str:
            return f"{self.path} {self.old} {self.sha}"

    return module.dataclass(frozen=True)(Change)


@pytest.mark.parametrize("module", MODULES, ids=["ours", "theirs"])
def test_a_class_of_values(module: ModuleType) -> None:
    change = change_class(module)
    first = change("a", sha="1")
    assert first.shown == "a  1"
    assert change("a").sha == "-"
    assert first == change(path="a", old="", sha="2")
    assert hash(first) == hash(change("a"))
    assert first != change("b")
    assert first != "a"
    assert module.replace(first, old="b").shown == "a b 1"
    assert repr(first).endswith("Change(path='a', old='', sha='1')")
    for arguments, fields in ((), {}), (("a", "b", "c", "d"), {}), (("a",), {"no": 1}):
        with pytest.raises(TypeError):
            change(*arguments, **fields)
    with pytest.raises(AttributeError):
        first.path = "b"


@pytest.mark.parametrize("module", MODULES, ids=["ours", "theirs"])
def test_a_class_inherits_fields(module: Any) -> None:
    @module.dataclass(frozen=True)
    class First:
        path: str

    @module.dataclass(frozen=True)
    class Second(First):
        size: int

    second: Any = Second
    assert vars(second("a", 1)) == {"path": "a", "size": 1}
    assert second("a", 1) != second("b", 1)
    assert second("a", 1) != second("a", 2)


def test_it_imports_nothing() -> None:
    module = importlib.reload(alembic_lockstep.values)
    assert not any(isinstance(value, ModuleType) for value in vars(module).values())
