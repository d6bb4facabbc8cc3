"""Choice of the range: a named range, the pushed range, the CI's, or the staged changes."""

from __future__ import annotations

from collections.abc import Mapping

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.commit_ranges import SHORT, Range, merge_base
from alembic_lockstep.git.repository import Repository


def choose_range(
    repository: Repository, base: str | None, tip: str | None, environ: Mapping[str, str]
) -> Range:
    """Choose the range to judge.

    Args:
        repository: The repository.
        base: The value of `--base`, if any.
        tip: The value of `--tree`, if any.
        environ: The process's environment, with the variables of pre-commit and the CI.

    Raises:
        CouldNotJudge: git does not know a name, or a shallow clone lacks it.
    """
    if base:
        return range_from(repository, base, tip or "HEAD")
    if tip:
        parent = _base_of(repository, f"{tip}^")
        name = "nothing" if parent == repository.empty_tree else "its parent"
        return Range(parent, tip, notes=(f"compared: {tip} with {name}",))
    pushed = environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH")
    if pushed:
        # The first push of a repository: all of it is new. pre-commit names no commits then,
        # prek names the last one only.
        remote = environ.get("PRE_COMMIT_FROM_REF")
        old = _branch_point(repository, remote, pushed) if remote else repository.empty_tree
        return Range(old, pushed)
    base = _base_of(repository, "HEAD")
    if "GITHUB_ACTIONS" in environ or "GITLAB_CI" in environ:
        from alembic_lockstep.git.ci_range import range_in_ci

        if not repository.staged_changes(base):  # else the CI job makes a commit
            return range_in_ci(repository, environ)
    return Range(base, None)


def staged_range(repository: Repository) -> Range:
    """Return what is staged, compared with HEAD."""
    return Range(_base_of(repository, "HEAD"), None)


def tree_ids(repository: Repository, span: Range) -> tuple[str, str | None]:
    """Return the ids of the base and of the tree; None is the staged tree, whose id is unknown."""
    if span.tip is None:
        return span.base, None
    return repository.tree_of(span.base), repository.tree_of(span.tip)


def range_from(repository: Repository, target: str, tip: str, name: str = "") -> Range:
    """Return the range from where `tip` left a branch; of two trees, from `target` to `tip`.

    Args:
        repository: The repository.
        target: The branch, or a tree.
        tip: The commit or tree to judge.
        name: The branch's name for people, if it is not `target`.
    """
    repository.tree_of(target)
    repository.tree_of(tip)
    base = _branch_point(repository, target, tip)
    if not repository.has_commit(base):
        return Range(base, tip)
    note = f"compared: {tip} with {base[:SHORT]}, where it left {name or target}"
    return Range(base, tip, target=target, target_name=name or target, notes=(note,))


def _branch_point(repository: Repository, target: str, tip: str) -> str:
    are_commits = all(map(repository.has_commit, (target, tip)))
    return merge_base(repository, target, tip) if are_commits else target


def _base_of(repository: Repository, commit: str) -> str:
    """Return a commit's tree, or the empty tree if the commit does not exist."""
    try:
        return repository.tree_of(commit)
    except CouldNotJudge:
        if repository.resolves(commit) or repository.is_shallow():
            raise
        return repository.empty_tree  # the first commit
