"""What a developer sees at git commit, with the hook that the real pre-commit installed."""

from __future__ import annotations

import os

import pytest

from .conftest import MakeProject
from .harness import Project, Result
from .subfolder_project import ADD_PAID, add_migration

MODELS = "backend/models.py"
ROUNDS = "    rounds = db.Column(db.Integer, nullable=True)\n"


def assert_passed(result: Result) -> None:
    assert result.returncode == 0, result.output


def assert_blocked(result: Result, *said: str) -> None:
    assert result.returncode == 1, result.output
    assert "- exit code: 1\n" in result.output, result.output  # 2 and 3 block too
    missing = [words for words in said if words not in result.output]
    assert not missing, f"{missing} not in:\n{result.output}"


def empty_migration(text: str) -> str:
    """Give a migration that does nothing."""
    head, upgrade, rest = text.partition("def upgrade():\n")
    _, downgrade, _ = rest.partition("def downgrade():\n")
    return f"{head}{upgrade}    pass\n\n\n{downgrade}    pass\n"


@pytest.mark.parametrize("arguments", [(), ("-a",), (MODELS,)], ids=["staged", "all", "path"])
def test_a_model_without_its_migration_is_blocked(
    trivia: Project, arguments: tuple[str, ...]
) -> None:
    where = trivia.add_column()
    if not arguments:
        trivia.stage(MODELS)
    before = trivia.git("rev-parse", "HEAD")
    result = trivia.commit("Completed games", *arguments)
    assert_blocked(result, where, "missing-migration", "completed_at", "op.")
    assert trivia.git("rev-parse", "HEAD") == before


def test_the_message_names_the_command_that_makes_the_migration(trivia: Project) -> None:
    trivia.add_column()
    trivia.stage(MODELS)
    assert_blocked(trivia.commit(), "flask --app backend.app:create_app db migrate -m")


def test_a_migration_that_was_not_added_is_named_with_git_add(trivia: Project) -> None:
    trivia.add_column()
    migration = trivia.autogenerate("completed at")
    trivia.stage(MODELS)
    assert_blocked(trivia.commit(), "uncommitted-migration", migration, "git add")


def test_a_model_with_its_migration_passes(trivia: Project) -> None:
    trivia.add_column()
    trivia.stage(MODELS, trivia.autogenerate("completed at"))
    assert_passed(trivia.commit())


def test_a_migration_that_is_mended_but_not_staged_is_judged_as_staged(trivia: Project) -> None:
    trivia.add_column()
    migration = trivia.autogenerate("completed at")
    whole = trivia.read(migration)
    trivia.write(migration, empty_migration(whole))
    trivia.stage(MODELS, migration)
    trivia.write(migration, whole)
    assert_blocked(trivia.commit(), "completed_at")
    assert trivia.read(migration) == whole


def test_a_migration_that_is_spoilt_but_not_staged_is_judged_as_staged(trivia: Project) -> None:
    trivia.add_column()
    migration = trivia.autogenerate("completed at")
    trivia.stage(MODELS, migration)
    trivia.write(migration, empty_migration(trivia.read(migration)))
    assert_passed(trivia.commit())


def test_a_column_that_is_not_staged_is_not_judged(trivia: Project) -> None:
    trivia.change_no_schema()
    trivia.stage(MODELS)
    trivia.add_column()
    assert_passed(trivia.commit())


def test_a_column_that_is_staged_and_taken_back_on_disk_is_judged(trivia: Project) -> None:
    original = trivia.read(MODELS)
    where = trivia.add_column()
    trivia.stage(MODELS)
    trivia.write(MODELS, original)
    assert_blocked(trivia.commit(), where, "missing-migration")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('"""One evening of questions."""', '"""One evening."""', id="docstring"),
        pytest.param(
            "    def __repr__(self):\n",
            "    def is_short(self):\n        return self.rounds == 1\n\n    def __repr__(self):\n",
            id="method",
        ),
        pytest.param(
            '    questions = db.relationship("Question", secondary=game_questions,',
            '    questions = db.relationship("Question", secondary=game_questions, lazy="joined",',
            id="relationship",
        ),
        pytest.param(
            ROUNDS,
            "    rounds = db.Column(\n        db.Integer,\n        nullable=True,\n    )\n",
            id="formatting",
        ),
    ],
)
def test_a_change_of_models_that_changes_no_schema_passes(
    trivia: Project, old: str, new: str
) -> None:
    trivia.replace(MODELS, old, new)
    trivia.stage(MODELS)
    assert_passed(trivia.commit())


