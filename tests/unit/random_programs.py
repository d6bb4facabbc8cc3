"""Programs of a few modules, put together from alternatives, and what a run of each records."""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from alembic_lockstep.dryrun.probe_process import PROBE

Version: TypeAlias = dict[str, str]

#: For each file the parts that it consists of, each with its alternatives, the usual one first.
PARTS: dict[str, list[list[str]]] = {
    "shop/__init__.py": [["", "NAME = 1", "from shop import kinds", "import shop.late"]],
    "shop/kinds.py": [
        ["SIZE = 3", "SIZE = 4", "", "SIZE = 3\nOTHER = 1", "def SIZE():\n    return 1"],
        ["", "def __getattr__(name):\n    return 5", "del SIZE", "import json", "import shop.late"],
    ],
    "shop/late.py": [
        ["import shop.kinds\nSEEN = list(vars(shop.kinds))", "SEEN = []"],
        ["VALUE = 1", "VALUE = 2", "from shop.tools import idle as VALUE", "raise ValueError"],
        ["", "import shop.tools\nshop.tools.NAMES.append('late')", "import shop.tools"],
    ],
    "shop/tools.py": [
        ['"""Tools."""', '"""Other tools."""', ""],
        ["", "from __future__ import annotations"],
        [
            "import functools",
            "import functools\nimport json",
            "import json as _json, functools",
            "import functools\nfrom json import dumps",
            "import functools\nfrom json import nothing",
            "import functools\nfrom shop.kinds import SIZE",
            "import functools\nfrom .kinds import OTHER as late_",
            "from shop.late import VALUE\nimport functools",
            "import functools\nimport shop.kinds",
            "import functools\nfrom math import *",
        ],
        [
            "",
            "LIMIT = 8",
            "LIMIT = 9",
            "LIMIT = set()",
            "LIMIT: int = 8",
            "LIMIT = 8 // 0",
            "late_ = 1",
            "MORE = late_ = 1",
            "__all__ = ['extra', 'idle']",
            "sorted = 1",
            "LIMIT = {'a': [1, 'extra']}",
            "__getattribute__ = 1",
        ],
        ["NAMES = []", "NAMES = ['first']"],
        [
            "",
            "def late_():\n    return 1",
            "def late_(a, *, b: int = 2):\n    return 1",
            "def LIMIT(value: Nowhere):\n    return 1",
            "def sorted(values):\n    return []",
            "async def late_():\n    return 1",
            "class late_:\n    pass",
            "def make_adder(step):\n    return lambda value: 3",
        ],
        [
            "def names(amount=0):\n    for number in range(amount):\n        yield f'n{number}'",
            "def names(amount=1):\n    for number in range(amount):\n        yield f'n{number}'",
            "def names(amount=0):\n    for number in range(amount):\n        yield f'm{number}'",
            "def names(amount=0):\n    yield 'always'",
            "def names(amount=0):\n    return iter(['other'])",
        ],
        [
            "def idle(text='x'):\n    return text.upper()",
            "def idle(text='x'):\n    return text.lower()",
            "def idle(text='y'):\n    return text.upper()",
            "def idle(text='x', more=None):\n    return more",
            "def idle(text='x'):\n    '''Text.'''\n    return text",
            "def idle(text='x'):\n    yield text",
            "def idle(text: str = 'x'):\n    return LIMIT",
            "def idle(text='x'):\n    global NAMES\n    NAMES = ['idle']",
            "def idle(text='x'):\n    return lambda: text",
            "",
        ],
        [
            "def register(function):\n    @functools.wraps(function)\n"
            "    def wrapper(*args):\n        return function(*args)\n    return wrapper",
            "def register(function):\n    @functools.wraps(function)\n"
            "    def wrapper(*args):\n        return function(*args) or 1\n    return wrapper",
            "def register(function):\n    NAMES.append(function.__name__)\n    return function",
            "def register(function):\n    return lambda *args: function(*args)",
        ],
        [
            "@register\ndef view(request):\n    return 'hello'",
            "@register\ndef view(request):\n    return 'good day'",
            "@register\ndef view(request, more=1):\n    return 'hello'",
            "@register\ndef sight(request):\n    return 'hello'",
            "def view(request):\n    return 'hello'",
            "@register\ndef view(request):\n    return 'hello'\n\n"
            "@register\ndef more(request):\n    return 1",
        ],
        [
            "class Plugin:\n    columns = ()\n    def __init_subclass__(cls):\n"
            "        NAMES.extend(cls.columns)",
            "class Plugin:\n    columns = ()\n    def __init_subclass__(cls):\n"
            "        NAMES.extend(vars(cls))",
            "class Plugin:\n    columns = ('base',)\n    def __init_subclass__(cls):\n"
            "        NAMES.extend(cls.columns)",
        ],
        [
            "class Narrow(Plugin):\n    @property\n    def title(self):\n        return 'idle'",
            "class Narrow(Plugin):\n    @property\n    def title(self):\n        return 'busy'",
            "class Narrow(Plugin):\n    def title(self):\n        return 'idle'",
            "class Narrow(Plugin):\n    columns = ('narrow',)",
            "class Narrow(Plugin):\n    pass\nclass Wide(Plugin):\n    columns = ('wide',)",
        ],
        [
            "class Named(type):\n    def __new__(mcs, name, bases, space):\n"
            "        NAMES.extend(key for key in space if key.startswith('column_'))\n"
            "        return super().__new__(mcs, name, bases, space)",
            "class Named(type):\n    def __new__(mcs, name, bases, space):\n"
            "        NAMES.append(name)\n        return super().__new__(mcs, name, bases, space)",
        ],
        [
            "class Described(metaclass=Named):\n    def method(self):\n        return 1",
            "class Described(metaclass=Named):\n    def method(self):\n        return 2",
            "class Described(metaclass=Named):\n    def column_new(self):\n        return 1",
            "class Described(metaclass=Named):\n    async def method(self):\n        return 1",
        ],
        [
            "def make_adder(step):\n    def add(value):\n        return value + step\n"
            "    def unused(value):\n        return value - step\n    return add",
            "def make_adder(step):\n    def add(value):\n        return value + step + 1\n"
            "    def unused(value):\n        return value - step\n    return add",
            "def make_adder(step):\n    def add(value):\n        return value + step\n"
            "    def unused(value):\n        return value * step\n    return add",
            "def make_adder(step):\n    def add(value):\n        return value + step\n"
            "    def unused(value):\n        return value\n    return add",
        ],
        [
            "def __getattr__(name):\n    if name == 'LATE':\n        return ()\n"
            "    raise AttributeError(name)",
            "def __getattr__(name):\n    if name in ('LATE', 'late_'):\n        return ('late',)\n"
            "    raise AttributeError(name)",
            "LATE = ()",
            "LATE = ('constant',)",
        ],
        [
            "def extra():\n    return sorted({*names(make_adder(0)(0)), *names(), *NAMES})",
            "def extra():\n    return sorted({*names(make_adder(0)(1)), *names(), *NAMES})",
            "def extra():\n    return sorted([*NAMES, str(globals().get('late_'))])",
            "def extra():\n    return sorted({*names(), *NAMES, str('LIMIT' in dir())})",
            "def extra():\n    return eval('sorted(names())')",
        ],
    ],
    "shop/models.py": [
        ["import shop.kinds\nimport json", "import json", "import json\nimport shop.late"],
        [
            "from shop import tools",
            "from shop import tools\nfrom shop.tools import *",
            "import importlib\ntools = importlib.import_module('shop.tools')",
            "from shop import tools\nfrom shop.tools import idle",
        ],
        ["import shop.late", "", "from shop.late import VALUE"],
        ["", "SHOWN = tools.extra", "from shop.kinds import SIZE", "LOCAL = 1"],
        [
            "LOOK = []",
            "LOOK = list(vars(tools))",
            "LOOK = dir(tools)",
            "LOOK = list(tools.__dict__)",
            "LOOK = [name for name in ('late' + '_', 'LIM' + 'IT') if hasattr(tools, name)]",
            "LOOK = [repr(getattr(tools, 'LIM' + 'IT', None))]",
            "LOOK = list(tools.extra.__globals__)",
            "LOOK = list(getattr(tools.extra, '__glo' 'bals__'))",
            "import inspect\nLOOK = [name for name, _ in inspect.getmembers(tools)]",
            "import inspect\nLOOK = [inspect.getsource(tools.extra)]",
            "import inspect\nLOOK = [inspect.getsource(tools)]",
            "import inspect\nLOOK = [str(inspect.signature(tools.idle))]",
            "LOOK = [repr(tools.idle.__code__.co_consts)]",
            "LOOK = [tools.__loader__.get_source('shop.tools')]",
            "LOOK = [str(tools.idle.__doc__), str(tools.__doc__)]",
            "LOOK = [str(tools.idle.__defaults__)]",
            "import typing\nLOOK = [str(typing.get_type_hints(tools.idle))]",
            "import sys\nLOOK = list(sys.modules['shop.tools'].__dict__)",
            "LOOK = [str(tools.view(1))]",
            "LOOK = [str(tools.idle('a'))]",
            "LOOK = list(vars(tools.Narrow))",
            "LOOK = [str(tools.Narrow().title)]",
            "del tools.idle\nLOOK = []",
            "tools.late_ = 1\nLOOK = []",
            "import pkgutil\nLOOK = [str(pkgutil.resolve_name('shop.tools:LATE'))]",
            "import types\nLOOK = [str(types.ModuleType.__repr__(tools))[:9]]",
            "import gc\nLOOK = [str(len(gc.get_referrers(tools.NAMES)))]",
            "class Proxy:\n    def __getattr__(self, name):\n        return getattr(tools, name)\n"
            "LOOK = [str(getattr(Proxy(), 'late' + '_', 0))]",
        ],
        [
            "def of_request(request):\n    return request.args",
            "def of_request(request):\n    return tools.late_",
            "def of_request(request, more=1):\n    return request",
            "",
        ],
        ["COLUMNS = [*tools.extra(), *tools.LATE]", "COLUMNS = tools.extra() + ['id']"],
    ],
}

