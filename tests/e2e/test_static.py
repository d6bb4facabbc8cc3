"""`check --static`: by git and text alone, without the project's Python."""

from __future__ import annotations

import shutil

import pytest

from .conftest import MakeProject
from .samples import SAMPLES, SHAPES
from .subfolder_project import (
    ADD_PAID,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
)


@pytest.mark.parametrize("name", SAMPLES)
def test_an_added_column_is_blocked_until_its_migration_is_there(
    make_project: MakeProject, name: str
) -> None:
    project = make_project(name, hook=None)
    project.change_no_schema()
    project.stage(".")
    assert_clean(project.check("--static"), "Passed.", "weaker")
    where = project.add_column()
    project.autogenerate("a column")
    shutil.rmtree(project.root / ".venv")
    project.stage(project.sample.models)
    result = project.check("--static")
    assert_finding(result, where.rstrip(":"), "uncommitted-migration", "weaker")
    project.stage(".")
    assert_clean(project.check("--static"), "Passed.")


@pytest.mark.parametrize("name", SHAPES)
def test_several_environments_and_databases(make_project: MakeProject, name: str) -> None:
    project = make_project(name, hook=None)
    where = project.add_column()
    project.stage(".")
    result = project.check("--static", "--output-format", "concise")
    assert_finding(result, where, "missing-migration")
    assert len(result.stdout.splitlines()) == 1


