"""What env.py and migrations do: each way of the sample `subfolder` is judged rightly."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from .harness import Project
from .subfolder_project import (
    ADD_PAID,
    ENV,
    FIRST,
    FIRST_FILE,
    HEAD,
    HEAD_FILE,
    INI,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)
from .typed_advice import follow

CONFIGURE = """\
        context.configure(
            connection=connection, target_metadata=target_metadata
        )
"""
NEW = "abababababab"

#: Makes a project take a shape; gives the last revision if it added one.
Change = Callable[[Project], "str | None"]


def replaced(path: str, old: str, new: str) -> Change:
    return lambda project: project.replace(path, old, new)


def option(text: str) -> Change:
    """Give `context.configure()` one more option, online."""
    more = CONFIGURE.replace("=target_metadata\n", f"=target_metadata, {text}\n")
    return replaced(ENV, CONFIGURE, more)


def before_configure(code: str) -> Change:
    return replaced(ENV, CONFIGURE, code + CONFIGURE)


def ini(line: str) -> Change:
    return replaced(INI, "path_separator = os\n", f"path_separator = os\n{line}\n")


def together(*changes: Change) -> Change:
    def change(project: Project) -> str | None:
        heads = [apply(project) for apply in changes]
        return next((head for head in reversed(heads) if head), None)

    return change


def move(old: str, new: str) -> Change:
    def change(project: Project) -> None:
        project.write(new, project.read(old))
        (project.root / old).unlink()

    return change


def migration(
    upgrade: str,
    revision: str = "cdcdcdcdcdcd",
    down: str | tuple[str, ...] | None = HEAD,
    depends_on: str | None = None,
) -> Change:
    """Add a migration to the history."""

    def change(project: Project) -> str:
        add_migration(project, revision, down, upgrade, depends_on=depends_on)
        return revision

    return change


EMPTYING = """\
def forget(context, revision, directives):
    if directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run_migrations_online() -> None:
"""
LOCATIONS = """\
config = context.config
from pathlib import Path
here = Path(__file__).parent
context.script.version_locations = [str(here / "versions"), str(here / "more")]
"""
LIST = "target_metadata = [Base.metadata, MetaData()]"
DATA = """\
from sqlalchemy.orm import Session
    from shop.models import Customer
    session = Session(bind=op.get_bind())
    session.add(Customer(email='a@example.org'))
    session.commit()
    assert session.query(Customer).count() == 1"""
REFLECTING = """\
bind = op.get_bind()
    table = sa.Table('orders', sa.MetaData(), autoload_with=bind)
    assert 'total' in table.c and 'customers' in sa.inspect(bind).get_table_names()"""
LABEL = "branch_labels = ('shop',)"
BATCH = """\
with op.batch_alter_table('orders', recreate='always') as batch:
        batch.alter_column('status', type_=sa.String(20), nullable=False)"""
SHAPES: dict[str, Change] = {
    "recursive version locations": together(
        ini("recursive_version_locations = true"),
        move(HEAD_FILE, f"{VERSIONS}/2025/01/orders.py"),
    ),
    "two version locations": together(
        ini("version_locations = %(here)s/alembic/versions:%(here)s/more"),
        move(HEAD_FILE, "service/more/orders.py"),
    ),
    "version locations that env.py adds": together(
        replaced(ENV, "config = context.config\n", LOCATIONS),
        move(HEAD_FILE, "service/alembic/more/orders.py"),
    ),
    "a version table of its own": option("version_table='shop_version'"),
    "a transaction for each migration": together(
        option("transaction_per_migration=True"),
        migration("with op.get_context().autocommit_block(): op.execute('VACUUM')"),
    ),
    "metadata as a list": together(
        replaced(ENV, "target_metadata = Base.metadata", LIST),
        replaced(ENV, "import pool\n", "import MetaData, pool\n"),
    ),
    "directives that are emptied": together(
        option("process_revision_directives=forget"),
        replaced(ENV, "def run_migrations_online() -> None:\n", EMPTYING),
    ),
    "a migration that uses the application": migration(DATA),
    "a migration that reflects": migration(REFLECTING),
    "a batch that makes a table anew": together(option("render_as_batch=True"), migration(BATCH)),
    "a merge of tuple parents": together(
        migration("pass", "aaaaaaaaaaaa"),
        migration("pass", "bbbbbbbbbbbb"),
        migration("pass", down=("aaaaaaaaaaaa", "bbbbbbbbbbbb")),
    ),
    "two bases, one depends on the other": together(
        migration("op.execute('SELECT * FROM customers')", "aaaaaaaaaaaa", None, FIRST),
        lambda _: HEAD,
    ),
    "a branch label": together(
        replaced(HEAD_FILE, "branch_labels: Union[str, Sequence[str], None] = None", LABEL),
        migration("pass", depends_on="shop"),
    ),
    "numbers as ids": migration("pass", "0003"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_column_is_blocked_at_its_line_and_passes_with_its_migration(
    shop: Project, shape: str
) -> None:
    with shop.untouched():
        assert_column_is_seen(shop, take_shape(shop, SHAPES[shape]))


def take_shape(project: Project, change: Change) -> str:
    """Commit the shape; give the last revision."""
    head = change(project) or HEAD
    project.stage(".")
    project.git("commit", "--quiet", "-m", "The shape")
    return head


def assert_column_is_seen(project: Project, head: str) -> None:
    where = project.add_column()
    blocked = change_and_check(project)
    assert_finding(blocked, f"{where}5: missing-migration")
    assert blocked.stdout.count("missing-migration") == 1
    add_migration(project, NEW, head, ADD_PAID)
    assert_clean(change_and_check(project))


COMMIT = "        connection.commit()\n"
EXECUTE = "        connection.exec_driver_sql({!r})\n"
ARCHIVED = """\