_DRIVER = """\
import importlib.util, json, os, sys
sys.path.pop(0); sys.dont_write_bytecode = True
name, folder, work = "alembic_lockstep_probe", sys.argv[1], sys.argv[2]
spec = importlib.util.spec_from_file_location(
    name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
)
sys.modules[name] = importlib.util.module_from_spec(spec)
from alembic_lockstep_probe.reads import Reads
os.makedirs(os.path.join(work, "shop"))
os.chdir(work)
for line in sys.stdin:
    for path, text in json.loads(line).items():
        with open(path, "w") as file:
            file.write(text)
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]: sys.exit(1)
        continue
    sys.path.insert(0, work)
    reads = Reads()
    reads.start()
    try:
        from shop import models
        outcome = repr((models.COLUMNS, models.LOOK)).replace(work, "")
    except BaseException as error:
        outcome = f"error: {error!r}"
    reads.stop()
    def inside(file): return os.path.relpath(file, work)
    files = [file for file in reads.executed.by_file if file.startswith(work + os.sep)]
    ran = {inside(file): sorted(reads.executed.of(file)) for file in files}
    print(json.dumps({
        "outcome": outcome,
        "functions": {path: names for path, names in ran.items() if names},
        "opened": [inside(file) for file in files],
        "texts": [inside(file) for file in reads.texts],
    }))
    sys.stdout.flush()
    os._exit(0)
"""


def random_history(seed: int, length: int) -> list[Version]:
    """Return versions of a program, each an edit or three after the one before."""
    chosen = random.Random(seed)
    parts = {path: [0] * len(alternatives) for path, alternatives in PARTS.items()}
    weights = [len(alternatives) for alternatives in PARTS.values()]
    versions = []
    for number in range(length):
        for _ in range(3 if number == 0 else chosen.choice((1, 1, 2))):
            (path,) = chosen.choices(list(PARTS), weights)
            part = chosen.randrange(len(PARTS[path]))
            is_usual = chosen.random() < 0.4
            parts[path][part] = 0 if is_usual else chosen.randrange(len(PARTS[path][part]))
        versions.append({path: _text(path, parts[path]) for path in PARTS})
    return versions


def _text(path: str, numbers: Sequence[int]) -> str:
    texts = (part[number] for part, number in zip(PARTS[path], numbers, strict=True))
    return "\n\n\n".join(filter(None, texts)) + "\n"


def runs_of(python: str, versions: Sequence[Version], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the outcome of each version, and what its run recorded."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-c", _DRIVER, str(PROBE), str(folder / "work")],
        input="".join(f"{json.dumps(version)}\n" for version in versions),
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    yield from map(json.loads, done.stdout.splitlines())
