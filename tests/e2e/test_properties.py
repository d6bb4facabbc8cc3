"""Whatever is broken, and however: no traceback of ours, and no pass that nobody could give."""

from __future__ import annotations

import ast
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .harness import Project, Result, run
from .subfolder_project import ADD_PAID, MODELS, VERSIONS, migration_text, some_examples

CLEAN, FINDINGS, COULD_NOT_JUDGE = 0, 1, 2
NEW = f"{VERSIONS}/abababababab_test.py"

#: Prints what the models are, as far as autogenerate sees it without comparing defaults.
DESCRIBE = """\
import json
from shop.models import Base
print(json.dumps({
    table.key: sorted((column.name, str(column.type), bool(column.nullable)) for column in table.c)
    for table in Base.metadata.tables.values()
}, sort_keys=True))
"""


def broken(text: str) -> st.SearchStrategy[str]:
    """A text to which something has happened: lines lost, doubled, or with rubbish in them."""
    lines = text.splitlines(keepends=True)
    number = st.integers(0, len(lines) - 1)
    rubbish = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

    def lost(at: int) -> str:
        return "".join(lines[:at] + lines[at + 1 :])

    def cut(at: int) -> str:
        return "".join(lines[:at])

    def doubled(at: int) -> str:
        return "".join(lines[: at + 1] + lines[at:])

    def spoilt(at: int, text_put_in: str) -> str:
        return "".join([*lines[:at], lines[at].rstrip("\n") + text_put_in + "\n", *lines[at + 1 :]])

    def within(at: int, text_put_in: str) -> str:
        half = len(lines[at]) // 2
        return "".join(
            [*lines[:at], lines[at][:half] + text_put_in + lines[at][half:], *lines[at + 1 :]]
        )

    return st.one_of(
        st.builds(lost, number),
        st.builds(cut, number),
        st.builds(doubled, number),
        st.builds(spoilt, number, rubbish),
        st.builds(within, number, rubbish),
    )


def judged(project: Project, *changes: tuple[str, str]) -> Result:
    """Judge these contents of files; afterwards all is as it was."""
    for path, text in changes:
        file = project.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        project.stage(path)
    result = project.check("--strict", "--output-format", "json")  # spares the base's dry run
    assert result.returncode in (CLEAN, FINDINGS, COULD_NOT_JUDGE), result.output
    assert "alembic_lockstep/" not in result.output, "a traceback of ours"
    if result.returncode == COULD_NOT_JUDGE:
        assert result.stderr.count("could not judge: ") == 1, result.output
        assert json.loads(result.stdout)["verdict"] == "could-not-judge"
    return result


@pytest.fixture
def tidy(shop: Project) -> Callable[[], None]:
    def tidy() -> None:
        shop.git("reset", "--quiet", "--hard")
        shop.git("clean", "--quiet", "-fdx", "-e", ".venv")

    return tidy


def test_broken_models(shop: Project, tidy: Callable[[], None]) -> None:
    models = shop.read(MODELS)
    expected = description(shop)

    @some_examples
    @given(broken(models))
    def check(text: str) -> None:
        result = judged(shop, (MODELS, text), ("notes.txt", "a commit"))
        now = description(shop)
        tidy()
        if now is None:
            assert result.returncode != CLEAN, "these models cannot even be imported"
        elif now != expected:
            assert result.returncode == FINDINGS, result.output
        elif text == models:
            assert result.returncode == CLEAN, result.output

    check()


def description(project: Project) -> str | None:
    service = project.root / "service"
    command = (str(project.python), "-c", DESCRIBE)
    result = run(command, cwd=service, environ=project.environ | {"PYTHONPATH": str(service)})
    return result.stdout if result.returncode == 0 else None


def test_broken_migrations(shop: Project, tidy: Callable[[], None], tmp_path: Path) -> None:
    migration = migration_text("abababababab", upgrade=ADD_PAID)
    shop.add_column()
    models = shop.read(MODELS)
    tidy()

    @some_examples
    @given(broken(migration))
    def check(text: str) -> None:
        result = judged(shop, (MODELS, models), (NEW, text))
        if result.returncode == CLEAN:
            assert "paid" in migrated_columns(shop, tmp_path), text
        tidy()

    check()


