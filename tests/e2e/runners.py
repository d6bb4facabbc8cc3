"""Runs our action's steps and our component's script, as the runners of GitHub and GitLab do.

https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
https://docs.gitlab.com/ci/inputs/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .harness import ROOT, Result, run

ACTION, COMPONENT = ROOT / "action.yml", ROOT / "templates/alembic-lockstep.yml"
BASH = "/bin/bash"  # also where PATH has nothing

_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
_TERM = re.compile(r"'(.*)'|inputs\.([\w-]+)|steps\.(\w+)\.outputs\.(\w+)")
_INPUT = re.compile(r"\$\[\[ inputs\.(\w+) \]\]")

Outputs = Mapping[str, str]


@dataclass(frozen=True)
class Contexts:
    """The values that expressions of an action can name."""

    inputs: Outputs
    steps: dict[str, Outputs]

    def evaluate(self, text: str) -> str:
        """Fill in the expressions: values, and `one || other`."""
        return _EXPRESSION.sub(self._value, text)

    def _value(self, match: re.Match[str]) -> str:
        for term in match[1].split(" || "):
            parts = _TERM.fullmatch(term)
            assert parts, f"{term} is none of the forms that are known here"
            literal, name, step, output = parts.groups()
            value = literal or (
                self.inputs[name] if name else self.steps.get(step, {}).get(output, "")
            )
            if value:
                return value
        return ""


@dataclass(frozen=True)
class ActionRun:
    """The log, exit code, outputs and summary of an action."""

    workspace: Path
    result: Result
    outputs: Outputs
    summary: str
    steps: Mapping[str, Outputs]


@dataclass
class GitHubRunner:
    """A runner of GitHub, in a folder of its own, with what a job's event put there."""

    folder: Path
    environ: dict[str, str]

    def __post_init__(self) -> None:
        self._temp.mkdir(parents=True)
        always = {"CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_OS": "Linux"}
        self.environ = {**self.environ, **always, "RUNNER_TEMP": str(self._temp)}

    def tell_event(self, name: str, payload: Mapping[str, Any], **variables: str) -> None:
        file = self.folder / "event.json"
        file.write_text(json.dumps(payload))
        event = {"GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(file)}
        self.environ |= {**event, **variables}

    def use(
        self,
        workspace: Path,
        inputs: Mapping[str, str] | None = None,
        done: Mapping[str, Outputs] | None = None,
    ) -> ActionRun:
        """Run the action; of its steps not those of `done`, whose outputs are known."""
        action = yaml.safe_load(ACTION.read_text("utf-8"))
        defaults = {name: declared["default"] for name, declared in action["inputs"].items()}
        assert defaults.keys() >= (inputs or {}).keys()
        contexts = Contexts({**defaults, **(inputs or {})}, dict(done or {}))
        logs = []
        for step in action["runs"]["steps"]:
            if step["id"] not in contexts.steps:
                logs.append(self._run(step, workspace, contexts))
            if logs and logs[-1].returncode:
                break  # the others have no `if: always()`
        outputs = {
            name: contexts.evaluate(declared["value"])
            for name, declared in action["outputs"].items()
        }
        log = Result(
            logs[-1].returncode,
            "".join(log.stdout for log in logs),
            "".join(log.stderr for log in logs),
        )
        summary = (self._temp / "GITHUB_STEP_SUMMARY").read_text("utf-8")
        return ActionRun(workspace, log, outputs, summary, contexts.steps)

    @property
    def _temp(self) -> Path:
        return self.folder / "_temp"

    def _run(self, step: Mapping[str, Any], workspace: Path, contexts: Contexts) -> Result:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "what is untrusted comes through `env`"
        script = self._temp / f"{step['id']}.sh"
        script.write_text(step["run"])
        names = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH")
        files = {name: self._temp / name for name in names}
        for file in files.values():  # each step has its own
            file.write_text("")
        environ = {
            **self.environ,
            **{name: str(file) for name, file in files.items()},
            "GITHUB_ACTION_PATH": str(ACTION.parent),
            "GITHUB_WORKSPACE": str(workspace),
            **{name: contexts.evaluate(text) for name, text in step["env"].items()},
        }
        folder = workspace / contexts.evaluate(step.get("working-directory", "."))
        command = (BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", str(script))
        result = run(command, cwd=folder, environ=environ)
        lines = files["GITHUB_OUTPUT"].read_text("utf-8").splitlines()
        contexts.steps[step["id"]] = dict(line.split("=", 1) for line in lines)
        return result


def component_documents(**inputs: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """The component's header, and its jobs with these inputs."""
    header, jobs = yaml.safe_load_all(COMPONENT.read_text("utf-8"))
    defaults = {name: declared["default"] for name, declared in header["spec"]["inputs"].items()}
    assert defaults.keys() >= inputs.keys()
    return header, _interpolate(jobs, {**defaults, **inputs})


def _interpolate(node: Any, inputs: Mapping[str, object]) -> Any:
    if isinstance(node, dict):
        return {key: _interpolate(value, inputs) for key, value in node.items()}
    if isinstance(node, list):
        return [_interpolate(value, inputs) for value in node]
    if not isinstance(node, str):
        return node
    if whole := _INPUT.fullmatch(node):
        return inputs[whole[1]]  # keeps its type
    return _INPUT.sub(lambda match: _word(inputs[match[1]]), node)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def run_component(
    shell: str, clone: Path, environ: Mapping[str, str], **inputs: object
) -> tuple[Result, dict[str, Path]]:
    """Run the job's script in a clone; return its output, and the reports that GitLab takes."""
    (job,) = component_documents(**inputs)[1].values()
    # Dash knows no pipefail; the runner asks the shell first.
    head = "set -eo pipefail\n" if shell == "bash" else "set -e\n"
    script = head + "\n".join(job["script"]) + "\n"
    variables = {**environ, "CI": "true", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(clone)}
    result = run((shell, "-c", script), cwd=clone, environ={**job["variables"], **variables})
    return result, {kind: clone / name for kind, name in job["artifacts"]["reports"].items()}
