"""What reaches migrations without an import changes the fingerprint under which snapshots are used.

Each case is a module of a project in two versions, which run in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Forks for each text, so that Alembic and SQLAlchemy are imported once.
PROGRAM = """
import json, os, sys
from alembic_lockstep.probe.surroundings import Surroundings
import alembic.op, sqlalchemy
folder = sys.argv[1]
for text in json.load(sys.stdin):
    sys.stdout.flush()
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]: sys.exit(1)
        continue
    surroundings = Surroundings(folder)
    names = {"__name__": "project", "attributes": {}}
    exec(compile(text, os.path.join(folder, "project.py"), "exec"), names)
    print(surroundings.fingerprint(names["attributes"]))
    sys.stdout.flush()
    os._exit(0)
"""
CASES = {
    "an operation": """
from alembic.operations import MigrateOperation, Operations
@Operations.register_operation("fill")
class Fill(MigrateOperation):
    @classmethod
    def fill(cls, operations): return operations.invoke(cls())
@Operations.implementation_for(Fill)
def fill(operations, operation): operations.execute("CREATE TABLE t (a INTEGER) -- 1")
""",
    "a compiler": """
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable
@compiles(CreateTable, "sqlite")
def create(element, compiler, **options): return compiler.visit_create_table(element) + " -- 1"
""",
    "a listener": """
from sqlalchemy import Column, event
@event.listens_for(Column, "after_parent_attach")
def attach(column, table): column.comment = "-- 1"
""",
    "a helper of a listener": """
from sqlalchemy import Column, event
WIDTHS = ("-- 1",)
def helper(): return WIDTHS
@event.listens_for(Column, "after_parent_attach")
def attach(column, table): column.comment = helper()
""",
    "an SQL function": """
from sqlalchemy import event
from sqlalchemy.engine import Engine
@event.listens_for(Engine, "connect")
def connect(connection, record): connection.create_function("f", 0, lambda: "-- 1")
""",
    "a variable": "import os; os.environ['WIDTH'] = '-- 1'",
    "a variable that goes": "import os\nif '1' in '-- 1': os.environ.pop('HOME')",
    "an attribute of the configuration": "attributes['width'] = {'a': ['-- 1']}",
    "a function in the attributes": "def width(): return '-- 1'\nattributes['width'] = width",
    "a patched operation": """
import alembic.op
before = alembic.op.create_table
def create_table(*arguments): return before(*arguments, "-- 1")
alembic.op.create_table = create_table
""",
    "a patched class of the library": """
import sqlalchemy
def named(self): return "-- 1"
sqlalchemy.Column.named = named
""",
    "an implementation": """
from alembic.ddl.impl import DefaultImpl
class Impl(DefaultImpl):
    __dialect__ = "mine"
    def create_table(self, table): return "-- 1"
""",
}
SAME = {
    "another function": ("def view(): return 1", "def view(): return 2"),
    "a comment above a listener": (CASES["a listener"], f"# A remark.\n{CASES['a listener']}"),
    "the order of a set": (
        "attributes['a'] = {'x', 'y', 'z'}",
        "attributes['a'] = {'z', 'y', 'x'}",
    ),
}


def fingerprints(folder: Path, *texts: str, seed: str = "1") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        input=json.dumps(texts),
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def all_fingerprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("checkout")
    pairs = {name: (text, text.replace("-- 1", "-- 2")) for name, text in CASES.items()} | SAME
    texts = [text for pair in pairs.values() for text in pair]
    results = fingerprints(folder, *texts, *texts)
    assert results[: len(texts)] == results[len(texts) :]  # the same in each process
    return {name: results[2 * i : 2 * i + 2] for i, name in enumerate(pairs)}


@pytest.mark.parametrize("name", CASES)
def test_another_version_has_another_fingerprint(
    all_fingerprints: dict[str, list[str]], name: str
) -> None:
    before, after = all_fingerprints[name]
    assert before != after


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_reach_migrations_leaves_it(
    all_fingerprints: dict[str, list[str]], name: str
) -> None:
    before, after = all_fingerprints[name]
    assert before == after


def test_it_does_not_depend_on_the_order_of_hashes(tmp_path: Path) -> None:
    texts = list(CASES.values())
    assert fingerprints(tmp_path, *texts) == fingerprints(tmp_path, *texts, seed="2")
