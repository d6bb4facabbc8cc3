"""Type what a message says: commands into a shell, settings into pyproject.toml."""

from __future__ import annotations

import re
import shlex

from .harness import Project, Result, run

_COMMAND = re.compile(r"(?:sed|git|pip|cd|find|sqlite3|pg_dump|[A-Z_]+=\S+) ")
_SETTING = re.compile(r"\[tool\.|[\w.-]+ = ")
_CHECK = ["alembic-lockstep", "check"]


def follow(
    project: Project, result: Result, *arguments: str, or_else: bool = False, folder: str = ""
) -> Result:
    """Type the advice of a run that could not judge, stage it, and judge again.

    Args:
        arguments: Those of that run, which the next one has too, unless the advice names others.
        or_else: Type the last way of several.
        folder: Where the shell stands, from the root.
    """
    assert result.returncode == 2, result.output
    _, _, message = result.stderr.partition("could not judge: ")
    advice = [line[4:] for line in message.splitlines() if line.startswith("    ")]
    assert advice, result.output
    if or_else:
        advice = advice[max(at for at, line in enumerate(advice) if line.startswith("Or")) :]
    settings = next((at for at, line in enumerate(advice) if line.startswith("[")), len(advice))
    for variable in re.findall(r"(\w+) is set and beats .*: unset it", "\n".join(advice)):
        del project.environ[variable]
    for line in filter(_COMMAND.match, advice[:settings]):
        run(("bash", "-ec", line), cwd=project.root / folder, environ=project.environ, check=True)
    if advice[settings:]:
        _paste(project, list(filter(_SETTING.match, advice[settings:])))
    for line in advice[:settings]:
        if line.startswith(shlex.join(_CHECK)):
            arguments = tuple(shlex.split(line)[len(_CHECK) :])
    return project.check(*arguments)


def _paste(project: Project, settings: list[str]) -> None:
    """Write settings below their table, which may be there already, in place of old values."""
    present = project.root / "pyproject.toml"
    lines = present.read_text().splitlines() if present.exists() else []
    at = len(lines)
    for line in settings:
        if line.startswith("["):
            lines += [] if line in lines else [line]
            at = lines.index(line) + 1
            continue
        key = line.partition("=")[0]
        lines[at:] = [line, *(old for old in lines[at:] if not old.startswith(key))]
        at += 1
    project.write("pyproject.toml", "\n".join(lines) + "\n")
    project.stage("pyproject.toml")


def printed_upgrade(project: Project) -> str:
    """Return what a check's report tells to write into `upgrade()`."""
    return upgrade_in(project.check("--output-format", "json"))


def upgrade_in(result: Result) -> str:
    """Return what a report in JSON tells to write into `upgrade()`."""
    (environment,) = result.json["environments"]
    (body,) = (fix["text"] for fix in environment["cures"] if fix["language"] == "python")
    head, _, lines = str(body).partition("\n")
    assert head == "def upgrade() -> None:"
    return lines.strip()
