"""Histories that do not hold together, and upgrades that fail."""

from __future__ import annotations

import re
import sqlite3

import pytest

from .harness import Project, run
from .subfolder_project import (
    ADD_PAID,
    FIRST,
    FIRST_FILE,
    HEAD,
    HEAD_FILE,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
    migration_text,
)

FAILING = ADD_PAID.replace("'orders'", "'order'")


def commit(project: Project, message: str = "A change") -> None:
    project.git("commit", "--quiet", "-m", message)


def test_a_parent_that_was_not_added_is_named_with_git_add(shop: Project) -> None:
    parent = add_migration(shop, "aaaaaaaaaaaa", staged=False)
    path = add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    location = f"{path}:{shop.line(path, 'down_revision')}:17: unknown-parent: "
    result = shop.check()
    assert_finding(result, location, "'aaaaaaaaaaaa'", f"git add :/{parent}")
    shop.stage(parent)
    assert_clean(shop.check())


def test_a_parent_whose_file_name_needs_quotes_is_named_ready_to_paste(shop: Project) -> None:
    parent = add_migration(shop, "aaaaaaaaaaaa", staged=False)
    quoted = f"{VERSIONS}/it's the one.py"
    (shop.root / parent).rename(shop.root / quoted)
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    assert_finding(shop.check(), f"""git add ':/{VERSIONS}/it'"'"'s the one.py'""")


def test_a_parent_on_another_branch_is_named_with_the_branch(shop: Project) -> None:
    shop.git("switch", "--quiet", "-c", "feature/parents")
    add_migration(shop, "aaaaaaaaaaaa")
    commit(shop)
    shop.git("switch", "--quiet", "main")
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    assert_finding(shop.check(), "unknown-parent", "branch feature/parents has it")


def test_a_branch_that_only_builds_on_the_parent_too_is_not_named(shop: Project) -> None:
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    shop.git("switch", "--quiet", "-c", "other")
    shop.git("commit", "--quiet", "--no-verify", "-m", "Broken as well")
    shop.git("switch", "--quiet", "main")
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    result = shop.check()
    assert_finding(result, "unknown-parent")
    assert "has it: merge" not in result.output


def test_a_migration_whose_branch_was_deleted_comes_back_by_the_printed_command(
    trivia: Project,
) -> None:
    """The developer's database is at it, and Alembic says `Can't locate revision` only."""
    trivia.git("switch", "--quiet", "-c", "winners")
    trivia.add_column()
    lost = trivia.autogenerate("completed games")
    trivia.stage(".")
    trivia.git("commit", "--quiet", "--no-verify", "-m", "Complete a game")
    assert trivia.alembic("upgrade").returncode == 0
    trivia.git("switch", "--quiet", "main")
    trivia.git("branch", "--quiet", "-D", "winners")
    assert "Can't locate revision" in trivia.alembic("upgrade").output
    trivia.add_column()
    revision = lost.rpartition("/")[2].partition("_")[0]
    text = migration_text("bbbbbbbbbbbb", revision)
    trivia.write(f"{trivia.sample.versions}/bbbbbbbbbbbb_next.py", text)
    trivia.stage(".")
    result = trivia.commit()
    assert_finding(result, "unknown-parent: ", "no branch has that commit any more")
    commands = re.findall(r"(git checkout \w{12} -- \S+)$", result.output, re.MULTILINE)
    assert commands[0].endswith(f" -- :/{lost}"), result.output
    run(("bash", "-ec", commands[0]), cwd=trivia.root, environ=trivia.environ, check=True)
    assert trivia.commit().returncode == 0
    assert trivia.alembic("upgrade").returncode == 0


def test_a_parent_whose_file_this_commit_deletes_is_said_to_be(shop: Project) -> None:
    shop.git("rm", "--quiet", FIRST_FILE)
    assert_finding(shop.check(), f"{HEAD_FILE}:", "unknown-parent", f"'{FIRST}'", "Put it back")


@pytest.mark.parametrize("wrong", [HEAD[:6], "000000000000", "it's"])
def test_a_wrong_parent_is_shown_at_its_line(shop: Project, wrong: str) -> None:
    path = add_migration(shop, "bbbbbbbbbbbb", wrong)
    line = shop.line(path, "down_revision")
    assert_finding(shop.check(), f"{path}:{line}:17: unknown-parent: ", "No file on disk")


def test_an_unknown_dependency_is_shown_at_its_line(shop: Project) -> None:
    path = add_migration(shop, "bbbbbbbbbbbb", depends_on="aaaaaaaaaaaa")
    line = shop.line(path, "depends_on")
    assert_finding(shop.check(), f"{path}:{line}:14: unknown-parent: depends_on 'aaaaaaaaaaaa'")


