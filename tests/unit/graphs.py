"""Small repositories with an Alembic environment, and the facts that rules get of them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from alembic_lockstep.alembic_env.at_tree import EnvironmentFinder
from alembic_lockstep.config import Settings
from alembic_lockstep.facts import Facts, read_histories
from alembic_lockstep.git.change_set import read_change_set
from alembic_lockstep.git.repository import Repository

Parents = str | tuple[str, ...] | None


class Graph:
    """A repository with an Alembic environment whose migrations are one line of parents each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "-b", "main")
        with (root / ".git/config").open("a") as config:
            config.write("[user]\n\tname = Ada\n\temail = ada@example.org\n")
        (root / "m/versions").mkdir(parents=True)
        (root / "alembic.ini").write_text("[alembic]\nscript_location = m\n")
        (root / "m/env.py").touch()

    def git(self, *arguments: str, check: bool = True) -> None:
        command = ("git", "-c", "core.hooksPath=/dev/null", *arguments)
        subprocess.run(command, cwd=self.root, check=check, capture_output=True)

    def put(self, parents: Mapping[str, Parents], more: str = "") -> None:
        """Write and stage migrations, from their ids to their parents."""
        self.write(
            {
                f"m/versions/{name}.py": f"revision = {name!r}\ndown_revision = {down!r}\n{more}"
                for name, down in parents.items()
            }
        )

    def write(self, files: Mapping[str, str | None]) -> None:
        """Write (or, for None, delete) and stage files."""
        for path, text in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        self.git("add", "--all")

    def commit(self, parents: Mapping[str, Parents], more: str = "") -> None:
        self.put(parents, more)
        self.git("commit", "--quiet", "-m", "A change")

    def branch(self, name: str, start: str = "main") -> None:
        self.git("checkout", "--quiet", "-B", name, start)

    def merge(self, branch: str) -> None:
        """Begin to merge a branch, and stay before the commit."""
        self.git("merge", "--no-commit", "--no-ff", branch)

    def facts(self) -> Facts:
        """Read what is staged against HEAD, of a repository with one environment."""
        (facts,) = self.all_facts(Settings())
        return facts

    def environments(self, *, config: tuple[str, ...] = ()) -> list[str]:
        """Name the environments of what is staged."""
        return [facts.environment.name for facts in self.all_facts(Settings(config=config))]

    def all_facts(self, settings: Settings) -> list[Facts]:
        repository = Repository.discover(self.root)
        base, tree = repository.tree_of("HEAD"), repository.staged_tree({})
        change_set = read_change_set(repository, base, tree)
        finder = EnvironmentFinder(repository, settings, {})
        histories = read_histories(finder, finder.find(change_set.tree), change_set)
        return [Facts.of(each, forgotten=each.uncommitted) for each in histories]
