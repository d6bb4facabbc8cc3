"""Random edits of programs: what counts as the same code has the same outcome.

Each version that starts is a verdict, which may answer for the versions around it.
`LOCKSTEP_EXAMPLES=2000` tries as many histories.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path
from typing import Any

import pytest
from random_programs import Version, random_history, runs_of
from test_reads import pythons

from alembic_lockstep.cache.cached_tree import CachedTree
from alembic_lockstep.cache.tree_trace import Trace
from alembic_lockstep.git.entries import Change

HISTORIES = int(os.environ.get("LOCKSTEP_EXAMPLES", "10"))
VERSIONS = 8


@dataclass
class Objects:
    """Contents by their ids, in place of a repository's."""

    texts: dict[str, bytes] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    @property
    def contents(self) -> Objects:
        return self

    def add(self, text: str) -> str:
        name = sha1(text.encode()).hexdigest()
        self.texts[name] = text.encode()
        return name

    def read(self, name: str) -> bytes:
        return self.texts[name]

    def git(self, *command: str) -> bytes:
        return self.paths[command[-1].partition(":")[2]].encode()


def newest_python() -> str:
    minors = {int(each.id.rpartition(".")[2]): each.values[0] for each in pythons()}
    if max(minors) < 12:
        pytest.skip("no Python 3.12 or later on this machine")
    return str(minors[max(minors)])


def answers(run: dict[str, Any], old: Version, new: Version) -> bool:
    """Return whether the verdict on one version answers for another."""
    objects = Objects()
    objects.paths = {path: objects.add(text) for path, text in old.items()}
    nothing = dict.fromkeys(("copies", "existing", "absent", "searched", "imported"), ())
    reads = {**nothing, "settings": (), "outside": (), "listed": {}, **run}
    trace = Trace.of([reads], old, Path("/nowhere"), pins=False)
    changes = [
        Change("M", path, path, objects.add(text), objects.paths[path])
        for path, text in new.items()
        if text != old[path]
    ]
    tree: Any = CachedTree(objects, "tree", {"trace": trace.stored})  # type: ignore[arg-type]
    return not tree.is_touched(changes)


def test_what_is_answered_has_the_same_outcome(tmp_path: Path) -> None:
    python, counts = newest_python(), Counter[str]()
    for seed in range(HISTORIES):
        versions = random_history(seed, VERSIONS)
        folder = tmp_path / str(seed)
        folder.mkdir()
        runs = list(runs_of(python, versions, folder))
        assert len(runs) == VERSIONS
        counts["histories"] += 1
        for number, (old, run) in enumerate(zip(versions, runs, strict=True)):
            if run["outcome"].startswith("error"):
                counts["no verdict"] += 1
                continue
            for new, other in list(zip(versions, runs, strict=True))[max(0, number - 3) :][:7]:
                is_same, is_answered = run["outcome"] == other["outcome"], answers(run, old, new)
                way = "answered" if is_answered else "run"
                counts[f"{'same' if is_same else 'other'}, {way}"] += new != old
                outcomes = run["outcome"], other["outcome"]
                assert is_same or not is_answered, (seed, outcomes, old, new)
    print(dict(counts), file=sys.stderr)
    assert counts["same, answered"] > HISTORIES // 2
