"""Extensions that the base needs and no migration makes, as its history is not replayed."""

from __future__ import annotations

import pytest

from .harness import Project
from .subfolder_project import (
    ENV,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
)

TABLE = """

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql


class Thing(Base):
    __tablename__ = "things"
    {arguments}

    id: Mapped[int] = mapped_column(primary_key=True)
    {column}
"""
#: By extension: what the table of the models has, and its column.
NEEDING = {
    "uuid-ossp": ("", "key = sa.Column(sa.UUID, server_default=sa.text('uuid_generate_v4()'))"),
    "pgcrypto": ("", "key = sa.Column(sa.Text, server_default=sa.text(\"crypt('a', 'b')\"))"),
    "citext": ("", "name = sa.Column(postgresql.CITEXT)"),
    "hstore": ("", "pairs = sa.Column(postgresql.HSTORE)"),
    "pg_trgm": (
        "__table_args__ = (sa.Index('t', 'name', postgresql_using='gin', "
        "postgresql_ops={'name': 'gin_trgm_ops'}),)",
        "name = sa.Column(sa.Text)",
    ),
    "btree_gist": (
        "__table_args__ = (postgresql.ExcludeConstraint(('room', '=')),)",
        "room = sa.Column(sa.Integer)",
    ),
}


def begin_with(shop: Project, extension: str) -> None:
    """Commit a model that needs an extension which no migration makes."""
    shop.environ["ALEMBIC_LOCKSTEP_START"] = "base-models"
    arguments, column = NEEDING[extension]
    shop.write(MODELS, shop.read(MODELS) + TABLE.format(arguments=arguments, column=column))
    shop.git("commit", "--quiet", "--all", "-m", "As it has been for years")


@pytest.mark.parametrize("extension", NEEDING)
def test_an_extension_that_the_base_needs_is_there(
    shop_on_postgresql: Project, extension: str
) -> None:
    """It was "create_all() of the base's models failed", and took a setting."""
    begin_with(shop_on_postgresql, extension)
    said = f"need the extension {extension}, which the scratch database was given"
    assert_clean(
        change_and_check(shop_on_postgresql), "0 revisions run from the base's models", said
    )
    where = shop_on_postgresql.add_column()
    shop_on_postgresql.stage(MODELS)
    assert_finding(shop_on_postgresql.check(), where, "missing-migration")


@pytest.mark.parametrize("block", ["transaction", "autocommit"])
def test_an_extension_that_the_commit_needs_it_has_to_make(
    shop_on_postgresql: Project, block: str
) -> None:
    if block == "autocommit":
        line = "with connectable.connect() as connection:"
        options = ".execution_options(isolation_level='AUTOCOMMIT')"
        shop_on_postgresql.replace(ENV, line, line.replace("connect()", f"connect(){options}"))
    begin_with(shop_on_postgresql, "hstore")
    column = NEEDING["hstore"][1]
    shop_on_postgresql.replace(MODELS, column, f"{column}\n    name = sa.Column(postgresql.CITEXT)")
    shop_on_postgresql.stage(MODELS)
    add = "op.add_column('things', sa.Column('name', sa.dialects.postgresql.CITEXT))"
    imported = "import sqlalchemy.dialects.postgresql\n    "
    path = add_migration(shop_on_postgresql, "abababababab", upgrade=imported + add)
    assert_finding(
        change_and_check(shop_on_postgresql), f"{path}:", "broken-upgrade", 'type "citext" does not'
    )
    text = shop_on_postgresql.read(path).replace(
        imported, f"op.execute('CREATE EXTENSION citext')\n    {imported}"
    )
    shop_on_postgresql.write(path, text)
    assert_clean(change_and_check(shop_on_postgresql), "need the extension hstore")


def test_what_no_extension_makes_is_named_as_before(shop_on_postgresql: Project) -> None:
    code = "key = sa.Column(sa.UUID, server_default=sa.text('uuid_of_ours()'))"
    begin_with(shop_on_postgresql, "citext")
    shop_on_postgresql.replace(MODELS, NEEDING["citext"][1], code)
    shop_on_postgresql.git(
        "commit", "--quiet", "--all", "-m", "A function that somebody made by hand"
    )
    assert_unjudged(change_and_check(shop_on_postgresql), "function uuid_of_ours() does not exist")
