"""What unsafe-upgrade, lost-rows and broken-downgrade print, typed, on real databases with rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from alembic_lockstep.advice.row_errors import RowError, row_error
from alembic_lockstep.fix.row_steps import steps_for, without_foreign_keys
from alembic_lockstep.probe.exceptions import describe_error
from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .harness import require, server_answers
from .rows_bench import dialect, servers

__all__ = ["dialect", "servers"]


TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(40), score VARCHAR(20), n INTEGER)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER)",
    "INSERT INTO users VALUES (1, 'a@b', 'abc', 1), (2, 'a@b', '12', 9), (3, NULL, NULL, 3)",
    "INSERT INTO orders VALUES (1, 1), (2, 99)",
)


@dataclass
class Bench:
    """A database of a dialect, in which migrations run that are given as text."""

    dialect: str
    engine: sa.Engine

    def upgrade(self, text: str) -> None:
        namespace: dict[str, Any] = {}
        exec(compile(text, "migration.py", "exec"), namespace)
        with self.engine.connect() as connection:
            context = MigrationContext.configure(connection)
            # As `alembic upgrade` does it, with and without transactional DDL.
            with (
                context.begin_transaction(),
                context.begin_transaction(_per_migration=True),
                Operations.context(context),
            ):
                namespace["upgrade"]()

    def failure(self, text: str) -> RowError:
        """Run a migration that fails, and return on what rows."""
        with pytest.raises(sa.exc.DBAPIError) as caught:
            self.upgrade(text)
        rows = row_error(describe_error(caught.value, "/nowhere"))
        assert rows is not None, caught.value
        with self.engine.begin() as connection:  # Alembic leaves it on SQLite
            for table in sa.inspect(connection).get_table_names():
                if table.startswith("_alembic_tmp_"):
                    connection.execute(sa.text(f"DROP TABLE {table}"))
        return rows

    def scalar(self, sql: str) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(sa.text(sql))


@pytest.fixture
def bench(servers: ScratchServers, dialect: str) -> Iterator[Bench]:
    if dialect == "postgresql":
        require(server_answers(), "PostgreSQL server")
    elif dialect == "mysql":
        require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    url = sa.make_url(servers.create(dialect))
    driver = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}.get(dialect, dialect)
    engine = sa.create_engine(url.set(drivername=driver), poolclass=sa.NullPool)
    if dialect == "sqlite":
        sa.event.listen(engine, "connect", _enforce)
    with engine.begin() as connection:
        for statement in TABLES:
            connection.execute(sa.text(statement))
    yield Bench(dialect, engine)
    engine.dispose()


def _enforce(connection: Any, _: object) -> None:
    connection.execute("PRAGMA foreign_keys=ON")


def migration(*lines: str) -> str:
    body = "".join(f"    {line}\n" for part in lines for line in part.split("\n"))
    return f"import sqlalchemy as sa\nfrom alembic import op\n\n\ndef upgrade():\n{body}"


def altered(dialect: str, table: str, *arguments: str) -> str:
    """Return the code that calls an operation on a table, in a batch block on SQLite."""
    name, rest = arguments[0], ", ".join(arguments[1:])
    if dialect != "sqlite":
        return f"op.{name}({rest})"
    return f'with op.batch_alter_table("{table}") as batch_op:\n    batch_op.{name}({rest})'


def test_a_new_not_null_column(bench: Bench) -> None:
    if bench.dialect == "mysql":
        pytest.skip("MariaDB gives rows a value: '', 0, 0000-00-00")
    line = 'op.add_column("users", sa.Column("born", sa.Date(), nullable=False))'
    rows = bench.failure(migration(line))
    assert (rows.kind, rows.column, rows.adds) == ("null", "users.born", True)
    bench.upgrade(migration(*steps_for(rows, bench.dialect, migration(line)).code))
    columns = {each["name"]: each for each in sa.inspect(bench.engine).get_columns("users")}
    assert columns["born"]["nullable"] is False
    assert bench.scalar("SELECT count(*) FROM users WHERE born IS NOT NULL") == 3


def typed_before(bench: Bench, line: str, kind: str, choice: Callable[[str], str] = str) -> None:
    """Type what is printed before the line that fails, after a choice."""
    text = migration(line)
    rows = bench.failure(text)
    assert rows.kind == kind
    steps = steps_for(rows, bench.dialect, text)
    assert steps.code, steps.words
    bench.upgrade(migration(*map(choice, steps.code), line))


def test_a_column_that_becomes_not_null(bench: Bench) -> None:
    existing = '"email", existing_type=sa.String(40), nullable=False'
    named = existing if bench.dialect == "sqlite" else f'"users", {existing}'
    typed_before(bench, altered(bench.dialect, "users", "alter_column", named), "null")
    assert bench.scalar("SELECT count(*) FROM users WHERE email = ''") == 1


@pytest.mark.parametrize("name", ["constraint", "index"])
def test_a_column_that_becomes_unique(bench: Bench, name: str) -> None:
    line = 'op.create_index("uq", "users", ["email"], unique=True)'
    if name == "constraint":
        named = '"uq", ["email"]' if bench.dialect == "sqlite" else '"uq", "users", ["email"]'
        line = altered(bench.dialect, "users", "create_unique_constraint", named)
    typed_before(bench, line, "duplicate")
    # The row without a value stays.
    assert bench.scalar("SELECT count(*) FROM users") == 2


def test_a_text_that_becomes_a_number(bench: Bench) -> None:
    if bench.dialect == "sqlite":
        pytest.skip("SQLite converts any text")
    using = ', postgresql_using="score::integer"'
    line = (
        f'op.alter_column("users", "score", existing_type=sa.String(20), type_=sa.Integer(){using})'
    )
    typed_before(bench, line, "cast")
    assert bench.scalar("SELECT sum(score) FROM users") == 12


def test_a_text_that_becomes_shorter(bench: Bench) -> None:
    if bench.dialect == "sqlite":
        pytest.skip("SQLite has no lengths")
    typed_before(
        bench,
        'op.alter_column("users", "score", existing_type=sa.String(20), type_=sa.String(2))',
        "cast",
    )
    assert bench.scalar("SELECT score FROM users WHERE id = 1") == "ab"


def test_a_check_that_rows_violate(bench: Bench) -> None:
    named = '"ck", "n < 5"' if bench.dialect == "sqlite" else '"ck", "users", "n < 5"'
    line = altered(bench.dialect, "users", "create_check_constraint", named)
    typed_before(bench, line, "check", lambda code: code.replace("…", "n = 4"))
    assert bench.scalar("SELECT max(n) FROM users") == 4


def test_a_check_in_stages(bench: Bench) -> None:
    if bench.dialect != "postgresql":
        pytest.skip("only PostgreSQL has NOT VALID")
    line = 'op.create_check_constraint("ck", "users", "n < 5")'
    steps = steps_for(bench.failure(migration(line)), "postgresql", migration(line))
    update = steps.code[0].replace("…", "n = 4")
    assert "postgresql_not_valid=True" in steps.more
    first = line.replace(")", ", postgresql_not_valid=True)")
    bench.upgrade(migration(first, update, steps.more.splitlines()[-1]))
    assert bench.scalar("SELECT convalidated FROM pg_constraint WHERE conname = 'ck'")


def test_a_foreign_key_whose_rows_refer_to_none(bench: Bench) -> None:
    is_sqlite = bench.dialect == "sqlite"
    named = '"fk", ' + ("" if is_sqlite else '"orders", ') + '"users", ["user_id"], ["id"]'
    line = altered(bench.dialect, "orders", "create_foreign_key", named)
    typed_before(bench, line, "orphan")
    assert bench.scalar("SELECT count(*) FROM orders WHERE user_id IS NULL") == 1


REFERRING = "CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id)"


@pytest.mark.parametrize("before", ["", 'op.execute("UPDATE users SET n = 2")'])
@pytest.mark.parametrize("rule", ["", "ON DELETE CASCADE", "ON DELETE SET NULL"])
def test_a_table_that_sqlite_makes_again(bench: Bench, rule: str, before: str) -> None:
    if bench.dialect != "sqlite":
        pytest.skip("only SQLite makes tables again")
    with bench.engine.begin() as connection:
        connection.execute(sa.text(f"{REFERRING} {rule})"))
        connection.execute(sa.text("INSERT INTO notes VALUES (1, 1), (2, 1)"))
    line = altered("sqlite", "users", "alter_column", '"n", nullable=False')
    text = migration(*filter(None, [before, line]))
    if not rule:
        rows = bench.failure(text)
        assert (rows.kind, rows.table) == ("referred", "users")
        body = list(steps_for(rows, "sqlite", text).code)
    else:
        body = without_foreign_keys(text, "users")
    bench.upgrade(migration(*body))
    assert bench.scalar("SELECT count(*) FROM notes WHERE user_id = 1") == 2
    assert not {c["name"]: c for c in sa.inspect(bench.engine).get_columns("users")}["n"][
        "nullable"
    ]


def test_rows_whose_constraints_are_deferred(bench: Bench) -> None:
    if bench.dialect != "postgresql":
        pytest.skip("only PostgreSQL has such events")
    key = "FOREIGN KEY (user_id) REFERENCES users DEFERRABLE INITIALLY DEFERRED"
    update = 'op.execute("UPDATE orders SET user_id = 2")'
    with bench.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM orders WHERE user_id = 99"))
        connection.execute(sa.text(f"ALTER TABLE orders ADD {key}"))
    line = 'op.add_column("orders", sa.Column("x", sa.Integer()))'
    rows = bench.failure(migration(update, line))
    assert rows.kind == "pending"
    steps = steps_for(rows, "postgresql", migration(update, line))
    bench.upgrade(migration(update, *steps.code, line))


def test_a_type_that_is_left_behind(bench: Bench) -> None:
    if bench.dialect != "postgresql":
        pytest.skip("only PostgreSQL has types of its own")
    line = 'op.add_column("users", sa.Column("mood", sa.Enum("sad", name="mood")))'
    create = 'sa.Enum("sad", name="mood").create(op.get_bind(), checkfirst=False)'
    down = 'op.drop_column("users", "mood")'
    bench.upgrade(migration(create, line))
    bench.upgrade(migration(down))
    with pytest.raises(sa.exc.DBAPIError, match='type "mood" already exists'):
        bench.upgrade(migration(create, line))
    bench.upgrade(migration('op.execute("DROP TYPE mood")'))
    bench.upgrade(migration(create, line))


def test_a_renamed_column_keeps_its_values(bench: Bench) -> None:
    existing = ", existing_type=sa.String(40), existing_nullable=True"
    line = 'op.alter_column("users", "email", new_column_name="mail"'
    bench.upgrade(migration(f"{line}{existing if bench.dialect == 'mysql' else ''})"))
    assert bench.scalar("SELECT count(mail) FROM users") == 2
    assert not re.search(r"\bemail\b", str(sa.inspect(bench.engine).get_columns("users")))
