"""Become the probe of one run after another: the program of `forked_probes.py`.

It does what `python -c LOCAL` of `dryrun/probe_process.py` does until that waits for its request.
There it forks for each process that is asked for: first into the supervisor, whose code runs as it
is. Where that would execute the project's Python behind its guards, the process becomes it. Little
is imported here, as a project's Python has imported nothing of this.
"""

from __future__ import annotations

import marshal
import os
import select
import site
import sys
from contextlib import suppress
from importlib import import_module, reload
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType
    from typing import Any, NoReturn

PROBE = "alembic_lockstep_probe"
EXECUTE = os.execvp
#: The position of env_start and env_end in proc_pid_stat(5), behind the program's name.
ENV_START = 47
#: The version of capset(2).
CAPABILITIES = 0x20080522
#: Beyond the descriptors of a process.
MOST_DESCRIPTORS = 1 << 16


class Started(BaseException):
    """Raised in a process that is the project's Python from now on."""


def serve(
    listener: int,
    supervisor: str,
    start: str,
    folder: str,
    modules: set[str],
    searched: set[str],
) -> None:
    """Import what a probe imports, and become probes.

    Args:
        listener: The descriptor of the socket.
        supervisor: The file of this program.
        start: The Python code of a probe's start.
        folder: That of the probe.
        modules, searched: The modules that every Python has imported, and where it looked for them.
    """
    path = [*sys.path]
    server = Server(listener, load("supervisor", supervisor))
    sys.path[:] = path
    for entry in sys.path_importer_cache.keys() - searched:
        del sys.path_importer_cache[entry]
    for name in sys.modules.keys() - modules:
        del sys.modules[name]
    namespace = vars(sys.modules["__main__"])
    for name in [name for name in namespace if not name.startswith("__")]:
        del namespace[name]
    exec(start, namespace)
    load(PROBE, f"{folder}/__init__.py", folder)
    server.run(import_module(f"{PROBE}.main"))


