"""What identifies a file, and notices that it was changed or deleted."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from alembic_lockstep.cache.digests import changed_since, deleted_since, stamp_of
from alembic_lockstep.system.regular import CLOCK_TICK


@pytest.mark.parametrize("folder", ["data", "lib/python3.12/site-packages/shop"])
@pytest.mark.parametrize("is_replaced", [True, False])
@pytest.mark.parametrize("has_links", [True, False])
def test_the_same_size_and_time_with_another_content(
    tmp_path: Path, folder: str, is_replaced: bool, has_links: bool
) -> None:
    file = tmp_path / folder / "data.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"one")
    if has_links:
        os.link(file, tmp_path / "link")
    before, times = stamp_of(str(file)), file.stat()
    time.sleep(CLOCK_TICK / 1e9)
    if is_replaced:
        other = tmp_path / "other"
        other.write_bytes(b"two")
        os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
        other.replace(file)
    else:
        file.write_bytes(b"two")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    is_shared = has_links and "site-packages" in folder
    # A file that several environments share is not written to, but replaced.
    assert (stamp_of(str(file)) != before) is (is_replaced or not is_shared)


def test_another_environment_that_links_to_an_installed_file(tmp_path: Path) -> None:
    file = tmp_path / "site-packages" / "module.py"
    file.parent.mkdir()
    file.write_text("")
    os.link(file, tmp_path / "first")
    before = stamp_of(str(file))
    time.sleep(CLOCK_TICK / 1e9)
    os.link(file, tmp_path / "second")
    assert stamp_of(str(file)) == before


def test_a_file_that_was_deleted_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "data" / "deep").mkdir(parents=True)
    file, never = tmp_path / "data" / "deep" / "a.txt", tmp_path / "secret.txt"
    file.write_text("")
    time.sleep(2 * CLOCK_TICK / 1e9)
    since = time.time_ns()
    paths = [str(never), str(file)]
    assert deleted_since(paths, since) == ""
    assert changed_since(paths, since) == ""
    file.unlink()
    assert deleted_since(paths, since) == str(file)
    file.parent.rmdir()
    assert deleted_since(paths, since) == str(file)
    time.sleep(2 * CLOCK_TICK / 1e9)
    assert deleted_since(paths, time.time_ns()) == ""