def migrated_columns(project: Project, folder: Path) -> list[str]:
    """The columns of orders after Alembic's own command has upgraded a new database."""
    database = folder / "own.db"
    database.unlink(missing_ok=True)
    environ = project.environ
    ini = project.root / "service" / "alembic.ini"
    ini.write_text(ini.read_text().replace("sqlite:///./shop.db", f"sqlite:///{database}"))
    command = (str(project.python), "-m", "alembic", "upgrade", "head")
    run(command, cwd=ini.parent, environ=environ, check=True)
    connection = sqlite3.connect(database)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(orders)")]
    connection.close()
    return columns


SETTINGS = """\
[tool.alembic-lockstep]
config = ["service/alembic.ini"]
start = "replay"
timeout = 300
strict = false
allow-connect = ["localhost:6379"]
x = ["a=b"]

[tool.alembic-lockstep.env]
NAME = "value"
"""


def test_broken_settings(shop: Project, tidy: Callable[[], None]) -> None:
    shop.add_column()
    models = shop.read(MODELS)
    tidy()

    @some_examples
    @given(broken(SETTINGS))
    def check(text: str) -> None:
        result = judged(shop, (MODELS, models), ("pyproject.toml", text))
        assert result.returncode in (FINDINGS, COULD_NOT_JUDGE), result.output
        tidy()

    check()


def test_broken_configurations(shop: Project, tidy: Callable[[], None]) -> None:
    shop.add_column()
    models = shop.read(MODELS)
    tidy()
    ini = shop.read("service/alembic.ini").partition("[loggers]")[0]

    @some_examples
    @given(broken(ini))
    def check(text: str) -> None:
        result = judged(shop, (MODELS, models), ("service/alembic.ini", text))
        assert result.returncode in (FINDINGS, COULD_NOT_JUDGE), result.output
        tidy()

    check()


#: Anything that a file's name may hold on Linux, and that is not git's own.
NAMES = st.text(
    st.one_of(
        st.sampled_from(" '\"\\\n\t$`*?[]{}();&|<>:%~#-=é漢\u202e\udcff"),
        st.characters(exclude_characters="/\0", exclude_categories=["Cs"]),
    ),
    min_size=1,
    max_size=20,
).filter(lambda name: name.strip(".") and len(os.fsencode(name)) < 100 and name.lower() != ".git")


def test_odd_names_of_files(shop: Project, tidy: Callable[[], None]) -> None:
    shop.add_column()
    models = shop.read(MODELS)
    tidy()
    migration = migration_text("abababababab", upgrade=ADD_PAID)

    @some_examples
    @given(NAMES)
    def check(name: str) -> None:
        beside = (f"service/{name}/{name}", "anything")
        assert judged(shop, (MODELS, models), beside).returncode == FINDINGS
        forgotten = shop.root / VERSIONS / f"{name}.py"
        forgotten.write_text(migration)
        assert judged(shop).returncode == FINDINGS
        shop.stage(f"{VERSIONS}/{name}.py")
        result = judged(shop)
        # Alembic passes some names over: `.#x.py`, `__init__x.py`.
        loaded = "abababababab" in history(shop)
        assert result.returncode == (CLEAN if loaded else FINDINGS), result.output
        tidy()

    check()


def history(project: Project) -> str:
    command = (str(project.python), "-m", "alembic", "heads")
    return run(command, cwd=project.root / "service", environ=project.environ).stdout


TAKEN = {"id", "created_at", "updated_at", "customer_id", "number", "status", "total"}
COLUMNS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda name: bool(name.strip()) and name.lower() not in TAKEN
)


def test_odd_names_of_columns(shop: Project, tidy: Callable[[], None]) -> None:
    @some_examples
    @given(COLUMNS)
    def check(name: str) -> None:
        after = shop.sample.after
        column = f"    odd: Mapped[Optional[int]] = mapped_column({name!r})\n"
        text = shop.read(MODELS).replace(after, after + column)
        result = judged(shop, (MODELS, text))
        assert result.returncode == FINDINGS, result.output
        (finding,) = json.loads(result.stdout)["findings"]
        assert (finding["path"], finding["rule"]) == (MODELS, "missing-migration")
        assert name in finding["message"]
        code = ast.walk(ast.parse(finding["operation"]))
        assert name in [node.value for node in code if isinstance(node, ast.Constant)]
        tidy()

    check()
