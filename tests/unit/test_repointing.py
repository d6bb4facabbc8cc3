"""Modules that Python's start made of the working tree lead into the checkout."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alembic_lockstep.probe.imports import loaded_from_worktree, repoint_imports
from alembic_lockstep.probe.places import Places


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for top in ("tree", "checkout"):
        package = tmp_path / top / "shopext"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "stock.py").write_text(f"TOP = {top!r}\n")
    request: Any = {
        "checkout": str(tmp_path / "checkout"),
        "worktrees": [(str(tmp_path / "tree"), [])],
        "config": "alembic.ini",
    }
    return Places(request)


def made_at_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ModuleSpec]:
    """Make a namespace package as setuptools' `*-nspkg.pth` does: it is not run."""
    spec = importlib.util.spec_from_file_location(
        "shopext", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "shopext", module)
    return module, spec


def test_a_package_of_an_nspkg_file_is_moved(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at_start(tmp_path / "tree/shopext", monkeypatch)
    monkeypatch.delitem(sys.modules, "shopext.stock", raising=False)
    repoint_imports(places, {}, set())
    assert importlib.import_module("shopext.stock").TOP == "checkout"
    sys.modules.pop("shopext.stock")
    assert loaded_from_worktree(places) == []


def test_one_that_was_run_is_still_named(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, spec = made_at_start(tmp_path / "tree/shopext", monkeypatch)
    assert spec.loader
    spec.loader.exec_module(module)
    repoint_imports(places, {}, set())
    assert loaded_from_worktree(places) == [str(tmp_path / "tree/shopext/__init__.py")]
