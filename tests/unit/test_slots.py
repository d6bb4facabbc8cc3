from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import alembic_lockstep
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.system.slots import acquire_slot, hold_lock

SOURCE = str(Path(alembic_lockstep.__file__).parents[1])
HOLD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from alembic_lockstep.system.slots import acquire_slot
with acquire_slot(Path(sys.argv[2])) as slot:
    print(slot, flush=True)
    time.sleep(60)
"""


def hold(parent: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, SOURCE, str(parent)], stdout=subprocess.PIPE, text=True
    )


def held_slot(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_first_slot_is_created_private(tmp_path: Path) -> None:
    with acquire_slot(tmp_path / "a" / "b") as slot:
        assert slot == tmp_path / "a" / "b" / "0"
        assert slot.stat().st_mode & 0o777 == 0o700


def test_two_at_once_get_different_slots(tmp_path: Path) -> None:
    with acquire_slot(tmp_path) as first, acquire_slot(tmp_path) as second:
        assert [first.name, second.name] == ["0", "1"]


def test_the_lowest_free_slot_is_taken_again_with_its_content(tmp_path: Path) -> None:
    with acquire_slot(tmp_path) as slot:
        (slot / "kept").touch()
        with acquire_slot(tmp_path):
            pass
    with acquire_slot(tmp_path) as again:
        assert again == slot
        assert (again / "kept").exists()


def test_released_when_the_body_raises(tmp_path: Path) -> None:
    try:
        with acquire_slot(tmp_path):
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    with acquire_slot(tmp_path) as slot:
        assert slot.name == "0"


def test_does_not_wait_for_another_process(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    try:
        assert held_slot(holder).name == "0"
        start = time.monotonic()
        with acquire_slot(tmp_path) as slot:
            assert slot.name == "1"
        assert time.monotonic() - start < 1
    finally:
        holder.kill()
        holder.wait()


def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    held_slot(holder)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with acquire_slot(tmp_path) as slot:
        assert slot.name == "0"


def test_children_do_not_keep_the_lock(tmp_path: Path) -> None:
    with acquire_slot(tmp_path):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with acquire_slot(tmp_path) as slot:
            assert slot.name == "0"
    finally:
        child.kill()
        child.wait()


def test_a_lock_that_another_run_holds_is_free_when_it_has_ended(tmp_path: Path) -> None:
    with hold(tmp_path) as other:
        lock = held_slot(other).with_name("0.lock")
        refused = pytest.raises(CouldNotJudge, match="another process holds")
        with refused as caught, hold_lock(lock, seconds=0):
            pass
        assert caught.value.fix == "Wait until the other check has ended."
        other.kill()
    with hold_lock(lock, seconds=0):
        pass
