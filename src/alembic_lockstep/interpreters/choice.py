"""Choose the project's own Python: try the candidates, and remember which one fitted."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from shutil import which

from alembic_lockstep.cache.digests import stamp_of
from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.candidates import (
    FIX,
    FIX_INSIDE,
    Candidate,
    candidates,
    environments,
    fallbacks,
    tools_in_use,
)
from alembic_lockstep.interpreters.environ import outer_environ

_TRIAL_SECONDS = 60.0
# The folder that we start in may hold a typing.py, and `-c` puts it on sys.path. The libraries are
# looked for and not imported, which would take ten times as long; a folder of migrations that is
# called `alembic` is no library.
_TRIAL = """\
import sys
sys.path[:] = [entry for entry in sys.path if entry]
if sys.version_info < (3, 9):
    raise SystemExit("Python 3.9 or newer is wanted, this is %d.%d" % sys.version_info[:2])
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
    memory: Path,
    main_root: Path | None = None,
) -> Candidate:
    """Return the first candidate that has alembic and sqlalchemy.

    Args:
        root: The working tree's top folder.
        directory: Where the environment's commands are run, POSIX from the root.
        settings: `python`, `run` and `env` count.
        environ: The environment at the edge.
        memory: A JSON file of ours; the choice stands while what it depends on does. Delete it
            when the chosen interpreter turns out to be the wrong one.
        main_root: The main worktree of a linked worktree.

    Raises:
        CouldNotJudge: None fits; `tried` says why each was refused.
    """
    outer = outer_environ(environ)
    stamp = _stamp(root, directory, settings, outer, main_root)
    remembered = _recall(memory, directory, stamp)
    if remembered is not None:
        return remembered
    found = candidates(root, directory, settings, outer, main_root)
    chosen = _first_fitting(found, root, settings.run, outer | dict(settings.env))
    _remember(memory, directory, stamp, chosen, bare=not (settings.run or settings.env))
    return chosen


def recall_interpreter(
    root: Path,
    directory: str,
    settings: Settings,
    environ: Mapping[str, str],
    memory: Path,
    main_root: Path | None = None,
) -> Candidate | None:
    """Return what `choose_interpreter` would, if it need not try any; None if it must."""
    stamp = _stamp(root, directory, settings, outer_environ(environ), main_root)
    return _recall(memory, directory, stamp)


def used_interpreters(memory: Path) -> set[str]:
    """The interpreters that were chosen last, whatever they depend on, and are still there.

    Without those that the settings give something to, as that has to be known first.
    """
    try:
        entries = [*json.loads(memory.read_text("utf-8")).values()]
        paths = {entry["path"] for entry in entries if entry["bare"]}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return set()
    return {path for path in paths if os.path.isfile(path)}  # noqa: PTH113


def _first_fitting(
    found: Iterator[Candidate], root: Path, run: Sequence[str], environ: Mapping[str, str]
) -> Candidate:
    refused: dict[str, str] = {}
    for candidate in found:
        if candidate.path in refused:
            continue
        reason = _refusal(candidate, root, run, environ)
        if not reason:
            return replace(candidate, refused=tuple(refused.values()))
        if OUTDATED in reason:  # the project's all the same: another would judge another project
            raise CouldNotJudge(
                f"{candidate}: {reason}, the lowest that a dry run works with",
                fix="Until it is upgraded, compare models and migrations by their text. What "
                "cannot be told by that, nothing else tells:\n"
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
    what = "no interpreter found that has the project's alembic and sqlalchemy"
    raise CouldNotJudge(what, tried=list(refused.values()), fix=FIX_INSIDE if run else FIX)


def _refusal(
    candidate: Candidate, root: Path, run: Sequence[str], environ: Mapping[str, str]
) -> str:
    """Try one candidate; the empty string means that it fits."""
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
    said = trial.stderr.strip().splitlines()
    return said[-1].strip() if said else f"ended with exit code {trial.returncode}"


def _stamp(
    root: Path,
    directory: str,
    settings: Settings,
    outer: Mapping[str, str],
    main_root: Path | None,
) -> str:
    """Describe what the choice depends on, without asking a tool or starting an interpreter."""
    seen = [*environments(root, directory, outer, main_root), *fallbacks(outer)]
    paths = [*(candidate.path for candidate in seen), settings.python]
    ages = [(path, *_ages(root / path)) for path in paths if path]
    tools = [tool.name for tool in tools_in_use(root, directory)]
    trial = zlib.crc32(_TRIAL.encode())  # another version of ours may refuse what this one took
    return repr((trial, str(root), ages, tools, settings.run, sorted(settings.env.items())))


def _ages(python: Path) -> list[str]:
    """Return what tells when an environment was made, and what is installed in it."""
    prefix = python.parent.parent
    marks = [python, prefix / "pyvenv.cfg"]
    marks += sorted(prefix.glob("[Ll]ib/python*/site-packages"))
    marks.append(prefix / "Lib" / "site-packages")
    return [stamp_of(str(mark)) for mark in marks]


def _recall(memory: Path, directory: str, stamp: str) -> Candidate | None:
    try:
        entry = json.loads(memory.read_text("utf-8"))[directory]
        known = Candidate(entry["source"], entry["path"], tuple(entry["refused"]))
        fits = entry["stamp"] == stamp and entry["ages"] == _ages(Path(known.path))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if fits else None


def _remember(memory: Path, directory: str, stamp: str, chosen: Candidate, *, bare: bool) -> None:
    try:
        entries = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        entries = {}
    if not isinstance(entries, dict):
        entries = {}
    facts = {"stamp": stamp, "ages": _ages(Path(chosen.path)), "bare": bare}
    entries[directory] = asdict(chosen) | facts
    # Not remembering costs a second the next time, no more.
    with contextlib.suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        new = memory.with_name(f"{memory.name}.{os.getpid()}")
        new.write_text(json.dumps(entries), "utf-8")
        new.replace(memory)
