"""A probe that is a fork is like a new process: `forked_probes.py`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from alembic_lockstep.cache.store import Cache

from .conftest import MakeProject
from .harness import Project
from .subfolder_project import ENV

#: Written into the project's env.py: the state of the process, which no run may find otherwise.
STATE = """\
import builtins, gc, json, os, re, resource, signal, site, sys, sysconfig, threading

def children_are_reaped():
    child = os.spawnlp(os.P_NOWAIT, "true", "true")
    return os.waitpid(child, 0)[1]

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
limits = [name for name in dir(resource) if name.startswith("RLIMIT_")]
state = {
    "modules": sorted(sys.modules),
    "files": {name: getattr(module, "__file__", "") for name, module in sys.modules.items()},
    "names": {name: re.sub(" at 0x[0-9a-f]+", "", str(value)) for name, value in vars(sys).items()
        if isinstance(value, (str, bytes, int, tuple, list, frozenset)) and name[0] != "_"},
    "base": sys._base_executable,
    "paths": [sysconfig.get_paths(), sysconfig.get_config_vars("prefix", "exec_prefix", "srcdir")],
    "finders": [type(finder).__name__ for finder in sys.meta_path],
    "searched": sorted(sys.path_importer_cache),
    "site": [site.PREFIXES, site.ENABLE_USER_SITE, site.USER_SITE, site.USER_BASE],
    "main": sorted(vars(sys.modules["__main__"])),
    "builtins": sorted(vars(builtins)),
    "threshold": gc.get_threshold(),
    "collects": gc.isenabled(),
    "hash": hash("alembic"),
    "recursion": sys.getrecursionlimit(),
    "variables": dict(os.environ),
    "shown": [x for x in open("/proc/self/environ").read().split("\\0") if x[:5] == "HOME="],
    "folder": os.getcwd(),
    "umask": status["Umask"],
    "groups": status["Groups"],
    "filters": [status[name] for name in ("NoNewPrivs", "Seccomp", "Seccomp_filters", "CapEff")],
    # Without 32 and 33, which are the C library's.
    "signals": [int(status[name], 16) & ~(3 << 31) for name in ("SigBlk", "SigIgn", "SigCgt")],
    "handlers": {str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
    "wakeup": signal.set_wakeup_fd(-1),
    "limits": {name: resource.getrlimit(getattr(resource, name)) for name in limits},
    "nice": os.nice(0),
    "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
    "descriptors": sorted(os.listdir("/proc/self/fd"), key=int),
    "streams": [[stream.encoding, stream.errors, stream.line_buffering]
        for stream in (sys.stdin, sys.stdout, sys.stderr)],
    "threads": [thread.name for thread in threading.enumerate()],
    "reaped": children_are_reaped(),
    "system": [name for name in os.listdir("/") if name != "lost+found"],
    "is_fork": "probe_server.py" in open("/proc/self/cmdline").read(),
}
with open(os.path.join(sys.prefix, "state"), "w") as file:
    json.dump(state, file)
"""


#: A module that stands in front of the one that SQLAlchemy imports, and becomes it.
INSTEAD = """\
import os, sys
os.environ["STARTED"] = "1"
sys.path.remove(os.path.dirname(__file__))
del sys.modules["typing_extensions"]
import typing_extensions
"""


class States:
    """Runs of a project that report the state of its process."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.root = project.root
        self._file = project.root / ".venv/state"
        self._file.touch()
        project.allow_write(self._file)
        project.write(ENV, STATE + project.read(ENV))
        project.stage(ENV)

    def observe(self) -> dict[str, Any]:
        self._file.write_text("")
        result = self._project.check("--no-cache")
        assert result.returncode == 0, result.output
        state: dict[str, Any] = json.loads(self._file.read_text())
        return state


def recorded_reads(project: Project) -> Any:
    """Return what the run of the whole history is recorded to have read."""
    cache = Path(project.environ["XDG_CACHE_HOME"]) / "alembic-lockstep"
    result = project.check()
    assert result.returncode == 0, result.output
    (snapshot,) = (cache / "entries/snapshots").iterdir()
    recorded = Cache(cache).read("snapshots", snapshot.name)
    shutil.rmtree(cache)
    return recorded


@pytest.fixture
def states(make_project: MakeProject) -> States:
    return States(make_project("subfolder", hook=None))


def test_a_fork_is_like_a_new_process(states: States, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Project, "forks_probes", True)
    forked = states.observe()
    monkeypatch.setattr(Project, "forks_probes", False)
    new = states.observe()
    assert (forked.pop("is_fork"), new.pop("is_fork")) == (True, False)
    assert forked.keys() == new.keys()
    for key in new:
        assert forked[key] == new[key], key


def test_a_fork_has_read_what_a_new_process_has(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project("subfolder", hook=None)
    project.write("notes.txt", "Something to commit.\n")
    project.stage("notes.txt")
    monkeypatch.setattr(Project, "forks_probes", True)
    forked = recorded_reads(project)
    monkeypatch.setattr(Project, "forks_probes", False)
    new = recorded_reads(project)
    assert forked.keys() == new.keys()
    for key in forked.keys() - {"databases"}:  # their names are random
        assert forked[key] == new[key], key


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("_starts.pth", "import os; os.environ['STARTED'] = '1'\n"),
        ("typing_extensions.py", INSTEAD),
    ],
)
def test_an_environment_with_code_of_its_own_is_no_forks(
    states: States, monkeypatch: pytest.MonkeyPatch, file: str, text: str
) -> None:
    monkeypatch.setattr(Project, "forks_probes", True)
    (libraries,) = states.root.glob(".venv/lib/python*/site-packages")
    (libraries / file).write_text(text)
    state = states.observe()
    assert (state["is_fork"], state["variables"]["STARTED"]) == (False, "1")
