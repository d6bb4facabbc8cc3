"""The second opinion: a database that the models make, where autogenerate sees nothing."""

from __future__ import annotations

import os
import pty
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alembic_lockstep.probe.twin import postgresql

from .conftest import MakeProject
from .harness import SCRATCH_SERVER, Project, require, server_answers
from .subfolder_project import (
    ENV,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    change_and_check,
)
from .typed_advice import printed_upgrade

ARGUMENTS = '        Index(None, "status", "number"),\n'
STATUS = "    status: Mapped[str] = mapped_column(String(20))\n"
IMPORT = "from sqlalchemy import ForeignKeyConstraint, Index"
CHECK = '        CheckConstraint("number > 0", name="positive"),\n'
ENUM = '    status: Mapped[str] = mapped_column(Enum("new", "sent", name="status"))\n'
TO_ENUM = (
    "op.execute(\"CREATE TYPE status AS ENUM ('new', 'sent')\")\n"
    "    op.execute('ALTER TABLE orders ALTER status TYPE status USING status::status')"
)


def edit(shop: Project, old: str, new: str, *names: str) -> None:
    shop.replace(MODELS, old, new)
    for name in names:
        shop.replace(MODELS, IMPORT, f"from sqlalchemy import {name}, ForeignKeyConstraint, Index")


def commit(shop: Project) -> None:
    shop.git("add", "--all")
    shop.git("commit", "--quiet", "--no-verify", "-m", "A change")


@pytest.mark.parametrize(
    ("old", "new", "names", "thing"),
    [
        (ARGUMENTS, ARGUMENTS + CHECK, ["CheckConstraint"], "check constraint"),
        (
            STATUS,
            '    status: Mapped[str] = mapped_column(String(20), server_default="new")\n',
            [],
            "server default of column orders.status",
        ),
        (
            ARGUMENTS,
            '        Index(None, "status", "number", sqlite_where=text("number > 1"),'
            ' postgresql_where=text("number > 1")),\n',
            ["text"],
            "index ix_orders_status_number of orders",
        ),
    ],
    ids=["check", "default", "predicate"],
)
def test_what_autogenerate_does_not_see_is_found_and_the_printed_fix_fixes_it(
    shop_by_dialect: Project, old: str, new: str, names: list[str], thing: str
) -> None:
    edit(shop_by_dialect, old, new, *names)
    result = change_and_check(shop_by_dialect)
    assert_finding(result, f"{MODELS}:", f"missing-migration: {thing}", "add to it what")
    add_migration(shop_by_dialect, "aaaaaaaaaaaa", upgrade=printed_upgrade(shop_by_dialect))
    assert_clean(shop_by_dialect.check(), "3 revisions")


def test_what_the_base_has_already_is_not_counted(shop_by_dialect: Project) -> None:
    edit(shop_by_dialect, ARGUMENTS, ARGUMENTS + CHECK, "CheckConstraint")
    commit(shop_by_dialect)
    assert_clean(change_and_check(shop_by_dialect), "1 older difference not counted")
    assert_finding(shop_by_dialect.check("--strict"), "check constraint")


def test_a_migration_that_adds_another_check_is_a_mismatch(shop_by_dialect: Project) -> None:
    edit(shop_by_dialect, ARGUMENTS, ARGUMENTS + CHECK, "CheckConstraint")
    change_and_check(shop_by_dialect)
    cure = printed_upgrade(shop_by_dialect).replace("number > 0", "number >= 0")
    add_migration(shop_by_dialect, "aaaaaaaaaaaa", upgrade=cure)
    assert_finding(shop_by_dialect.check(), "migration-mismatch: ", "number > 0", "number >= 0")


def test_a_table_that_env_py_leaves_out_is_left_out_here_too(shop_by_dialect: Project) -> None:
    edit(shop_by_dialect, ARGUMENTS, ARGUMENTS + CHECK, "CheckConstraint")
    shop_by_dialect.replace(
        ENV,
        "connection=connection, target_metadata=target_metadata",
        "connection=connection, target_metadata=target_metadata,\n"
        "            include_object=lambda thing, name, kind, reflected, other: name != 'orders'",
    )
    assert_clean(change_and_check(shop_by_dialect))


