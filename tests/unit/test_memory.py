"""What counts as touched: code, names, folders, imports."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.cache.imported_files import imported_files
from alembic_lockstep.cache.project_files import same_project
from alembic_lockstep.cache.same_code import same_code
from alembic_lockstep.cache.tree_trace import Trace
from alembic_lockstep.git.entries import Change

MODEL = '''"""Games."""

class Game(Base):
    """A game."""

    id = Column(Integer)  # its number
    """The number."""
'''

MARK = "# lockstep: ignore[missing-migration] soon\n"


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (MODEL, MODEL, True),
        (MODEL, MODEL.replace("A game", "One game"), False),  # a library may read it
        (MODEL, MODEL.replace('    """A game."""\n', ""), False),
        (MODEL, MODEL.replace('"""The number."""', "'''Of it.'''"), True),
        (MODEL, MODEL.replace("# its number", ""), True),
        (MODEL, MODEL.replace("Column(Integer)", "Column( Integer, )"), True),
        (MODEL, MODEL.replace("Integer", "String"), False),
        (MODEL, MODEL.replace("Game(", "Match("), False),
        (MODEL, MODEL + MARK, False),
        (MARK + MODEL, MARK + "\n" + MODEL, False),  # it is about the line below
        (MARK + MODEL, MARK + MODEL, True),
        (MODEL, MODEL + "this is no Python\n", False),
        ("x = 'a'\n", "x = 'b'\n", False),
        ("def f():\n    'Does.'\n", "def f():\n    pass\n", False),
        ("def f():\n    'Does.'\n", "def f():\n    return 1\n", False),
        ("f = lambda: 'a'\n", "f = lambda: 'b'\n", False),
        ("x = 1\n", "x = True\n", False),
        ("x = 1\n", "x = 1.0\n", False),
        ("x = 'a'\n", "x = b'a'\n", False),
        ("f(1)\n", "f(1, 2)\n", False),
        ("f(1)\n", "f(1)\ng(2)\n", False),
        ("x = {**y}\n", "x = {None: y}\n", False),
        ("x: int\n", "x: int = None\n", False),
        ("# coding: latin-1\nx = 'é'\n", "# coding: latin-1\nx = 'é'  # e\n", True),
    ],
)
def test_same_code(old: str, new: str, same: bool) -> None:
    encoding = "latin-1" if "latin-1" in old else "utf-8"
    assert same_code(old.encode(encoding), new.encode(encoding)) is same


def test_a_file_in_an_unknown_encoding_is_never_the_same() -> None:
    text = b"# coding: nonsense\nx = 1\n"
    assert not same_code(text, text + b"# more\n")


TRACKED = ["app/__init__.py", "app/models.py", "app/views.py", "app/plugins/one.py", "data/a.json"]


def trace(**reads: Any) -> Trace:
    nothing: dict[str, Any] = {
        name: []
        for name in (
            "opened",
            "copies",
            "texts",
            "settings",
            "existing",
            "absent",
            "searched",
            "imported",
            "outside",
        )
    }
    return Trace.of(
        [{**nothing, "listed": {}, "functions": {}, **reads}], TRACKED, Path("/nowhere")
    )


SEEN = trace(
    opened=["app/__init__.py", "app/models.py", "app/plugins/one.py", "link/other.py", "data/"],
    copies=["app/views.py"],
    absent=["local", "app/settings_local.yaml"],
    listed={"app/plugins": ["one.py"]},
    searched=["", "app"],
    imported=["app", "models", "orjson", "extras"],
)


@pytest.mark.parametrize(
    ("status", "path", "touched"),
    [
        ("M", "README.md", False),
        ("A", "README.md", False),
        ("D", "README.md", False),
        ("M", "app/models.py", True),
        ("D", "app/models.py", True),
        ("T", "app/models.py", True),
        ("M", "app/views.py", True),  # loaded from an installed copy
        ("A", "app/routes.py", False),
        ("A", "local", True),  # looked for
        ("A", "local/settings.py", True),
        ("A", "app/settings_local.yaml", True),
        ("A", "app/plugins/two.py", True),  # a listed folder
        ("A", "app/plugins/deep/two.py", True),
        ("D", "app/plugins/never_read.txt", True),
        ("A", "orjson.py", True),  # would be imported now
        ("A", "orjson/__init__.py", True),
        ("A", "orjson.md", False),
        ("A", "app/extras.py", True),
        ("A", "tools/extras.py", False),  # nobody looks there
        ("A", "app/static/page.css", False),
        ("D", "data/b.json", True),  # perhaps the last in a folder that was asked for
        ("A", "data/b.json", False),
        ("U", "README.md", True),  # a merge's conflict
        ("M", "setup.cfg", False),
        ("M", "deploy/other.ini", True),  # may name an environment
        ("A", "service/pyproject.toml", True),
        ("A", "other/env.py", True),
        ("M", ".gitignore", True),
        ("M", "docs/.gitattributes", True),
        ("M", ".gitmodules", True),
    ],
)
def test_touched(status: str, path: str, touched: bool) -> None:
    change = Change(status, path, path, "1" * 40, "0" * 40)
    assert SEEN.is_touched([change], lambda *_: False) is touched
    assert Trace.load(SEEN.stored).is_touched([change], lambda *_: False) is touched


PROJECT = """[project]
name = "shop"
dependencies = ["alembic>=1.9", "flask==3.0"]
[tool.alembic-lockstep]
config = "alembic.ini"
[tool.ruff]
line-length = 100
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("line-length = 100", "line-length = 80", True),
        ("flask==3.0", "flask==3.1", True),
        ("[tool.ruff]", "[tool.mypy]\nstrict = true\n[tool.ruff]", True),
        ('"flask==3.0"', '"flask==3.0", "celery>=5"', False),  # may be installed, and be ours
        ('name = "shop"', 'name = "store"', False),
        ('config = "alembic.ini"', 'config = "other.ini"', False),
        ("[tool.ruff]", '[tool.alembic]\nscript_location = "migrations"\n[tool.ruff]', False),
        ("[tool.ruff]", "[tool.ruff", False),
        ("[tool.ruff]\nline-length = 100", "", True),
    ],
)
def test_what_is_read_of_a_project_file(old: str, new: str, same: bool) -> None:
    assert PROJECT.count(old) == 1
    assert same_project(PROJECT.encode(), PROJECT.replace(old, new).encode()) is same


