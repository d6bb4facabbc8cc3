"""The printed fix keeps all rows, however env.py connects, and the connection's settings."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from alembic_lockstep.dryrun.schema_operations import upgrade_functions

from . import minimal_project, typed_advice
from .env_forms import FORMS, load, store, upgrade
from .kinds import KINDS, WITHOUT_FIX, Kind
from .rows import add_children, fill, rows_of
from .twin_bench import Bench, bench, servers
from .virtual_environments import make_venv

__all__ = ["bench", "servers"]

ON_SQLITE = [kind for kind in KINDS if "sqlite" not in kind.lacks]


sqlite_only = pytest.mark.parametrize("bench", ["sqlite"], indirect=True)


@sqlite_only
@pytest.mark.parametrize("kind", ON_SQLITE, ids=lambda kind: kind.name)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_rows_survive_on_sqlite_in_each_form_of_env_script(
    bench: Bench, kind: Kind, tmp_path: Path
) -> None:
    before, after = kind.before(), kind.after()
    add_children(before, after)
    with bench.empty() as connection:
        before.create_all(connection)
        fill(connection, before, after)
        rows = rows_of(connection, before, after)
        codes = {
            upgrade_functions(
                bench.ask(
                    connection, after, compare_server_default=compares, render_as_batch=in_batch
                ).merged
            )
            for compares, in_batch in product((False, True), repeat=2)
        }
        store(connection, tmp_path / "before.db")
        for number, (code, form) in enumerate(product(sorted(codes), FORMS)):
            database = tmp_path / f"{number}.db"
            shutil.copy(tmp_path / "before.db", database)
            assert upgrade(tmp_path / str(number), database, code, form) == 1, code
            load(database, connection)
            assert rows_of(connection, before, after) == rows, (form, code)
            connection.exec_driver_sql("DROP TABLE alembic_version")
            connection.commit()
            assert not bench.ask(connection, after, compare_server_default=True).merged, code


def users(*parts: Any) -> sa.MetaData:
    metadata = sa.MetaData()
    sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), *parts)
    return metadata


def score(default: str | None, **options: Any) -> sa.Column[int]:
    return sa.Column("score", sa.Integer, server_default=default, **options)


def referring(metadata: sa.MetaData, *parts: Any, name: str = "child") -> sa.MetaData:
    key = sa.Column("id", sa.Integer, primary_key=True)
    sa.Table(name, metadata, key, sa.Column("note", sa.Integer), *parts)
    return metadata


def user_id(*, action: str = "CASCADE", refers: bool = True) -> sa.Column[int]:
    keys = [sa.ForeignKey("users.id", ondelete=action)] if refers else []
    return sa.Column("user_id", sa.Integer, *keys)


def parent_id() -> sa.Column[int]:
    return sa.Column("parent_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"))


#: Models before and after, and rows: what a kind of docs/what-is-compared.md does not have.
CASES: dict[str, tuple[Any, Any, list[str]]] = {
    "the table refers to itself": (
        lambda: referring(users(score("1"), parent_id())),
        lambda: referring(users(score("2"), parent_id())),
        ["INSERT INTO users VALUES (1, 5, NULL), (2, 6, 1)"],
    ),
    "a table goes, and the column that refers to it stays": (
        lambda: referring(users(score("1")), user_id()),
        lambda: referring(sa.MetaData(), user_id(refers=False)),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
    "a table goes that refers to itself": (
        lambda: referring(users(score("1"), parent_id())),
        lambda: referring(sa.MetaData()),
        ["INSERT INTO users VALUES (1, 5, NULL), (2, 6, 1)"],
    ),
    "two tables change that refer to one another": (
        lambda: referring(users(score("1"), child_id()), user_id(action="SET NULL")),
        lambda: referring(
            users(score("2"), child_id()),
            user_id(action="SET NULL"),
            sa.CheckConstraint("note > 1", name="enough"),
        ),
        [
            "INSERT INTO users VALUES (1, 5, NULL)",
            "INSERT INTO child VALUES (1, 7, 1)",
            "UPDATE users SET child_id = 1",
        ],
    ),
    "a column comes that is NOT NULL": (
        lambda: referring(users(score("1")), user_id()),
        lambda: referring(users(score("1"), strict("points", sa.Integer)), user_id()),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
    "a column becomes NOT NULL": (
        lambda: referring(users(sa.Column("points", sa.Integer)), user_id()),
        lambda: referring(users(strict("points", sa.Integer)), user_id()),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
    "a column that is NOT NULL comes, and another goes": (
        lambda: referring(users(score("1")), user_id()),
        lambda: referring(users(strict("label", sa.String(9))), user_id()),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
    "a column comes with a default that SQLite adds to no table": (
        lambda: referring(users(score("1")), user_id()),
        lambda: referring(
            users(score("1"), strict("at", sa.Date, server_default=sa.func.current_date())),
            user_id(),
        ),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
    "a boolean with a CHECK comes": (
        lambda: referring(users(score("1")), user_id()),
        lambda: referring(
            users(score("1"), sa.Column("on", sa.Boolean(name="on", create_constraint=True))),
            user_id(),
        ),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
    "the foreign key comes with the change of its table": (
        lambda: referring(users(score("1")), user_id(refers=False)),
        lambda: referring(users(score("2")), user_id()),
        ["INSERT INTO users VALUES (1, 5)", "INSERT INTO child VALUES (1, 7, 1)"],
    ),
}


def child_id() -> sa.Column[int]:
    key = sa.ForeignKey("child.id", ondelete="CASCADE", name="fk_child", use_alter=True)
    return sa.Column("child_id", sa.Integer, key)


@sqlite_only
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("case", CASES)
def test_rows_of_tables_that_refer_to_one_another_survive(
    bench: Bench, case: str, tmp_path: Path
) -> None:
    make_before, make_after, rows = CASES[case]
    before, after = make_before(), make_after()
    with prepared(bench, before, rows) as connection:
        kept = rows_of(connection, before, after)
        codes = {
            upgrade_functions(bench.ask(connection, after, render_as_batch=in_batch).merged)
            for in_batch in (False, True)
        }
        store(connection, tmp_path / "before.db")
        for code, form in product(sorted(codes), ("connect", "begin")):
            shutil.copy(tmp_path / "before.db", tmp_path / f"{form}.db")
            assert upgrade(tmp_path / form, tmp_path / f"{form}.db", code, form) == 1, code
            load(tmp_path / f"{form}.db", connection)
            assert rows_of(connection, before, after) == kept, code


@contextmanager
def prepared(bench: Bench, models: sa.MetaData, rows: list[str]) -> Iterator[sa.Connection]:
    with bench.empty() as connection:
        models.create_all(connection)
        for statement in rows:
            connection.exec_driver_sql(statement)
        connection.commit()
        yield connection


ONE_USER_TWO_ORDERS = [
    "INSERT INTO users VALUES (1, 5)",
    "INSERT INTO child VALUES (1, 7, 1), (2, 8, 1)",
]


def default_changes(bench: Bench, database: Path) -> str:
    """Store a database, and return the fix for a server default that changes."""
    before = referring(users(score("1")), user_id())
    after = referring(users(score("2")), user_id())
    with prepared(bench, before, ONE_USER_TWO_ORDERS) as connection:
        store(connection, database)
        return upgrade_functions(bench.ask(connection, after).merged)


@sqlite_only
def test_a_fix_that_fails_changes_neither_rows_nor_the_setting(
    bench: Bench, tmp_path: Path
) -> None:
    database = tmp_path / "a.db"
    code = default_changes(bench, database)
    moment = 'op.execute("ALTER TABLE _lockstep_users RENAME TO users")'
    assert moment in code
    report: dict[str, Any] = {}
    with pytest.raises(ZeroDivisionError):
        upgrade(tmp_path / "migrations", database, code.replace(moment, "1 / 0"), "begin", report)
    assert report["foreign_keys"] == 1
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT score FROM users").fetchall() == [(5,)]
        assert connection.execute("SELECT count(*) FROM child").fetchone() == (2,)


@sqlite_only
def test_a_fix_refuses_to_run_where_foreign_keys_stay_on(bench: Bench, tmp_path: Path) -> None:
    """A driver that opens a transaction at once, as sqlite3 with `autocommit=False` does."""
    database = tmp_path / "a.db"
    code = default_changes(bench, database)
    reopened = code.replace(
        '    op.execute("PRAGMA foreign_keys = OFF")',
        '    op.execute("BEGIN")\n    op.execute("PRAGMA foreign_keys = OFF")',
    )
    assert reopened != code
    with pytest.raises(RuntimeError, match="cannot switch foreign keys off"):
        upgrade(tmp_path / "migrations", database, reopened, "connect")
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM child").fetchone() == (2,)


@sqlite_only
def test_a_fix_names_rows_that_refer_to_nothing(bench: Bench, tmp_path: Path) -> None:
    database = tmp_path / "a.db"
    code = default_changes(bench, database)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("INSERT INTO child VALUES (3, 9, 77)")
        connection.commit()
    with pytest.raises(RuntimeError, match=r"refer to rows that do not exist.*child.*users"):
        upgrade(tmp_path / "migrations", database, code, "connect")


@sqlite_only
def test_a_table_to_which_nothing_refers_is_changed_in_few_lines(bench: Bench) -> None:
    with prepared(bench, referring(users(score("1"))), []) as connection:
        code = upgrade_functions(bench.ask(connection, referring(users(score("2")))).merged)
    assert "PRAGMA foreign_keys" not in code


ON_SERVERS = [
    (dialect, kind)
    for dialect in ("postgresql", "mariadb")
    for kind in KINDS
    if dialect not in kind.lacks and kind.name not in WITHOUT_FIX
]


@pytest.mark.sampled(10)
@pytest.mark.parametrize(
    ("bench", "kind"),
    ON_SERVERS,
    indirect=["bench"],
    ids=[f"{dialect}-{kind.name}" for dialect, kind in ON_SERVERS],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_rows_survive_on_servers(bench: Bench, kind: Kind) -> None:
    before, after = kind.before(), kind.after()
    add_children(before, after)
    with bench.empty() as connection:
        before.create_all(connection)
        fill(connection, before, after)
        rows = rows_of(connection, before, after)
        code = upgrade_functions(bench.ask(connection, after).merged)
        bench.migrate(connection, after, code)
        then = rows_of(connection, before, after)
        for table in rows:  # one that inherits adds its rows to those of its parent
            assert not Counter(rows[table]) - Counter(then[table]), code
        assert not bench.ask(connection, after).merged, code


Parts = list[Any]


def strict(name: str, kind: Any, *parts: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *parts, nullable=False, **options)


def unique() -> sa.UniqueConstraint:
    return sa.UniqueConstraint("a", name="uq")


class Trimmed(sa.types.TypeDecorator[str]):
    """A type of the project's own."""

    impl = sa.String(20)
    cache_ok = True


