"""An application that clears, rotates and writes its files at start does so in copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project

pytestmark = pytest.mark.real_start

#: What the developer has beside the tracked files, and git ignores.
OWN_FILES = {
    "uploads/holiday.jpg": "not really a picture\n",
    "logs/gallery.log": "2026-11-02 09:14:07 a line\n" * 8,
    "logs/gallery.log.1": "2026-11-01 17:40:55 an older line\n",
    "run/gallery.pid": "4711\n",
}

Change = Callable[[Project], object]


@pytest.fixture
def gallery(make_project: MakeProject) -> Project:
    """The gallery as its developer has it after a day's work, with an upgraded database."""
    project = make_project("gallery", hook=None)
    upgraded = project.alembic("upgrade", "head")
    assert upgraded.returncode == 0, upgraded.output
    for path, text in OWN_FILES.items():
        project.write(path, text)
    return project


def read_files(root: Path) -> dict[str, bytes]:
    """Return the content of every file of the working tree, but for `.git`."""
    files = (file for file in root.rglob("*") if file.is_file())
    paths = ((str(file.relative_to(root)), file) for file in files)
    return {path: file.read_bytes() for path, file in paths if not path.startswith(".git/")}


def test_the_application_itself_is_seen_by_the_comparison(gallery: Project) -> None:
    before = read_files(gallery.root)
    assert gallery.alembic("upgrade", "head").returncode == 0
    changed = {path for path, text in read_files(gallery.root).items() if before.get(path) != text}
    assert {"logs/gallery.log", "logs/gallery.log.1", "run/gallery.pid"} <= changed
    assert not (gallery.root / "uploads/holiday.jpg").exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [(Project.change_no_schema, 0), (Project.add_column, 1)],
    ids=["no schema", "column"],
)
def test_the_developers_uploads_logs_and_pid_file_stay(
    gallery: Project, change: Change, status: int
) -> None:
    change(gallery)
    gallery.stage(".")
    before = read_files(gallery.root)
    result = gallery.check()
    after = read_files(gallery.root)
    assert result.returncode == status, result.output
    assert {path for path, _ in before.items() ^ after.items()} == set()
