"""Our GitLab component on a merge request, its script run by a shell as the runner runs it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from .branches import Clone, advance_main, change_models, merge_request, migrate
from .harness import Project, Result, clean_environ, run
from .runners import component_documents, run_component
from .subfolder_project import MODELS

Judge = Callable[..., tuple[Result, dict[str, Path]]]
HEAD = "refs/pull/7/head"  # stands for refs/merge-requests/7/head


@pytest.fixture
def judge(shop: Project, clone: Clone, wheelhouse: dict[str, str]) -> Judge:
    """Runs the component in the pipeline of a merge request, whose clone has its head alone."""

    def do(
        shell: str, *, origin: Path | None = None, **inputs: object
    ) -> tuple[Result, dict[str, Path]]:
        base, _, _ = merge_request(shop)
        there = clone(HEAD, others=False)
        target = there.git("remote", "get-url", "origin")
        if origin:
            there.git("remote", "set-url", "origin", str(origin))
        about = {
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_PROJECT_ID": "2" if origin else "1",
            "CI_DEFAULT_BRANCH": "main",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "1",
            "CI_MERGE_REQUEST_PROJECT_URL": target,
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        }
        return run_component(shell, there.root, {**shop.environ, **wheelhouse, **about}, **inputs)

    return do


def test_what_is_found_is_in_both_reports(shop: Project, judge: Judge) -> None:
    change_models(shop)
    line = shop.line(MODELS, "paid: ")
    result, reports = judge("bash", install="touch installed", extras="mysql")
    assert result.returncode == 1, result.output
    assert f"{MODELS}:{line}:5: missing-migration: " in result.stdout
    assert "where it left origin/main" in result.stderr
    assert reports["junit"].with_name("installed").exists()
    (issue,) = json.loads(reports["codequality"].read_text())
    assert (issue["check_name"], issue["location"]["path"]) == ("missing-migration", MODELS)
    cases = ElementTree.fromstring(reports["junit"].read_text()).iterfind("testsuite/testcase")
    failed = [case.get("name") for case in cases if case.find("failure") is not None]
    assert failed == ["missing-migration"]


def test_a_fork_is_judged_with_the_branch_that_it_wants_to_be_merged_into(
    shop: Project, judge: Judge, tmp_path: Path
) -> None:
    change_models(shop)
    migrate(shop)
    advance_main(shop)
    fork = tmp_path / "fork.git"
    shop.git("init", "--quiet", "--bare", str(fork))
    result, reports = judge("sh", origin=fork, each_commit=True, settings_from="base")
    assert result.returncode == 1, result.output
    assert "judged: each of its commits (2)" in result.stderr
    issues = json.loads(reports["codequality"].read_text())
    assert {issue["check_name"] for issue in issues} == {"split-commit", "stale-branch"}


def test_an_image_without_a_recent_python_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    environ = {**clean_environ(tmp_path), "PATH": str(tmp_path)}
    result, _ = run_component("sh", tmp_path, environ)
    assert result.returncode == 2, result.output
    assert "no Python 3.10 or later" in result.stderr


def test_the_component_is_what_gitlab_takes(tmp_path: Path) -> None:
    files = [tmp_path / "header.yml", tmp_path / "job.yml"]
    for file, document in zip(files, component_documents(), strict=True):
        file.write_text(yaml.safe_dump(document))
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci")
    names = ("--data-transform", "gitlab-ci", *map(str, files))
    checked = run((*command, *names), cwd=tmp_path, environ=clean_environ(tmp_path))
    assert checked.returncode == 0, checked.output
