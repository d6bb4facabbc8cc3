"""Range of a CI run, from the variables that the CI documents.

https://docs.github.com/en/actions/reference/workflows-and-actions/variables
https://docs.github.com/en/webhooks/webhook-events-and-payloads
https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.chosen_range import range_from
from alembic_lockstep.git.commit_ranges import SHORT, Range, merge_base, sha_of
from alembic_lockstep.git.references import fetch_command
from alembic_lockstep.git.repository import UNSHALLOW, Repository

_COMPARE = "alembic-lockstep check --base HEAD^"


def range_in_ci(repository: Repository, environ: Mapping[str, str]) -> Range:
    """Return the range of a merge request, of a push or of a merge queue.

    Raises:
        CouldNotJudge: The run has no range, or the clone lacks a part of it.
    """
    if "GITHUB_ACTIONS" in environ:
        return _github(repository, environ.get("GITHUB_EVENT_NAME", ""), _payload(environ))
    return _gitlab(repository, environ)


def _payload(environ: Mapping[str, str]) -> object:
    path = environ.get("GITHUB_EVENT_PATH", "")
    try:
        payload: object = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _nothing_to_compare(
            f"GITHUB_EVENT_PATH ({path or 'not set'}) cannot be read"
        ) from error
    return payload


def _github(repository: Repository, event: str, payload: object) -> Range:
    if isinstance(payload, dict) and "pull_request" in payload:
        name = f"origin/{_field(payload, 'pull_request.base.ref')}"
        target = name
        if not repository.has_commit(target):
            target = _field(payload, "pull_request.base.sha")
        return _of_request(repository, target, name, _field(payload, "pull_request.head.sha"))
    if event == "merge_group":
        base = _field(payload, "merge_group.base_sha")
        return _since(repository, base, "the merge queue's base")
    if event == "push" and _field(payload, "ref").startswith("refs/heads/"):
        default = _field(payload, "repository.default_branch")
        branch = _field(payload, "ref").removeprefix("refs/heads/")
        return _of_branch(repository, branch, default, _field(payload, "before"), is_push=True)
    raise _nothing_to_compare(f"the event '{event}' has no commits to check")


def _field(payload: object, name: str) -> str:
    """Return the text of an event's field, which is named with dots."""
    value: Any = payload
    for key in name.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise _nothing_to_compare(f"the event in GITHUB_EVENT_PATH has no {name}")
    return value


def _gitlab(repository: Repository, environ: Mapping[str, str]) -> Range:
    def variable(name: str) -> str:
        if not environ.get(name):
            raise _nothing_to_compare(f"{name} is not set")
        return environ[name]

    if "CI_MERGE_REQUEST_IID" in environ:
        name = f"origin/{variable('CI_MERGE_REQUEST_TARGET_BRANCH_NAME')}"
        head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
        if head:  # of merged results and merge trains only
            return _of_request(
                repository, variable("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"), name, head
            )
        if repository.has_commit(name):
            return range_from(repository, name, "HEAD")
        since = _since(
            repository, variable("CI_MERGE_REQUEST_DIFF_BASE_SHA"), f"where it left {name}"
        )
        missing = f"not judged: the merge into {name}, which is not in this clone"
        return Range(since.base, since.tip, notes=(*since.notes, missing))
    branch, source = environ.get("CI_COMMIT_BRANCH"), environ.get("CI_PIPELINE_SOURCE", "")
    if branch:
        default, before = variable("CI_DEFAULT_BRANCH"), environ.get("CI_COMMIT_BEFORE_SHA", "")
        return _of_branch(repository, branch, default, before, is_push=source == "push")
    raise _nothing_to_compare(
        f"a pipeline of '{environ.get('CI_COMMIT_TAG') or source}' has no commits to check"
    )


def _of_request(repository: Repository, target: str, name: str, head: str) -> Range:
    """Return a merge request's range; its merge is judged if the CI has checked that out.

    Args:
        repository: The clone.
        target: The commit or branch that the request will be merged into.
        name: The target's name for people.
        head: The request's own last commit.
    """
    current, is_merge = sha_of(repository, "HEAD"), repository.has_commit("HEAD^2")
    base, branch = (sha_of(repository, f"HEAD^{n}") if is_merge else "" for n in (1, 2))
    # GitLab may squash first, and the target of a merge train moves on.
    if head == branch or base == target:
        note = (
            f"compared: the merge of {branch[:SHORT]} into {name} with {base[:SHORT]}, its target"
        )
        return Range(base, "HEAD", base, name, branch, (note,))
    if repository.has_commit(target) and current == sha_of(repository, target):
        raise CouldNotJudge(
            f"the checkout is {name} itself, without the commits of the merge request",
            fix=f"git checkout {head}",
        )
    return range_from(repository, _present(repository, target), "HEAD", name)


def _of_branch(
    repository: Repository, branch: str, default: str, before: str, *, is_push: bool
) -> Range:
    """Return the range of a push to the default branch, or of another branch since it left that.

    Earlier pushes to another branch are judged again: they may not have passed.

    Args:
        repository: The clone.
        branch: The pushed branch.
        default: The default branch.
        before: The branch's commit before the push; zeros if it did not exist.
        is_push: The pipeline runs for a push.
    """
    if branch != default:
        return _since(repository, f"origin/{default}", f"where it left origin/{default}")
    if before.strip("0"):
        return _since(repository, before, f"{branch} before the push")
    if is_push:
        return Range(repository.empty_tree, "HEAD", notes=(f"compared: {branch} with nothing",))
    raise _nothing_to_compare("the pipeline has no commits to check")


def _since(repository: Repository, start: str, description: str) -> Range:
    """Return the range since a commit, or since HEAD left it."""
    base = merge_base(repository, _present(repository, start), "HEAD")
    return Range(base, "HEAD", notes=(f"compared: HEAD with {base[:SHORT]}, {description}",))


def _present(repository: Repository, revision: str) -> str:
    if repository.has_commit(revision):
        return revision
    if repository.is_shallow():
        raise CouldNotJudge(f"'{revision}' is not in this shallow clone", fix=UNSHALLOW)
    if revision.startswith("origin/"):
        fix = fetch_command(revision)
    else:  # after a forced push, the remote may not have the commit any more
        fix = f"git fetch origin {revision}\nOr, if that fails, compare with another:\n{_COMPARE}"
    raise CouldNotJudge(f"'{revision}' is not in this clone", fix=fix)


def _nothing_to_compare(reason: str) -> CouldNotJudge:
    return CouldNotJudge(
        f"nothing is staged, and {reason}, so there is nothing to compare",
        fix=f"Name the commit to compare with, such as the one before:\n{_COMPARE}",
    )