def test_a_parent_that_the_base_lacks_already_is_no_finding_but_cannot_be_judged(
    shop: Project,
) -> None:
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    commit(shop)
    assert_unjudged(change_and_check(shop), "aaaaaaaaaaaa")


def test_a_parent_without_source_is_loaded_as_alembic_does(shop: Project) -> None:
    shop.replace("service/alembic.ini", "[alembic]\n", "[alembic]\nsourceless = true\n")
    compiled = f"{HEAD_FILE}c"
    code = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2])"
    run(
        (str(shop.python), "-c", code, HEAD_FILE, compiled),
        cwd=shop.root,
        environ=shop.environ,
        check=True,
    )
    shop.git("rm", "--quiet", HEAD_FILE)
    shop.git("add", "--force", compiled, "service/alembic.ini")
    commit(shop)
    add_migration(shop, "bbbbbbbbbbbb")
    assert_clean(shop.check(), "3 revisions")


def test_a_second_head_is_shown_at_its_parent(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    commit(shop)
    path = add_migration(shop, "bbbbbbbbbbbb")
    result = shop.check()
    location = f"{path}:{shop.line(path, 'down_revision')}:17: multiple-heads: 2 heads"
    assert_finding(result, location, "down_revision = 'aaaaaaaaaaaa'", "alembic merge heads")


def test_two_new_heads_at_once_are_a_finding(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    add_migration(shop, "bbbbbbbbbbbb")
    assert_finding(shop.check(), "multiple-heads")


def test_a_merge_revision_passes(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    add_migration(shop, "bbbbbbbbbbbb")
    add_migration(shop, "cccccccccccc", ("aaaaaaaaaaaa", "bbbbbbbbbbbb"))
    assert_clean(shop.check(), "5 revisions")


def test_a_merge_revision_that_is_deleted_leaves_its_heads(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    add_migration(shop, "bbbbbbbbbbbb")
    merge = add_migration(shop, "cccccccccccc", ("aaaaaaaaaaaa", "bbbbbbbbbbbb"))
    commit(shop)
    shop.git("rm", "--quiet", merge)
    assert_finding(shop.check(), "multiple-heads: 2 heads, where the base has 1")


@pytest.mark.parametrize("head", ["aaaaaaaaaaaa", "bbbbbbbbbbbb"])
def test_a_project_with_two_heads_by_design_commits_on_either(shop: Project, head: str) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    add_migration(shop, "bbbbbbbbbbbb")
    commit(shop)
    add_migration(shop, "cccccccccccc", head)
    assert_clean(shop.check(), "5 revisions")


def test_a_third_head_of_two_by_design_is_a_finding(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa")
    add_migration(shop, "bbbbbbbbbbbb")
    commit(shop)
    path = add_migration(shop, "cccccccccccc")
    assert_finding(shop.check(), f"{path}:", "multiple-heads: 3 heads, where the base has 2")


def test_a_new_migration_that_fails_is_shown_with_the_words_of_the_database(shop: Project) -> None:
    bad = "op.drop_column('orders', 'colour')"
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade=bad)
    result = shop.check()
    location = f"{path}:{shop.line(path, bad)}:5: broken-upgrade: upgrade() of bbbbbbbbbbbb fails: "
    assert_finding(result, location, 'no such column: "colour"', bad, "^" * len(bad))
    assert "2 revisions run" in result.stderr
    assert "missing-migration" not in result.output
    assert "migration-mismatch" not in result.output


def test_a_helper_that_fails_is_shown_at_the_line_that_calls_it(shop: Project) -> None:
    shop.write("service/shop/helper.py", "def rows():\n    return 1 / 0\n")
    shop.stage("service/shop/helper.py")
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade="import shop.helper; shop.helper.rows()")
    line = shop.line(path, "shop.helper")
    assert_finding(shop.check(), f"{path}:{line}:", "broken-upgrade", "ZeroDivisionError")


def test_a_new_migration_that_is_not_python_is_shown_at_the_error(shop: Project) -> None:
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade="op.execute('SELECT 1'")
    line = shop.line(path, "op.execute")
    assert_finding(shop.check(), f"{path}:{line}:15: broken-upgrade: ", "not valid Python")


def test_a_new_migration_that_cannot_be_imported_is_a_finding(shop: Project) -> None:
    path = add_migration(shop, "bbbbbbbbbbbb")
    shop.replace(path, "from alembic import op", "from alembic import opp as op")
    shop.stage(path)
    assert_finding(shop.check(), f"{path}:2:1: broken-upgrade: importing", "name 'opp'")


def test_a_new_migration_that_imports_what_was_not_added_names_it(shop: Project) -> None:
    shop.write("service/shop/helper.py", "ROWS = 1\n")
    path = add_migration(shop, "bbbbbbbbbbbb")
    shop.replace(path, "from alembic import op", "from shop.helper import ROWS")
    shop.stage(path)
    assert_unjudged(shop.check(), "shop.helper", "git add :/service/shop/helper.py")


def test_a_file_of_a_new_migration_that_git_lacks_is_named(shop: Project) -> None:
    shop.add_column()
    shop.stage(MODELS)
    file = f"{VERSIONS}/paid.sql"
    shop.write(file, "ALTER TABLE orders ADD COLUMN paid BOOLEAN")
    read = "__import__('pathlib').Path(__file__).with_name('paid.sql').read_text()"
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade=f"op.execute({read})")
    assert_finding(shop.check(once=True), "broken-upgrade", "paid.sql", f"git add :/{file}")
    exists = f"[op.execute(one.read_text()) for one in {read.removesuffix('.read_text()')}"
    looked = f"{exists}.parent.glob('paid.*')]"
    shop.replace(path, f"op.execute({read})", looked)
    shop.stage(path)
    assert_finding(shop.check(once=True), f"{file}:1:1: uncommitted-migration: this file is on")
    shop.write(".git/info/exclude", "*.sql\n")
    shop.replace(path, looked, f"op.execute({read})")
    shop.stage(path)
    line = shop.line(path, "op.execute")
    location = (
        f"{path}:{line}:1: uncommitted-migration: bbbbbbbbbbbb reads {file}, which git ignores"
    )
    assert_finding(shop.check(once=True), location, f"git add --force :/{file}")
    shop.git("add", "--force", file)
    assert_clean(shop.check(once=True))


def test_an_old_migration_that_uses_a_model_is_blamed_on_the_commit_that_changes_the_model(
    shop: Project,
) -> None:
    query = "import shop.models as m; op.get_bind().execute(sa.select(m.Order))"
    old = add_migration(shop, "aaaaaaaaaaaa", upgrade=query)
    commit(shop)
    shop.add_column()
    shop.stage(MODELS)
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa", upgrade=ADD_PAID)
    location = f"{old}:{shop.line(old, 'm.Order')}:5: broken-upgrade: "
    assert_finding(shop.check(), location, "no such column: orders.paid", "depend on code")


def test_an_old_migration_that_is_not_python_is_not_blamed_but_cannot_be_judged(
    shop: Project,
) -> None:
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade="op.execute('SELECT 1'")
    commit(shop)
    result = change_and_check(shop)
    assert_unjudged(result, path, f":{shop.line(path, 'op.execute')}")
    assert "broken-upgrade" not in result.output


