"""What compiled code reads is told by the kernel, where the file system keeps access times."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alembic_lockstep.dryrun.access import AccessTimes, complete
from alembic_lockstep.errors import CouldNotJudge

READ_IN_C = """\
import ctypes, sys
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(sys.argv[1].encode(), b"r")
assert file and libc.fgetc(ctypes.c_void_p(file)) > 0
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    checkout = tmp_path / "slot" / "tree"
    for name in ("read.csv", "data/read.csv", "data/other.csv", "__pycache__/x.pyc", ".git/HEAD"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text("some text\n")
    return checkout


def begin(checkout: Path) -> AccessTimes:
    access = AccessTimes.begin(checkout)
    if access is None:
        pytest.skip("no access times here")
    return access


def test_a_file_that_c_reads(checkout: Path) -> None:
    (checkout / "late.py").write_text("x = 1\n")
    access = begin(checkout)
    for name in ("data/read.csv", "late.py"):
        subprocess.run([sys.executable, "-c", READ_IN_C, str(checkout / name)], check=True)
    access.end()
    assert sorted(access.files) == ["data/read.csv", "late.py"]
    assert access.folders == []
    reads = complete({"opened": ["a.py"], "compiled": ["polars"]}, access)
    unseen = ["data/read.csv", "late.py"]
    assert reads == {
        "opened": ["a.py", *unseen],
        "listed": {},
        "texts": ["late.py"],
        "settings": [],
        "unseen": unseen,
    }


def test_a_folder_that_a_subprocess_lists(checkout: Path) -> None:
    access = begin(checkout)
    subprocess.run(["ls", str(checkout / "data"), str(checkout / ".git")], check=True)
    access.end()
    assert access.files == []
    reads = complete({"opened": []}, access)
    assert reads["listed"] == {"data": ["other.csv", "read.csv"]}


def test_what_python_knows_is_not_told_twice(checkout: Path) -> None:
    access = begin(checkout)
    (checkout / "read.csv").read_text()
    list(checkout.iterdir())
    list((checkout / "data").iterdir())
    access.end()
    reads = {"opened": ["read.csv"], "listed": {"": ["read.csv"]}, "searched": ["data"]}
    assert complete(reads, access) == {**reads, "texts": [], "settings": [], "unseen": []}


def test_the_next_run_begins_afresh(checkout: Path) -> None:
    """Also when the last one was looked at, which reads every folder and link."""
    (checkout / "link").symlink_to("read.csv")
    (checkout / "ours").symlink_to(checkout.parent)
    first = begin(checkout)
    (checkout / "link").read_text()
    first.end()
    assert sorted(first.files) == ["link", "read.csv"]
    second = begin(checkout)
    (checkout / "ours").resolve(strict=True)  # reads both links
    list((checkout / "ours").iterdir())
    second.end()
    assert second.files == second.folders == []


def test_contents_keep_their_modification_times(checkout: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    begin(checkout)
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before


def test_what_a_link_leads_to_is_left_alone(checkout: Path, tmp_path: Path) -> None:
    outside = tmp_path / "the user's"
    outside.write_text("text")
    os.utime(outside, ns=(5, 5))
    (checkout / "ours").symlink_to(outside)
    begin(checkout)
    assert outside.stat().st_atime_ns == 5


def test_without_access_times_compiled_code_is_not_traced() -> None:
    reads = complete({"opened": [], "untraced": [], "compiled": ["polars"]}, None)
    assert reads["untraced"] == ["compiled code (polars) on a file system without access times"]


def test_a_project_that_deletes_its_checkout_is_told(checkout: Path) -> None:
    access = begin(checkout)
    shutil.rmtree(checkout)
    with pytest.raises(CouldNotJudge, match="deleted or renamed the folder"):
        access.end()
