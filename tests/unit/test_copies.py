"""Which module names the tree's files answer to: wrong ones would be false alarms."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alembic_lockstep.probe.copies import loaded_copies
from alembic_lockstep.probe.imports import loaded_from_worktree
from alembic_lockstep.probe.places import Places
from alembic_lockstep.probe.sources import Sources

FILES = (
    "conf.py",
    "src/shop/__init__.py",
    "src/shop/models.py",
    "src/shop/vendored/__init__.py",
    "src/shop/vendored/six.py",
    "packages/core/src/acme/core/__init__.py",
    "generated/late.py",
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    for name in FILES:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(f"# {name}\n")
    worktrees = [(str(tmp_path / "work"), ["generated/"])]
    checkout = str(tmp_path / "tree")
    return Places({"checkout": checkout, "worktrees": worktrees, "config": "alembic.ini"})


@pytest.mark.parametrize(
    ("importable", "paths"),
    [
        ("conf.py", ["conf.py"]),
        ("shop/models.py", ["src/shop/models.py"]),
        ("acme/core/__init__.py", ["packages/core/src/acme/core/__init__.py"]),
        ("core/__init__.py", ["packages/core/src/acme/core/__init__.py"]),
        pytest.param("shop/gone.py", ["src/shop/gone.py"], id="it may have been deleted"),
        pytest.param("shop/gone/__init__.py", ["src/shop/gone/__init__.py"], id="a package too"),
        pytest.param("six.py", [], id="inside a package"),
        pytest.param("models.py", [], id="a short name"),
        pytest.param("late.py", [], id="ignored, so the environment's"),
        pytest.param("alembic/config.py", [], id="another's"),
    ],
)
def test_the_tree_has_a_module(places: Places, importable: str, paths: list[str]) -> None:
    assert Sources(places).of(importable) == paths


@pytest.mark.parametrize(
    ("loaded", "text", "found"),
    [
        ("shop/models.py", "# src/shop/models.py\r\n", []),
        ("shop/models.py", "# stale\n", [("src/shop/models.py", True)]),
        ("shop/models.pyc", "# compiled\n", [("src/shop/models.py", False)]),
        ("shop/gone.py", "", [("src/shop/gone.py", False)]),
        ("other/name.py", "# stale\n", []),
    ],
)
def test_a_module_from_elsewhere_is_compared(
    places: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    loaded: str,
    text: str,
    found: list[tuple[str, bool]],
) -> None:
    file = tmp_path / "srv" / loaded
    file.parent.mkdir(parents=True)
    file.write_bytes(text.encode())
    module = type(sys)("a module")
    module.__file__ = str(file)
    name = loaded.partition(".")[0].replace("/", ".")
    monkeypatch.setitem(sys.modules, name, module)
    copies = [(one["path"], one["differs"]) for one in loaded_copies(places)[0]]
    assert copies == found


def test_a_lazy_module_is_asked_for_nothing(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    module = type(sys)("shop.models")
    module.__getattr__ = asked.append  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "shop.models", module)
    assert loaded_copies(places) == ([], set())
    assert loaded_from_worktree(places) == []
    assert "__file__" not in asked
