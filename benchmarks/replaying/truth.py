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
    known: dict[str, dict[str, Seen]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._file.exists():
            for sha, seen in json.loads(self._file.read_text()).items():
                self.known[sha] = {name: Seen(**one) for name, one in seen.items()}

    def truth(self, commit: Commit) -> Truth:
        """Say what the commit brings that its parent has not."""
        now = self._see(commit.sha)
        # A parent can only excuse faults, and running it is half of the work.
        clean = all(_is_flawless(seen) for seen in now.values())
        before = {} if clean else self._see(commit.parent)
        truths = [_truth(name, seen, before.get(name)) for name, seen in now.items()]
        unknown = "; ".join(one.unknown for one in truths if one.unknown)
        return Truth(frozenset().union(*(one.faults for one in truths)), unknown)

    @property
    def _file(self) -> Path:
        return self.folder / "brute-force.json"

    def _see(self, sha: str) -> dict[str, Seen]:
        if sha not in self.known:
            with self.clone.worktree(sha, self.folder / "worktree") as root:
                self.known[sha] = {
                    one.config: self._run(root, one)
                    for one in self.project.environments
                    if (root / one.config).exists()
                }
            kept = {name: _plain(seen) for name, seen in self.known.items()}
            self._file.write_text(json.dumps(kept))
        return self.known[sha]

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
    known = {
        "url": url,
        "root": str(root),
        "folder": str(folder),
        "host": parts.hostname or "",
        "port": str(parts.port or 5432),
        "user": parts.username or "",
        "password": parts.password or "",
        "database": parts.path.strip("/"),
    }
    return {name: text.format(**known) for name, text in project.environ.items()}


def _plain(seen: Mapping[str, Seen]) -> dict[str, object]:
    return {name: asdict(one) for name, one in seen.items()}


def _is_flawless(seen: Seen) -> bool:
    return not seen.error and not seen.differences and len(seen.heads) <= 1


def _truth(name: str, now: Seen, before: Seen | None) -> Truth:
    several = len(now.heads) > max(1, len(before.heads) if before else 0)
    faults = {f"{name}: several heads"} if several else set()
    if now.error:
        if before is None or not before.error:
            return Truth(frozenset({*faults, f"{name}: {_failure(now)}"}))
        return Truth(frozenset(faults), f"{name} stops at {now.phase}: {now.error}")
    if before is not None and before.error and now.differences:
        return Truth(frozenset(faults), f"{name} of the parent stops at {before.phase}")
    old = {tuple(one) for one in before.differences} if before else set()
    new = [one for one in now.differences if tuple(one) not in old]
    return Truth(frozenset({*faults, *(f"{name}: {_in_words(one)}" for one in new)}))


def _failure(seen: Seen) -> str:
    if seen.phase == "history" and seen.error.startswith("KeyError"):
        return "unknown parent"
    return "upgrade fails" if seen.phase == "upgrade" else f"stops at {seen.phase}"


def _in_words(difference: Sequence[str]) -> str:
    kind, _, words, _ = difference
    return f"{words} {_VERBS.get(kind.partition('_')[0], 'is different in the models')}"
