"""Who judges a subject: the tool and its rivals, each as the processes that are timed."""

from __future__ import annotations

from collections.abc import Callable

from bench.stopwatch import Contestant
from bench.subject import Subject

Prepare = Callable[[], None]

_FLOOR = """\
import alembic, sqlalchemy
import {module}
sqlalchemy.MetaData().reflect(sqlalchemy.create_engine({url!r}))
"""

_LOAD = """\
from alembic.config import Config
from alembic.script import ScriptDirectory
list(ScriptDirectory.from_config(Config({config!r})).walk_revisions())
"""

_GREP = """\
changed=$(git diff --cached --name-only)
echo "$changed" | grep -q models || exit 0
echo "$changed" | grep -q versions/ && exit 0
echo "models changed without a migration"
exit 1
"""


def tool(subject: Subject, prepare: Prepare, **variables: str) -> Contestant:
    """The tool, as a hook runs it. A variable that is empty is not set."""
    environ = {name: text for name, text in {**subject.environ, **variables}.items() if text}
    return Contestant(((str(subject.tool), "check"),), subject.root, environ, prepare)


def bare(subject: Subject, prepare: Prepare) -> Contestant:
    """The least that a hook in Python costs: start, import what it needs, have git compare once."""
    python = str(subject.tool.with_name("python"))
    commands = ((python, "-c", "import json, subprocess"), ("git", "diff", "--cached"))
    return Contestant(commands, subject.root, subject.environ, prepare)


def upgrade_and_check(subject: Subject, prepare: Prepare) -> Contestant:
    """Upgrade an empty database and compare it with the models. It is left at head."""

    def renew() -> None:
        prepare()
        subject.databases.renew()

    codes = (0, 1, 255) if subject.drifts else (0,)
    commands = (subject.upgrade, subject.check)
    directory = subject.root / subject.directory
    return Contestant(commands, directory, subject.environ, renew, codes)


def floor(subject: Subject) -> Contestant:
    """The least that a comparison costs, on the database that the one above has left at head."""
    return _python(subject, _FLOOR.format(module=subject.module, url=subject.sync_url))


def load(subject: Subject) -> Contestant:
    """The project's Python reads all revisions, and does nothing else."""
    return _python(subject, _LOAD.format(config=subject.config))


def pytest_alembic(subject: Subject) -> Contestant:
    """Its model test, on the same database, empty again."""
    command = (str(subject.programs / "pytest"), "-q", "tests")
    return Contestant((command,), subject.root, subject.environ, subject.databases.renew)


def grep(subject: Subject) -> Contestant:
    """The usual script. It knows the names of files only, and is wrong about most commits."""
    return Contestant((("sh", "-c", _GREP),), subject.root, subject.environ)


def _python(subject: Subject, code: str) -> Contestant:
    command = (str(subject.programs / "python"), "-c", code)
    return Contestant((command,), subject.root, subject.environ)