def test_an_old_migration_that_fails_is_not_blamed(shop: Project) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade="op.drop_table('parcels')")
    commit(shop)
    assert_clean(change_and_check(shop), "aaaaaaaaaaaa fails in the base too", "parcels")


def test_an_old_migration_that_fails_is_put_down_to_nobody_if_the_base_does_not_start(
    shop: Project,
) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade="op.drop_table('parcels')")
    text = shop.read(MODELS)
    shop.write(MODELS, text + "raise RuntimeError('no settings')\n")
    shop.stage(".")
    commit(shop)
    shop.write(MODELS, text)
    said = ("revision aaaaaaaaaaaa fails", "the base does not start (RuntimeError: no settings)")
    result = change_and_check(shop)
    assert_unjudged(result, *said, 'start = "start.sql"')
    assert "broken-upgrade" not in result.output
    # What is advised leads on: the database as people have it, at the revision before.
    shop.database.unlink()
    assert shop.alembic("upgrade", HEAD).returncode == 0
    dump = sqlite3.connect(shop.database).iterdump()
    stamped = "UPDATE alembic_version SET version_num = 'aaaaaaaaaaaa';"
    shop.write("schema.sql", "\n".join([*list(dump)[1:-1], stamped]))
    shop.write("pyproject.toml", '[tool.alembic-lockstep]\nstart = "schema.sql"\n')
    shop.stage(".")
    assert_clean(shop.check(), "0 revisions run from schema.sql")


def test_an_old_migration_that_this_commit_breaks_is_not_said_to_run_in_the_base(
    shop: Project,
) -> None:
    path = add_migration(shop, "aaaaaaaaaaaa")
    text = shop.read(MODELS)
    shop.write(MODELS, text + "raise RuntimeError('no settings')\n")
    shop.stage(".")
    commit(shop)
    shop.write(MODELS, text)
    shop.replace(path, "    pass\n\n\ndef down", "    op.drop_table('parcels')\n\n\ndef down")
    result = change_and_check(shop)
    assert_finding(result, "broken-upgrade: upgrade() of aaaaaaaaaaaa fails", "parcels")
    assert "The base runs" not in result.output


@pytest.fixture
def broken(shop: Project) -> Project:
    """A base with a column that has no migration, and another whose migration fails."""
    for after, name in (("customer", "vip"), ("order", "paid")):
        line = f'    __tablename__ = "{after}s"\n'
        shop.replace(MODELS, line, f"{line}    {name}: Mapped[Optional[bool]]\n")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=FAILING)
    shop.stage(MODELS)
    commit(shop, "Broken")
    return shop