def test_what_env_py_leaves_out_by_the_databases_type_is_left_out_here_too(
    shop_by_dialect: Project,
) -> None:
    shop_by_dialect.replace(MODELS, STATUS, STATUS.replace("20", "30"))
    plain = "connection=connection, target_metadata=target_metadata"
    length = "getattr(getattr(other, 'type', None), 'length', 0)"
    leave_out = f"lambda thing, name, kind, reflected, other: {length} != 20"
    shop_by_dialect.replace(ENV, plain, f"{plain},\n            include_object={leave_out}")
    assert_clean(change_and_check(shop_by_dialect))


def test_models_that_break_a_table_of_their_own_are_found_and_the_other_tables_compared(
    shop: Project,
) -> None:
    """A misspelt function in a CHECK passed, and hid all that only the twin sees."""
    edit(shop, ARGUMENTS, f"{ARGUMENTS}{CHECK}{MISSPELT}", "CheckConstraint")
    result = change_and_check(shop, once=True)
    line = shop.line(MODELS, "class Order(")
    assert_finding(
        result, f"{MODELS}:{line}:7: broken-models: create_all() cannot make table orders:"
    )
    assert "missing-migration" not in result.output
    commit(shop)
    shop.write(MODELS, shop.read(MODELS) + "\n# Words.\n")
    words = "expressions of orders (create_all() cannot make them: "
    assert_clean(change_and_check(shop, "--strict", once=True), words)
    name = "    name: Mapped[Optional[str]] = mapped_column(String(100)"
    shop.replace(MODELS, f"{name})\n", f'{name}, server_default="new")\n')
    assert_finding(change_and_check(shop, once=True), "server default of column customers.name")
    # Who mends it answers for that, not for what nobody could see before.
    shop.replace(MODELS, f'{name}, server_default="new")\n', f"{name})\n")
    shop.replace(MODELS, "lenght", "length")
    result = change_and_check(shop)
    assert_finding(result, "check constraint named", "1 older difference not counted")
    assert "check constraint positive" not in result.output


MISSPELT = '        CheckConstraint("lenght(status) > 0", name="named"),\n'


def test_where_a_listener_of_the_models_fails_their_tables_are_compared(
    shop_by_dialect: Project,
) -> None:
    path = "service/shop/base.py"
    shop_by_dialect.write(path, shop_by_dialect.read(path) + LISTENER)
    assert_clean(
        change_and_check(shop_by_dialect), "not compared: what the models' own DDL events make ("
    )
    edit(shop_by_dialect, ARGUMENTS, ARGUMENTS + CHECK, "CheckConstraint")
    assert_finding(change_and_check(shop_by_dialect), "check constraint positive of orders")


def test_what_is_not_compared_is_shown_once_where_a_hook_passes(make_project: MakeProject) -> None:
    """pre-commit shows no output of a hook that passes, so nobody saw it."""
    shop = make_project("subfolder")
    shop.environ["ALEMBIC_LOCKSTEP_NO_CACHE"] = "1"
    path = "service/shop/base.py"
    shop.write(path, shop.read(path) + LISTENER)
    shop.git("add", "--update")
    assert shop.commit().returncode == 0  # no terminal: shown to nobody
    for shows in (True, False):
        shop.write("notes.txt", f"{shows}\n")
        shop.stage("notes.txt")
        shown = _commit_on_a_terminal(shop)
        assert "Passed" in shown
        assert ("not compared: what the models' own DDL events make (" in shown) is shows, shown


def _commit_on_a_terminal(project: Project) -> str:
    """Commit with the hook, in the foreground of a terminal; give what it shows."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(project.root)
        os.execvpe("git", ("git", "commit", "-m", "A change"), project.environ)
    shown = b""
    with suppress(OSError):  # the other end is closed
        while part := os.read(terminal, 10_000):
            shown += part
    os.close(terminal)
    assert os.waitpid(process, 0)[1] == 0, shown
    return shown.decode()


LISTENER = """

from sqlalchemy import event, text


@event.listens_for(Base.metadata, "after_create")
def fill(metadata, connection, **options):
    connection.execute(text("SELECT * FROM made_by_hand"))