class Archived(Entity):
    \"\"\"What was ordered long ago.\"\"\"

    __tablename__ = "orders"
    __table_args__ = {"schema": "archive"}
"""
ARCHIVE = """\
op.execute("CREATE SCHEMA archive")
    op.create_table("orders", sa.Column("id", sa.Integer(), nullable=False),
                    sa.PrimaryKeyConstraint("id", name="pk_orders"), schema="archive")"""
TENANTS = """\
        for tenant in ("a", "b"):
            connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {tenant}")
            connection.exec_driver_sql(f"SET search_path TO {tenant}")
            connection.commit()
            connection.dialect.default_schema_name = tenant
            context.configure(connection=connection, target_metadata=target_metadata)
            with context.begin_transaction():
                context.run_migrations()
"""
RUN = """
        with context.begin_transaction():
            context.run_migrations()


if"""
CONCURRENTLY = """\
with op.get_context().autocommit_block():
        op.execute('CREATE INDEX CONCURRENTLY hidden ON orders (total)')
        op.execute('DROP INDEX hidden')"""
UTILS = """\
from alembic_utils.pg_function import PGFunction
from alembic_utils.replaceable_entity import register_entities

LATEST = PGFunction("public", "latest()", "RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$")
register_entities([LATEST])
config = context.config
"""
MADE = """\
op.execute("CREATE FUNCTION public.latest() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$")"""

ON_POSTGRESQL: dict[str, Change] = {
    "a version table in a schema of its own": option("version_table_schema='versions'"),
    "a schema that env.py makes": together(
        before_configure(EXECUTE.format("CREATE SCHEMA IF NOT EXISTS shop") + COMMIT),
        before_configure(EXECUTE.format("SET search_path TO shop") + COMMIT),
        before_configure("        connection.dialect.default_schema_name = 'shop'\n"),
    ),
    "a role that env.py takes on": before_configure(
        EXECUTE.format("SET ROLE pg_database_owner") + COMMIT
    ),
    "a second schema with a table of the same name": together(
        option("include_schemas=True"),
        lambda project: project.write(MODELS, project.read(MODELS) + ARCHIVED),
        migration(ARCHIVE),
    ),
    "a schema for each tenant": together(
        replaced(ENV, CONFIGURE, TENANTS), replaced(ENV, RUN, "\n\nif")
    ),
    "an index made concurrently": together(
        option("transaction_per_migration=True"), migration(CONCURRENTLY)
    ),
    "a function of alembic_utils": together(
        replaced(ENV, "config = context.config\n", UTILS), migration(MADE)
    ),
    "a plugin for enums": replaced(
        ENV,
        "config = context.config\n",
        "import alembic_postgresql_enum\nconfig = context.config\n",
    ),
}


@pytest.mark.parametrize("shape", ON_POSTGRESQL)
def test_on_postgresql(shop_on_postgresql: Project, shape: str) -> None:
    project = shop_on_postgresql
    assert_column_is_seen(project, take_shape(project, ON_POSTGRESQL[shape]))


LISTED = TENANTS.replace(
    '("a", "b")', 'connection.exec_driver_sql("SELECT name FROM public.tenants").scalars().all()'
)
LISTING = """\
[tool.alembic-lockstep.scratch]
setup = ["CREATE TABLE public.tenants (name VARCHAR(50))", \
"INSERT INTO public.tenants VALUES ('dry_run')"]
"""


def test_tenants_that_the_database_lists(shop_on_postgresql: Project) -> None:
    shop = shop_on_postgresql
    together(replaced(ENV, CONFIGURE, LISTED), replaced(ENV, RUN, "\n\nif"))(shop)
    asked = change_and_check(shop)
    assert_unjudged(asked, 'relation "public.tenants" does not exist')
    assert "".join(f"    {line}\n" for line in LISTING.splitlines()) in asked.stderr
    shop.write(
        "pyproject.toml", LISTING.replace(", \"INSERT INTO public.tenants VALUES ('dry_run')\"", "")
    )
    shop.stage("pyproject.toml")
    assert_unjudged(shop.check(), "it never called context.run_migrations()", "INSERT INTO")
    shop.write("pyproject.toml", LISTING)
    shop.stage("pyproject.toml")
    assert_column_is_seen(shop, HEAD)


OF_A_KIND = LISTED.replace(
    'connection.exec_driver_sql("SELECT name FROM public.tenants").scalars().all()', "{}"
)
NAMES = "sqlalchemy.inspect(connection).get_schema_names()"


@pytest.mark.sampled(2)
@pytest.mark.parametrize("named", [True, False])
def test_tenants_that_env_py_finds_by_their_name(shop_on_postgresql: Project, named: bool) -> None:
    """As Dispatch does it; no database has one before the project's program makes it."""
    shop = shop_on_postgresql
    own = f"[n for n in {NAMES} if n.startswith('shop_of_')]"
    other = f"[n for n in {NAMES} if is_a_tenant(n)]"
    loop = OF_A_KIND.replace("{}", own if named else other, 1)
    together(replaced(ENV, CONFIGURE, loop), replaced(ENV, RUN, "\n\nif"))(shop)
    test = "import sqlalchemy\n\nis_a_tenant = 'dry_run'.__eq__\nconfig = context.config\n"
    replaced(ENV, "config = context.config\n", test)(shop)
    asked = change_and_check(shop)
    if named:
        assert_clean(asked, "scratch databases have shop_of_dry_run")
    else:
        asked_for = 'setup = ["CREATE SCHEMA dry_run"]'
        assert_unjudged(asked, "it never called context.run_migrations()", asked_for)
        assert_clean(follow(shop, asked))
    assert_column_is_seen(shop, HEAD)


