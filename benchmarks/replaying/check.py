"""The tool's verdict on a commit."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replaying.projects import Project
from replaying.repository import Clone, Commit
from replaying.truth import variables

_STATE = re.compile(r"(.*? (?:is in|is not in|is different in) the models|.*? differs)(?:, but|$)")
_LEFT = re.compile(r"after .* the database has (.*), which the models lack")
# Brute force has no time limit either: on a busy machine the default would decide on verdicts.
_LONG_TIMEOUT = {"ALEMBIC_LOCKSTEP_TIMEOUT": "86400"}
_HISTORY = {
    "broken-upgrade": "upgrade fails",
    "multiple-heads": "several heads",
    "unknown-parent": "unknown parent",
}


@dataclass(frozen=True)
class Found:
    """What the tool said of a commit.

    Attributes:
        faults: In the words of brute force, each with its environment.
        beyond: Those of them that autogenerate cannot see: of the twin database, or unregistered.
        failure: Why it could not judge; empty if it could.
        starts: What the environments started from.
    """

    faults: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()
    failure: str = ""
    starts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checker:
    """Runs `check` in the clone, with some arguments."""

    project: Project
    clone: Clone
    tool: Path
    python: Path
    environ: Mapping[str, str]

    def found(self, commit: Commit, arguments: Sequence[str]) -> Found:
        """Judge a commit against its first parent."""
        project, root = self.project, self.clone.root
        values = variables(project, root, self._never(), root / "never")
        command = [
            *(str(self.tool), "check", "--base", commit.parent, "--tree", commit.sha),
            *("--output-format", "json", "--python", str(self.python), *arguments),
            *(("--flask-app", project.flask_app) if project.flask_app else ()),
        ]
        for environment in () if project.flask_app else project.environments:
            if self._has(commit, environment.config):
                command += ["--config", environment.config]
        done = subprocess.run(
            command,
            cwd=root,
            env={**self.environ, **_LONG_TIMEOUT, **values},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1, 2):
            return Found(failure=f"exit {done.returncode}: {done.stderr[-200:]}")
        return _found(json.loads(done.stdout))

    def _has(self, commit: Commit, path: str) -> bool:
        return bool(self.clone.git("ls-tree", commit.sha, "--", path))

    def _never(self) -> str:
        """The configured database, to which nobody may come: it is not there."""
        if self.project.dialect == "sqlite":
            return f"sqlite:///{self.clone.root / 'never' / self.project.database}"
        return "postgresql://nobody@127.0.0.1:1/never"


def _found(report: Mapping[str, Any]) -> Found:
    if report["failure"]:
        return Found(failure=report["failure"]["what"].splitlines()[0])
    faults = {_fault(finding): _is_beyond(finding) for finding in report["findings"]}
    return Found(
        frozenset(faults),
        frozenset(fault for fault, is_beyond in faults.items() if is_beyond),
        starts=tuple(environment["start"] or "" for environment in report["environments"] or ()),
    )


def _fault(finding: Mapping[str, Any]) -> str:
    message = finding["message"]
    words = _HISTORY.get(finding["rule"])
    if words is None and (left := _LEFT.fullmatch(message)):
        words = f"{left[1]} is not in the models"
    if words is None:
        match = _STATE.match(message)
        words = match[1] if match else message
    return f"{finding['environment']}: {words}"


def _is_beyond(finding: Mapping[str, Any]) -> bool:
    return bool(finding["sql"]) or finding["rule"] == "unregistered-model"