def test_a_project_file_that_the_project_reads_itself_counts_whole() -> None:
    path = "service/pyproject.toml"
    edit, chmod = Change("M", path, path, "1", "2"), Change("M", path, path, "1", "1")
    unread = replace(SEEN, pins=False)
    for read in (unread, replace(unread, opened=frozenset({path}))):
        assert not read.is_touched([edit], lambda *_: True)
        assert read.is_touched([edit], lambda *_: False)
        assert read.is_touched([chmod], lambda *_: True)
        assert replace(read, settings=frozenset({path})).is_touched([edit], lambda *_: True)
        assert replace(read, pins=True).is_touched([edit], lambda *_: True)


def test_a_file_outside_that_only_the_run_had(tmp_path: Path) -> None:
    log, made = tmp_path / "app.log", tmp_path / "made.log"
    log.write_text("")
    read = trace(existing=[str(log), str(made)])
    assert read.changed_outside() == ""
    log.write_text("more")
    assert read.changed_outside() == ""
    log.unlink()
    assert read.changed_outside() == str(log)


@pytest.mark.parametrize("path", ["poetry.lock", "requirements.txt", "requirements/dev.in"])
@pytest.mark.parametrize("pins", [False, True])
def test_pinned_versions_count_where_models_are_in_packages(path: str, pins: bool) -> None:
    read = replace(SEEN, pins=pins)
    edit, addition = Change("M", path, path, "1", "2"), Change("A", path, path, "1", "0")
    assert read.is_touched([edit], lambda *_: False) is pins
    assert read.is_touched([addition], lambda *_: False)  # which tools are in use
    assert replace(read, opened=frozenset({path})).is_touched([edit], lambda *_: False)


def test_a_rename_counts_at_both_ends() -> None:
    def renamed(old: str, new: str) -> bool:
        return SEEN.is_touched([Change("R", new, old)], lambda *_: True)

    assert renamed("app/models.py", "app/tables.py")
    assert renamed("tools/a.py", "orjson.py")
    assert not renamed("tools/a.py", "tools/b.py")


def test_the_same_code_is_asked_for_last() -> None:
    edit, addition = (
        Change("M", "app/models.py", "app/models.py", "1", "2"),
        Change("A", "local", "local"),
    )
    assert not SEEN.is_touched([edit], lambda *_: True)
    assert SEEN.is_touched([edit, addition], lambda *_: pytest.fail("the addition decides it"))


def test_what_was_read_as_text_has_no_free_comments() -> None:
    edit = Change("M", "app/models.py", "app/models.py", "1", "2")
    read = trace(opened=["app/models.py"], texts=["app/models.py"])
    assert read.is_touched([edit], lambda *_: True)


def test_a_link_or_submodule_counts_for_what_is_behind_it() -> None:
    read = trace(opened=["app/models.py"])
    assert read.is_touched([Change("M", "app", "app", "1", "2")], lambda *_: True)


