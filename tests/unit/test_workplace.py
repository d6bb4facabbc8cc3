"""Where checkouts lie, and when they go."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git import workplace
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.workplace import (
    UNUSED,
    acquire_workplace,
    delete_workplace,
    find_workplace,
    list_workplaces,
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path / "project")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    base = tmp_path / "temporary"
    base.mkdir()
    return base


def make_repository(root: Path) -> Repository:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    subprocess.run(["git", "init", "--quiet", str(root)], env=environ, check=True)
    return Repository.discover(root)


def find(repository: Repository, base: Path) -> Path:
    return find_workplace(repository, {"TMPDIR": str(base)}, base.with_name("cache"))


def test_it_is_private_and_each_repository_has_its_own(
    repository: Repository, base: Path, tmp_path: Path
) -> None:
    folder = find(repository, base)
    assert folder.parent == base / f"alembic-lockstep-{os.getuid()}"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder.parent)] == [0o700, 0o700]
    assert find(repository, base) == folder
    assert find(make_repository(tmp_path / "other"), base) != folder


def test_where_no_folder_will_do_the_printed_one_does(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workplace, "_is_usable", lambda base: base.is_relative_to(tmp_path))
    cache = tmp_path / "cache"
    cache.touch()
    with pytest.raises(CouldNotJudge) as caught:
        find_workplace(repository, {}, cache)
    typed = ["bash", "-ec", f'{caught.value.fix}\necho "$TMPDIR"']
    environ = {**os.environ, "HOME": str(tmp_path)}
    printed = subprocess.run(typed, env=environ, capture_output=True, text=True, check=True)
    folder = find_workplace(repository, {"TMPDIR": printed.stdout.strip()}, cache)
    assert folder.is_relative_to(tmp_path / "lockstep")


@pytest.mark.parametrize("kind", ["absent", "hidden", "inside", "relative", "a file", "anybody's"])
def test_a_folder_that_would_not_do_is_passed_over(
    repository: Repository, base: Path, tmp_path: Path, kind: str
) -> None:
    unfit = {
        "absent": base / "absent",
        "hidden": base / ".hidden" / "tmp",
        "inside": repository.root / "tmp",
        "relative": Path("tmp"),
        "a file": base / "file",
        "anybody's": base / "anybody's",
    }[kind]
    if kind == "a file":
        unfit.touch()
    elif kind not in ("absent", "relative"):
        unfit.mkdir(parents=True)
    if kind == "anybody's":
        unfit.chmod(0o777)  # without the sticky bit others could put theirs in its place
    folder = find_workplace(repository, {"TMPDIR": str(unfit)}, tmp_path / "cache")
    assert not folder.is_relative_to(base)
    assert not folder.is_relative_to(repository.root)
    assert folder.is_absolute()
    folder.rmdir()


@pytest.mark.parametrize("kind", ["link", "writable", "file"])
def test_what_somebody_else_put_there_first_is_not_used(
    repository: Repository, base: Path, tmp_path: Path, kind: str
) -> None:
    first = base / f"alembic-lockstep-{os.getuid()}"
    if kind == "link":
        (tmp_path / "theirs").mkdir()
        first.symlink_to(tmp_path / "theirs")
    elif kind == "writable":
        first.mkdir()
        first.chmod(0o777)
    else:
        first.touch()
    folder = find(repository, base)
    assert not folder.is_relative_to(base)
    folder.rmdir()


def test_what_was_not_used_for_long_goes_with_the_next_run(
    repository: Repository, base: Path, tmp_path: Path
) -> None:
    old, used, recent = (
        find(make_repository(tmp_path / name), base) for name in ("old", "used", "recent")
    )
    for folder in (old, used, recent):
        with acquire_workplace(folder) as slot:
            (slot / "tree").mkdir()
            (slot / "tree").chmod(0o500)
    forget(old)
    with acquire_workplace(used):
        forget(used)
        (old.parent / "swept").unlink()
        with acquire_workplace(find(repository, base)):
            pass
    assert list_workplaces({"TMPDIR": str(base)}, tmp_path / "cache") == sorted(
        [used, recent, find(repository, base)]
    )
    assert not old.exists()


def forget(folder: Path) -> None:
    """Have a workplace look as if it was last used long ago."""
    then = time.time() - UNUSED - 60
    for path in (folder / "used", folder):
        os.utime(path, (then, then))


def test_one_in_use_is_not_deleted(repository: Repository, base: Path) -> None:
    folder = find(repository, base)
    with acquire_workplace(folder), acquire_workplace(folder) as second:
        assert second == folder / "slots" / "1"
        assert not delete_workplace(folder)
        assert second.is_dir()
    assert delete_workplace(folder)
    assert not folder.exists()
    with acquire_workplace(folder) as slot:
        assert slot.is_dir()
