"""Edits of functions that ran and that did not, on a Python that records them (3.12 and later).

Each edit comes after a verdict that may answer for it. Where it must not, the project has a
column more or less, or does not start any more; where it may, it has to.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import Project
from .minimal_project import begin, table_of
from .test_versions import nearest_python
from .uv_tools import Tools

FAST = "Passed: nothing staged touches what the last verdict read."
CLEAN, FINDINGS, COULD_NOT_JUDGE = 0, 1, 2
REQUIREMENTS = ("SQLAlchemy==2.0.*", "alembic")

#: `extra()` and what it uses gives the table's columns besides `id`.
TOOLS = '''\
"""Makes columns, by all kinds of Python."""
import functools
import inspect

from sqlalchemy import Column, Integer

NAMES = []


def names(amount=0):
    for number in range(amount):
        yield f"number{number}"


def idle(text="x"):
    return text.upper()


def register(function):
    NAMES.extend(function.columns if hasattr(function, "columns") else ())

    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


@register
def view(request):
    return "hello"


class Plugin:
    columns = ()

    def __init_subclass__(cls):
        NAMES.extend(cls.columns)

    def render(self):
        return "idle"

    @property
    def title(self):
        return "idle"

    @staticmethod
    def parse(text):
        return text

    async def fetch(self):
        return 1


class Narrow(Plugin):
    columns = ()


class Named(type):
    def __new__(mcs, name, bases, namespace):
        NAMES.extend(name for name in namespace if name.startswith("column_"))
        return super().__new__(mcs, name, bases, namespace)


class Described(metaclass=Named):
    def method(self):
        return 1


def make_adder(step):
    def add(value):
        return value + step

    def unused(value):
        return value - step

    return add


def __getattr__(name):
    if name == "LATE":
        return ()
    raise AttributeError(name)


def extra():
    width = make_adder(0)(0)
    return [Column(name, Integer) for name in sorted({*names(width), *names(), *NAMES})]
'''
MODELS = """\
import inspect

from sqlalchemy import Column, Integer, MetaData, Table

from shop import tools

metadata = MetaData()
table = Table(
    "{table}",
    metadata,
    Column("id", Integer, primary_key=True),
    *tools.extra(),
    *(Column(name, Integer) for name in tools.LATE),
)


def of_request(request):
    return request.args
