"""Match module names with the tree's files: wrong matches would be false alarms."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.probe.copies import loaded_copies
from alembic_lockstep.probe.imports import loaded_from_worktree
from alembic_lockstep.probe.places import Places
from alembic_lockstep.probe.sources import TreeFiles

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
    request: Any = {"checkout": checkout, "worktrees": worktrees, "config": "alembic.ini"}
    return Places(request)


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
    assert TreeFiles(places).paths_of(importable) == paths


@pytest.mark.parametrize(
    ("loaded", "text", "expected"),
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
    expected: list[tuple[str, bool]],
) -> None:
    file = tmp_path / "srv" / loaded
    file.parent.mkdir(parents=True)
    file.write_bytes(text.encode())
    module = type(sys)("a module")
    module.__file__ = str(file)
    name = loaded.partition(".")[0].replace("/", ".")
    monkeypatch.setitem(sys.modules, name, module)
    copies = [(copy["path"], copy["differs"]) for copy in loaded_copies(places)[0]]
    assert copies == expected


LINES = "".join(f"line_{number} = {number}\n" for number in range(9))


def install(site: Path, name: str, files: Mapping[str, str]) -> None:
    """Install a distribution as from an index: nothing says which folder it was made from."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{path},,\n" for path in (*files, "../../bin/run.py")))


@pytest.mark.parametrize(
    ("name", "tree", "installed", "is_copy"),
    [
        pytest.param("computed", {}, {}, True, id="as it was some commits before"),
        pytest.param(
            "computed",
            {"src/shop/more.py": LINES},
            {"shop/more.py": LINES, "shop/new.py": "x = 1\n"},
            True,
            id="with one module more",
        ),
        pytest.param(
            "stock",
            {"pyproject.toml": "[tool.isort]\nknown_first_party = ['stock']\n"},
            {},
            True,
            id="named as what it is",
        ),
        pytest.param(
            "shopkit",
            {},
            {f"shopkit/{number}.py": "x = 1\n" for number in range(9)},
            False,
            id="mostly of other modules",
        ),
        pytest.param("shop", {}, {"shop/models.py": "y = 1\n"}, False, id="of other content"),
        pytest.param("shop", {"requirements.txt": "shop==1\n"}, {}, False, id="a requirement"),
        pytest.param(
            "shop",
            {"pyproject.toml": "dependencies = [\n  'Shop[all] >= 1',\n]"},
            {},
            False,
            id="a dependency",
        ),
    ],
)
def test_an_installed_copy_is_told_by_its_content(
    places: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    tree: Mapping[str, str],
    installed: Mapping[str, str],
    is_copy: bool,
) -> None:
    root, site = tmp_path / "tree", tmp_path / "site-packages"
    for path, text in {**tree, "src/shop/models.py": LINES}.items():
        (root / path).write_text(text)
    install(
        site, name, {"shop/__init__.py": "", "shop/models.py": f"{LINES}old = 1\n", **installed}
    )
    monkeypatch.syspath_prepend(str(site))
    module = type(sys)("shop.models")
    module.__file__ = str(site / "shop/models.py")
    monkeypatch.setitem(sys.modules, "shop.models", module)
    copies = [copy["path"] for copy in loaded_copies(places)[0]]
    assert copies == (["src/shop/models.py"] if is_copy else [])


def test_another_version_of_what_the_tree_has_from_others_is_no_copy(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendored, site = tmp_path / "tree/third_party/six.py", tmp_path / "site-packages"
    vendored.parent.mkdir()
    vendored.write_text(LINES)
    install(site, "six", {"six.py": f"{LINES}new = 1\n"})
    monkeypatch.syspath_prepend(str(site))
    module = type(sys)("six")
    module.__file__ = str(site / "six.py")
    monkeypatch.setitem(sys.modules, "six", module)
    assert loaded_copies(places)[0] == []


def test_a_lazy_module_is_asked_for_nothing(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes: list[str] = []
    module = type(sys)("shop.models")
    module.__getattr__ = attributes.append  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "shop.models", module)
    assert loaded_copies(places) == ([], set())
    assert loaded_from_worktree(places) == []
    assert "__file__" not in attributes
