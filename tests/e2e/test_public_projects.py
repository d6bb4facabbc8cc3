"""Public projects, as their wheels have them, each judged three times under the watch.

A change without schema passes although old differences stand, a new column is blocked at its line,
and with the printed migration it passes. Nothing of the user's changes meanwhile, and nobody stays.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import SessionCache
from .harness import Project, begin_repository, clean_environ
from .samples import OPTUNA, Sample
from .subfolder_project import assert_clean, assert_unjudged, migration_text
from .typed_advice import follow, upgrade_in
from .virtual_environments import make_venv


@dataclass(frozen=True)
class Public:
    """A public project.

    Attributes:
        wheel: What pip installs; its package is the repository.
        head: Its newest revision.
        old_differences: What the project's own `alembic check` finds there, and the twin.
        libraries: What it needs beside; empty for all that pip installs with it.
        obstacle: What the first check says, where it needs a setting that the message prints.
    """

    wheel: str
    sample: Sample
    head: str
    old_differences: int
    libraries: tuple[str, ...] = ()
    obstacle: str = ""

    @property
    def package(self) -> str:
        return self.wheel.partition("==")[0]


PROJECTS = {
    # Alembic runs in `optuna/storages/_rdb`, the package is importable because it is editable.
    "optuna": Public(
        "optuna==5.0.0",
        OPTUNA,
        "v3.2.0.a",
        4,
        libraries=("colorlog", "numpy", "packaging", "PyYAML", "tqdm"),
    ),
    # Flask-Migrate; upgrades its database at every start. Continuum makes a second column.
    "ihatemoney": Public(
        "ihatemoney==7.2.1",
        Sample(
            "ihatemoney",
            models="ihatemoney/models.py",
            after="    activated = db.Column(db.Boolean, default=True)\n",
            column="    note = db.Column(db.UnicodeText)\n",
            versions="ihatemoney/migrations/versions",
        ),
        "c941aaca38c2",
        6,
    ),
    # Its alembic.ini is a template, and its first tables were made by create_all().
    "jupyterhub": Public(
        "jupyterhub==6.1.1",
        Sample(
            "jupyterhub",
            models="jupyterhub/orm.py",
            after="    user_id = Column(Integer, ForeignKey('users.id', ondelete='CASCADE'))\n"
            '    user = relationship("User", back_populates="_orm_spawners")\n',
            column="    note = Column(Unicode(9))\n",
            versions="jupyterhub/alembic/versions",
        ),
        "f460b0348206",
        0,
        obstacle="jupyterhub/alembic.ini is a template",
    ),
}


@pytest.fixture
def public(
    request: pytest.FixtureRequest,
    session_cache: SessionCache,
    pip: Callable[..., None],
    tmp_path: Path,
    home: Path,
) -> tuple[Public, Project]:
    public = PROJECTS[request.param]

    def build(new: Path) -> None:
        wanted = public.libraries or (public.wheel,)
        pip("install", "--quiet", "--target", str(new / "libraries"), *wanted, cwd=new)
        package = new / "package"
        pip("install", "--quiet", "--no-deps", "--target", str(package), public.wheel, cwd=new)
        shutil.rmtree(new / "libraries" / public.package, ignore_errors=True)

    downloaded = session_cache(public.package, build)
    root = tmp_path / "my projects" / public.package
    ignored = shutil.ignore_patterns("__pycache__", "bin")
    shutil.copytree(downloaded / "package", root, ignore=ignored)
    (root / ".gitignore").write_text(".venv/\n__pycache__/\n*.db\n")
    libraries = make_venv(root / ".venv", downloaded / "libraries")
    (libraries / f"__editable__.{public.package}-1.pth").write_text(f"{root}\n")
    project = Project(public.sample, root, clean_environ(home))
    begin_repository(root, project.environ)
    project.stage(".")
    project.git("commit", "--quiet", "-m", "First")
    return public, project


@pytest.mark.sampled(3)  # 18, 27 and 41 seconds of processor time, with pip's
@pytest.mark.parametrize("public", PROJECTS, indirect=True)
def test_a_public_project_is_judged_right(public: tuple[Public, Project]) -> None:
    facts, project = public
    models = project.sample.models
    project.write(models, project.read(models) + "\n# Words.\nLIMIT = 10\n")
    project.stage(models)
    if facts.obstacle:
        result = project.check()
        assert_unjudged(result, facts.obstacle)
        assert_clean(follow(project, result))
    report = project.check("--no-cache", "--output-format", "json").json
    assert report["verdict"] == "clean"
    assert report["environments"][0]["old_differences"] == facts.old_differences
    project.git("commit", "--quiet", "-m", "Words")
    where = project.add_column()
    project.stage(models)
    result = project.check("--output-format", "json")
    assert result.returncode == 1, result.output
    findings = result.json["findings"]
    places = {
        f"{finding['path']}:{finding['line']}:"
        for finding in findings
        if finding["rule"] == "missing-migration"
    }
    assert places == {where}, result.output
    upgrade = upgrade_in(result)
    text = migration_text("abababababab", facts.head, upgrade)
    project.write(f"{project.sample.versions}/abababababab_note.py", text)
    project.stage(".")
    assert_clean(project.check())