CATEGORY = "    category = db.Column(db.String(50), nullable=True, index=True)\n"


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        pytest.param(
            ROUNDS, ROUNDS.replace("rounds", "turns"), "    turns = db.Column(", id="renamed column"
        ),
        pytest.param(
            ROUNDS, ROUNDS.replace("Integer", "String(9)"), "    rounds = ", id="changed type"
        ),
        pytest.param(ROUNDS, ROUNDS.replace("True", "False"), "    rounds = ", id="nullable"),
        pytest.param(
            ROUNDS, ROUNDS.replace("True", "True, index=True"), "    rounds = ", id="new index"
        ),
        pytest.param(
            CATEGORY, CATEGORY.replace(", index=True", ""), "class Question(", id="dropped index"
        ),
        pytest.param(
            ROUNDS, ROUNDS.replace("True", "True, unique=True"), "    rounds = ", id="unique"
        ),
        pytest.param(
            ROUNDS,
            ROUNDS.replace("Integer,", 'Integer, db.ForeignKey("questions.id"),'),
            "    rounds = ",
            id="foreign key",
        ),
        pytest.param(
            '    db.Column("question_id",',
            '    db.Column("position", db.Integer),\n    db.Column("question_id",',
            'db.Column("position"',
            id="column of an association table",
        ),
    ],
)
def test_a_change_of_schema_is_blocked_at_its_line(
    trivia: Project, old: str, new: str, marked: str
) -> None:
    trivia.replace(MODELS, old, new)
    trivia.stage(MODELS)
    result = trivia.commit()
    lines = {trivia.line(MODELS, marked)} | _lines_of(trivia, old)
    assert_blocked(result, "missing-migration")
    assert any(f"{MODELS}:{line}:" in result.output for line in lines), result.output


def test_a_deleted_column_is_blocked_at_its_class_or_where_it_was(trivia: Project) -> None:
    lines = {trivia.line(MODELS, "class Game("), trivia.line(MODELS, ROUNDS.rstrip())}
    trivia.replace(MODELS, ROUNDS, "")
    trivia.stage(MODELS)
    result = trivia.commit()
    assert_blocked(result, "missing-migration", "rounds")
    assert any(f"{MODELS}:{line}:" in result.output for line in lines), result.output


def test_a_deleted_model_file_is_blocked(trivia: Project) -> None:
    trivia.replace("backend/app.py", "from backend import feedback  # noqa: F401\n", "")
    trivia.git("rm", "--quiet", "backend/feedback.py")
    trivia.stage("backend/app.py")
    assert_blocked(trivia.commit(), "missing-migration", "feedback")


def test_a_table_in_a_module_that_nobody_imports_is_named_at_its_line(trivia: Project) -> None:
    trivia.write(
        "backend/badges.py",
        '"""Prizes."""\n\nfrom backend.models import db\n\n\n'
        'class Badge(db.Model):\n    __tablename__ = "badges"\n\n'
        "    id = db.Column(db.Integer, primary_key=True)\n",
    )
    trivia.stage("backend/badges.py")
    assert_blocked(trivia.commit(), "backend/badges.py:6:", "unregistered-model", "badges")

    trivia.commit("Let past", "--no-verify")
    text = trivia.read("backend/badges.py")
    trivia.write("backend/badges.py", text + "    def shine(self): ...\n")
    trivia.stage("backend/badges.py")
    assert_passed(trivia.commit())
    trivia.write("backend/badges.py", text + "    colour = db.Column(db.String(9))\n")
    trivia.stage("backend/badges.py")
    assert_blocked(trivia.commit(), "backend/badges.py:6:", "Badge is a changed table")


def test_a_migration_for_what_the_models_lack_is_blocked(trivia: Project) -> None:
    original = trivia.read(MODELS)
    trivia.add_column()
    migration = trivia.autogenerate("completed at")
    trivia.write(MODELS, original)
    trivia.stage(migration)
    assert_blocked(trivia.commit(), "migration-mismatch", "completed_at")


def test_a_commit_of_something_else_passes(trivia: Project) -> None:
    trivia.write("README.md", "# Trivia\n")
    trivia.stage("README.md")
    assert_passed(trivia.commit())


def test_the_first_commit_of_a_project_in_step_passes(make_project: MakeProject) -> None:
    project = make_first(make_project)
    project.stage(".")
    assert_passed(project.commit("First"))


def test_the_first_commit_of_a_project_out_of_step_is_blocked(make_project: MakeProject) -> None:
    project = make_first(make_project)
    where = project.add_column()
    project.stage(".")
    assert_blocked(project.commit("First"), where)


def make_first(make_project: MakeProject) -> Project:
    """Make a project that has its hook installed before its first commit."""
    return make_project("trivia", first_commit=False)


def _lines_of(project: Project, old: str) -> set[int]:
    """Give the line that old had before the change: where a dropped thing may be shown."""
    committed = project.git("show", f"HEAD:{MODELS}").splitlines()
    return {n for n, line in enumerate(committed, 1) if line and line in old}


def test_a_copied_repository_has_no_unstaged_migrations(shop: Project) -> None:
    """Those that only have another time than in the index were named as forgotten edits."""
    shop.add_column()
    shop.stage(shop.sample.models)
    forgotten = add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID, staged=False)
    for migration in (shop.root / shop.sample.versions).glob("*.py"):
        os.utime(migration, (0, 0))
    findings = shop.check("--output-format", "json").json["findings"]
    assert [finding["path"] for finding in findings] == [forgotten]