def other_user() -> Any:
    return sa.ForeignKey("users.id", name="fk_other")


#: Columns before and after, and the values that rows without one then have.
NOT_NULL: dict[str, tuple[Parts, Parts, list[Any]]] = {
    "new, text": ([], [strict("a", sa.String(20))], ["", ""]),
    "new, a number": ([], [strict("a", sa.Integer)], [0, 0]),
    "new, with a default in Python": (
        [],
        [strict("a", sa.String(20), default="it's")],
        ["it's"] * 2,
    ),
    "new, with a default in the server": (
        [],
        [strict("a", sa.Integer, server_default="7")],
        [7, 7],
    ),
    "new, an Enum": ([], [strict("a", sa.Enum("x", "y", name="letter"))], ["x", "x"]),
    "new, one for each": ([], [strict("a", sa.String(20), unique=True)], ["1", "2"]),
    "new, a number for each": (
        [],
        [strict("a", sa.Integer), unique()],
        [1, 2],
    ),
    "new, of the project's own type": ([], [strict("a", Trimmed)], ["", ""]),
    "new, to another row": ([], [strict("a", sa.Integer, other_user())], [1, 2]),
    "new, with a comment": ([], [strict("a", sa.Integer, comment="points")], [0, 0]),
    "new, several": (
        [],
        [
            strict("a", sa.Integer),
            strict("b", sa.Date),
            strict("c", sa.JSON),
            strict("d", sa.Boolean),
        ],
        [0, 0],
    ),
    "text": ([sa.Column("a", sa.String(20))], [strict("a", sa.String(20))], ["", "kept"]),
    "text, of another length": (
        [sa.Column("a", sa.String(20))],
        [strict("a", sa.String(30))],
        ["", "kept"],
    ),
    "text, with a default in the server": (
        [sa.Column("a", sa.String(20))],
        [strict("a", sa.String(20), server_default="none")],
        ["none", "kept"],
    ),
    "text, with a default before": (
        [sa.Column("a", sa.String(20), server_default="none")],
        [strict("a", sa.String(20))],
        ["", "kept"],
    ),
    "text that becomes a number": (
        [sa.Column("a", sa.String(20))],
        [strict("a", sa.Integer)],
        [0, 5],
    ),
}
OLD_VALUES = {"text that becomes a number": "5"}