def test_models_of_another_library(shop: Project) -> None:
    replaced(ENV, "target_metadata = Base.metadata", "target_metadata = None")(shop)
    replaced(ENV, "from shop.models import Base\n", "")(shop)
    shop.write(MODELS, "")
    listed = '[tool.alembic-lockstep.ignore]\n    "*" = "the models are not SQLAlchemy\'s"\n'
    asked = change_and_check(shop)
    assert_unjudged(asked, "there are no models", "target_metadata = sqlalchemy.MetaData()", listed)
    own = "import sqlalchemy\n\ntarget_metadata = sqlalchemy.MetaData()"
    replaced(ENV, "target_metadata = None", own)(shop)
    shop.git("commit", "--quiet", "-am", "No models")
    where = f"{FIRST_FILE}:{shop.line(FIRST_FILE, 'create_table(')}:21"
    result = change_and_check(shop, "--strict")
    assert_finding(result, f"{where}: missing-migration: table customers")
    shop.write("pyproject.toml", listed.replace("    ", ""))
    shop.stage("pyproject.toml")
    assert_clean(change_and_check(shop, "--strict"))


ASKING = """\
tenant = context.get_x_argument(as_dictionary=True)["tenant"]
config = context.config
"""


def test_an_argument_for_env_py_is_asked_for_and_given(shop: Project) -> None:
    replaced(ENV, "config = context.config\n", ASKING)(shop)
    asked = change_and_check(shop)
    assert_unjudged(asked, "KeyError: 'tenant'", '[tool.alembic-lockstep]\n    x = ["tenant=…"]')
    assert_clean(shop.check("-x", "tenant=a"))
    assert_clean(follow(shop, asked))
    shop.write("pyproject.toml", '[tool.alembic-lockstep]\nx = ["tenant=a"]\n')
    shop.stage("pyproject.toml")
    assert_clean(shop.check())
    shop.add_column()
    assert_finding(change_and_check(shop), "alembic -x tenant=a revision --autogenerate -m")


