"""Which range is judged: the one that was named, the pushed one, the CI's, or what is staged."""

from __future__ import annotations

from collections.abc import Mapping

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.ranges import SHORT, Range, merge_base
from alembic_lockstep.git.repository import Repository


def choose_range(
    repository: Repository, base: str | None, tip: str | None, environ: Mapping[str, str]
) -> Range:
    """Choose what is judged, and what it is compared with.

    Args:
        base: `--base`, if it was given.
        tip: `--tree`, likewise.
        environ: The environment at the edge, with pre-commit's and the CI's variables.

    Raises:
        CouldNotJudge: git does not know a name, or a shallow clone lacks it.
    """
    if base:
        return range_from(repository, base, tip or "HEAD")
    if tip:
        parent = _before(repository, tip)
        what = "nothing" if parent == repository.empty_tree else "its parent"
        return Range(parent, tip, notes=(f"compared: {tip} with {what}",))
    pushed = environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH")
    if pushed:
        # The first push of a repository: all of it is new. pre-commit names no commits then,
        # prek names the last one only.
        remote = environ.get("PRE_COMMIT_FROM_REF")
        old = _left(repository, remote, pushed) if remote else repository.empty_tree
        return Range(old, pushed)
    base = _before(repository, "HEAD", itself=True)
    if "GITHUB_ACTIONS" in environ or "GITLAB_CI" in environ:
        from alembic_lockstep.ci import range_in_ci

        if not repository.staged_changes(base):  # else a program commits there
            return range_in_ci(repository, environ)
    return Range(base, None)


def range_from(repository: Repository, target: str, tip: str, name: str = "") -> Range:
    """The range from where `tip` left a branch; of trees, from one to the other.

    Args:
        name: The branch's name for people, if `target` is not it.
    """
    repository.tree_of(target)
    repository.tree_of(tip)
    base = _left(repository, target, tip)
    if not repository.has_commit(base):
        return Range(base, tip)
    note = f"compared: {tip} with {base[:SHORT]}, where it left {name or target}"
    return Range(base, tip, target=target, target_name=name or target, notes=(note,))


def _left(repository: Repository, target: str, tip: str) -> str:
    both = all(map(repository.has_commit, (target, tip)))
    return merge_base(repository, target, tip) if both else target


def _before(repository: Repository, tip: str, *, itself: bool = False) -> str:
    """A commit's parent, or itself; the empty tree if there is none."""
    base = tip if itself else f"{tip}^"
    try:
        return repository.tree_of(base)
    except CouldNotJudge:
        if repository.has_commit(base) or repository.is_shallow():
            raise
        return repository.empty_tree  # the first commit
