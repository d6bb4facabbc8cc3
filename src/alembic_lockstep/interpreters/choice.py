"""Choose the project's own Python: try the candidates, and cache the choice."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from shutil import which

from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.candidates import (
    FIX,
    FIX_INSIDE,
    Candidate,
    Search,
    candidates,
    fallbacks,
    tools_in_use,
    virtual_environments,
)
from alembic_lockstep.interpreters.environ import outer_environ
from alembic_lockstep.system import disk_questions as questions

_TRIAL_SECONDS = 60.0
# The current folder may hold a typing.py, and `-c` puts it on sys.path. The libraries are located
# and not imported, which would take ten times as long; a folder of migrations with the name
# `alembic` is no library.
_TRIAL = """\
import sys
sys.path[:] = [entry for entry in sys.path if entry]
if sys.version_info < (3, 9):
    raise SystemExit("Python 3.9 or newer is needed, this is %d.%d" % sys.version_info[:2])
from importlib import metadata
from importlib.util import find_spec
for name, title, lowest in (("alembic", "Alembic", (1, 9)), ("sqlalchemy", "SQLAlchemy", (1, 4))):
    spec = find_spec(name)
    if spec is None or not spec.has_location:
        raise SystemExit("No module named %r" % name)
    version = metadata.version(name)
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < lowest:
        raise SystemExit("%s %s is older than %d.%d" % (title, version, *lowest))
"""
OUTDATED = " is older than "


def choose_interpreter(
    root: Path,
    directory: str,
    settings: Settings,
    environ: Mapping[str, str],
    cache_file: Path,
    main_root: Path | None = None,
) -> Candidate:
    """Return the first candidate that has alembic and sqlalchemy.

    Args:
        root: The working tree's top folder.
        directory: Where the environment's commands are run, POSIX from the root.
        settings: `python`, `run` and `env` count.
        environ: The environment variables of the process.
        cache_file: A JSON file of ours; the choice is valid until its stamp changes. Delete it
            when the chosen interpreter turns out to be the wrong one.
        main_root: The main worktree of a linked worktree.

    Raises:
        CouldNotJudge: No candidate fits; `tried` says why each was refused.
    """
    search = Search(root, directory, settings, outer_environ(environ), main_root)
    stamp = _stamp(search)
    cached = _cached(cache_file, directory, stamp)
    if cached is not None:
        return cached
    chosen = _first_fitting(search)
    _store(cache_file, directory, stamp, chosen, bare=not (settings.run or settings.env))
    return chosen


def cached_interpreter(
    root: Path,
    directory: str,
    settings: Settings,
    environ: Mapping[str, str],
    cache_file: Path,
    main_root: Path | None = None,
) -> Candidate | None:
    """Return the cached choice of `choose_interpreter`; None where it would try candidates."""
    search = Search(root, directory, settings, outer_environ(environ), main_root)
    return _cached(cache_file, directory, _stamp(search))


def used_interpreters(cache_file: Path) -> set[str]:
    """Return the paths of the interpreters that were chosen last and still exist.

    Their stamps are not compared. Those that ran with the settings `run` or `env` are left out, as
    these settings have to be read first.
    """
    try:
        entries = [*json.loads(cache_file.read_text("utf-8")).values()]
        paths = {entry["path"] for entry in entries if entry["bare"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return {path for path in paths if os.path.isfile(path)}  # noqa: PTH113


def _first_fitting(search: Search) -> Candidate:
    run, environ = search.settings.run, {**search.outer, **dict(search.settings.env)}
    refused: dict[str, str] = {}
    for candidate in candidates(search):
        if candidate.path in refused:
            continue
        reason = _refusal(candidate, search.root, run, environ)
        if not reason:
            return replace(candidate, refused=tuple(refused.values()))
        if OUTDATED in reason:  # it is the project's: any other would judge another project
            raise CouldNotJudge(
                f"{candidate}: {reason}, the lowest that a dry run works with",
                fix="Until it is upgraded, compare models and migrations by their text, which "
                "leaves some differences open:\n"
                "alembic-lockstep check --static",
            )
        refused[candidate.path or candidate.source] = f"{candidate}: {reason}"
    if run and which(run[0], path=environ.get("PATH")) is None:
        lacks = "does not exist" if os.sep in run[0] else "is not on PATH"
        raise CouldNotJudge(
            f"the setting 'run' starts {run[0]}, which {lacks}",
            fix=f"Install {run[0]}, or correct the setting. Without it, the project's Python of "
            "this machine runs.",
        )
    raise CouldNotJudge(
        "no interpreter found that has the project's alembic and sqlalchemy",
        tried=list(refused.values()),
        fix=FIX_INSIDE if run else FIX,
    )


def _refusal(
    candidate: Candidate, root: Path, run: Sequence[str], environ: Mapping[str, str]
) -> str:
    """Try a candidate and return why it is refused; "" if it fits."""
    if not candidate.path:
        return "names no environment"
    if not run and not os.path.isfile(candidate.path):  # noqa: PTH113
        return "does not exist"
    try:
        trial = subprocess.run(
            [*run, candidate.path, "-c", _TRIAL],
            cwd=root,
            env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},  # of what .pth files import
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TRIAL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {_TRIAL_SECONDS:.0f} s"
    except OSError as error:
        return error.strerror or str(error)
    if trial.returncode == 0:
        return ""
    lines = trial.stderr.strip().splitlines()
    return lines[-1].strip() if lines else f"ended with exit code {trial.returncode}"


def _stamp(search: Search) -> str:
    """Describe what the choice depends on, without starting a tool or an interpreter."""
    root, settings = search.root, search.settings
    on_disk = [*virtual_environments(search), *fallbacks(search.outer)]
    paths = [*(candidate.path for candidate in on_disk), settings.python]
    ages = [(path, *_ages(root / path)) for path in paths if path]
    tools = [tool.name for tool in tools_in_use(root, search.directory)]
    trial = zlib.crc32(_TRIAL.encode())  # another version of ours may have another trial
    return repr((trial, str(root), ages, tools, settings.run, sorted(settings.env.items())))


def _ages(python: Path) -> list[str]:
    """Return stamps that change when an environment is recreated or packages are installed."""
    prefix = python.parent.parent
    marks = [python, prefix / "pyvenv.cfg"]
    marks += map(Path, questions.glob(prefix, "[Ll]ib/python*/site-packages"))
    marks.append(prefix / "Lib" / "site-packages")
    return [questions.stamp(mark) for mark in marks]


def _cached(cache_file: Path, directory: str, stamp: str) -> Candidate | None:
    try:
        entry = json.loads(cache_file.read_text("utf-8"))[directory]
        candidate = Candidate(entry["source"], entry["path"], tuple(entry["refused"]))
        is_valid = entry["stamp"] == stamp and entry["ages"] == _ages(Path(candidate.path))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return candidate if is_valid else None


def _store(cache_file: Path, directory: str, stamp: str, chosen: Candidate, *, bare: bool) -> None:
    try:
        entries = json.loads(cache_file.read_text("utf-8"))
    except (OSError, ValueError):
        entries = {}
    if not isinstance(entries, dict):
        entries = {}
    facts = {"stamp": stamp, "ages": _ages(Path(chosen.path)), "bare": bare}
    entries[directory] = asdict(chosen) | facts
    # Without the cache the next run takes a second longer, no more.
    with contextlib.suppress(OSError):
        cache_file.parent.mkdir(parents=True, exist_ok=True)
        new = cache_file.with_name(f"{cache_file.name}.{os.getpid()}")
        new.write_text(json.dumps(entries), "utf-8")
        new.replace(cache_file)