def copied(parts: Parts) -> Parts:
    """Return columns and constraints for another table."""
    return [part._copy() if isinstance(part, sa.Column) else unique() for part in parts]


@pytest.mark.parametrize("case", NOT_NULL)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_columns_become_not_null_on_rows(bench: Bench, case: str) -> None:
    old, new, values = NOT_NULL[case]
    before, after = users(*copied(old)), users(*copied(new))
    for compares in (False, True):
        with bench.empty() as connection:
            before.create_all(connection)
            connection.execute(sa.insert(before.tables["users"]).values(id=1))
            if old:
                connection.exec_driver_sql("UPDATE users SET a = NULL")
            row = {"id": 2, **({"a": OLD_VALUES.get(case, "kept")} if old else {})}
            connection.execute(sa.insert(before.tables["users"]).values(row))
            connection.commit()
            code = upgrade_functions(
                bench.ask(connection, after, compare_server_default=compares).merged
            )
            bench.migrate(connection, after, code)
            query = "SELECT a FROM users ORDER BY id"
            assert [*connection.exec_driver_sql(query).scalars()] == values, code
            connection.rollback()
            assert not bench.ask(connection, after, compare_server_default=True).merged, code
            is_chosen = "default in" in case and "before" not in case
            assert ("choose the value" not in code) == is_chosen or case.endswith("Python"), code


