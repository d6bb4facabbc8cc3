"""A repository that is committed to, and what a developer does in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.databases import Databases
from bench.machine import empty_folder, run

#: The tag of the commit to which every repetition goes back.
START = "bench-start"


@dataclass(frozen=True)
class Change:
    """The next revision of a project: a column of a model, and its migration.

    Attributes:
        models: The file that gets the column.
        after: The line after which it goes.
        column: Its line.
        name: The column's name in there and in the migration, replaced by another each time.
        path: The migration's file.
        migration: What stands in it.
    """

    models: str
    after: str
    column: str
    name: str
    path: str
    migration: str


@dataclass(frozen=True)
class Subject:
    """A project on a database.

    Whatever is staged was never staged before, so that the tool has not judged it yet.

    Attributes:
        label: Its size and database, for the table.
        revisions: How many it has.
        environ: The variables of its developer; its URL is that of `databases`.
        directory: Where its Alembic commands are run.
        programs: Those of its environment.
        tool: The program `alembic-lockstep`.
        cache: The user's cache folder.
        upgrade: The command that upgrades an empty database.
        check: The one that compares afterwards.
        drifts: Whether that finds old differences, and fails.
        config: Alembic's config file, from the root.
        module: What the project's models are imported by.
        sync_url: Of its database, with a driver that is not async.
        has_model_test: Whether pytest-alembic's model test is in its tests.
        file: A file that nothing reads.
        numbers: What makes each staged content another.
    """

    label: str
    revisions: int
    dialect: str
    root: Path
    directory: str
    environ: Mapping[str, str]
    programs: Path
    tool: Path
    cache: Path
    databases: Databases
    upgrade: tuple[str, ...]
    check: tuple[str, ...]
    drifts: bool
    config: str
    module: str
    sync_url: str
    change: Change
    has_model_test: bool = False
    file: str = "README.md"
    numbers: Iterator[int] = field(default_factory=lambda: count(10))

    def go_back(self) -> None:
        """Undo all that was staged and committed since the start."""
        self.git("reset", "--quiet", "--hard", START)
        self.git("clean", "-fdq")

    def stage_irrelevant(self) -> None:
        """Stage an edit of a file that nothing reads."""
        self.go_back()
        file = self.root / self.file
        self._stage(self.file, f"{_text(file)}\nEdited {next(self.numbers)} times.\n")

    def stage_comment(self) -> None:
        """Stage a comment in the file of a model."""
        self.go_back()
        models = self.change.models
        words = f"Looked over {next(self.numbers)} times."
        self._stage(models, f"{_text(self.root / models)}\n# {words}\n")

    def stage_revision(self) -> None:
        """Stage a new column together with its migration."""
        self.go_back()
        change = self.change
        name = f"{change.name}_{next(self.numbers)}"
        lines = _text(self.root / change.models).splitlines()
        lines.insert(lines.index(change.after) + 1, _rename(change.column, change.name, name))
        self._stage(change.models, "\n".join(lines) + "\n")
        self._stage(change.path, _rename(change.migration, change.name, name))

    def be_cloned(self) -> None:
        """Leave the repository as a fresh clone has it, on a machine that never ran the tool.

        There is no bytecode of the project, neither in the working tree nor in the checkout.
        """
        shutil.rmtree(self.root / ".git" / "alembic-lockstep", ignore_errors=True)
        for folder in sorted(self.root.rglob("__pycache__")):
            if ".venv" not in folder.relative_to(self.root).parts:
                shutil.rmtree(folder)
        empty_folder(self.cache)
        self.databases.forget_snapshots()

    def begin(self) -> None:
        """Make a repository of the root."""
        self.git("init", "--quiet", "-b", "main")
        self.git("config", "user.name", "Ada Developer")
        self.git("config", "user.email", "ada@example.org")

    def git(self, *arguments: str) -> str:
        """Run git, and nobody's hooks."""
        command = ("git", "-c", "core.hooksPath=/dev/null", *arguments)
        return run(command, cwd=self.root, environ=self.environ)

    def commit(self, message: str) -> None:
        """Commit all that there is, also if that is nothing: some are configured by variables."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)

    def commit_judged(self, message: str) -> None:
        """Commit what is staged as a hook has it: once the tool has judged it.

        This is the commit to which every repetition goes back.
        """
        run((str(self.tool), "check"), cwd=self.root, environ=self.environ)
        self.commit(message)
        self.git("tag", "--force", START)

    def _stage(self, path: str, text: str) -> None:
        file = self.root / path
        file.write_text(text)
        # Python trusts bytecode by the source's size and second, and this may be within one.
        for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
            compiled.unlink()
        self.git("add", "--", path)


def _rename(text: str, old: str, new: str) -> str:
    return re.sub(rf"\b{old}\b", new, text)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
