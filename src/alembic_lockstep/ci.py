"""The range that a CI run is about, from the variables that the CI documents.

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
from alembic_lockstep.git.ranges import SHORT, Range, merge_base, sha_of
from alembic_lockstep.git.references import fetch_command
from alembic_lockstep.git.repository import UNSHALLOW, Repository
from alembic_lockstep.ranges import range_from

_COMPARE = "alembic-lockstep check --base HEAD^"


def range_in_ci(repository: Repository, environ: Mapping[str, str]) -> Range:
    """The range of a merge request, of a push or of a merge queue.

    Raises:
        CouldNotJudge: the run is about none, or the clone lacks a part of it.
    """
    if "GITHUB_ACTIONS" in environ:
        return _github(repository, environ.get("GITHUB_EVENT_NAME", ""), _payload(environ))
    return _gitlab(repository, environ)


def _payload(environ: Mapping[str, str]) -> object:
    path = environ.get("GITHUB_EVENT_PATH", "")
    try:
        payload: object = json.loads(Path(path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _nothing(f"GITHUB_EVENT_PATH ({path or 'not set'}) cannot be read") from error
    return payload


def _github(repository: Repository, event: str, payload: object) -> Range:
    if isinstance(payload, dict) and "pull_request" in payload:
        name = f"origin/{_told(payload, 'pull_request.base.ref')}"
        target = name
        if not repository.has_commit(target):
            target = _told(payload, "pull_request.base.sha")
        return _of_request(repository, target, name, _told(payload, "pull_request.head.sha"))
    if event == "merge_group":
        base = _told(payload, "merge_group.base_sha")
        return _since(repository, base, "the merge queue's base")
    if event == "push" and _told(payload, "ref").startswith("refs/heads/"):
        default = _told(payload, "repository.default_branch")
        branch = _told(payload, "ref").removeprefix("refs/heads/")
        return _of_branch(repository, branch, default, _told(payload, "before"), is_push=True)
    raise _nothing(f"the event '{event}' brings no commits")


def _told(payload: object, name: str) -> str:
    """What the event says under a dotted name."""
    found: Any = payload
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found:
        raise _nothing(f"the event that GITHUB_EVENT_PATH names does not say {name}")
    return found


def _gitlab(repository: Repository, environ: Mapping[str, str]) -> Range:
    def told(name: str) -> str:
        if not environ.get(name):
            raise _nothing(f"{name} is not set")
        return environ[name]

    if "CI_MERGE_REQUEST_IID" in environ:
        name = f"origin/{told('CI_MERGE_REQUEST_TARGET_BRANCH_NAME')}"
        head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")
        if head:  # of merged results and merge trains only
            return _of_request(repository, told("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"), name, head)
        if repository.has_commit(name):
            return range_from(repository, name, "HEAD")
        since = _since(repository, told("CI_MERGE_REQUEST_DIFF_BASE_SHA"), f"where it left {name}")
        missing = f"not judged: the merge into {name}, which is not in this clone"
        return Range(since.base, since.tip, notes=(*since.notes, missing))
    branch, source = environ.get("CI_COMMIT_BRANCH"), environ.get("CI_PIPELINE_SOURCE", "")
    if branch:
        default, before = told("CI_DEFAULT_BRANCH"), environ.get("CI_COMMIT_BEFORE_SHA", "")
        return _of_branch(repository, branch, default, before, is_push=source == "push")
    raise _nothing(f"a pipeline of '{environ.get('CI_COMMIT_TAG') or source}' brings no commits")


def _of_request(repository: Repository, target: str, name: str, head: str) -> Range:
    """A merge request's range; the merge of it and its target is judged where that is here.

    Args:
        target: What it will be merged into.
        head: The request's own last commit.
    """
    here, merged = sha_of(repository, "HEAD"), repository.has_commit("HEAD^2")
    base, branch = (sha_of(repository, f"HEAD^{n}") if merged else "" for n in (1, 2))
    # GitLab squashes first where the project wants it; a merge train's target moves on.
    if head == branch or base == target:
        note = (
            f"compared: the merge of {branch[:SHORT]} into {name} with {base[:SHORT]}, its target"
        )
        return Range(base, "HEAD", base, name, branch, (note,))
    if repository.has_commit(target) and here == sha_of(repository, target):
        raise CouldNotJudge(
            f"what is checked out is {name} itself, and nothing of the merge request",
            fix=f"git checkout {head}",
        )
    return range_from(repository, _present(repository, target), "HEAD", name)


def _of_branch(
    repository: Repository, branch: str, default: str, before: str, *, is_push: bool
) -> Range:
    """The range of a push to the default branch, or of another branch since it left that one.

    What the last push to another branch brought counts again: it may not have passed.

    Args:
        before: What the branch was before the push; zeros if it was not there.
    """
    if branch != default:
        return _since(repository, f"origin/{default}", f"where it left origin/{default}")
    if before.strip("0"):
        return _since(repository, before, f"{branch} before the push")
    if is_push:
        return Range(repository.empty_tree, "HEAD", notes=(f"compared: {branch} with nothing",))
    raise _nothing("the pipeline brings no commits")


def _since(repository: Repository, start: str, what: str) -> Range:
    """The range since a commit, or since where HEAD left it."""
    base = merge_base(repository, _present(repository, start), "HEAD")
    return Range(base, "HEAD", notes=(f"compared: HEAD with {base[:SHORT]}, {what}",))


def _present(repository: Repository, revision: str) -> str:
    if repository.has_commit(revision):
        return revision
    if repository.is_shallow():
        raise CouldNotJudge(f"'{revision}' is not in this shallow clone", fix=UNSHALLOW)
    if revision.startswith("origin/"):
        fix = fetch_command(revision)
    else:  # after a forced push the remote need not have the commit any more
        fix = f"git fetch origin {revision}\nOr, if that fails, compare with another:\n{_COMPARE}"
    raise CouldNotJudge(f"'{revision}' is not in this clone", fix=fix)


def _nothing(why: str) -> CouldNotJudge:
    return CouldNotJudge(
        f"nothing is staged, and {why}, so there is nothing to compare",
        fix=f"Name the commit to compare with, such as the one before:\n{_COMPARE}",
    )