def name(**options: Any) -> sa.Column[Any]:
    return sa.Column("name", sa.String(20), **options)


def full_name(**options: Any) -> sa.Column[Any]:
    return sa.Column("full_name", sa.String(20), **options)


def length_of(column: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"length({column}) >= 0", name="some")


#: Columns before and after, of which the first may have been renamed; its values are to be there.
RENAMES: dict[str, tuple[Any, Any, list[Any]]] = {
    "plain": (lambda: [name()], lambda: [full_name()], ["x", None]),
    "with a default": (
        lambda: [name(server_default="a")],
        lambda: [full_name(server_default="a")],
        ["x", "a"],
    ),
    "with another default": (
        lambda: [name(server_default="a")],
        lambda: [full_name(server_default="b")],
        ["x", "a"],
    ),
    "NOT NULL from now on": (lambda: [name()], lambda: [full_name(nullable=False)], ["x", ""]),
    "NOT NULL no longer": (
        lambda: [name(nullable=False, server_default="a")],
        lambda: [full_name(server_default="a")],
        ["x", "a"],
    ),
    "with its index": (lambda: [name(index=True)], lambda: [full_name(index=True)], ["x", None]),
    "with its UNIQUE": (
        lambda: [name(), sa.UniqueConstraint("name", name="uq_name")],
        lambda: [full_name(), sa.UniqueConstraint("full_name", name="uq_full_name")],
        ["x", None],
    ),
    "with a CHECK": (
        lambda: [name(), length_of("name")],
        lambda: [full_name(), length_of("full_name")],
        ["x", None],
    ),
    "with a comment": (
        lambda: [name(comment="a")],
        lambda: [full_name(comment="b")],
        ["x", None],
    ),
    "the nearest name of two": (
        lambda: [name(), sa.Column("email", sa.String(20))],
        lambda: [sa.Column("mail", sa.String(20)), full_name()],
        ["x", None],
    ),
}


