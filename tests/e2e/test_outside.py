"""Projects that look around: they find the judged tree, as in a clone, and not the user's files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .harness import Project
from .subfolder_project import (
    MODELS,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)

#: Columns are named in a file that lies at a root.
COLUMNS = """

for _name in ROOT.joinpath("columns.txt").read_text().split():
    setattr(Order, _name, mapped_column(String(20)))
"""
BY_MARKER = """
from pathlib import Path

ROOT = next(folder for folder in Path(__file__).parents if (folder / ".git").exists())
"""
#: As python-dotenv's `find_dotenv` does.
UPWARD = """
from pathlib import Path

for ROOT in Path(__file__).parents:
    if (ROOT / "columns.txt").is_file():
        break
else:
    ROOT = Path(__file__).parent / "none"
"""
EXTRA = """
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column
from shop.base import Base


class Extra(Base):
    __tablename__ = "extras"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
BY_DISCOVERY = """

import importlib.util
from pathlib import Path

for _file in Path(__file__).resolve().parents[2].rglob("*_extra.py"):
    if not any(part.startswith(".") for part in _file.parts):
        _spec = importlib.util.spec_from_file_location(_file.stem, _file)
        _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
"""
BY_WALKING = """

import importlib.util, os

for _folder, _, _names in os.walk(os.path.dirname(__file__)):
    for _name in _names:
        if _name.endswith("_extra.py"):
            _spec = importlib.util.spec_from_file_location("extra", os.path.join(_folder, _name))
            _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
"""
QUESTIONS = """

import json, subprocess, sys

def _git(*words):
    return subprocess.run(
        ("git", *words), cwd=__file__.rpartition("/")[0], text=True, check=True, capture_output=True
    ).stdout.strip()

with open(sys.prefix + "/answers.json", "w") as _file:
    json.dump(
        {
            " ".join(words): _git(*words)
            for words in (
                ("rev-parse", "--show-toplevel"),
                ("rev-parse", "HEAD^"),
                ("rev-parse", "HEAD^{tree}"),
                ("rev-parse", "--abbrev-ref", "HEAD"),
                ("describe", "--tags"),
                ("status", "--porcelain"),
            )
        },
        _file,
    )
"""


def extend(project: Project, code: str) -> None:
    project.write(MODELS, project.read(MODELS) + code)
    project.stage(MODELS)


def ignore(project: Project, *patterns: str) -> None:
    project.write(".gitignore", project.read(".gitignore") + "\n".join(("", *patterns, "")))
    project.stage(".gitignore")


@pytest.mark.both_ways
def test_the_root_is_found_by_its_marker_and_has_what_is_staged(shop: Project) -> None:
    shop.write("columns.txt", "")
    extend(shop, BY_MARKER + COLUMNS)
    shop.stage("columns.txt")
    assert_clean(shop.check())
    shop.commit("Columns by name")
    shop.write("columns.txt", "paid\n")
    shop.stage("columns.txt")
    shop.write("columns.txt", "")  # only the index has it
    assert_finding(shop.check(), "missing-migration", "orders.paid")


def test_a_search_upward_finds_no_file_of_the_working_tree(shop: Project) -> None:
    shop.write("service/shop/none/columns.txt", "")
    extend(shop, UPWARD + COLUMNS)
    shop.stage("service/shop/none")
    shop.write("columns.txt", "paid\n")  # untracked, and not ignored
    assert_clean(shop.check())
    ignore(shop, "/columns.txt")
    assert_finding(shop.check(), "missing-migration", "orders.paid")


def test_discovery_that_skips_what_is_hidden_finds_models(shop: Project) -> None:
    shop.write("service/shop/an_extra.py", EXTRA)
    extend(shop, BY_DISCOVERY)
    shop.stage("service")
    assert_finding(shop.check(), "missing-migration", "extras")


def test_generated_models_in_an_ignored_folder_are_found_by_walking(shop: Project) -> None:
    ignore(shop, "/service/shop/generated/")
    extend(shop, BY_WALKING)
    assert_clean(shop.check())
    shop.write("service/shop/generated/deep/an_extra.py", EXTRA)
    assert_finding(change_and_check(shop), "missing-migration", "extras")


def test_git_answers_while_the_project_is_imported(shop: Project) -> None:
    shop.git("tag", "v1.4")
    extend(shop, QUESTIONS)
    answered = shop.root / ".venv/answers.json"
    answered.touch()
    shop.allow_write(answered)
    tree = shop.git("write-tree")
    result = shop.check()
    assert_clean(result, "a subprocess (git)")
    answers = json.loads(answered.read_text())
    top = Path(answers.pop("rev-parse --show-toplevel"))
    assert top.name == shop.root.name
    assert not top.is_relative_to(shop.root)
    assert answers.pop("describe --tags").startswith("v1.4-1-g")
    assert answers == {
        "rev-parse HEAD^": shop.git("rev-parse", "HEAD"),
        "rev-parse HEAD^{tree}": tree,
        "rev-parse --abbrev-ref HEAD": "main",
        "status --porcelain": "",
    }


READ_HEAD = """

assert open(__file__.rpartition("/service/")[0] + "/.git/HEAD").read()
"""


def test_what_reads_gits_own_files_is_not_remembered(shop: Project) -> None:
    extend(shop, READ_HEAD)
    assert_clean(shop.check(), "git's own files (.git/HEAD)")


WRITES = """

import os, shutil

_top = __file__.rpartition("/service/")[0]
shutil.rmtree(_top + "/uploads")
os.mkdir(_top + "/uploads")
for _name in ("big.bin", "logs/app.log", "instance/state.txt"):
    with open(os.path.join(_top, _name), "a") as _file:
        _file.write("by the application")
"""


def test_what_the_application_clears_and_appends_to_is_a_copy(shop: Project) -> None:
    ignore(shop, "/uploads/", "/logs/", "/instance/", "*.bin")
    files = {
        "uploads/photo.jpg": "a photo",
        "logs/app.log": "a line\n",
        "instance/state.txt": "precious",
        "big.bin": "x" * (2 << 20),
    }
    for path, text in files.items():
        shop.write(path, text)
    extend(shop, WRITES)
    for _ in range(2):
        assert_clean(change_and_check(shop, once=True))
        assert {path: shop.read(path) for path in files} == files
        assert sorted(path.name for path in (shop.root / "uploads").iterdir()) == ["photo.jpg"]


def test_a_filter_that_fails_is_named_and_works_once_it_is_mended(shop: Project) -> None:
    shop.write(".gitattributes", "*.key filter=locked\n")
    shop.write("service/shop/settings.key", "secret")
    extend(shop, "\nassert open(__file__[:-9] + 'settings.key').read() == 'SECRET'\n")
    shop.git("add", "--all")
    shop.git("config", "filter.locked.smudge", "cat ../key > /dev/null && tr a-z A-Z")
    shop.git("config", "filter.locked.required", "true")
    shop.git("config", "filter.locked.clean", "tr A-Z a-z")
    failed = shop.check()
    assert_unjudged(failed, "git's filter 'locked' failed on service/shop/settings.key")
    shop.git("config", "filter.locked.smudge", "tr a-z A-Z")
    assert_clean(shop.check())