def test_a_commit_that_mends_the_upgrade_answers_for_no_old_difference(broken: Project) -> None:
    path = f"{VERSIONS}/aaaaaaaaaaaa_test.py"
    broken.write(path, broken.read(path).replace(FAILING, ADD_PAID))
    said = ("1 older difference not counted", "the base's migrations fail at aaaaaaaaaaaa")
    assert_clean(change_and_check(broken), *said)


def test_a_commit_that_takes_a_broken_migration_back_answers_for_no_old_difference(
    broken: Project,
) -> None:
    broken.git("rm", "--quiet", f"{VERSIONS}/aaaaaaaaaaaa_test.py")
    assert_clean(change_and_check(broken), "2 older differences not counted")


def test_a_commit_that_mends_the_upgrade_answers_for_what_it_makes_of_it(broken: Project) -> None:
    path = f"{VERSIONS}/aaaaaaaaaaaa_test.py"
    broken.write(path, broken.read(path).replace(FAILING, ADD_PAID.replace("paid", "payed")))
    wanted = f"{MODELS}:{broken.line(MODELS, 'paid:')}:5: m"
    assert_finding(change_and_check(broken), wanted, "orders.paid is in the models")


def test_a_table_that_code_makes_after_a_model_is_shown_at_the_models_column(
    shop: Project,
) -> None:
    shop.write(
        MODELS,
        shop.read(MODELS) + "\n\nfrom sqlalchemy import Column, Integer, Table\n"
        "names = {'id', 'paid'} & {*Order.__table__.columns.keys()}\n"
        "logged = [Column(name, Integer) for name in sorted(names)]\n"
        "Table(f'{Order.__tablename__}_log', Order.metadata, *logged)\n",
    )
    add_migration(
        shop, "0a0a0a0a0a0a", upgrade="op.create_table('orders_log', sa.Column('id', sa.Integer))"
    )
    shop.stage(MODELS)
    commit(shop)
    where = shop.add_column()
    shop.stage(MODELS)
    result = shop.check("--output-format", "concise")
    assert_finding(result, "orders.paid", "orders_log.paid")
    assert [line.startswith(where) for line in result.stdout.splitlines()] == [True, True]


def test_a_deleted_last_migration_is_a_finding_about_what_it_made(shop: Project) -> None:
    shop.git("rm", "--quiet", HEAD_FILE)
    assert_finding(shop.check(), "missing-migration", "orders")


def test_a_deleted_last_migration_with_its_model_leaves_databases_behind(shop: Project) -> None:
    """The dry run passes: a fresh database never had it."""
    path = add_migration(shop, "bbbbbbbbbbbb")
    commit(shop)
    shop.git("rm", "--quiet", path)
    assert_finding(shop.check(), f"{path}:", "deleted-migration", "identified by 'bbbbbbbbbbbb'")
    shop.git("tag", "v1", "HEAD^")
    shop.write("pyproject.toml", '[tool.alembic-lockstep]\npublished = ["v*"]\n')
    shop.stage("pyproject.toml")
    said = "bbbbbbbbbbbb was deleted, which a tag like v* does not have yet: downgrade databases"
    assert_clean(shop.check(), "2 revisions", said)


def test_a_deleted_middle_migration_is_a_finding_until_its_child_is_moved(shop: Project) -> None:
    middle = add_migration(shop, "aaaaaaaaaaaa")
    child = add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    commit(shop)
    shop.git("rm", "--quiet", middle)
    assert_finding(shop.check(), f"{child}:", "unknown-parent")
    shop.replace(child, "down_revision = 'aaaaaaaaaaaa'", f"down_revision = {HEAD!r}")
    shop.stage(child)
    assert_clean(shop.check(), "aaaaaaaaaaaa is gone: upgrade databases that are still at it")


def test_a_cycle_is_shown_at_the_parent_to_change(shop: Project) -> None:
    path = add_migration(shop, "aaaaaaaaaaaa", "bbbbbbbbbbbb")
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa")
    line = shop.line(path, "down_revision")
    said = (f"{path}:{line}:17: revision-cycle: ", "Cycle is detected", f"down_revision = {HEAD!r}")
    assert_finding(shop.check(), *said)
    assert_finding(shop.check("--static"), *said)


def test_a_copied_migration_names_both_files_and_the_command(shop: Project) -> None:
    copy = f"{VERSIONS}/copy.py"
    shop.write(copy, shop.read(HEAD_FILE))
    shop.stage(copy)
    said = (f"{copy}:", "duplicate-revision: ", HEAD_FILE, f"git rm -f --quiet -- :/{copy}")
    assert_finding(shop.check(), *said)