def test_a_migration_that_does_something_else_is_no_pass(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    where = project.add_column()
    add_migration(project, "c1", upgrade="op.add_column('orders', sa.Column('paid', sa.Date()))")
    project.stage(".")
    result = project.check("--static", "--output-format", "json")
    (finding,) = result.json["findings"]
    assert finding["rule"] == "migration-mismatch"
    assert finding["message"].startswith("type of column orders.paid is different in the models")
    assert where == f"{finding['path']}:{finding['line']}:"
    assert any("weaker" in line for line in result.json["summary"])


def test_what_cannot_be_told_passes_with_a_note_or_blocks_by_setting(
    make_project: MakeProject,
) -> None:
    project = make_project("subfolder", hook=None)
    project.add_column()
    path = add_migration(project, "c1", upgrade="op.execute('ALTER TABLE orders ADD paid BOOL')")
    project.stage(".")
    reason = f"{path}:12: it executes SQL (ALTER TABLE orders ADD paid BOOL)"
    note = f"cannot tell: column orders.paid: {reason}\n"
    assert_clean(project.check("--static"), "Passed.", note)
    block = ("--static", "--static-unsure", "block")
    ways = ("    alembic-lockstep check\n", "    git commit --no-verify\n")
    assert_unjudged(project.check(*block), reason, *ways)
    project.write("pyproject.toml", '[tool.alembic-lockstep]\nstatic-unsure = "block"\n')
    project.stage(".")
    assert_unjudged(project.check("--static"), reason)
    assert_clean(project.check("--static", "--static-unsure", "pass"), note)
    assert_clean(project.check(), "3 revisions run from empty")


def test_sql_about_another_column_covers_nothing(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    where = project.add_column()
    add_migration(project, "c1", upgrade="op.execute('ALTER TABLE orders ADD note TEXT')")
    project.stage(".")
    result = project.check("--static")
    assert_finding(result, where.rstrip(":"), "migration-mismatch", "cannot tell: ")


def test_a_check_that_says_something_else_is_no_old_drift(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    check = 'Index(None, "status", "number"),\n        CheckConstraint("total > {}", name="paid"),'
    project.replace(MODELS, "import ForeignKey", "import CheckConstraint, ForeignKey")
    project.replace(MODELS, 'Index(None, "status", "number"),', check.format(0))
    text = project.read(MODELS)
    add_migration(
        project, "c1", upgrade="op.create_check_constraint('paid', 'orders', '(total > 0)')"
    )
    project.stage(".")
    assert_clean(project.check("--static"))
    project.git("commit", "--quiet", "--no-verify", "-m", "A check")
    project.write(MODELS, text.replace("total > 0", "total > 1"))
    project.stage(".")
    assert_finding(project.check("--static"), "missing-migration", "check constraint paid")


def test_a_migration_of_a_plugin_covers_what_it_names(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    project.add_column()
    path = add_migration(project, "c1", upgrade="op.add_column('orders', sa.Column('paid'))")
    text = project.read(path)
    project.git("rm", "--quiet", "--force", path)
    project.write("plugins/pay/migrations/c1_pay.py", text)
    project.stage(".")
    note = "cannot tell: column orders.paid: plugins/pay/migrations/c1_pay.py:1: a migration of no"
    assert_clean(project.check("--static"), note)


def test_sql_that_drops_an_index_needs_not_name_its_table(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    line = '        Index("ix_totals", "total"),\n'
    args = "class Order(Timestamped, Entity):"
    text = project.read(MODELS)
    head, _, tail = text.partition(args)
    project.write(
        MODELS, head + args + tail.replace("__table_args__ = (\n", f"__table_args__ = (\n{line}")
    )
    add_migration(project, "c1", upgrade="op.create_index('ix_totals', 'orders', ['total'])")
    project.stage(".")
    project.git("commit", "--quiet", "--no-verify", "-m", "An index")
    project.write(MODELS, text)
    path = add_migration(project, "c2", down="c1", upgrade="op.execute('DROP INDEX ix_totals')")
    project.stage(".")
    note = f"cannot tell: index ix_totals: {path}:12: it executes SQL (DROP INDEX ix_totals)"
    assert_clean(project.check("--static"), note)


def test_the_rules_about_the_history_hold(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    add_migration(project, "c1", down="nowhere")
    assert_finding(project.check("--static"), "unknown-parent")


def test_bytecode_without_its_source_may_define_a_parent(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    path = add_migration(project, "c2", down="c1")
    folder = path.rpartition("/")[0]
    project.write(f"{folder}/c1_test.pyc", "bytecode")
    project.git("add", "--force", f"{folder}/c1_test.pyc")
    note = f"cannot tell: {path}: down_revision 'c1' may be defined by {folder}/c1_test.pyc"
    assert_clean(project.check("--static"), note)
    project.git("rm", "--quiet", "--force", "--cached", f"{folder}/c1_test.pyc")
    assert_finding(project.check("--static"), "unknown-parent")


def test_an_edited_and_a_deleted_migration(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    project.add_column()
    code = "op.add_column('orders', sa.Column('paid', sa.{}()))".format
    computed = "op.execute('UPDATE orders SET paid = ' + str(0))"
    path = add_migration(project, "c1", upgrade=f"{code('Boolean')}; {computed}")
    project.stage(".")
    project.commit()
    project.replace(path, computed, f"{computed}  # as it was\n\n")
    project.stage(".")
    assert_clean(project.check("--static"))
    project.replace(path, "sa.Boolean()", "sa.Integer()")
    project.stage(".")
    assert_finding(project.check("--static"), "type of column orders.paid")
    project.replace(MODELS, project.sample.column, "")
    project.git("rm", "--quiet", "--force", path)
    project.stage(".")
    result = project.check("--static")
    assert_finding(result, "deleted-migration", "Can't locate revision identified by 'c1'")
    assert "missing-migration" not in result.output


def test_models_that_come_to_say_what_the_migrations_made_need_none(
    make_project: MakeProject,
) -> None:
    project = make_project("subfolder", hook=None)
    project.add_column()
    add_migration(project, "c1", upgrade=ADD_PAID)
    project.stage("service/alembic")
    project.git("commit", "--quiet", "--no-verify", "-m", "Without the model")
    project.stage(".")
    assert_clean(project.check("--static"))


def test_a_difference_can_be_ignored(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    column = project.sample.column.rstrip()
    project.add_column()
    project.replace(MODELS, column, f"{column}  # lockstep: ignore[missing-migration] later")
    project.stage(".")
    assert_clean(project.check("--static"), "ignored: 1 (1 by comment)")


def test_the_first_commit_is_judged(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None, first_commit=False)
    project.stage(".")
    assert_clean(project.check("--static"))
    project.add_column()
    project.stage(".")
    assert_finding(project.check("--static"), "column orders.paid", "migration-mismatch")


def test_with_nothing_staged_the_last_commit_is_judged(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None)
    assert_clean(project.check("--static"), "compared: HEAD with nothing")
    project.add_column()
    project.stage(".")
    project.git("commit", "--quiet", "-m", "The model alone")
    assert_finding(project.check("--static"), "missing-migration", "compared: HEAD with its parent")
    project.write("notes.txt", "A note.\n")
    project.stage(".")
    project.git("commit", "--quiet", "-m", "A note")
    assert_clean(project.check("--static"))
    assert_finding(project.check("--static", "--base", "HEAD~2"), "missing-migration")