"""

IDLE = {
    "a function": ("return text.upper()", "return text.lower()"),
    "a local variable and an import": (
        "    return text.upper()",
        "    import json\n    width = 3\n    return json.dumps(text * width)",
    ),
    "a decorated function": ('    return "hello"', '    return "good day"'),
    "a method": (
        '        return "idle"\n\n    @property',
        '        return "busy"\n\n    @property',
    ),
    "a property": (
        "    def title(self):\n        return",
        "    def title(self):\n        x = 1\n        return",
    ),
    "a static method": ("        return text\n", "        return text * 2\n"),
    "a coroutine": (
        "    async def fetch(self):\n        return 1",
        "    async def fetch(self):\n        return 2",
    ),
    "a method of a class with a metaclass": (
        "def method(self):\n        return 1",
        "def method(self):\n        return 2",
    ),
    "the inner function of a decorator": (
        "        return function(*args)",
        "        return function(*args) or 1",
    ),
    "an inner function that was made and not called": (
        "return value - step",
        "return value - step - 1",
    ),
}

RAN = {
    "a function that ran": ("make_adder(0)(0)", "make_adder(0)(1)"),
    "the first step of a generator": ("in range(amount)", "in range(amount + 1)"),
    "a default": ("amount=0", "amount=1"),
    "an inner function that ran": ("return value + step", "return value + step + 1"),
    "a decorator that ran": (
        "    @functools.wraps(function)\n",
        '    NAMES.append("registered")\n\n    @functools.wraps(function)\n',
    ),
    "a class attribute": ("(Plugin):\n    columns = ()", '(Plugin):\n    columns = ("late",)'),
    "__getattr__ of a module": ("        return ()\n", '        return ("late",)\n'),
    "a metaclass": (
        "        return super().__new__",
        '        NAMES.append("meta")\n        return super().__new__',
    ),
    "a new method that a metaclass looks for": (
        "    def method(self)",
        "    def column_new(self):\n        return 1\n\n    def method(self)",
    ),
    "a new subclass": (
        "class Named(type)",
        'class Wide(Plugin):\n    columns = ("wide",)\n\n\nclass Named(type)',
    ),
    "a new decorator, which hides a function": (
        "def names(amount=0)",
        '@functools.partial(lambda function: lambda amount=0: ["swapped"])\ndef names(amount=0)',
    ),
}
# Columns are in the models then that no migration adds, but for __init_subclass__.
NO_CHANGE = {
    "a signature": ("def idle(text=", "def idle(text, more="),
    "a docstring": ('    return "hello"', '    """Greets."""\n    return "hello"'),
    "a new function": ("def idle(", "def new():\n    return 1\n\n\ndef idle("),
}
DOES_NOT_START = {
    "a body that does not compile": (
        "    return text.upper()",
        "    nonlocal text\n    return text",
    ),
    "a body of a newer Python's syntax": ("    return text.upper()", "    return text ++\n"),
}
READERS = {
    "inspect.getsource": "inspect.getsource(tools.idle)",
    "co_consts": "str(tools.idle.__code__.co_consts)",
    "a loader": "tools.__loader__.get_source('shop.tools')",
    "pkgutil": "__import__('pkgutil').get_data('shop.tools', 'tools.py').decode()",
    "a docstring, by an installed module": "__import__('pydoc').getdoc(tools.idle)",
}


@pytest.fixture(scope="module")
def environment(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    python = nearest_python(12)
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    tools.make_environment(folder, python, *REQUIREMENTS)
    (version,) = (path.name for path in folder.glob("lib/python*"))
    if int(version.rpartition(".")[2]) < 12:
        pytest.skip("no Python 3.12 or later on this machine")
    return folder


@pytest.fixture
def shop(environment: Path, tmp_path: Path) -> Iterator[Project]:
    project = begin(tmp_path / "project", tmp_path / "home", ["shop/models.py"])
    project.write("shop/models.py", MODELS.format(table=table_of("shop.models")))
    project.write("shop/tools.py", TOOLS)
    project.environ["ALEMBIC_LOCKSTEP_PYTHON"] = str(environment / "bin/python")
    commit_judged(project)
    yield project
    shutil.rmtree(project.root)


def commit_judged(project: Project) -> None:
    project.stage(".")
    result = project.check(once=True)
    assert result.returncode == CLEAN, result.output
    assert project.commit("Judged", "--no-verify").returncode == 0
    # The base has no migrations in the first commit; the verdict to be remembered is of the next.
    project.write("notes.txt", "Something.\n")
    project.stage(".")
    assert project.check(once=True).returncode == CLEAN


def judged(project: Project, path: str, old: str, new: str) -> tuple[int, bool]:
    """Make an edit; return the code of its check, and whether it was answered at once."""
    text = project.read(path)
    assert text.count(old) == 1, old
    project.write(path, text.replace(old, new))
    project.stage(path)
    result = project.check()
    return result.returncode, result.stderr.startswith(FAST)


@pytest.mark.sampled(8)
@pytest.mark.both_ways
@pytest.mark.parametrize(("old", "new"), IDLE.values(), ids=IDLE)
def test_the_body_of_a_function_that_did_not_run_is_answered_at_once(
    shop: Project, old: str, new: str
) -> None:
    assert judged(shop, "shop/tools.py", old, new) == (CLEAN, True)


@pytest.mark.sampled(8)
@pytest.mark.both_ways
@pytest.mark.parametrize(("old", "new"), RAN.values(), ids=RAN)
def test_what_ran_is_judged(shop: Project, old: str, new: str) -> None:
    assert judged(shop, "shop/tools.py", old, new) == (FINDINGS, False)


@pytest.mark.both_ways
@pytest.mark.parametrize(("old", "new"), NO_CHANGE.values(), ids=NO_CHANGE)
def test_what_can_be_seen_of_a_function_without_running_it(
    shop: Project, old: str, new: str
) -> None:
    assert judged(shop, "shop/tools.py", old, new) == (CLEAN, False)


@pytest.mark.both_ways
@pytest.mark.parametrize(("old", "new"), DOES_NOT_START.values(), ids=DOES_NOT_START)
def test_a_body_with_which_the_project_does_not_start(shop: Project, old: str, new: str) -> None:
    assert judged(shop, "shop/tools.py", old, new) == (COULD_NOT_JUDGE, False)


@pytest.mark.both_ways
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_a_body_that_the_models_read(shop: Project, reader: str) -> None:
    text = shop.read("shop/models.py")
    reads = f'    *([Column("late", Integer)] if "lower" in {reader} else []),\n)\n\n\ndef'
    shop.write("shop/models.py", text.replace(")\n\n\ndef", reads))
    commit_judged(shop)
    old, new = "    return text.upper()", '    """lower"""\n    return text.lower() or "lower"'
    assert judged(shop, "shop/tools.py", old, new) == (FINDINGS, False)


@pytest.mark.both_ways
def test_a_chain_of_edits_is_compared_with_the_verdict_that_ran(shop: Project) -> None:
    for number in range(3):
        old = "return text.upper()" if number == 0 else f"return text * {number - 1}"
        assert judged(shop, "shop/tools.py", old, f"return text * {number}") == (CLEAN, True)
        assert shop.commit("Idle", "--no-verify").returncode == 0
    ran = ("make_adder(0)(0)", "make_adder(0)(1)")
    assert judged(shop, "shop/tools.py", *ran) == (FINDINGS, False)
