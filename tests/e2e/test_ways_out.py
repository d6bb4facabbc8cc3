"""No way out: what is tried in ways_out.py, under each guard, and what came of it."""

from __future__ import annotations

import os
import selectors
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import require
from .side_effects import states
from .subfolder_project import INIT, assert_clean, change_and_check
from .ways_out import WAYS, Way

pytestmark = pytest.mark.real_start

#: What the ways use, and the loop that tries them one after the other.
TRY_ALL = """
import asyncio, ctypes, ctypes.util, logging, mmap, multiprocessing, os, pathlib, shutil
import signal, socket, sqlite3
import subprocess, sys, threading, time, urllib.request
import sqlalchemy, sqlalchemy.event

DROP, DROP_OF = "DROP TABLE precious", "DROP TABLE theirs.precious"
RECORD = logging.LogRecord("a", 40, "b", 1, "c", (), None)

def give_up(*_):
    raise TimeoutError

def LIBRARY(database, statement):
    library = ctypes.CDLL(ctypes.util.find_library("sqlite3") or "libsqlite3.so.0")
    handle = ctypes.c_void_p()
    library.sqlite3_open(database.encode(), ctypes.byref(handle))
    library.sqlite3_exec(handle, statement.encode(), None, None, None)

signal.signal(signal.SIGALRM, give_up)
start, variables = os.getcwd(), dict(os.environ)
if multiprocessing.current_process().name == "MainProcess":
    for name, code, circumstances in ATTEMPTS:
        os.chdir(start)
        os.environ.clear()
        os.environ.update(variables)
        space = {**globals(), **circumstances}
        space["ATTACH"] = f"ATTACH DATABASE '{space['DB']}' AS theirs"
        space["DIAL"] = lambda port=space["TCP"]: socket.create_connection(("127.0.0.1", port), 2)
        signal.alarm(15)
        try:
            exec(code, space)
            print("TRIED", name, flush=True)
        except BaseException as error:
            print("TRIED", name, repr(error)[:200], flush=True)
        signal.alarm(0)
    time.sleep(1.5)  # for daemons
"""


@dataclass
class Victims:
    """Files, listeners and a process of the user's, for one way."""

    folder: Path
    process: subprocess.Popen[bytes]
    contacts: int = 0
    sockets: list[socket.socket] = field(default_factory=list)
    before: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> Victims:
        (folder / "folder").mkdir(parents=True)
        (folder / "folder/inside").write_text("precious")
        (folder / "precious").write_text("precious")
        database = sqlite3.connect(folder / "precious.db")
        database.execute("CREATE TABLE precious (thing TEXT)")
        database.close()
        process = subprocess.Popen(["sleep", "600"])
        return cls(folder, process)

    def listen(self) -> dict[str, object]:
        """Open the listeners; return what the way's code is given."""
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(type=socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        self.sockets = [tcp, udp, self._listen_at("socket"), self._listen_at(".s.PGSQL.5432")]
        self.before = states(self.folder)
        return {
            "D": str(self.folder),
            "P": str(self.folder / "precious"),
            "DB": str(self.folder / "precious.db"),
            "F": str(self.folder / "folder"),
            "TCP": tcp.getsockname()[1],
            "UDP": udp.getsockname()[1],
            "UNIX": str(self.folder / "socket"),
            "VICTIM": self.process.pid,
        }

    def _listen_at(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        with chdir(self.folder):  # a whole path may be too long for a socket's
            listener.bind(name)
        listener.listen()
        return listener

    @property
    def are_hurt(self) -> bool:
        """Return whether a file changed, a listener was contacted, or the process has gone."""
        return (
            self.contacts > 0
            or self.process.poll() is not None
            or states(self.folder) != self.before
        )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for listener in self.sockets:
            listener.close()


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[dict[str, Victims]]:
    """The victims of each way that can be tried here."""
    with ExitStack() as stack:
        by_way = {}
        for number, way in enumerate(way for way in WAYS if _can_be_tried(way)):
            by_way[way.name] = Victims.make(tmp_path / "v" / str(number))
            stack.callback(by_way[way.name].close)
        yield by_way


@pytest.mark.sampled(1)
@pytest.mark.parametrize("guard", ["namespaces", "landlock", "python"])
def test_no_way_out(make_project: MakeProject, victims: dict[str, Victims], guard: str) -> None:
    require(guard == "python" or sys.platform == "linux", f"{guard} on this system")
    project = make_project("subfolder", hook=None)
    project.environ["ALEMBIC_LOCKSTEP_GUARD"] = guard
    attempts = [
        (way.name, way.code, victims[way.name].listen()) for way in WAYS if way.name in victims
    ]
    project.write(INIT, f"ATTEMPTS = {attempts!r}\n{TRY_ALL}")
    with _counted(victims.values()):
        assert_clean(change_and_check(project, once=True))
    through = {name for name, victim in victims.items() if victim.are_hurt}
    expected = {way.name for way in WAYS if way.through_python} & set(victims)
    expected = expected if guard == "python" else set()
    assert (sorted(through - expected), sorted(expected - through)) == ([], [])


def _can_be_tried(way: Way) -> bool:
    is_here = not way.needs or find_spec(way.needs) is not None
    assert is_here or os.environ.get("CI") != "true", f"CI must have: {way.needs}"
    return is_here


@contextmanager
def chdir(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _counted(victims: Collection[Victims]) -> Iterator[None]:
    """Count who comes to the victims' listeners."""
    with selectors.DefaultSelector() as selector:
        for victim in victims:
            for listener in victim.sockets:
                listener.setblocking(False)
                selector.register(listener, selectors.EVENT_READ, victim)
        ended = threading.Event()
        thread = threading.Thread(target=_count, args=(selector, ended))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _count(selector: selectors.BaseSelector, ended: threading.Event) -> None:
    while not ended.is_set():
        for key, _ in selector.select(0.05):
            listener, victim = key.fileobj, key.data
            assert isinstance(listener, socket.socket)
            victim.contacts += 1
            with suppress(BlockingIOError):
                if listener.type == socket.SOCK_DGRAM:
                    listener.recv(100)
                else:
                    listener.accept()[0].close()