@pytest.mark.parametrize("case", RENAMES)
@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_a_column_that_may_be_renamed_keeps_its_values(bench: Bench, case: str) -> None:
    old, new, values = RENAMES[case]
    before, after = referring(users(*old()), user_id()), referring(users(*new()), user_id())
    for compares in (False, True):
        with bench.empty() as connection:
            before.create_all(connection)
            table = before.tables["users"]
            connection.execute(sa.insert(table).values(id=1, name="x"))
            connection.execute(sa.insert(table).values(id=2))
            connection.execute(sa.insert(before.tables["child"]).values(id=1, user_id=1))
            connection.commit()
            code = upgrade_functions(
                bench.ask(connection, after, compare_server_default=compares).merged
            )
            bench.migrate(connection, after, code)
            query = "SELECT full_name FROM users ORDER BY id"
            assert [*connection.exec_driver_sql(query).scalars()] == values, code
            assert [*connection.exec_driver_sql("SELECT user_id FROM child").scalars()] == [1]
            connection.rollback()
            left = bench.ask(connection, after, compare_server_default=True).merged
            assert not left, (code, left)
            assert "renamed" in code, code


#: Types before and after, and a value that has to be there afterwards, as SQLite gives it.
TYPES: dict[str, tuple[Any, Any, Any, Any]] = {
    "text to time": (sa.String(30), sa.DateTime(), "2026-01-02 03:04:05", "2026-01-02 03:04:05"),
    "text to date": (sa.String(30), sa.Date(), "2026-01-02", "2026-01-02"),
    "time to date": (sa.DateTime(), sa.Date(), "2026-01-02 03:04:05", "2026-01-02 03:04:05"),
    "text to number": (sa.String(30), sa.Integer(), "12", 12),
    "text that is no number": (sa.String(30), sa.Integer(), "few", "few"),
    "decimals to number": (sa.Numeric(10, 2), sa.Integer(), 1.5, 1.5),
    "text to flag": (sa.String(9), sa.Boolean(), "true", "true"),
    "number to text": (sa.Integer(), sa.String(9), 7, "7"),
    "text to JSON": (sa.Text(), sa.JSON(), "{}", "{}"),
    "text to bytes": (sa.Text(), sa.LargeBinary(), "x", "x"),
    "number to a larger one": (sa.Integer(), sa.BigInteger(), 7, 7),
}


@sqlite_only
@pytest.mark.parametrize("case", TYPES)
def test_values_survive_another_type_on_sqlite(bench: Bench, case: str) -> None:
    old, new, value, kept = TYPES[case]
    after = users(sa.Column("a", new, nullable=False))
    with prepared(bench, users(sa.Column("a", old)), []) as connection:
        connection.exec_driver_sql("INSERT INTO users VALUES (1, ?)", (value,))
        connection.commit()
        code = upgrade_functions(bench.ask(connection, after).merged)
        bench.migrate(connection, after, code)
        assert connection.exec_driver_sql("SELECT a FROM users").scalar() == kept, code
        connection.rollback()
        assert not bench.ask(connection, after).merged, code


