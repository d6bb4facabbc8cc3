"""A branch of the sample `subfolder`, and the merge request that CI judges."""

from __future__ import annotations

from collections.abc import Callable

from .harness import Project
from .subfolder_project import ADD_PAID, MODELS, add_migration

PAID = "    paid: Mapped[Optional[bool]]\n"

Clone = Callable[..., Project]


def commit(project: Project, message: str) -> str:
    project.git("add", "--all")
    project.git("commit", "--quiet", "--allow-empty", "-m", message)
    return project.git("rev-parse", "HEAD")


def change_models(project: Project) -> str:
    project.replace(MODELS, project.sample.after, project.sample.after + PAID)
    return commit(project, "Orders are paid")


def migrate(project: Project, revision: str = "aaaaaaaaaaaa") -> str:
    add_migration(project, revision, upgrade=ADD_PAID)
    return commit(project, "Their migration")


def take_a_note(project: Project, message: str = "A note") -> str:
    project.write("notes.txt", f"{message}\n")
    return commit(project, message)


def advance_main(project: Project, revision: str = "bbbbbbbbbbbb") -> str:
    """Give the remote's main a migration that the branch does not have."""
    project.git("switch", "--quiet", "main")
    add_migration(project, revision)
    new = commit(project, "Another's migration")
    project.git("push", "--quiet", "origin", "main")
    project.git("switch", "--quiet", "feature")
    return new


def push(project: Project, commit: str, ref: str) -> None:
    project.git("push", "--quiet", "--force", "origin", f"{commit}:{ref}")


def merge_request(shop: Project) -> tuple[str, str, str]:
    """Push the branch and what GitHub and GitLab make of its merge; give base, head and merge."""
    head, base = (shop.git("rev-parse", name) for name in ("feature", "origin/main"))
    tree = shop.git("merge-tree", "--write-tree", base, head)
    merge = shop.git("commit-tree", tree, "-p", base, "-p", head, "-m", "Merge")
    for commit_, ref in ((head, "feature"), (head, "pull/7/head"), (merge, "pull/7/merge")):
        push(shop, commit_, f"refs/heads/{ref}" if ref == "feature" else f"refs/{ref}")
    return base, head, merge


def pull_request(base: str, head: str) -> dict[str, object]:
    sides = {"base": {"ref": "main", "sha": base}, "head": {"ref": "feature", "sha": head}}
    return {"pull_request": sides}
