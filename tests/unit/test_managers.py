"""The hook goes where the repository's hooks are."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from alembic_lockstep.init.managers import HUSKY, PRE_COMMIT, propose_hook, steps_for
from alembic_lockstep.init.setup import write


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def proposed(root: Path, *extras: str) -> tuple[str, str]:
    files = [path.relative_to(root).as_posix() for path in root.rglob("*")]
    proposal = propose_hook(root, files, extras)
    assert proposal is not None
    return proposal.path, proposal.text or ""


def test_without_a_manager_it_is_pre_commit(tmp_path: Path) -> None:
    path, text = proposed(tmp_path, "mysql")
    assert path == PRE_COMMIT
    assert "id: alembic-lockstep-mysql" in text


@pytest.mark.parametrize("manager", [HUSKY, "lefthook.yml"])
def test_where_pre_commit_is_too_that_gets_it(tmp_path: Path, manager: str) -> None:
    put(tmp_path, PRE_COMMIT, "repos:\n")
    put(tmp_path, manager, "")
    assert proposed(tmp_path)[0] == PRE_COMMIT


@pytest.mark.parametrize("name", ["lefthook.yml", ".lefthook.yaml"])
def test_lefthook(tmp_path: Path, name: str) -> None:
    put(tmp_path, name, "commit-msg:\n  jobs:\n    - run: x\n")
    path, text = proposed(tmp_path)
    assert path == name
    assert yaml.safe_load(text)["pre-commit"]["jobs"][0]["run"] == "alembic-lockstep check"
    assert "commit-msg" in yaml.safe_load(text)
    assert steps_for(path, ["mysql"]) == [
        "pipx install 'alembic-lockstep[mysql]'",
        "lefthook install",
    ]


@pytest.mark.parametrize("text", ["pre-commit:\n  commands:\n", "'pre-commit': {}\n"])
def test_jobs_of_lefthook_are_for_people(tmp_path: Path, text: str) -> None:
    put(tmp_path, "lefthook.yml", text)
    proposal = propose_hook(tmp_path, [], [])
    assert proposal is not None
    assert proposal.text is None
    assert "run: alembic-lockstep check" in proposal.diff()


@pytest.mark.parametrize("before", ["npx lint-staged\n", "npx lint-staged", ""])
def test_husky_runs_it(tmp_path: Path, before: str) -> None:
    put(tmp_path, HUSKY, before)
    (tmp_path / HUSKY).chmod(0o755)
    proposal = propose_hook(tmp_path, [], [])
    assert proposal is not None
    write(tmp_path, [proposal])
    assert stat.S_IMODE((tmp_path / HUSKY).stat().st_mode) == 0o755
    for name in ("npx", "alembic-lockstep"):
        put(tmp_path, f"bin/{name}", f"#!/bin/sh\necho {name} $@\n")
        (tmp_path / "bin" / name).chmod(0o755)
    done = subprocess.run(  # as husky does
        ["sh", "-e", HUSKY],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}/bin:/bin:/usr/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "alembic-lockstep check"
    assert ("npx lint-staged" in done.stdout) == bool(before)
    assert propose_hook(tmp_path, [], []) is None
    assert steps_for(HUSKY, []) == ["pipx install 'alembic-lockstep'"]


def test_husky_without_a_hook_yet_and_one_that_ends_early(tmp_path: Path) -> None:
    put(tmp_path, ".husky/commit-msg", "x\n")
    assert proposed(tmp_path) == (HUSKY, "alembic-lockstep check\n")
    put(tmp_path, HUSKY, "exec npx lint-staged\n")
    assert proposed(tmp_path) == (HUSKY, "")
