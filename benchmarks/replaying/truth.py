"""The truth about a commit, by brute force: its own full run less that of its parent."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.databases import PostgresServer
from bench.machine import empty_folder

from replaying.projects import Alembic, Project
from replaying.repository import Clone, Commit

_PROGRAM = Path(__file__).with_name("brute_force.py")
_VERBS = {"add": "is in the models", "remove": "is not in the models"}


@dataclass(frozen=True)
class Seen:
    """What brute force saw of one environment of one commit.

    Attributes:
        phase: How far it came: load, history, env, upgrade, compare.
        error: What stopped it there; empty if nothing did.
        differences: Each as kind, table, the thing in words, and what the models want.
    """

    phase: str
    heads: Sequence[str]
    error: str
    differences: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Truth:
    """What a commit does wrong; each fault begins with its environment.

    Attributes:
        unknown: Why it cannot be said; empty if it can.
    """

    faults: frozenset[str] = frozenset()
    unknown: str = ""


@dataclass
class BruteForce:
    """Runs commits of one project, each once: many are a parent, too."""

    project: Project
    clone: Clone
    python: Path
    folder: Path
    environ: Mapping[str, str]
    server: PostgresServer | None
    runs: dict[str, dict[str, Seen]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._file.exists():
            for sha, runs_of_commit in json.loads(self._file.read_text()).items():
                self.runs[sha] = {name: Seen(**fields) for name, fields in runs_of_commit.items()}

    def truth(self, commit: Commit) -> Truth:
        """Say what the commit brings that its parent has not."""
        now = self._see(commit.sha)
        # A parent can only excuse faults, and running it is half of the work.
        clean = all(_is_flawless(run) for run in now.values())
        before = {} if clean else self._see(commit.parent)
        truths = [_truth(name, run, before.get(name)) for name, run in now.items()]
        unknown = "; ".join(truth.unknown for truth in truths if truth.unknown)
        return Truth(frozenset().union(*(truth.faults for truth in truths)), unknown)

    @property
    def _file(self) -> Path:
        return self.folder / "brute-force.json"

    def _see(self, sha: str) -> dict[str, Seen]:
        if sha not in self.runs:
            with self.clone.worktree(sha, self.folder / "worktree") as root:
                self.runs[sha] = {
                    environment.config: self._run(root, environment)
                    for environment in self.project.environments
                    if (root / environment.config).exists()
                }
            plain = {sha: _plain(runs) for sha, runs in self.runs.items()}
            self._file.write_text(json.dumps(plain))
        return self.runs[sha]

    def _run(self, root: Path, alembic: Alembic) -> Seen:
        folder = empty_folder(self.folder / "database")
        url = self._url(folder)
        result = folder / "result.json"
        asked = {
            "directory": str(root / alembic.directory),
            "config": str(root / alembic.config),
            "flask_app": alembic.flask_app,
            "sets_url": alembic.sets_url,
            "url": url,
            "result": str(result),
        }
        environ = {**self.environ, **variables(self.project, root, url, folder)}
        done = subprocess.run(
            [str(self.python), str(_PROGRAM), json.dumps(asked)],
            cwd=root / alembic.directory,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        (self.folder / "brute-force.log").write_text(done.stdout + done.stderr)
        return Seen(**json.loads(result.read_text()))

    def _url(self, folder: Path) -> str:
        if self.server is None:
            return f"sqlite:///{folder / self.project.database}"
        database = self.server.database(f"replay_{self.project.name.replace('-', '_')}")
        database.renew()
        return database.url


def variables(project: Project, root: Path, url: str, folder: Path) -> dict[str, str]:
    """Give the project's own variables, for a working tree and a database."""
    parts = urlsplit(url)
    values = {
        "url": url,
        "root": str(root),
        "folder": str(folder),
        "host": parts.hostname or "",
        "port": str(parts.port or 5432),
        "user": parts.username or "",
        "password": parts.password or "",
        "database": parts.path.strip("/"),
    }
    return {name: text.format(**values) for name, text in project.environ.items()}


def _plain(runs: Mapping[str, Seen]) -> dict[str, object]:
    return {name: asdict(run) for name, run in runs.items()}


def _is_flawless(run: Seen) -> bool:
    return not run.error and not run.differences and len(run.heads) <= 1


def _truth(name: str, now: Seen, before: Seen | None) -> Truth:
    several = len(now.heads) > max(1, len(before.heads) if before else 0)
    faults = {f"{name}: several heads"} if several else set()
    if now.error:
        if before is None or not before.error:
            return Truth(frozenset({*faults, f"{name}: {_failure(now)}"}))
        return Truth(frozenset(faults), f"{name} stops at {now.phase}: {now.error}")
    if before is not None and before.error and now.differences:
        return Truth(frozenset(faults), f"{name} of the parent stops at {before.phase}")
    old = {tuple(difference) for difference in before.differences} if before else set()
    new = [difference for difference in now.differences if tuple(difference) not in old]
    return Truth(frozenset({*faults, *(f"{name}: {_in_words(difference)}" for difference in new)}))


def _failure(run: Seen) -> str:
    if run.phase == "history" and run.error.startswith("KeyError"):
        return "unknown parent"
    return "upgrade fails" if run.phase == "upgrade" else f"stops at {run.phase}"


def _in_words(difference: Sequence[str]) -> str:
    kind, _, words, _ = difference
    return f"{words} {_VERBS.get(kind.partition('_')[0], 'is different in the models')}"
