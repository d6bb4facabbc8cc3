"""Record a project's reads, on every Python of the machine that the probe supports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.dryrun.probe_process import PROBE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, and programs such as true")

MINORS = range(9, 15)

# What main.py does, around the lines that a project would run; each in a process of its own,
# which is forked for the sake of speed.
PROGRAM = """\
import sys; sys.path.pop(0)
import importlib.util, json, os
name, folder = "alembic_lockstep_probe", sys.argv[1]
spec = importlib.util.spec_from_file_location(
    name, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
)
sys.modules[name] = importlib.util.module_from_spec(spec)
from alembic_lockstep_probe.copies import loaded_copies
from alembic_lockstep_probe.imports import repoint_imports
from alembic_lockstep_probe.places import Places
from alembic_lockstep_probe.reads import Reads
from alembic_lockstep_probe.trace import trace
for request, code in json.load(sys.stdin):
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]: sys.exit(1)
        continue
    os.chdir(request["checkout"])
    places, reads = Places(request), Reads()
    reads.start()
    repoint_imports(places, {}, reads.imported)
    exec(code, {"reads": reads})
    reads.stop()
    print(json.dumps(trace(reads, places, loaded_copies(places)[1])))
    sys.exit()
"""


@cache
def pythons() -> list[Any]:
    """Find the oldest and the newest interpreter; at night all of them."""
    every = list(_every_python())
    return every if os.environ.get("LOCKSTEP_NIGHTLY") == "1" else [*every[:1], *every[1:][-1:]]


def _every_python() -> Iterator[Any]:
    """Find the interpreters, on PATH, beside the one that runs the tests, and those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for minor in MINORS:
        name = f"python3.{minor}"
        places = (Path(sys.base_prefix).parent, pyenv / "versions")
        beside = [file for folder in places for file in folder.glob(f"*3.{minor}.*/bin/{name}")]
        named = [shutil.which(name), *map(str, beside)]
        interpreter = next(filter(None, map(itself, named)), "")
        if interpreter:
            yield pytest.param(interpreter, id=name)


def itself(python: str | None) -> str:
    """Give the interpreter behind a shim of pyenv; empty where there is none."""
    if python is None:
        return ""
    command = [python, "-c", "import sys; print(sys.executable)"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@dataclass
class Project:
    """Checkout, the working tree that it was made from, and code that runs there."""

    python: str
    checkout: Path
    worktree: Path
    ignored: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, path: str, text: str = "") -> None:
        file = self.checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def ignore(self, path: str) -> Path:
        """Link an ignored folder of the working tree into the checkout."""
        folder = self.worktree / path
        folder.mkdir(parents=True)
        (self.checkout / path).symlink_to(folder)
        self.ignored.append(f"{path}/")
        return folder

    def trace(self, code: str) -> dict[str, Any]:
        (trace,) = trace_all([(self, code)])
        return trace

    def request(self) -> dict[str, Any]:
        worktrees = [(str(self.worktree), self.ignored)]
        return {"checkout": str(self.checkout), "worktrees": worktrees, "config": "alembic.ini"}


