"""Type what a message says: commands into a shell, settings into pyproject.toml."""

from __future__ import annotations

import re
import shlex

from .harness import Project, Result, run

_COMMAND = re.compile(r"(?:sed|git|pip|cd|[A-Z_]+=\S+) ")
_CHECK = ["alembic-lockstep", "check"]


def follow(project: Project, result: Result, *arguments: str) -> Result:
    """Type the advice of a run that could not judge, stage it, and judge again.

    Args:
        arguments: Those of that run, which the next one has too, unless the advice names others.
    """
    assert result.returncode == 2, result.output
    _, _, message = result.stderr.partition("could not judge: ")
    advice = [line[4:] for line in message.splitlines() if line.startswith("    ")]
    assert advice, result.output
    settings = next((at for at, line in enumerate(advice) if line.startswith("[")), len(advice))
    for line in filter(_COMMAND.match, advice[:settings]):
        run(("bash", "-ec", line), cwd=project.root, environ=project.environ, check=True)
    if advice[settings:]:
        present = project.root / "pyproject.toml"
        text = present.read_text() if present.exists() else ""
        project.write("pyproject.toml", text + "\n".join(advice[settings:]) + "\n")
        project.stage("pyproject.toml")
    for line in advice[:settings]:
        if line.startswith(shlex.join(_CHECK)):
            arguments = tuple(shlex.split(line)[len(_CHECK) :])
    return project.check(*arguments)


def printed_upgrade(project: Project) -> str:
    """Return what the report tells to write into `upgrade()`."""
    (environment,) = project.check("--output-format", "json").json["environments"]
    (body,) = (cure["text"] for cure in environment["cures"] if cure["language"] == "python")
    head, _, lines = str(body).partition("\n")
    assert head == "def upgrade() -> None:"
    return lines.strip()