def test_ignored_files(tmp_path: Path) -> None:
    def nothing(_: Collection[str]) -> set[str]:
        return set()

    def all_of(paths: Collection[str]) -> set[str]:
        return set(paths)

    (tmp_path / "app").mkdir()
    (tmp_path / ".env").write_text("A=1")
    (tmp_path / "app" / "big").write_bytes(b"x" * 2_000_000)
    reads: dict[str, Any] = {
        name: []
        for name in (
            "copies",
            "texts",
            "settings",
            "existing",
            "outside",
            "absent",
            "searched",
            "imported",
        )
    }
    reads |= {
        "opened": [".env", "app/big", "gone"],
        "absent": ["app/local.py"],
        "listed": {"app": ["big", "seen.txt"]},
        "searched": [""],
        "imported": ["orjson"],
        "functions": {},
    }
    (tmp_path / "app" / "seen.txt").write_text("")
    read = Trace.of([reads], ["app/models.py"], tmp_path)
    assert set(read.ignored) == {".env", "app/big", "app/seen.txt"}
    assert read.changed_ignored_file(tmp_path, all_of) == ""
    assert read.changed_ignored_file(tmp_path, nothing) == ".env"  # tracked now, or neither

    def once(path: str, text: str | None) -> bool:
        """Return whether the files count as the same while one is written or deleted."""
        file = tmp_path / path
        before = file.read_bytes() if file.exists() else None
        file.unlink() if text is None else file.write_text(text)
        same = not read.changed_ignored_file(tmp_path, all_of)
        file.unlink(missing_ok=True)
        if before is not None:
            file.write_bytes(before)
        return same

    assert not once(".env", "A=2")
    assert not once(".env", None)
    assert once("notes", "nobody looks")
    assert not once("app/new.txt", "listed")
    assert not once("app/seen.txt", None)
    assert once("app/seen.txt", "its content was not read")
    assert not once("app/local.py", "looked for")
    assert not once("orjson.py", "importable")


FILES = {
    "migrations/versions/a.py": "from alembic import op\nimport sqlalchemy as sa\n",
    "migrations/versions/b.py": "def upgrade():\n    from app.kinds import SIZE\n",
    "migrations/versions/c.py": "from ..helpers import add\n",
    "migrations/versions/d.py": "import importlib\nimportlib.import_module('app.models')\n",
    "migrations/versions/e.py": "from app import sizes\n",
    "migrations/helpers.py": "import app.kinds as k\n",
    "app/__init__.py": "",
    "app/kinds.py": "from .sizes import NAME\n",
    "app/sizes.py": "NAME = 20\n",
    "app/models.py": "import app.kinds\n",
}
KINDS = {"app/__init__.py", "app/kinds.py", "app/sizes.py"}


@pytest.mark.parametrize(
    ("path", "imported"),
    [
        ("a", set()),
        ("b", KINDS),
        ("c", {"migrations/helpers.py", *KINDS}),
        ("d", set(FILES) - {"migrations/versions/d.py"}),
        ("e", {"app/__init__.py", "app/sizes.py"}),
    ],
)
def test_imported_files(path: str, imported: set[str]) -> None:
    assert imported_files([f"migrations/versions/{path}.py"], FILES, FILES.get) == imported


@pytest.mark.parametrize(
    "statement",
    [
        "class A:\n    if B:\n        pass\n    elif C:\n        {}",
        "try:\n    pass\nexcept ImportError:\n    {}",
        "try:\n    pass\nexcept E:\n    pass\nelse:\n    pass\nfinally:\n    {}",
        "async def f():\n    async with a:\n        async for b in c:\n            pass"
        "\n        else:\n            {}",
        "match a:\n    case 1:\n        while True:\n            {}",
        "f = lambda: 1 if a else 2\n{}",
    ],
)
def test_an_import_counts_wherever_it_stands(statement: str) -> None:
    text = statement.format("from app.sizes import NAME")
    files = {**FILES, "migrations/versions/f.py": text}
    assert "app/sizes.py" in imported_files(["migrations/versions/f.py"], files, files.get)


def test_a_text_is_parsed_once_for_all_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = ast.parse

    def count(text: str) -> ast.Module:
        parsed.append(text)
        return parse(text)

    files = {"versions/a.py": "import app.one\n", "app/one.py": "ONE = 1  # app\n"}
    with monkeypatch.context() as patched:  # pytest parses, too, for what it says of a failure
        patched.setattr("alembic_lockstep.cache.imported_files.ast.parse", count)
        runs = [imported_files(["versions/a.py"], files, files.get) for _ in range(2)]
    assert runs == [{"app/one.py"}] * 2
    assert sorted(parsed) == sorted(files.values())


@pytest.mark.parametrize("reaching", ["import current_app", "import sys\nsys.modules['app']"])
@pytest.mark.parametrize("through", ["", "import app.helpers"])
def test_a_new_revision_is_not_taken_for_what_an_older_one_reaches_for(
    reaching: str, through: str
) -> None:
    old, new = "migrations/versions/old.py", "migrations/versions/new.py"
    files = {old: through or reaching, new: "from alembic import op\n", "app/helpers.py": reaching}
    assert imported_files([old, new], files, files.get) == {"app/helpers.py"}


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_a_revision_that_another_one_imports_counts(order: list[int]) -> None:
    paths = [f"migrations/versions/{name}.py" for name in ("first", "second", "third")]
    texts = ("SIZE = 20\n", "from migrations.versions.first import SIZE\n", "import current_app\n")
    files = dict(zip(paths, texts, strict=True))
    assert imported_files([paths[n] for n in order], files, files.get) == {paths[0]}