"""


def test_labels_of_an_enum_are_compared(shop_on_postgresql: Project) -> None:
    shop = shop_on_postgresql
    edit(shop, STATUS, ENUM, "Enum")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=TO_ENUM)
    commit(shop)
    shop.replace(MODELS, '"new", "sent"', '"new", "paid", "sent"')
    result = change_and_check(shop)
    line = shop.line(MODELS, "    status:")
    assert_finding(result, f"{MODELS}:{line}:5: missing-migration: enum type status", "'paid'")
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa", upgrade=printed_upgrade(shop))
    assert_clean(shop.check())
    shop.replace(MODELS, '"new", "paid", "sent"', '"new", "sent"')
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa", "pass")
    assert_clean(change_and_check(shop))


def test_an_enum_type_that_a_dropped_column_leaves_over_is_found(
    shop_on_postgresql: Project,
) -> None:
    shop = shop_on_postgresql
    edit(shop, STATUS, STATUS + ENUM.replace("status", "stage"), "Enum")
    added = "op.execute(\"CREATE TYPE stage AS ENUM ('new', 'sent')\")"
    column = "op.execute('ALTER TABLE orders ADD stage stage NOT NULL')"
    add_migration(shop, "aaaaaaaaaaaa", upgrade=f"{added}\n    {column}")
    assert_clean(change_and_check(shop))
    commit(shop)
    shop.replace(MODELS, ENUM.replace("status", "stage"), "")
    dropped = "op.drop_column('orders', 'stage')"
    add_migration(shop, "bbbbbbbbbbbb", "aaaaaaaaaaaa", upgrade=dropped)
    assert_finding(change_and_check(shop), "enum type stage", 'op.execute("DROP TYPE stage")')
    add_migration(
        shop,
        "bbbbbbbbbbbb",
        "aaaaaaaaaaaa",
        upgrade=f"{dropped}\n    op.execute('DROP TYPE stage')",
    )
    assert_clean(shop.check())


MADE_BY_MIGRATIONS = """
op.execute("CREATE SEQUENCE invoices")
    op.execute("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    op.execute("CREATE DOMAIN short AS text CHECK (length(value) < 9)")
    op.execute("CREATE EXTENSION citext")
    op.execute("CREATE FUNCTION next_number() RETURNS int LANGUAGE sql AS 'SELECT 7'")
    op.execute("CREATE VIEW busy AS SELECT status FROM orders")
    op.execute("ALTER TABLE orders ADD mood mood, ADD label citext")
    op.execute("ALTER TABLE orders ALTER number SET DEFAULT next_number()")
""".strip()
BUILT_ON_THEM = """
    number: Mapped[int] = mapped_column(server_default=text("next_number()"))
    mood: Mapped[Optional[str]] = mapped_column(ENUM("sad", "glad", name="mood", create_type=False))
    label: Mapped[Optional[str]] = mapped_column(CITEXT)
""".removeprefix("\n")


def test_what_only_migrations_make_is_no_difference_and_models_may_use_it(
    shop_on_postgresql: Project,
) -> None:
    shop = shop_on_postgresql
    edit(shop, "    number: Mapped[int]\n", BUILT_ON_THEM, "text")
    shop.replace(
        MODELS,
        "from sqlalchemy.orm",
        "from sqlalchemy.dialects.postgresql import CITEXT, ENUM\nfrom sqlalchemy.orm",
    )
    add_migration(shop, "aaaaaaaaaaaa", upgrade=MADE_BY_MIGRATIONS)
    result = change_and_check(shop)
    assert_clean(result, "not compared: views, triggers, functions\n")


NOTE = """poolclass=pool.NullPool,
    )
    from sqlalchemy import event

    @event.listens_for(connectable, "connect")
    def note(connection, record):
        with open({path!r}, "a") as file:
            print(connection.execute("PRAGMA database_list").fetchone()[2], file=file)
