"""The checks of a project."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from e2e.harness import SCRATCH_SERVER, Listener, Result, fingerprints, run

from .autogenerate_clone import autogenerate, upgrade_configured
from .developer import empty_home, furnish
from .file_changes import MARK, Watch, watch_git
from .project_folders import ProjectFolders
from .public_project import PublicProject
from .sources import git, prepare

COMMENT = "# As the board wants it.\n"
CONSTANT = "\n\nLIMIT_OF_THE_BOARD = {limit}\n"


@dataclass
class Row:
    """The results of a project's trial.

    Attributes:
        settings: Those that `[tool.alembic-lockstep]` had to have.
        own: How many old differences the project's own autogenerate finds.
        verdicts: Of the three checks: without schema, column, column with its migration; and of
            the fourth, a table, where the project has one.
        seconds: Of the same checks; the check before them, which warms up, is not among them.
        contacts: How often the configured server was connected to, or the SQLite file touched.
        refused: Addresses that the project wanted to reach, and did not.
        changed: Files and folders of the working tree, of the developer's part of ``.git`` and of
            the home that a check added, changed or removed.
        processes: Command lines of processes that outlived a check.
        guards: What guarded the checks, as their summaries name it.
    """

    name: str
    version: str
    kind: str
    dialect: str
    settings: str
    revisions: int = 0
    start: str = ""
    old: int = 0
    own: int = 0
    verdicts: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    contacts: int = 0
    refused: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)


class Trial:
    """One project on trial, with a listener or a precious file as its configured database."""

    def __init__(
        self, project: PublicProject, work: Path, tool: tuple[str, ...], timeout: float
    ) -> None:
        self.project = project
        self.tool = tool
        self.timeout = timeout  # seconds, of one dry run
        self.folders = ProjectFolders(project, work / project.slug)
        self.listener = Listener()
        self.database = self.folders.database
        own = (
            self.folders.root / ".git",
            self.folders.home / ".cache" / "alembic-lockstep",
            self.folders.home / "tmp",
        )
        folders = {".": self.folders.root, "~": self.folders.home, **watch_git(self.folders.root)}
        self.watch = Watch(folders, frozenset(own))
        sqlite = project.dialect == "sqlite"
        self.url = project.url(str(self.database) if sqlite else self.listener.address())
        self.row = Row(
            project.name, project.version, project.kind, project.dialect, project.settings
        )

    def run(self) -> Row:
        """Prepare the project and make the checks."""
        folders, project = self.folders, self.project
        empty_home(folders)
        prepare(folders)
        migration = autogenerate(folders)
        self.row.own = migration.old
        self.row.revisions = _revisions(folders.root / project.versions)
        folders.configure(folders.root, self.url)
        git(folders, "add", "--all")
        git(folders, "commit", "--quiet", "--allow-empty", "-m", "Configured")
        git(folders, "tag", "--force", "configured")
        furnish(folders)
        before = fingerprints(self.database)

        self._change_no_schema(limit=10)
        self._check("warm-up")
        git(folders, "reset", "--quiet", "--hard", "configured")
        self._change_no_schema(limit=20)  # another tree: a verdict that is kept does not answer it
        self._judge("no schema", "passes", 0)
        git(folders, "reset", "--quiet", "--hard", "configured")
        line = folders.add_column(folders.root)
        self._judge("column", f"missing-migration {project.models}:{line}", 1)
        (folders.root / project.versions / migration.name).write_text(migration.text)
        self._judge("migration", "passes", 0)
        if project.table:
            git(folders, "reset", "--quiet", "--hard", "configured")
            line = folders.add_table(folders.root)
            self._judge("table", f"missing-migration {project.models}:{line}", 1)

        self.row.contacts = self.listener.contacts
        self.row.contacts += fingerprints(self.database) != before
        self.row.changed = self.watch.changed
        self.row.processes = self.watch.processes
        self._prove_the_watch()
        return self.row

    def _prove_the_watch(self) -> None:
        """Show that listener or fingerprints notice plain Alembic, run as configured."""
        self.database.write_bytes(b"Not a database.\n")
        before = fingerprints(self.database)
        output = upgrade_configured(self.folders, self.url)
        was_contacted = self.listener.contacts or fingerprints(self.database) != before
        assert was_contacted or "file is not a database" in output, output

    def _change_no_schema(self, limit: int) -> None:
        models = self.folders.root / self.project.models
        text = models.read_text()
        text = text.replace(self.project.after, COMMENT + self.project.after, 1)
        models.write_text(text + CONSTANT.format(limit=limit))

    def _judge(self, name: str, wanted: str, status: int) -> None:
        result, seconds = self._check(name)
        self.row.seconds.append(round(seconds, 1))
        said = _verdict(result)
        right = result.returncode == status and said == wanted
        self.row.verdicts.append("right" if right else said)

    def _take(self, result: Result) -> None:
        row = self.row
        guards = re.findall(r"^guarded by: (.+)", result.stderr, re.MULTILINE)
        row.guards = list(dict.fromkeys([*row.guards, *guards]))
        environments: list[dict[str, Any]]
        environments = json.loads(result.stdout)["environments"] if result.stdout else []
        row.start = ", ".join(
            dict.fromkeys(str(environment["start"]) for environment in environments)
        )
        row.old = sum(environment["old_differences"] for environment in environments)
        refused = [address for environment in environments for address in environment["refused"]]
        row.refused = list(dict.fromkeys([*row.refused, *refused]))

    def _check(self, name: str) -> tuple[Result, float]:
        """Stage everything and judge it; return the result and the seconds that it took."""
        git(self.folders, "add", "--all")
        environ = self.folders.environ(self.folders.root, self.url) | {
            MARK: self.watch.mark,
            "ALEMBIC_LOCKSTEP_SCRATCH": SCRATCH_SERVER,
            "ALEMBIC_LOCKSTEP_TIMEOUT": str(self.timeout),
        }
        command = (*self.tool, "check", "--output-format", "json")
        limit = 3 * self.timeout  # of tree and base; what hangs ends before, with a message
        with self.watch.watching():
            started = time.monotonic()
            result = run(command, cwd=self.folders.root, environ=environ, timeout=limit)
            seconds = time.monotonic() - started
        log = self.folders.top / f"{self.project.dialect} {name}.log"
        log.write_text(f"{result.returncode}\n{result.output}")
        self._take(result)
        return result, seconds


def _revisions(versions: Path) -> int:
    files = (file.read_text() for file in versions.rglob("*.py"))
    return sum(bool(re.search(r"^revision\b.*=", text, re.MULTILINE)) for text in files)


def _verdict(result: Result) -> str:
    if result.returncode not in (0, 1):
        lines = result.stderr.splitlines()
        said = (line for line in lines if line.startswith("could not judge: "))
        return f"exit {result.returncode}: {next(said, lines[-1] if lines else '')}"
    findings = json.loads(result.stdout)["findings"]
    # A dict: a column of a table that code makes after the model is found there, too.
    named = list(
        dict.fromkeys(
            f"{finding['rule']} {finding['path']}:{finding['line']}" for finding in findings
        )
    )
    return (
        ", ".join(named[:5]) + (f" and {len(named) - 5} more" if len(named) > 5 else "") or "passes"
    )
