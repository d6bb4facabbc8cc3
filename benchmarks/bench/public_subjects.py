"""Subjects that are public projects; `tests/wild` gets them, in an environment of its own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from bench.machine import ROOT, WILD, empty_folder, make_environment, run
from bench.make_subjects import NAMES, Workshop
from bench.subject import START, Change, Subject

#: A small one, one of medium size, and a large one: the dialect, and what imports its models.
#: ethyca-fides, larger still, is out: it pins an Alembic that has no `check` to compare with.
PROJECTS = {
    "optuna": ("sqlite", "optuna.storages._rdb.models"),
    "apache-airflow": ("postgresql", "airflow.models.dagrun"),
    "langflow": ("sqlite", "langflow.services.database.models"),
}
_PROGRAM = Path(__file__).with_name("prepare_public.py")


def make_real(workshop: Workshop, name: str, dialect: str, module: str) -> Subject:
    """Get a project, configured with a database of the benchmark."""
    databases = workshop.databases(dialect, f"real-{name}")
    description = _get(workshop, name, dialect, databases.url)
    root = Path(description["root"])
    programs = root / ".venv" / "bin"
    cache = empty_folder(workshop.folder / "cache" / name)
    words = [str(programs / description["command"][0]), *description["command"][1:]]
    subject = Subject(
        label=f"{name} {description['version']}, {description['revisions']} revisions, "
        f"{NAMES[dialect]}",
        revisions=description["revisions"],
        dialect=dialect,
        root=root,
        directory=description["directory"],
        environ=workshop.environ(root / ".venv", cache) | description["environ"],
        programs=programs,
        tool=workshop.tool,
        cache=cache,
        databases=databases,
        upgrade=(*words, *description["upgrade"]),
        check=(*words, "check"),
        drifts=description["old"] > 0,
        config="",
        module=module,
        # SQLite's driver may be an async one.
        sync_url=databases.url if dialect == "sqlite" else description["url"],
        change=Change(
            description["models"],
            description["after"],
            description["column"],
            _column_name(description["column"]),
            description["migration"],
            description["text"],
        ),
    )
    subject.commit("Configured")
    subject.git("tag", "--force", START)
    subject.stage_comment()
    subject.commit_judged("A comment")
    return subject


def _get(workshop: Workshop, name: str, dialect: str, url: str) -> dict[str, Any]:
    programs = make_environment(workshop.folder / "wild", WILD)
    command = (str(programs / "python"), str(_PROGRAM), name, dialect, url)
    environ = {
        **{key: text for key, text in os.environ.items() if not key.startswith("PYTHON")},
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": str(ROOT / "tests"),
    }
    work = workshop.folder / "real"
    work.mkdir(exist_ok=True)
    printed = run((*command, str(work)), cwd=work, environ=environ)
    description: dict[str, Any] = json.loads(printed)
    return description


def _column_name(line: str) -> str:
    name = re.match(r"\s*(\w+)", line)
    assert name is not None, line
    return name[1]