def trace_all(runs: Sequence[tuple[Project, str]]) -> list[dict[str, Any]]:
    """Run code in projects that have one Python and one environment."""
    first = runs[0][0]
    environ = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [first.python, "-c", PROGRAM, str(PROBE)],
        input=json.dumps([(project.request(), code) for project, code in runs]),
        cwd=first.worktree,  # where Python 3.13 looks for modules of its own
        env={**environ, **first.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def make_project(python: str, folder: Path) -> Project:
    project = Project(python, folder / "slot" / "tree", folder / "work")
    project.checkout.mkdir(parents=True)
    project.worktree.mkdir()
    for path in ("data.txt", "sql/one.sql", "sql/two.sql", "shop/__init__.py", "space/part.py"):
        project.write(path)
    project.write("shop/models.py", "LIMIT = 10\n")
    project.write("shop/texts/hello.txt", "hello")
    return project


@pytest.fixture(scope="module", params=pythons())
def python(request: pytest.FixtureRequest) -> str:
    python: str = request.param
    return python


@pytest.fixture
def project(python: str, tmp_path: Path) -> Project:
    return make_project(python, tmp_path)


@pytest.fixture(scope="module")
def traces(python: str, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Return the traces of all cases."""
    folder = tmp_path_factory.mktemp("cases").resolve()
    runs = [
        (make_project(python, folder / str(number)), code)
        for number, (code, _) in enumerate(CASES.values())
    ]
    return dict(zip(CASES, trace_all(runs), strict=True))


NOTHING_DURING: Mapping[str, Any] = {
    "opened": [],
    "absent": [],
    "listed": {},
    "searched": [],
    "texts": [],
    "settings": [],
    "existing": [],
    "outside": [],
    "imported": [],
}
NOTHING: Mapping[str, Any] = {
    "opened": [],
    "absent": [],
    "listed": {},
    "searched": [],
    "during": NOTHING_DURING,
    "texts": [],
    "settings": [],
    "existing": [],
    "copies": [],
    "untraced": [],
}
FROM_HERE = "import sys, os; sys.path.insert(0, os.getcwd())\n"

CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "nothing": ("", {}),
    "open": ("open('data.txt').read()", {"opened": ["data.txt"]}),
    "open, by bytes": ("open(b'sql/../data.txt').read()", {"opened": ["data.txt"]}),
    "open, absent": (
        "try: open('gone.txt')\nexcept OSError: pass",
        {"absent": ["gone.txt"]},
    ),
    "os.open": ("import os; os.open('data.txt', os.O_RDONLY)", {"opened": ["data.txt"]}),
    "written": ("open('new.log', 'w').write('x'); open('new.log', 'a').write('x')", {}),
    "updated": ("open('data.txt', 'r+').write('x')", {"opened": ["data.txt"]}),
    "read_text": ("import pathlib; pathlib.Path('data.txt').read_text()", {"opened": ["data.txt"]}),
    "exists": (
        "import pathlib; pathlib.Path('data.txt').exists(); pathlib.Path('gone').exists()",
        {"existing": ["data.txt"], "absent": ["gone"]},
    ),
    "is_file": (
        "import pathlib; pathlib.Path('data.txt').is_file(); pathlib.Path('a/b').is_file()",
        {"existing": ["data.txt"], "absent": ["a/b"]},
    ),
    "is_symlink": (
        "import pathlib; pathlib.Path('data.txt').is_symlink()",
        {"existing": ["data.txt"]},
    ),
    "stat": (
        "import os, pathlib; pathlib.Path('data.txt').stat(); os.stat('sql/one.sql')",
        {"opened": ["data.txt", "sql/one.sql"]},
    ),
    "getmtime": ("import os; os.path.getmtime('data.txt')", {"opened": ["data.txt"]}),
    "exists, and is read": (
        "import os; os.path.exists('data.txt') and open('data.txt').read()",
        {"opened": ["data.txt"]},
    ),
    "exists, and is written": (  # as by `logging.handlers.RotatingFileHandler`
        "import os; os.path.isfile('data.txt') and open('data.txt', 'a').write('x')",
        {"existing": ["data.txt"]},
    ),
    "isfile": (
        "import os; os.path.isfile('gone'); os.path.isdir('sql'); os.path.isdir('.')",
        {"opened": ["sql/"], "absent": ["gone"]},
    ),
    "lexists": ("import os; os.path.lexists('gone')", {"absent": ["gone"]}),
    "access": (
        "import os; os.access('gone', os.R_OK); os.access('data.txt', os.R_OK)",
        {"opened": ["data.txt"], "absent": ["gone"]},
    ),
    "readlink": (
        "import os\ntry: os.readlink('data.txt')\nexcept OSError: pass",
        {"opened": ["data.txt"]},
    ),
    "made after it was missed": (
        "import os\nif not os.path.exists('made'): os.mkdir('made')",
        {"absent": ["made"]},
    ),
    "listdir": ("import os; os.listdir('sql')", {"listed": {"sql": ["one.sql", "two.sql"]}}),
    "listdir, absent": (
        "import os\ntry: os.listdir('gone')\nexcept OSError: pass",
        {"absent": ["gone"]},
    ),
    "scandir": ("import os; list(os.scandir(b'sql'))", {"listed": {"sql": ["one.sql", "two.sql"]}}),
    "scandir, stat": (
        "import os; assert [e.stat().st_size for e in os.scandir('sql')] == [0, 0]",
        {
            "opened": ["sql/one.sql", "sql/two.sql"],
            "listed": {"sql": ["one.sql", "two.sql"]},
        },
    ),
    "scandir, kinds": (
        "import os\nwith os.scandir('sql') as entries:\n"
        "    assert all(e.is_file() and os.fspath(e) == e.path for e in entries)",
        {
            "existing": ["sql/one.sql", "sql/two.sql"],
            "listed": {"sql": ["one.sql", "two.sql"]},
        },
    ),
    "walk": (
        "import os; assert sorted(next(os.walk('sql'))[2]) == ['one.sql', 'two.sql']",
        {
            "existing": ["sql/one.sql", "sql/two.sql"],
            "listed": {"sql": ["one.sql", "two.sql"]},
        },
    ),
    "by the descriptor of a folder": (
        "import os; folder = os.open('sql', os.O_RDONLY)\n"
        "os.open('one.sql', os.O_RDONLY, dir_fd=folder); os.stat('two.sql', dir_fd=folder)",
        {"opened": ["sql/", "sql/one.sql", "sql/two.sql"], "absent": ["one.sql"]},
    ),
    "chdir": (
        "import os; os.chdir('sql'); open('one.sql'); os.listdir()",
        {"opened": ["sql/one.sql"], "listed": {"sql": ["one.sql", "two.sql"]}},
    ),
    "glob": (
        "import glob; assert len(glob.glob('sql/*.sql')) == 2",
        {"listed": {"sql": ["one.sql", "two.sql"]}},
    ),
    "iter_modules": (
        "import pkgutil; assert list(pkgutil.iter_modules(['sql'])) == []",
        {
            "opened": ["sql/"],
            "existing": ["sql/one.sql", "sql/two.sql"],  # are they folders?
            "listed": {"sql": ["one.sql", "two.sql"]},
            "searched": ["sql"],
        },
    ),
    # That the package's folder is there is asked for by ourselves (imports.py).
    "import": (
        FROM_HERE + "import shop.models",
        {"opened": ["shop/", "shop/__init__.py", "shop/models.py"], "searched": ["", "shop"]},
    ),
    "import, namespace": (
        FROM_HERE + "import space.part",
        {"opened": ["space/", "space/part.py"], "searched": ["", "space"]},
    ),
    "import, namespace only": (
        FROM_HERE + "import space",
        {"opened": ["space/"], "searched": ["", "space"]},
    ),
    "import, absent": (
        FROM_HERE + "try: import shop.local_settings\nexcept ImportError: pass",
        {"opened": ["shop/", "shop/__init__.py"], "searched": ["", "shop"]},
    ),
    "import path, absent": (
        "import sys, os; sys.path.insert(0, os.path.join(os.getcwd(), 'lib'))\n"
        "try: import local\nexcept ImportError: pass",
        {"absent": ["lib"]},
    ),
    "module as text": (
        FROM_HERE + "import shop.models, inspect; inspect.getsource(shop.models)",
        {
            "opened": ["shop/", "shop/__init__.py", "shop/models.py"],
            "searched": ["", "shop"],
            "texts": ["shop/models.py"],
        },
    ),
    "step": (
        FROM_HERE
        + "reads.is_migrating = True\nimport shop, os; open('data.txt'); os.listdir('sql')\n"
        "os.path.exists('gone'); reads.is_migrating = False\nopen('sql/one.sql')",
        {
            "opened": ["data.txt", "shop/", "shop/__init__.py", "sql/one.sql"],
            "absent": ["gone"],
            "listed": {"sql": ["one.sql", "two.sql"]},
            "searched": [""],
            "during": {
                **NOTHING_DURING,
                "opened": ["data.txt", "shop/", "shop/__init__.py"],
                "absent": ["gone"],
                "listed": {"sql": ["one.sql", "two.sql"]},
                "searched": [""],
                "imported": ["shop"],
            },
        },
    ),
    "fork": (
        "import os; pid = os.fork(); pid or os._exit(0); os.waitpid(pid, 0)",
        {"untraced": ["a subprocess (fork)"]},
    ),
    "subprocess": (
        "import subprocess; subprocess.run(['/bin/echo', 'x'], stdout=subprocess.DEVNULL)",
        {"untraced": ["a subprocess (echo)"]},
    ),
    "system": ("import os; os.system('true --all')", {"untraced": ["a subprocess (true)"]}),
    "about the machine": ("import platform; platform.processor()", {}),
}


@pytest.mark.parametrize("case", CASES)
def test_it_was_read(traces: Mapping[str, Any], case: str) -> None:
    trace, expected = traces[case], CASES[case][1]
    assert {name: trace[name] for name in NOTHING} == {**NOTHING, **expected}


FUNCTIONS = """
def used(): return [part() for part in (inner(),)]
def inner(): return lambda: list(each())
def each(): yield from range(2)
def idle(): return 1
def never_resumed(): yield 1
class Shop:
    def __init__(self): self.local()
    def local(self):
        def helper(): pass
        return helper
    @property
    def name(self): return 1
"""


def records_functions(project: Project) -> bool:
    return project.python.endswith(("3.12", "3.13", "3.14"))


def test_functions_that_ran(project: Project) -> None:
    project.write("shop/tools.py", FUNCTIONS)
    ran = project.trace(
        FROM_HERE + "from shop import tools; tools.used(); tools.Shop(); tools.never_resumed()"
    )["functions"]
    if not records_functions(project):
        assert ran == {}
        return
    names = ("<module>", "Shop", "Shop.__init__", "Shop.local", "each", "inner", "used")
    assert [name for name in ran["shop/tools.py"] if not name.endswith(">") or "." not in name] == [
        *names
    ]
    assert "inner.<locals>.<lambda>" in ran["shop/tools.py"]
    assert ran["shop/__init__.py"] == ["<module>"]


LOOKS_INTO_BODIES = {
    "constants": "tools.idle.__code__.co_consts",
    "bytecode": "import dis, io; dis.dis(tools.idle, file=io.StringIO())",
    "globals of a body": "import inspect; inspect.getclosurevars(tools.idle)",
}


@pytest.mark.parametrize("code", LOOKS_INTO_BODIES.values(), ids=LOOKS_INTO_BODIES)
def test_of_a_file_whose_bodies_were_looked_at_nothing_is_told(project: Project, code: str) -> None:
    project.write("shop/tools.py", FUNCTIONS)
    trace = project.trace(FROM_HERE + f"from shop import tools; {code}")
    assert "shop/tools.py" not in trace["functions"]


READS_INTERFACE = {
    "a signature": "inspect.signature(tools.idle)",
    "kinds": "inspect.iscoroutinefunction(tools.idle); inspect.isgeneratorfunction(tools.each)",
    "its file": "inspect.getfile(tools.idle)",
}


@pytest.mark.parametrize("code", READS_INTERFACE.values(), ids=READS_INTERFACE)
def test_a_signature_is_no_body(project: Project, code: str) -> None:
    project.write("shop/tools.py", FUNCTIONS)
    trace = project.trace(FROM_HERE + f"from shop import tools; import inspect; {code}")
    assert ("shop/tools.py" in trace["functions"]) is records_functions(project)


def test_a_project_file_that_the_project_reads(project: Project) -> None:
    project.write("pyproject.toml", '[tool.alembic]\nscript_location = "migrations"\n')
    alembic = "import types; m = types.ModuleType('alembic.config'); "
    reads = alembic + "exec('def read(): open(\"pyproject.toml\").read()', {MODULE}); {CALL}"
    by_alembic = reads.replace("{MODULE}", "vars(m)").replace("{CALL}", "m.read()")
    by_project = reads.replace("{MODULE}", "globals()").replace("{CALL}", "read()")
    for code, settings in ((by_alembic, []), (by_project, ["pyproject.toml"])):
        trace = project.trace(FROM_HERE + code)
        assert trace["opened"] == ["pyproject.toml"]
        assert trace["settings"] == settings


def test_the_record_is_lost_if_the_project_takes_the_tool(project: Project) -> None:
    trace = project.trace(
        FROM_HERE + "import sys, shop.models\n"
        "if sys.version_info >= (3, 12): sys.monitoring.free_tool_id(4)"
    )
    assert trace["functions"] == {}


TEXTS_BY_LOADERS = {
    "get_source": "shop.models.__loader__.get_source('shop.models')",
    "get_data": "import pkgutil; pkgutil.get_data('shop', 'models.py')",
}


@pytest.mark.parametrize("code", TEXTS_BY_LOADERS.values(), ids=TEXTS_BY_LOADERS)
def test_a_text_that_a_loader_reads(project: Project, code: str) -> None:
    trace = project.trace(FROM_HERE + f"import shop.models; {code}")
    assert trace["texts"] == ["shop/models.py"]


def test_names_of_modules_are_told_found_or_not(project: Project) -> None:
    trace = project.trace(
        FROM_HERE + "import shop.models\ntry: import shop.local_settings\nexcept ImportError: pass"
    )
    assert {"shop", "models", "local_settings", "sitecustomize"} <= set(trace["imported"])


def test_names_of_modules_that_are_only_looked_for(project: Project) -> None:
    trace = project.trace(
        "from importlib.machinery import PathFinder; PathFinder.find_spec('a.plugin', ['.'])"
    )
    assert "plugin" in trace["imported"]


def test_names_of_modules_are_told_behind_another_finder(project: Project) -> None:
    trace = project.trace(
        "import sys; del sys.meta_path[0]\ntry: import optional.thing\nexcept ImportError: pass"
    )
    assert "optional" in trace["imported"]


def test_globbing_by_pathlib_lists_the_folders(project: Project) -> None:
    trace = project.trace("import pathlib; assert len(list(pathlib.Path().glob('**/*.sql'))) == 2")
    # Up to Python 3.12 it looks at each entry, too.
    assert set(trace["listed"]) == {"", "sql", "shop", "shop/texts", "space"}
    assert trace["listed"]["sql"] == ["one.sql", "two.sql"]


def test_a_folder_that_is_listed_by_its_descriptor(project: Project) -> None:
    trace = project.trace("import os; os.listdir(os.open('sql', os.O_RDONLY))")
    named = trace["listed"].get("sql") == ["one.sql", "two.sql"]
    assert named or trace["untraced"] == ["a folder by its descriptor"]


def test_a_resource_of_a_package(project: Project) -> None:
    trace = project.trace(
        FROM_HERE + "from importlib import resources\n"
        "assert resources.files('shop').joinpath('texts/hello.txt').read_text() == 'hello'"
    )
    assert {"shop/__init__.py", "shop/texts/hello.txt"} <= set(trace["opened"])


def test_bytecode_counts_as_its_source(project: Project) -> None:
    code = FROM_HERE + "import shop.models"
    first = project.trace(code)
    assert list((project.checkout / "shop/__pycache__").glob("models.*.pyc"))
    assert project.trace(code) == first
    project.environ["PYTHONPYCACHEPREFIX"] = str(project.worktree / "cache")
    assert project.trace(code)["opened"] == first["opened"]


def test_python_path_counts_from_the_start(project: Project) -> None:
    """Modules that were loaded before the probe are told as well."""
    project.write("lib/sitecustomize.py")
    folders = [str(project.checkout / name) for name in ("lib", "gone")]
    project.environ["PYTHONPATH"] = os.pathsep.join(folders)
    trace = project.trace("")
    assert "lib/sitecustomize.py" in trace["opened"]
    assert trace["absent"] == ["gone"]
    assert trace["searched"] == ["lib"]


def test_a_link_is_told_with_what_it_leads_to(project: Project) -> None:
    (project.checkout / "current").symlink_to("sql")
    (project.checkout / "latest.sql").symlink_to("current/two.sql")
    trace = project.trace(
        "import os; open('current/one.sql'); open('latest.sql'); os.path.exists('current/gone')"
    )
    assert trace["opened"] == [
        "current",
        "current/one.sql",
        "latest.sql",
        "sql/one.sql",
        "sql/two.sql",
    ]
    assert trace["absent"] == ["current/gone", "sql/gone"]
    assert project.trace("import os; os.listdir('current')")["listed"] == {
        "sql": ["one.sql", "two.sql"]
    }


def test_links_in_a_circle(project: Project) -> None:
    (project.checkout / "a").symlink_to("b")
    (project.checkout / "b").symlink_to("a")
    assert project.trace("import os; os.path.exists('a/x')")["opened"] == ["a", "b"]


def test_an_ignored_folder_counts_by_either_name(project: Project) -> None:
    folder = project.ignore("generated")
    (folder / "data.json").write_text("{}")
    here = project.trace("open('generated/data.json')")
    there = project.trace(f"open({str(folder / 'data.json')!r})")
    for trace in (here, there):
        assert "generated/data.json" in trace["opened"]
        assert str(folder / "data.json") in trace["outside"]
    listed = project.trace("import os; os.listdir('generated')")["listed"]
    assert listed == {"generated": ["data.json"]}


def test_the_environment_of_the_project_is_outside(project: Project) -> None:
    folder = project.ignore(".venv")
    subprocess.run([project.python, "-m", "venv", "--without-pip", folder], check=True)
    (libraries,) = folder.glob("lib/python*/site-packages")
    (libraries / "library.py").write_text("")
    before = replace_python(project, folder).trace("import library")
    assert before["opened"] == []
    assert {str(libraries), str(libraries / "library.py"), str(folder / "pyvenv.cfg")} <= set(
        before["outside"]
    )
    (libraries / "library-2.0.dist-info").mkdir()
    after = project.trace("import library")
    assert after["installed"] != before["installed"]
    again = project.trace("open('.venv/pyvenv.cfg')")
    assert [path for path in again["opened"] if not path.endswith("/")] == []


def replace_python(project: Project, environment: Path) -> Project:
    project.python = str(environment / "bin" / "python")
    return project


def test_a_file_outside(project: Project, tmp_path: Path) -> None:
    (tmp_path / "there.txt").write_text("")
    trace = project.trace("import os; open('../../there.txt'); os.path.exists('../../gone.txt')")
    assert trace["opened"] == trace["absent"] == []
    assert {str(tmp_path / "there.txt"), str(tmp_path / "gone.txt")} <= set(trace["outside"])
    machine = (project.checkout.anchor + "proc", project.checkout.anchor + "dev", str(PROBE))
    others = [path for path in trace["outside"] if not path.startswith(str(tmp_path))]
    assert not [path for path in others if path.startswith(machine)]


def test_a_file_in_memory_is_one_like_any_other(project: Project) -> None:
    trace = project.trace("import os; os.path.exists('/dev/shm/gone.txt'); open('/dev/null')")
    assert "/dev/shm/gone.txt" in trace["outside"]
    assert "/dev/null" not in trace["outside"]


def test_the_working_trees_own_files_are_looked_for_in_the_checkout(project: Project) -> None:
    """Before, the look of an editable install's finder was recorded, although it is re-pointed."""
    (project.worktree / "shop").mkdir()
    (project.worktree / "shop/__init__.py").write_text("")
    trace = project.trace(f"import sys; sys.path.append({str(project.worktree)!r}); import shop")
    assert "shop/__init__.py" in trace["opened"]
    assert str(project.worktree / "shop/__init__.py") not in trace["outside"]


def test_a_module_that_was_loaded_from_elsewhere(project: Project, tmp_path: Path) -> None:
    shutil.copytree(project.checkout / "shop", tmp_path / "installed" / "shop")
    trace = project.trace(
        f"import sys; sys.path.insert(0, {str(tmp_path / 'installed')!r}); import shop.models"
    )
    assert trace["copies"] == ["shop/__init__.py", "shop/models.py"]


def test_a_name_that_is_not_utf8(project: Project) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    project.write(name)
    assert project.trace("open(b'caf\\xe9.txt')")["opened"] == [name]


def test_what_the_wrapped_functions_support_is_still_told(project: Project) -> None:
    project.trace(
        "import os, shutil\n"
        "for call in (os.stat, os.access):\n"
        "    assert call in os.supports_dir_fd and call in os.supports_follow_symlinks\n"
        "assert os.stat in os.supports_fd and os.access in os.supports_effective_ids\n"
        "assert os.stat.__name__ == 'stat'\n"
        "folder = os.open('sql', os.O_RDONLY)\n"
        "assert os.stat('one.sql', dir_fd=folder).st_size == os.stat(path='sql/one.sql').st_size\n"
        "class Files: stat = os.stat\n"
        "assert Files().stat(folder)"
    )


def test_a_working_directory_that_is_gone_still_has_a_trace(project: Project) -> None:
    project.write("data.csv", "1")
    code = (
        "import os, sys, tempfile\nopen('data.csv').read()\nsys.path.insert(0, '')\n"
        "os.chdir(tempfile.mkdtemp()); os.rmdir(os.getcwd())"
    )
    assert "data.csv" in project.trace(code)["opened"]
