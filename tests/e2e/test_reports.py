"""Reports of real checks: on standard output, in files, at once, and when there is no verdict."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from jsonschema import Draft202012Validator

from alembic_lockstep.report.output import FORMATS

from .harness import Project, Result, run
from .subfolder_project import (
    MODELS,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/report-1.json").read_text("utf-8"))
ALL = [word for name in FORMATS for word in ("--output", f"{name}=reports/{name}")]
#: The command with a bug where the verdict is made.
WITH_A_BUG = """\
import alembic_lockstep.gate
alembic_lockstep.gate.conclude = None
from alembic_lockstep.cli import entry
entry()
"""


def written(project: Project) -> dict[str, str]:
    return {name: project.read(f"reports/{name}") for name in FORMATS}


def document(text: str) -> Any:
    """A report in JSON, as the published schema has it."""
    report = json.loads(text)
    Draft202012Validator(SCHEMA).validate(report)
    return report


def assert_no_verdict(project: Project, said: str) -> None:
    """No report looks as if all were well."""
    reports = written(project)
    report = document(reports["json"])
    assert (report["verdict"], report["findings"]) == ("could-not-judge", [])
    assert said in report["failure"]["what"]
    (sarif,) = json.loads(reports["sarif"])["runs"]
    assert sarif["invocations"][0]["executionSuccessful"] is False
    (issue,) = json.loads(reports["gitlab"])
    assert (issue["check_name"], issue["severity"]) == ("could-not-judge", "blocker")
    assert ElementTree.fromstring(reports["junit"]).find("testsuite/testcase/error") is not None
    assert reports["github"].startswith("::error title=could not judge::")
    assert "**Could not judge" in reports["markdown"]
    assert all("could not judge: " in reports[name] for name in ("full", "concise"))


def test_every_report_of_a_finding(shop: Project) -> None:
    where = shop.add_column()
    shop.stage(MODELS)
    result = shop.check(*ALL)
    assert_finding(result, f"{where}5: missing-migration: ")
    reports = written(shop)
    assert reports["full"] == result.stdout
    report = document(reports["json"])
    (finding,), (environment,) = report["findings"], report["environments"]
    assert (finding["path"], finding["rule"]) == (MODELS, "missing-migration")
    assert f"{MODELS}:{finding['line']}:" == where
    assert environment["config"] == "service/alembic.ini"
    for name in FORMATS:
        assert finding["rule"] in reports[name], name
    body = next(fix["text"] for fix in environment["cures"] if fix["language"] == "python")
    assert f"```python\n{body}\n```" in reports["markdown"]
    for name in ("github", "gitlab"):
        assert shop.check("--output-format", name).stdout == reports[name]


def test_what_is_answered_at_once_is_reported_without_more_imports(shop: Project) -> None:
    assert_clean(change_and_check(shop))
    shop.write("notes.txt", "Something else.\n")
    shop.stage("notes.txt")
    command = (sys.executable, "-X", "importtime", "-m", "alembic_lockstep", "check", *ALL)
    result = run(command, cwd=shop.root, environ=shop.environ)
    assert result.returncode == 0
    assert "\nPassed: nothing staged touches what the last verdict read.\n" in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert not imported & {"alembic", "sqlalchemy", "alembic_lockstep.gate"}
    reports = written(shop)
    report = document(reports["json"])
    assert report["verdict"] == "clean"
    assert report["tree"] == shop.git("write-tree")
    (sarif,) = json.loads(reports["sarif"])["runs"]
    assert sarif["results"] == []
    assert sarif["invocations"][0]["executionSuccessful"] is True
    assert json.loads(reports["gitlab"]) == []
    (suite,) = ElementTree.fromstring(reports["junit"])
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert "**Passed" in reports["markdown"]
    assert [reports[name] for name in ("full", "concise", "github")] == ["", "", ""]


def test_an_application_that_does_not_start_is_in_every_report(shop: Project) -> None:
    shop.write("service/shop/__init__.py", "raise ValueError('not today')\n")
    assert_unjudged(change_and_check(shop, *ALL), "not today")
    assert_no_verdict(shop, "not today")
    (issue,) = json.loads(shop.read("reports/gitlab"))
    assert issue["location"]["path"] == "service/alembic.ini"


def test_settings_that_are_wrong_are_in_every_report_and_on_standard_output(shop: Project) -> None:
    shop.write("pyproject.toml", "[tool.alembic-lockstep]\nnonsense = 1\n")
    shop.stage("pyproject.toml")
    result = shop.check("--output-format", "json", *ALL)
    assert result.returncode == 2
    assert result.stdout == shop.read("reports/json")
    assert result.stderr.count("could not judge: ") == 1
    assert_no_verdict(shop, "nonsense")


def test_an_internal_error_is_in_every_report(shop: Project) -> None:
    shop.start_check = ("-c", WITH_A_BUG)
    result: Result = change_and_check(shop, *ALL)
    assert result.returncode == 3, result.output
    assert "Traceback" in result.stderr
    assert_no_verdict(shop, "internal error (TypeError)")
    assert result.stderr.endswith("\n    git commit --no-verify\n")
    shop.git("commit", "--no-verify", "--quiet", "-m", "Past the hook")


def test_a_report_that_cannot_be_written_blocks(shop: Project) -> None:
    shop.add_column()
    shop.stage(MODELS)
    result = shop.check("--output", f"json={MODELS}/report.json", "--output", "report.sarif")
    assert result.returncode == 2, result.output
    assert "missing-migration" in result.stdout
    assert "Blocked: 1 missing-migration." in result.stderr
    assert result.stderr.count("could not judge: ") == 1
    assert f"no report can be written to {MODELS}/report.json: " in result.stderr
    assert json.loads(shop.read("report.sarif"))["runs"][0]["results"]
    ours = f"{shlex.quote(sys.executable)} -m alembic_lockstep check"
    typed = result.stderr.splitlines()[-1].replace("alembic-lockstep check", ours)
    again = run(("bash", "-c", typed), cwd=shop.root, environ=shop.environ)
    assert again.returncode == 1, again.output
    assert json.loads(Path(shop.environ["TMPDIR"], "report.json").read_text())["findings"]