COMMAND = """\
config = context.config
assert config.cmd_opts.cmd[0].__name__ == "upgrade" and not config.cmd_opts.sql
assert __import__("sys").argv[-2:] == ["upgrade", "heads"]
"""
LOGGING = """\
if config.config_file_name is not None:
    fileConfig(config.config_file_name)
"""
GUARDED = LOGGING.replace(
    "config.config_file_name is not None", 'config.file_config.has_section("formatters")'
)


def test_what_the_command_gives_and_a_configuration_without_logging(shop: Project) -> None:
    replaced(ENV, "config = context.config\n", COMMAND)(shop)
    text = shop.read(INI)
    shop.write(INI, text[: text.index("[loggers]")])
    advice = "".join(f"    {line}\n" for line in GUARDED.splitlines())
    assert_unjudged(change_and_check(shop), "KeyError: 'formatters'", advice)
    replaced(ENV, LOGGING, GUARDED)(shop)
    assert_clean(change_and_check(shop))


def test_directives_that_are_emptied_whatever_they_hold_hide_nothing(shop: Project) -> None:
    always = EMPTYING.replace("    if directives[0].upgrade_ops.is_empty():\n    ", "")
    together(
        option("process_revision_directives=forget"),
        replaced(ENV, "def run_migrations_online() -> None:\n", always),
    )(shop)
    where = shop.add_column()
    assert_finding(change_and_check(shop), f"{where}5: missing-migration")


@pytest.mark.parametrize("template", ["generic", "async", "pyproject", "pyproject_async"])
def test_an_environment_that_alembic_wrote(shop: Project, template: str) -> None:
    head = take_shape(shop, lambda project: begin_anew(project, template))
    with shop.untouched():
        assert_column_is_seen(shop, head)


def begin_anew(project: Project, template: str) -> None:
    """Have Alembic write the environment from one of its templates, around the old migrations."""
    service = project.root / "service"
    shutil.move(service / "alembic", project.root.with_name("old"))
    (service / "alembic.ini").unlink()
    project.alembic("init", "-t", template, "alembic")
    for file in project.root.with_name("old").glob("versions/*.py"):
        shutil.copy(file, service / "alembic/versions")
    driver = "+aiosqlite" if "async" in template else ""
    project.replace(INI, "driver://user:pass@localhost/dbname", f"sqlite{driver}:///./shop.db")
    own = "from shop.models import Base\n\ntarget_metadata = Base.metadata"
    project.replace(ENV, "target_metadata = None", own)