#: Types before and after, and what is said of values that get lost; nothing if all fit.
NARROWING: dict[str, tuple[Any, Any, str]] = {
    "shorter": (sa.String(30), sa.String(20), "values longer than 20 make this fail"),
    "with a length": (sa.Text(), sa.String(20), "values longer than 20 make this fail"),
    "longer": (sa.String(20), sa.String(30), ""),
    "smaller": (sa.BigInteger(), sa.Integer(), "larger values make this fail"),
    "larger": (sa.Integer(), sa.BigInteger(), ""),
    "fewer decimals": (sa.Numeric(10, 4), sa.Numeric(10, 2), "this rounds values to 2 decimals"),
    "fewer digits": (sa.Numeric(10, 2), sa.Numeric(8, 2), "larger values make this fail"),
    "more digits": (sa.Numeric(8, 2), sa.Numeric(10, 4), ""),
    "no decimals": (sa.Numeric(10, 2), sa.Integer(), "this rounds values"),
    "no time": (sa.DateTime(), sa.Date(), "this cuts off the time of day"),
}


@pytest.mark.parametrize("case", NARROWING)
def test_what_a_smaller_type_does_not_hold_is_said(bench: Bench, case: str) -> None:
    old, new, words = NARROWING[case]
    with prepared(bench, users(sa.Column("a", old)), []) as connection:
        after = users(sa.Column("a", new))
        code = upgrade_functions(bench.ask(connection, after).merged)
        bench.migrate(connection, after, code)
    if words and bench.dialect != "sqlite":
        assert f"# users.a: {words}" in code
    else:
        assert "# users.a" not in code


ENV_BEGIN = """\
from alembic import context
from sqlalchemy import create_engine, event

import shop

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))


@event.listens_for(engine, "connect")
def enforce(connection, _):
    connection.execute("PRAGMA foreign_keys = ON")


with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=shop.metadata)
    with context.begin_transaction():
        context.run_migrations()
"""
SHOP = """\
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

metadata = MetaData()
table = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("score", Integer, server_default="1"),
)
Table("orders", metadata, Column("user_id", ForeignKey("users.id", ondelete="CASCADE")))
"""
FIRST = """\
import sqlalchemy as sa
from alembic import op

revision, down_revision = "aaaaaaaaaaaa", None


def upgrade():
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("score", sa.Integer, server_default="1"),
    )
    op.create_table(
        "orders",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE")),
    )
"""
MORE = "INSERT INTO users VALUES (1, 5); INSERT INTO orders VALUES (1), (1);"


def test_the_printed_body_pasted_into_the_migration_keeps_what_the_database_holds(
    tmp_path: Path, home: Path
) -> None:
    project = minimal_project.begin(tmp_path / "a shop", home, ["shop.py"])
    make_venv(project.root / ".venv", project.root)
    project.write(".gitignore", "/.venv/\n*.db\n")
    project.write("shop.py", SHOP)
    project.write("migrations/env.py", ENV_BEGIN)
    project.write("migrations/versions/a.py", FIRST)
    minimal_project.first_commit(project)
    assert project.alembic("upgrade", "head").returncode == 0
    with closing(sqlite3.connect(project.root / "ledger.db")) as connection:
        connection.executescript(MORE)

    project.replace("shop.py", 'server_default="1"', 'server_default="2"')
    project.stage("shop.py")
    result = project.check()
    assert result.returncode == 1
    assert "in place of its own, which loses rows" in result.output
    new = FIRST.replace('"aaaaaaaaaaaa", None', '"bbbbbbbbbbbb", "aaaaaaaaaaaa"')
    body = typed_advice.printed_upgrade(project)
    functions = f"def upgrade():\n    {body}\n\n\ndef downgrade():\n    raise NotImplementedError\n"
    project.write("migrations/versions/b.py", new.partition("def upgrade")[0] + functions)
    project.stage(".")
    assert project.check().returncode == 0, project.check().output
    result = project.alembic("upgrade", "head")
    assert result.returncode == 0, result.output
    with closing(sqlite3.connect(project.root / "ledger.db")) as connection:
        assert connection.execute("SELECT * FROM users").fetchall() == [(1, 5)]
        assert connection.execute("SELECT * FROM orders").fetchall() == [(1,), (1,)]
        connection.execute("INSERT INTO users (id) VALUES (2)")
        assert connection.execute("SELECT max(score) FROM users WHERE id = 2").fetchone() == (2,)
