"""List the interpreters that may be the project's: paths to try and tools to ask, in order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.elsewhere import environments_inside, environments_outside
from alembic_lockstep.system import disk_questions as questions

FIX = (
    "Install the project there, or correct the setting. Without it, the project's environment is "
    "looked for."
)
FIX_INSIDE = (
    "Install the project into what the setting `run` starts, or name the Python that has it "
    'there:\n[tool.alembic-lockstep]\npython = "/app/.venv/bin/python"'
)
OWN = "alembic-lockstep's own interpreter"
# The first start of such a tool compiles hundreds of modules; its answer is cached.
_LOOKUP_SECONDS = 60.0


@dataclass(frozen=True)
class Candidate:
    """An interpreter that may be the project's.

    Attributes:
        source: Where its path comes from, in words for a message.
        path: Absolute; "" where the source names none.
        refused: The candidates before it and why each was refused, a line each.
    """

    source: str
    path: str
    refused: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """Return a note for the summary if it is our own interpreter; else ""."""
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
    """A tool that keeps environments outside of the project.

    Attributes:
        files: Files that projects of this tool have.
        table: The beginning of its tables in pyproject.toml; "" if it has none.
        questions: The arguments that make it print an environment's path, best first.
    """

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


@dataclass(frozen=True)
class Search:
    """Settings and folders of a search for the project's interpreter.

    Attributes:
        root: The working tree's top folder.
        directory: Where the environment's commands are run, POSIX from the root.
        settings: `python`, `run` and `env` count; the first two end the search.
        outer: The environment variables, as `outer_environ` returns them.
        main_root: The main worktree of a linked worktree.
    """

    root: Path
    directory: str
    settings: Settings
    outer: Mapping[str, str]
    main_root: Path | None = None


def candidates(search: Search) -> Iterator[Candidate]:
    """Yield the interpreters in the order in which they are tried.

    Raises:
        CouldNotJudge: The setting `python` names nothing that exists.
    """
    root, settings, outer = search.root, search.settings, search.outer
    if settings.run:
        # The interpreter is in a container: nothing on this disk leads to it.
        yield Candidate("the setting `run`", settings.python or "python")
    elif settings.python:
        path = _from_setting(root, settings.python, outer)
        if not path:
            default = next(virtual_environments(search), None)
            raise _no_such_python(root, settings.python, default)
        yield Candidate("the setting `python`", path)
    else:
        yield from virtual_environments(search)
        for tool, folder in tools_in_use(root, search.directory).items():
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


def _no_such_python(root: Path, python: str, default: Candidate | None) -> CouldNotJudge:
    """Explain a setting that names nothing; propose the default, which is used without it."""
    summary = f"the setting `python` names {python}, which does not exist below {root}"
    environment = Path(default.path).parent.parent if default else root
    if environment == root or not environment.is_relative_to(root):
        return CouldNotJudge(summary, fix="Correct the setting, or remove it.")
    name = json.dumps(environment.relative_to(root).as_posix(), ensure_ascii=False)
    return CouldNotJudge(summary, fix=f"[tool.alembic-lockstep]\npython = {name}")


def virtual_environments(search: Search) -> Iterator[Candidate]:
    """Yield the virtual environments at the usual paths, without starting a tool."""
    root, outer = search.root, search.outer
    for variable in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT"):
        if outer.get(variable):
            yield Candidate(variable, str(_python_of(root / outer[variable])))
    for environments_of in (environments_inside, environments_outside):
        for folder, words in _folders(search).items():
            for name, environment in environments_of(folder, outer):
                python = _python_of(environment)
                if questions.is_file(python):
                    yield Candidate(f"{name} {words}", str(python))


def _folders(search: Search) -> dict[Path, str]:
    """Return the project's folders, best first, with words for a message."""
    directory, main_root = search.directory, search.main_root
    folders = {search.root / directory: f"in {directory}"} if directory else {}
    folders.setdefault(search.root, "at the root")
    if main_root is not None:
        folders.setdefault(main_root / directory, "in the main worktree")
        folders.setdefault(main_root, "in the main worktree")
    return folders


def _python_of(environment: Path) -> Path:
    """Return a virtual environment's interpreter: unresolved, as links lead out of it."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def tools_in_use(root: Path, directory: str) -> dict[_Tool, Path]:
    """Return the tools that the project uses, each with the folder in which to ask it."""
    nearest_last = dict.fromkeys((root, root / directory))
    return {tool: folder for tool in _TOOLS for folder in nearest_last if _uses(tool, folder)}


def _uses(tool: _Tool, folder: Path) -> bool:
    if any(questions.is_file(folder / name) for name in tool.files):
        return True
    return bool(tool.table) and tool.table in (questions.read_text(folder / "pyproject.toml") or "")


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
    path = _path_in(answer.stdout) if answer.returncode == 0 else None
    if path is None:
        return Candidate(source, "")
    return Candidate(source, str(_python_of(path) if path.is_dir() else path))


def _path_in(answer: str) -> Path | None:
    """Return the path that a tool printed, perhaps among other lines; None if it is not unique."""
    lines = [line.strip().removesuffix(" (Activated)") for line in answer.splitlines()]
    paths = [path for path in map(Path, lines) if path.is_absolute()]
    return paths[0] if len(paths) == 1 else None


def fallbacks(outer: Mapping[str, str]) -> Iterator[Candidate]:
    """Yield the interpreters that do not depend on the project's files."""
    if outer.get("CONDA_PREFIX"):
        prefix = Path(outer["CONDA_PREFIX"])
        python = prefix / "python.exe" if os.name == "nt" else _python_of(prefix)
        yield Candidate("CONDA_PREFIX", str(python))
    # A container image or a CI job often installs the project without any environment.
    for name in ("python", "python3"):
        path = questions.find_program(name, outer.get("PATH", ""))
        if path:
            yield Candidate(f"{name} on PATH", path)
            break
    yield Candidate(OWN, questions.own_python())