"""


def test_a_twin_is_made_only_where_the_models_or_the_history_are_others(
    shop: Project, tmp_path: Path
) -> None:
    log = tmp_path / "databases"
    log.touch()
    shop.allow_write(log)
    shop.replace(ENV, "poolclass=pool.NullPool,\n    )\n", NOTE.format(path=str(log)))

    def databases_of_a_check() -> int:
        log.write_text("")
        assert_clean(change_and_check(shop, once=True))
        commit(shop)
        return len(set(log.read_text().splitlines()))

    assert databases_of_a_check() == 2
    method = "\n    def is_large(self) -> bool:\n        return self.number > 10\n"
    shop.write(MODELS, shop.read(MODELS) + method)
    assert databases_of_a_check() == 1
    edit(shop, "String(20)", "String(20, collation='NOCASE')")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=REBUILT)
    # A copy of what the base's revisions made, and the twin.
    assert databases_of_a_check() == 2
    shop.write(MODELS, shop.read(MODELS) + method.replace("large", "huge"))
    assert databases_of_a_check() == 1


REBUILT = """
with op.batch_alter_table("orders") as batch:
        batch.alter_column("status", type_=sa.String(20, collation="NOCASE"))
""".strip()


def test_the_number_of_queries_on_postgresql_does_not_grow_with_the_tables() -> None:
    require(server_answers(), "PostgreSQL server")
    engine = sa.create_engine(SCRATCH_SERVER.replace("postgresql:", "postgresql+psycopg:"))
    queries: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        queries.append(statement)

    def queries_for(tables: int) -> int:
        metadata = sa.MetaData(schema="many")
        for number in range(tables):
            sa.Table(f"t{number}", metadata, sa.Column("id", sa.Integer, primary_key=True))
        with engine.connect() as connection:
            connection.execute(sa.text("CREATE SCHEMA many"))
            metadata.create_all(connection)
            queries.clear()
            parts = postgresql.read(connection)
            connection.rollback()
        assert len([key for key in parts.tables if key.startswith("many.")]) == tables
        return len(queries)

    assert queries_for(3) == queries_for(60) == 7
    engine.dispose()


def test_a_default_that_only_a_migration_set_is_no_difference_but_a_dropped_one_is(
    shop_by_dialect: Project,
) -> None:
    after = "    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))\n"
    plain = "    paid: Mapped[int]\n"
    edit(shop_by_dialect, after, after + plain)
    filled = "op.add_column('orders', sa.Column('paid', sa.Integer, nullable=False{}))"
    with_default = filled.format(", server_default='0'")
    add_migration(shop_by_dialect, "aaaaaaaaaaaa", upgrade=with_default)
    assert_clean(change_and_check(shop_by_dialect))
    with_it = '    paid: Mapped[int] = mapped_column(server_default="0")\n'
    shop_by_dialect.replace(MODELS, plain, with_it)
    assert_clean(change_and_check(shop_by_dialect))
    commit(shop_by_dialect)
    shop_by_dialect.replace(MODELS, with_it, plain)
    assert_finding(
        change_and_check(shop_by_dialect), "missing-migration: server default of column orders.paid"
    )


def test_what_a_hook_of_the_project_takes_away_is_not_said_by_the_twin_either(
    shop_by_dialect: Project,
) -> None:
    shop_by_dialect.replace(
        ENV,
        "connection=connection, target_metadata=target_metadata",
        "connection=connection, target_metadata=target_metadata,\n"
        "            process_revision_directives=without_columns",
    )
    shop_by_dialect.replace(ENV, "def run_migrations_online", f"{HOOK}def run_migrations_online")
    edit(shop_by_dialect, "    name: Mapped[Optional[str]] = mapped_column(String(100))\n", "")
    assert_clean(change_and_check(shop_by_dialect))
    edit(shop_by_dialect, ARGUMENTS, ARGUMENTS + CHECK, "CheckConstraint")
    result = change_and_check(shop_by_dialect)
    assert_finding(result, "check constraint")
    assert "customers.name" not in result.output


HOOK = """def without_columns(context, revision, directives):
    for table in directives[0].upgrade_ops.ops:
        table.ops[:] = [op for op in table.ops if type(op).__name__ != "DropColumnOp"]


"""


def test_a_class_with_another_table_name_may_be_a_renamed_table(shop: Project) -> None:
    shop.replace(MODELS, '__tablename__ = "orders"', '__tablename__ = "sales"')
    line = shop.line(MODELS, "class Order")
    result = change_and_check(shop)
    assert_finding(result, f"{MODELS}:{line}:7: missing-migration: table sales is in the models")
    assert_finding(result, "Was orders renamed?", "op.rename_table('orders', 'sales')")
