"""Where the project's Python may be: the places looked at, and the tools asked, in order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.elsewhere import inside, outside
from alembic_lockstep.system.regular import read_text

# Without a setting our own interpreter would do.
FIX = (
    "Install the project there, or correct the setting. Without it, the project's environment is "
    "looked for."
)
FIX_INSIDE = (
    "Install the project into what the setting `run` starts, or name the Python that has it "
    'there:\n[tool.alembic-lockstep]\npython = "/app/.venv/bin/python"'
)
OWN = "alembic-lockstep's own interpreter"
# The first start of such a tool compiles hundreds of modules; its answer is remembered.
_LOOKUP_SECONDS = 60.0


@dataclass(frozen=True)
class Candidate:
    """An interpreter that may be the project's.

    Attributes:
        source: What named it, in words for a message.
        path: Absolute; empty where the source named none.
        refused: The candidates before it, with why they were refused, a line each.
    """

    source: str
    path: str
    refused: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """What the summary says if nothing of the project led to it; else empty."""
        if self.source != OWN:
            return ""
        return (
            f"run by {OWN} ({self.path}), as no environment of the project was found; the setting "
            "`python` names one"
        )

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.path) if part)


@dataclass(frozen=True)
class _Tool:
    """A tool that keeps environments elsewhere: how its projects look, how it is asked."""

    name: str
    files: tuple[str, ...]
    table: str
    questions: tuple[str, ...]


_TOOLS = (
    # The first answers nothing where poetry had to look for a Python other than that on PATH.
    _Tool("poetry", ("poetry.lock",), "[tool.poetry", ("env info -p", "env list --full-path")),
    _Tool("pdm", ("pdm.lock",), "[tool.pdm", ("info --python",)),
    _Tool("hatch", ("hatch.toml",), "[tool.hatch.envs", ("env find",)),
    _Tool("pipenv", ("Pipfile",), "", ("--venv",)),
)


def candidates(
    root: Path,
    directory: str,
    settings: Settings,
    outer: Mapping[str, str],
    main_root: Path | None = None,
) -> Iterator[Candidate]:
    """Yield the interpreters in the order in which they are tried.

    Args:
        root: The working tree's top folder.
        directory: Where the environment's commands are run, POSIX from the root.
        settings: `python` and `run` end the search: right, or the gate could not judge.
        outer: The environment, as `outer_environ` gives it.
        main_root: The main worktree of a linked worktree.

    Raises:
        CouldNotJudge: The setting `python` names nothing that exists.
    """
    if settings.run:
        # The interpreter is elsewhere, in a container: nothing on this disk leads to it.
        yield Candidate("the setting `run`", settings.python or "python")
    elif settings.python:
        path = _from_setting(root, settings.python, outer)
        if not path:
            found = environments(root, directory, outer, main_root)
            raise _no_such_python(root, settings.python, next(found, None))
        yield Candidate("the setting `python`", path)
    else:
        yield from environments(root, directory, outer, main_root)
        for tool, folder in tools_in_use(root, directory).items():
            for question in tool.questions:
                yield _ask(tool.name, question, folder, outer)
        yield from fallbacks(outer)


def _from_setting(root: Path, python: str, outer: Mapping[str, str]) -> str:
    path = (root / os.path.expanduser(python)).absolute()  # noqa: PTH111 - that one never raises
    if path.is_dir():
        path = _python_of(path)
    if path.is_file():
        return str(path)
    is_name = Path(python).name == python
    return (shutil.which(python, path=outer.get("PATH", "")) if is_name else None) or ""


def _no_such_python(root: Path, python: str, found: Candidate | None) -> CouldNotJudge:
    """Explain a setting that names nothing, with the environment that would be used without it."""
    what = f"the setting `python` names {python}, which does not exist below {root}"
    environment = Path(found.path).parent.parent if found else root
    if environment == root or not environment.is_relative_to(root):
        return CouldNotJudge(what, fix="Correct the setting, or remove it.")
    name = json.dumps(environment.relative_to(root).as_posix(), ensure_ascii=False)
    return CouldNotJudge(what, fix=f"[tool.alembic-lockstep]\npython = {name}")


def environments(
    root: Path, directory: str, outer: Mapping[str, str], main_root: Path | None
) -> Iterator[Candidate]:
    """Yield the virtual environments that are found by looking at a few paths."""
    for variable in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        if outer.get(variable):
            yield Candidate(variable, str(_python_of(root / outer[variable])))
    places = _places(root, directory, main_root)
    for look in (inside, outside):
        for place, words in places.items():
            for name, folder in look(place, outer):
                python = _python_of(folder)
                if os.path.isfile(python):  # noqa: PTH113 - another account's folder raises there
                    yield Candidate(f"{name} {words}", str(python))


def _places(root: Path, directory: str, main_root: Path | None) -> dict[Path, str]:
    places = {root / directory: f"in {directory}"} if directory else {}
    places.setdefault(root, "at the root")
    if main_root is not None:
        places.setdefault(main_root / directory, "in the main worktree")
        places.setdefault(main_root, "in the main worktree")
    return places


def _python_of(environment: Path) -> Path:
    """Return a virtual environment's interpreter, unresolved: resolved it would leave it."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def tools_in_use(root: Path, directory: str) -> dict[_Tool, Path]:
    """Return the tools that the project uses, each with the folder in which to ask it."""
    nearest_last = dict.fromkeys((root, root / directory))
    return {tool: folder for tool in _TOOLS for folder in nearest_last if _uses(tool, folder)}


def _uses(tool: _Tool, folder: Path) -> bool:
    if any((folder / name).is_file() for name in tool.files):
        return True
    return bool(tool.table) and tool.table in (read_text(folder / "pyproject.toml") or "")


def _ask(name: str, question: str, folder: Path, outer: Mapping[str, str]) -> Candidate:
    source = f"`{name} {question}`"
    program = shutil.which(name, path=outer.get("PATH", ""))
    if program is None:
        return Candidate(f"{source} (not on PATH)", "")
    try:
        answer = subprocess.run(
            [program, *question.split()],
            cwd=folder,
            env=outer,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LOOKUP_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Candidate(f"{source} ({type(error).__name__})", "")
    named = _named(answer.stdout) if answer.returncode == 0 else None
    if named is None:
        return Candidate(source, "")
    return Candidate(source, str(_python_of(named) if named.is_dir() else named))


def _named(answer: str) -> Path | None:
    """Return the one path that a tool's answer names, beside what else it may have printed."""
    lines = [line.strip().removesuffix(" (Activated)") for line in answer.splitlines()]
    paths = [path for path in map(Path, lines) if path.is_absolute()]
    return paths[0] if len(paths) == 1 else None


def fallbacks(outer: Mapping[str, str]) -> Iterator[Candidate]:
    """Yield the interpreters that no file of the project leads to."""
    if outer.get("CONDA_PREFIX"):
        prefix = Path(outer["CONDA_PREFIX"])
        python = prefix / "python.exe" if os.name == "nt" else _python_of(prefix)
        yield Candidate("CONDA_PREFIX", str(python))
    # A container image or a CI job often installs the project without any environment.
    for name in ("python", "python3"):
        found = shutil.which(name, path=outer.get("PATH", ""))
        if found:
            yield Candidate(f"{name} on PATH", found)
            break
    yield Candidate(OWN, sys.executable)