def load(name: str, file: str, *folders: str) -> ModuleType:
    """Import a file as a module, or as a package with folders."""
    spec = spec_from_file_location(name, file, submodule_search_locations=[*folders] or None)
    assert spec
    assert spec.loader
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server:
    """A probe that waits, and forks into others.

    Args:
        listener: The descriptor of the socket on which processes are asked for.
        supervisor: The module, which has imported little.
    """

    def __init__(self, listener: int, supervisor: Any) -> None:
        self._supervisor = supervisor
        self._signal = supervisor.signal
        self._socket = supervisor.socket
        self._listener = self._socket.socket(fileno=listener)
        self._locale = os.environ.get("LC_CTYPE")
        with open("/proc/self/environ", "rb") as file:  # before Python changed its variables
            self._variables = {*filter(is_of_python, os.fsdecode(file.read()).split("\0"))}
        self._interpreter = os.path.realpath(sys.executable)
        self._path = [entry for entry in sys.path if entry.startswith(f"{sys.base_prefix}/")]

    def run(self, entry: Any) -> None:
        """Run the probe's main function, in this process up to its request."""
        reads, kinds = entry.Reads(), (entry.Reads, entry.Channel)

        def wait(top: str) -> Any:
            entry.Reads, entry.Channel = kinds
            with reads.unnoted():
                forget_reads(reads, sys.prefix)
                self._wait()
            reload(sys.modules["sysconfig"])  # it has read the names of this environment
            return entry.Channel(top)

        entry.Reads, entry.Channel = lambda: reads, wait
        entry.main("")

    def _wait(self) -> None:
        """Fork for each process; return in those that are probes."""
        import gc

        gc.freeze()  # else a fork that collects garbage copies all pages
        modules = {*sys.modules}
        os.write(1, b"\n")  # all is imported
        with suppress(Started):
            self._fork_for_all()
        self._signal.signal(self._signal.SIGCHLD, self._signal.SIG_DFL)
        os.closerange(3, MOST_DESCRIPTORS)
        for name in sys.modules.keys() - modules:
            del sys.modules[name]
        sys.modules[f"{PROBE}.bytecode"].keep_bytecode(sys.argv[-1])

    def _fork_for_all(self) -> NoReturn:
        while True:
            ready, _, _ = select.select([0, self._listener.fileno()], [], [])
            if 0 in ready:
                os._exit(0)  # the tests have ended
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            descriptor, _ = self._listener._accept()
            if not os.fork():
                self._listener.close()
                self._start(self._socket.socket(fileno=descriptor))
            os.close(descriptor)

    def _start(self, connection: Any) -> NoReturn:
        """Start a supervisor, and report its number and its end."""
        content, rights, _, _ = connection.recvmsg(1 << 20, self._socket.CMSG_SPACE(4 * 4))
        descriptors = [*memoryview(rights[0][2]).cast("i")]
        supervisor = os.fork()
        if not supervisor:
            connection.close()
            self._supervise(marshal.loads(content), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(str(supervisor).encode())
        _, status = os.waitpid(supervisor, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)

    def _supervise(self, request: Any, control: int, *streams: int) -> NoReturn:
        """Be the supervisor, as `subprocess.Popen` would start it."""
        import resource

        os.setsid()
        os.chdir(request["folder"])
        for number, limits in request["limits"]:
            resource.setrlimit(number, limits)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(request["environ"])
        show_home()
        os.execvp = self._execute  # type: ignore[assignment]
        self._supervisor.main([str(control), *request["arguments"]])
        os._exit(1)  # it does not return

    def _execute(self, program: str, command: list[str]) -> NoReturn:
        """Become the project's Python, or execute it if this process would not be like it."""
        os.execvp = EXECUTE
        variables = {*filter(is_of_python, map("=".join, os.environ.items()))}
        if variables == self._variables and is_plain(program, self._interpreter):
            begin_as(command, self._path)
            if finds_the_same():
                if self._locale is not None:
                    os.environ["LC_CTYPE"] = self._locale
                drop_capabilities(self._supervisor.kernel)
                raise Started
        os.execvp(program, command)


def forget_reads(reads: Any, folder: str) -> None:
    """Remove from the recorded reads those below a folder."""
    for names in vars(reads).values():
        if isinstance(names, set):
            names -= {name for name in names if f"{name}/".startswith(f"{folder}/")}


def is_of_python(assignment: str) -> bool:
    """Return whether Python starts otherwise with another value of a variable."""
    return assignment.startswith(("PYTHON", "LC_", "LANG"))


def show_home() -> None:
    """Have /proc show the home folder, by which the tests recognize what a check has started."""
    with open("/proc/self/stat", "rb") as file:
        numbers = file.read().rpartition(b")")[2].split()
    first, last = map(int, numbers[ENV_START : ENV_START + 2])
    shown = f"HOME={os.environ.get('HOME')}".encode()
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(first)
        memory.write(shown[: last - first].ljust(last - first, b"\0"))


def drop_capabilities(kernel: Any) -> None:
    """Reduce the capabilities to those that this account has after it executes a program."""
    with open("/proc/self/status") as file:
        (bounding,) = (int(line.split()[1], 16) for line in file if line.startswith("CapBnd:"))
    left = 0 if os.geteuid() else bounding
    number = kernel.ctypes.c_uint32
    sets = (number * 6)()  # effective, permitted and inheritable, by 32 capabilities
    for part in range(2):
        sets[3 * part] = sets[3 * part + 1] = left >> 32 * part & 0xFFFFFFFF
    kernel.call("capset", (number * 2)(CAPABILITIES, 0), sets)


def is_plain(program: str, interpreter: str) -> bool:
    """Return whether a program is this Python, in an environment that runs no code at its start."""
    top = os.path.dirname(os.path.dirname(program))
    if os.path.realpath(program) != interpreter or not os.path.exists(f"{top}/pyvenv.cfg"):
        return False
    folder = "{}/lib/python{}.{}/site-packages".format(top, *sys.version_info[:2])
    for name in os.listdir(folder):
        if name.endswith(".pth"):
            with open(os.path.join(folder, name)) as file:
                if any(line.startswith(("import ", "import\t")) for line in file):
                    return False
    return True


def begin_as(command: Sequence[str], path: Sequence[str]) -> None:
    """Set what Python sets when it starts: its names, and where it imports from."""
    sys.executable, sys.argv, sys.orig_argv = command[0], ["-c", *command[3:]], [*command]
    sys.prefix = sys.exec_prefix = sys.base_prefix
    for entry in {*sys.path} - {*path}:
        sys.path_importer_cache.pop(entry, None)
    sys.path[:] = path
    site.PREFIXES[:] = [sys.prefix, sys.exec_prefix]
    site.ENABLE_USER_SITE = site.USER_SITE = site.USER_BASE = None
    site.main()


def finds_the_same() -> bool:
    """Return whether the modules that are loaded would be those found on the path."""
    names = {name.partition(".")[0] for name in sys.modules} - {"__main__", PROBE}
    for name in {*names, "sitecustomize", "usercustomize"}:
        spec = getattr(sys.modules.get(name), "__spec__", None)
        if spec and not spec.has_location:
            continue  # built in or frozen
        new = PathFinder.find_spec(name)
        if (new and new.origin) != (spec and spec.origin):
            return False
    return True
