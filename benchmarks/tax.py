"""What the hook costs a team: consecutive commits of a project, staged one by one on their parents.

    python benchmarks/tax.py CLONE --python VENV/bin/python --commits 200 [--rival 20]

The clone's HEAD, index and working tree are changed; give it a clone that is made for this. Each
commit of the first-parent chain is staged and judged as in a pre-commit hook, with a cache that
starts empty. With `--rival N`, every N-th commit is also run by `alembic upgrade head && alembic
check` (or `flask db …`) on a fresh SQLite database, in a working tree of its own.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

AT_ONCE = "touches what the last verdict read"
FROM_SNAPSHOT = re.compile(r"(\d+) revisions? run from empty, (all|\d+) of them from a snapshot")
MODEL = re.compile(r"Column\(|mapped_column\(|relationship\(|__tablename__")


@dataclass(frozen=True)
class Judged:
    """One commit.

    Attributes:
        kind: What the commit touches: `no python`, `python`, `models` or `migration`.
        way: `at once`, `snapshot` or `whole`.
        again: The way of a second check of the same index.
        seconds: Of the first check.
        code: Its exit code.
        rival: Seconds of the rival; None if it did not run.
        why: Why the last verdict did not answer.
    """

    commit: str
    kind: str
    way: str
    again: str
    seconds: float
    code: int
    rival: float | None
    why: str


def main() -> None:
    """Judge the commits, print a line for each and the sums."""
    options = _arguments()
    clone: Path = options.clone.resolve()
    commits = _git(
        clone, "rev-list", "--first-parent", f"--max-count={options.commits + 1}", options.tip
    ).split()[::-1]
    with tempfile.TemporaryDirectory() as cache:
        environ = {**os.environ, "XDG_CACHE_HOME": cache}
        environ |= dict(pair.partition("=")[::2] for pair in options.env)
        judged = []
        for number, (parent, commit) in enumerate(itertools.pairwise(commits)):
            _stage(clone, parent, commit)
            is_sampled = bool(options.rival) and number % options.rival == 0
            rival = _rival(clone, commit, options, environ) if is_sampled else None
            judged.append(_judge(clone, parent, commit, options, environ, rival))
            print(json.dumps(asdict(judged[-1])), flush=True)
    print("\n".join(_sums(judged)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clone", type=Path)
    parser.add_argument("--python", required=True, help="the project's, absolute")
    parser.add_argument("--commits", type=int, default=200)
    parser.add_argument("--tip", default="HEAD", help="the newest commit")
    parser.add_argument("--tool", default=str(Path(sys.executable).with_name("alembic-lockstep")))
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--rival", type=int, default=0, help="run the rival on each N-th commit")
    parser.add_argument("--rival-command", default="", help="shell commands; {python} is replaced")
    return parser.parse_args()


def _git(clone: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", "-C", clone, *command], check=True, capture_output=True, text=True
    )
    return done.stdout


def _stage(clone: Path, parent: str, commit: str) -> None:
    """Have HEAD at the parent, and the commit in index and working tree."""
    if _git(clone, "rev-parse", "HEAD").strip() != parent:
        _git(clone, "checkout", "--quiet", "--force", "--detach", parent)
    _git(clone, "read-tree", "-u", "--reset", commit)


def _judge(
    clone: Path,
    parent: str,
    commit: str,
    options: argparse.Namespace,
    environ: Mapping[str, str],
    rival: float | None,
) -> Judged:
    command = [options.tool, "check", "-v", "--python", options.python]
    began = time.monotonic()
    done = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True)
    seconds = time.monotonic() - began
    way = _way(done.stderr)
    again = way
    if way != "at once":
        second = subprocess.run(command, cwd=clone, env=environ, capture_output=True, text=True)
        again = _way(second.stderr)
    kind = _kind(clone, parent, commit)
    _git(clone, "reset", "--quiet", "--soft", commit)
    reasons = [line for line in done.stderr.splitlines() if "verdict on tree" in line]
    why = reasons[0].partition(": ")[2][:200] if reasons and way != "at once" else ""
    return Judged(commit[:10], kind, way, again, round(seconds, 2), done.returncode, rival, why)


def _way(output: str) -> str:
    if AT_ONCE in output:
        return "at once"
    return "snapshot" if FROM_SNAPSHOT.search(output) else "whole"


def _kind(clone: Path, parent: str, commit: str) -> str:
    names = _git(clone, "diff", "--name-only", parent, commit).splitlines()
    python = [name for name in names if name.endswith(".py")]
    if any("/versions/" in name for name in python):
        return "migration"
    if any(MODEL.search(_git(clone, "diff", parent, commit, "--", name)) for name in python):
        return "models"
    return "python" if python else "no python"


def _rival(
    clone: Path, commit: str, options: argparse.Namespace, environ: Mapping[str, str]
) -> float:
    """Return the seconds of what a user would run instead, in a fresh working tree."""
    folder = Path(tempfile.mkdtemp())
    tree = folder / "tree"
    _git(clone, "worktree", "add", "--quiet", "--detach", "--force", str(tree), commit)
    try:
        command = options.rival_command.format(python=shlex.quote(options.python))
        began = time.monotonic()
        subprocess.run(command, shell=True, cwd=tree, env=environ, capture_output=True, check=False)
        return round(time.monotonic() - began, 2)
    finally:
        _git(clone, "worktree", "remove", "--force", str(tree))
        shutil.rmtree(folder, ignore_errors=True)


def _sums(judged: Sequence[Judged]) -> Iterator[str]:
    seconds = sorted(each.seconds for each in judged)
    ways = Counter(each.way for each in judged)
    yield f"commits {len(judged)}; " + ", ".join(f"{way} {ways[way]}" for way in sorted(ways))
    for kind in ("no python", "python", "models", "migration"):
        of_kind = [each for each in judged if each.kind == kind]
        at_once = sum(each.way == "at once" for each in of_kind)
        yield f"  {kind}: {at_once} of {len(of_kind)} at once"
    p90 = seconds[int(len(seconds) * 0.9)]
    yield f"seconds: median {statistics.median(seconds):.2f}, p90 {p90:.2f}, sum {sum(seconds):.0f}"
    twice = [each.commit for each in judged if each.again != "at once" and each.code == 0]
    yield f"passed, and run again when judged a second time: {len(twice)} {' '.join(twice[:5])}"
    rivals = [each.rival for each in judged if each.rival is not None]
    if rivals:
        mean = statistics.mean(rivals)
        ratio = sum(seconds) / (mean * len(judged))
        yield f"rival: mean {mean:.2f} s of {len(rivals)}; the sum is {ratio:.3f} of the rival's"


if __name__ == "__main__":
    main()
