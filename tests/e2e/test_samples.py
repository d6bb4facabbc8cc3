"""Real shapes of projects: each is judged rightly, and its database is never contacted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from .conftest import MakeProject
from .harness import SERVER_OF_PRODUCTION, Project, Result, force_postgres
from .samples import SAMPLES
from .subfolder_project import assert_finding, assert_unjudged
from .typed_advice import follow

MakeGuarded = Callable[[str], Project]

#: What the report calls the server of each way.
SERVERS = {
    "url": "at 127.0.0.1:5432",
    "binaries": "(/usr/lib/postgresql/",
    "wheel": "(embedded wheel)",
}

#: A database of `no_replay` at its first revision.
BEFORE = """\
CREATE TABLE accounts (id INTEGER PRIMARY KEY, owner VARCHAR(100) NOT NULL, currency VARCHAR(3));
CREATE TABLE payments (id INTEGER PRIMARY KEY AUTOINCREMENT, amount NUMERIC(12, 2) NOT NULL,
    account_id INTEGER NOT NULL REFERENCES accounts (id));
CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('d05b7f38c1a9');
"""

every_sample = pytest.mark.parametrize("name", [*SAMPLES, "src_layout-finder"])


def check_untouched(project: Project, *args: str) -> Result:
    """Stage everything and judge it, while the configured database is watched."""
    project.stage(".")
    with project.untouched():
        return project.check(*args)


def test_alembic_itself_is_seen_by_the_watch(guarded: MakeGuarded) -> None:
    project = guarded("trivia")
    with pytest.raises(AssertionError, match=r"touched|contacted"), project.untouched():
        project.alembic("upgrade", "head")


@every_sample
def test_a_column_is_blocked_at_its_line_and_passes_with_its_migration(
    guarded: MakeGuarded, name: str
) -> None:
    project = guarded(name)
    project.change_no_schema()
    result = check_untouched(project)
    assert result.returncode == 0, result.output

    where = project.add_column()
    result = check_untouched(project)
    assert result.returncode == 1, result.output
    assert where in result.stdout
    assert "missing-migration" in result.stdout

    project.autogenerate("a column")
    result = check_untouched(project)
    assert result.returncode == 0, result.output


def test_a_database_that_is_not_there_is_not_made(make_project: MakeProject) -> None:
    project = make_project("creates_tables", hook=None)
    project.add_column()
    result = check_untouched(project)
    assert result.returncode == 1, result.output
    assert not list(project.root.rglob("*.db"))


def test_only_the_new_difference_is_found_beside_old_drift(make_project: MakeProject) -> None:
    project = make_project("old_drift", hook=None)
    project.add_column()
    report = check_untouched(project, "--output-format", "json").json
    assert [finding["rule"] for finding in report["findings"]] == ["missing-migration"]
    assert report["environments"][0]["old_differences"] == 3


def test_old_drift_is_blocked_when_strict(make_project: MakeProject) -> None:
    project = make_project("old_drift", hook=None)
    project.change_no_schema()
    result = check_untouched(project, "--strict")
    assert result.returncode == 1, result.output
    for missing in ("tags", "audit_log", "nickname"):
        assert missing in result.stdout


@pytest.mark.parametrize("arguments", [("--strict",), ("--base", "HEAD"), ()])
def test_with_nothing_staged_old_drift_is_blocked_when_strict(
    make_project: MakeProject, arguments: tuple[str, ...]
) -> None:
    project = make_project("old_drift", hook=None)
    if "--strict" not in arguments:
        project.environ["ALEMBIC_LOCKSTEP_STRICT"] = "1"
    result = project.check(*arguments, once=True)
    assert result.returncode == 1, result.output
    assert "users.nickname" in result.stdout


def test_a_history_that_does_not_replay_starts_from_the_models(make_project: MakeProject) -> None:
    project = make_project("no_replay", hook=None)
    project.change_no_schema()
    report = check_untouched(project, "--output-format", "json").json
    assert report["verdict"] == "clean"
    assert report["environments"][0]["start"] == "base-models"


def test_a_start_from_the_models_of_several_heads_takes_one_put_upon_another(
    make_project: MakeProject,
) -> None:
    project = make_project("no_replay", hook=None)
    second = f"{project.sample.versions}/f4716ae2d80b_when_payments_happened.py"
    parent = "down_revision: Union[str, Sequence[str], None] = "
    project.replace(second, f"{parent}'d05b7f38c1a9'", f"{parent}None")
    project.stage(".")
    project.commit("Two heads")
    project.replace(second, f"{parent}None", f"{parent}'d05b7f38c1a9'")
    report = check_untouched(project, "--output-format", "json").json
    assert report["verdict"] == "clean"
    assert report["environments"][0]["start"] == "base-models"


def test_models_that_only_a_migration_imports_are_among_the_bases_models(
    make_project: MakeProject,
) -> None:
    project = make_project("no_replay", hook=None)
    base = 'class Base(DeclarativeBase):\n    """The base of all models."""\n'
    project.write("bank/base.py", f"from sqlalchemy.orm import DeclarativeBase\n\n\n{base}")
    project.replace(project.sample.models, base, "from bank.base import Base\n")
    project.replace(
        "migrations/env.py", "from bank.models import Base", "from bank.base import Base"
    )
    first = f"{project.sample.versions}/d05b7f38c1a9_currencies.py"
    project.replace(
        first, "import sqlalchemy as sa\n", "import sqlalchemy as sa\nimport bank.models\n"
    )
    project.stage(".")
    project.commit()
    where = project.add_column()
    project.stage(".")
    result = check_untouched(project, "--output-format", "concise")
    assert [line.startswith(where) for line in result.stdout.splitlines()] == [True], result.output


def test_a_start_from_models_that_nobody_imports_is_no_pass(make_project: MakeProject) -> None:
    project = make_project("no_replay", hook=None)
    base = 'class Base(DeclarativeBase):\n    """The base of all models."""\n'
    project.write("bank/base.py", f"from sqlalchemy.orm import DeclarativeBase\n\n\n{base}")
    project.replace(project.sample.models, base, "from bank.base import Base\n")
    project.replace("migrations/env.py", "from bank.models import", "from bank.base import")
    project.stage(".")
    project.commit()
    project.add_column()
    assert_unjudged(check_untouched(project), "env.py imports none of the models")


def test_models_that_create_all_cannot_make_are_told_of_the_setting_start(
    make_project: MakeProject,
) -> None:
    project = make_project("no_replay", hook=None)
    column = "    paid_at = Column(DateTime, index=True)\n"
    odd = column.replace("index=True", 'server_default=text("("), index=True')
    project.replace(project.sample.models, column, odd)
    project.replace(project.sample.models, "Numeric, String", "Numeric, String, text")
    project.stage(".")
    project.commit()
    project.add_column()
    project.stage(".")
    result = check_untouched(project)
    assert_unjudged(
        result, "create_all()", "This fails: CREATE TABLE payments", 'start = "start.sql"'
    )
    begin_database(project)
    assert_finding(follow(project, result), "1 revision run from start.sql", "flagged")


def begin_database(project: Project) -> None:
    """Make the database `app` as a developer has it: by old models, at the first revision."""
    with closing(sqlite3.connect(project.root / "app.db")) as app:
        app.executescript(BEFORE)


def test_behind_the_setting_run_a_dump_of_sqlite_is_what_migrations_start_from(
    make_project: MakeProject,
) -> None:
    project = make_project("no_replay", hook=None)
    project.write(
        "pyproject.toml", '[tool.alembic-lockstep]\nrun = ["env"]\npython = ".venv/bin/python"\n'
    )
    project.add_column()
    project.stage(".")
    result = check_untouched(project)
    assert_unjudged(result, "a SQLite database that was filled behind the setting `run`")
    begin_database(project)
    assert_finding(follow(project, result), "1 revision run from start.sql")


def test_settings_that_lack_their_variable_are_no_pass(make_project: MakeProject) -> None:
    project = make_project("async_settings", hook=None)
    (project.root / ".env").unlink()
    project.change_no_schema()
    result = check_untouched(project)
    assert result.returncode == 2, result.output
    assert "APP_SECRET" in result.output


@pytest.mark.parametrize("name", ["trivia", "subfolder"])
def test_postgresql_gives_the_verdict_of_sqlite(
    make_project: MakeProject, postgres_way: str, name: str
) -> None:
    project = make_project(name, hook=None)
    project.add_column()
    on_sqlite = check_untouched(project, "--output-format", "json").json
    url = project.sample.postgresql_url(SERVER_OF_PRODUCTION)
    project.url_environ = project.sample.configure(project.root, url)
    project.start_check = force_postgres(project.environ, postgres_way)
    on_postgresql = check_untouched(project, "--output-format", "json").json
    environment = on_postgresql["environments"][0]
    assert environment["dialects"] == ["postgresql"]
    assert SERVERS[postgres_way] in environment["servers"][0]
    assert places(on_postgresql) == places(on_sqlite)


def places(report: dict[str, list[dict[str, object]]]) -> list[tuple[object, ...]]:
    """Say what was found, and where, whatever the dialect."""
    keys = ("rule", "path", "line", "column")
    return sorted(tuple(finding[key] for key in keys) for finding in report["findings"])
