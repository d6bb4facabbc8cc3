"""What model files declare and what migrations do, told from their text."""

from __future__ import annotations

import pytest

from alembic_lockstep.pysource.module_index import Modules
from alembic_lockstep.static.apply import apply
from alembic_lockstep.static.compare import differences
from alembic_lockstep.static.models import read_models
from alembic_lockstep.static.upgrade import read_upgrade

IMPORTS = """
import enum
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Optional
import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship
from shop.base import Base, Stamped, Status, LENGTH, price, short
"""
FILES = {
    "src/shop/__init__.py": "",
    "src/shop/base.py": """
import enum
from typing import Annotated
from sqlalchemy import Column, DateTime, Numeric, String, func
from sqlalchemy.orm import DeclarativeBase, mapped_column
from .limits import LENGTH
class Base(DeclarativeBase): ...
class Stamped:
    made = Column(DateTime, server_default=func.now())
class Status(enum.Enum):
    NEW = "new"
    DONE = "done"
def price(digits=10): return Column(Numeric(digits, 2))
short = Annotated[str, mapped_column(String(9))]
""",
    "src/shop/limits.py": "LENGTH = 20\n",
}
GAME = """
class Game(Base):
    __tablename__ = "games"
    id = Column(Integer, primary_key=True)
"""
MIGRATION = """
from alembic import op
import sqlalchemy as sa
import sqlmodel
from sqlalchemy.dialects import postgresql
revision = "b"
down_revision = "a"
"""
NEW, VERSION = "src/shop/models.py", "versions/b.py"


def left(
    before: str, after: str, upgrade: str = "", files: dict[str, str] | None = None
) -> list[str]:
    """What is left to do for the models; what is not sure ends in a question mark."""
    old = {**FILES, NEW: IMPORTS + before}
    migration = MIGRATION + ("" if "def upgrade" in upgrade else _upgrade(upgrade))
    new = {**old, NEW: IMPORTS + after, VERSION: migration + upgrade * ("def upgrade" in upgrade)}
    new.update(files or {})
    base, wanted = (read_models(Modules(one.get, one), [NEW]) for one in (old, new))
    state = apply(base.tables, read_upgrade(Modules(new.get, new), VERSION))
    found = differences(wanted.tables, state, base.tables)
    unread = [f"{one.what} (line {one.line})" for one in state.unread]
    kinds = [(one.operation.kind.partition("_")[0], one) for one in found]
    return [
        f"{kind} {one.operation.text}{'' if one.is_sure else '?'}" for kind, one in kinds
    ] + unread


def _upgrade(text: str) -> str:
    lines = text.strip().splitlines() or ["pass"]
    return "def upgrade():\n" + "".join(f"    {line}\n" for line in lines)


def column(text: str) -> str:
    return f"{GAME}    {text}\n"


@pytest.mark.parametrize(
    "after",
    [
        '"""About games."""\n' + GAME,
        GAME + "    def play(self): return Column(Integer)\n",
        GAME + "    @property\n    def name(self): ...\n",
        GAME + "    owner = relationship('Owner')\n",
        GAME + "    owner: Mapped['Owner'] = relationship(back_populates='games')\n",
        GAME + "    limit = 10\n",
        GAME.replace("Column(Integer, ", "Column(\n        sa.Integer(), "),
        GAME.replace("primary_key=True", "primary_key=True, nullable=False, default=1, doc='x'"),
        GAME.replace("id = Column(", "id: Mapped[int] = mapped_column("),
        GAME.replace(
            "id = Column(Integer, primary_key=True)",
            "id: Mapped[int] = mapped_column(primary_key=True)",
        ),
        GAME.replace('"games"', "'ga' + 'mes'"),
        GAME.replace("class Game", "class Match"),
        "games = Table('games', Base.metadata, Column('id', Integer, primary_key=True))",
        GAME + "class Named:\n    name = Column(String)\nclass Schema:\n    name: Mapped[str]\n",
        GAME + "class Abstract(Base):\n    __abstract__ = True\n    name = Column(String)\n",
    ],
)
def test_what_changes_no_schema(after: str) -> None:
    assert left(GAME, after) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name = Column(String(20))", "sa.String(length=20)"),
        ("name = Column(String(LENGTH))", "sa.String(20)"),
        ("name = Column('name', VARCHAR(2 * 10))", "sa.String(20)"),
        ("name: Mapped[Optional[str]]", "sa.String()"),
        ("name: Mapped[str | None]", "sa.VARCHAR()"),
        ("name: Mapped['Optional[str]']", "sa.String()"),
        ("name: Mapped[str]", "sa.String(), nullable=False"),
        ("name: Mapped[short]", "sa.String(9), nullable=False"),
        ("name: Mapped[Optional[short]]", "sa.String(9)"),
        ("name: Mapped[Annotated[int, mapped_column(nullable=True)]]", "sa.Integer()"),
        ("name: Mapped[datetime] = mapped_column()", "sa.DateTime(), nullable=False"),
        (
            "name: Mapped[Decimal] = mapped_column(Numeric(10, 2))",
            "sa.Numeric(precision=10, scale=2), nullable=False",
        ),
        ("name = price()", "sa.Numeric(10, 2)"),
        ("name = price(digits=8)", "sa.Numeric(8, 2)"),
        (
            "name = Column(Boolean, server_default=false(), nullable=False)",
            "sa.Boolean(), server_default=sa.text('false'), nullable=False",
        ),
        ("name = Column(Integer, server_default='0')", 'sa.Integer(), server_default=sa.text("0")'),
        (
            "name = Column(DateTime, server_default=func.now())",
            "sa.DateTime(), server_default=sa.text('CURRENT_TIMESTAMP')",
        ),
        ("name = Column(Integer)", "sa.Integer(), server_default='0'"),
        ("name = Column(Enum(Status))", "sa.Enum('NEW', 'DONE', name='status')"),
        (
            "name = Column(Enum(Status, values_callable=lambda e: [m.value for m in e]))",
            "postgresql.ENUM('new', 'done', name='status', create_type=False)",
        ),
        ("name: Mapped[Status]", "sa.Enum('NEW', 'DONE', name='status'), nullable=False"),
        ("name: Mapped[Literal['a', 'b']]", "sa.Enum('a', 'b', native_enum=False), nullable=False"),
        ("name = Column(JSON().with_variant(postgresql.JSONB(), 'postgresql'))", "sa.JSON()"),
        ("name = Column(postgresql.ARRAY(String))", "postgresql.ARRAY(sa.String())"),
        ("name = Column(elsewhere.Odd(3))", "elsewhere.types.Odd()"),
        ("name = Column(String(20), comment='who')", "sa.String(20), comment='who'"),
    ],
)
def test_a_column_and_its_migration(text: str, code: str) -> None:
    after = column(text)
    assert left(GAME, after, f"op.add_column('games', sa.Column('name', {code}))") == []
    batch = f"    batch.add_column(sa.Column('name', {code}))"
    assert left(GAME, after, f"with op.batch_alter_table('games') as batch:\n{batch}") == []
    assert left(GAME, after) == ["add column games.name"]
    assert left(after, GAME, "op.drop_column('games', 'name')") == []
    assert left(after, GAME) == ["remove column games.name"]


@pytest.mark.parametrize(
    ("old", "new", "code", "missing"),
    [
        ("String(10)", "String(20)", "type_=sa.String(length=20)", "type"),
        ("String(10)", "Text", "type_=sa.Text()", "type"),
        ("Integer", "Integer, nullable=False", "nullable=False", "nullable"),
        ("DateTime", "DateTime(timezone=True)", "type_=sa.TIMESTAMP(timezone=True)", "type"),
        ("Integer", "Integer, server_default='1'", "server_default='1'", "server default"),
        (
            "Integer, server_default='1'",
            "Integer, server_default='2'",
            "server_default=sa.text('2')",
            "server default",
        ),
        ("Integer, server_default='1'", "Integer", "server_default=None", "server default"),
        ("Integer", "Integer, comment='x'", "comment='x'", "comment"),
    ],
)
def test_an_altered_column(old: str, new: str, code: str, missing: str) -> None:
    before, after = column(f"name = Column({old})"), column(f"name = Column({new})")
    expected = [f"modify {missing} of column games.name"]
    assert left(before, after) == expected
    assert left(before, after, f"op.alter_column('games', 'name', {code})") == []
    assert left(before, after, "op.alter_column('games', 'id', autoincrement=True)") == expected


@pytest.mark.parametrize(
    ("what", "code", "missing", "drop"),
    [
        (
            "Index('ix', 'size')",
            "op.create_index('ix', 'games', ['size'])",
            "index ix",
            "op.drop_index('ix', table_name='games')",
        ),
        (
            "Index(None, 'size', unique=True)",
            "op.create_index(op.f('ix_games_size'), 'games', ['size'], unique=True)",
            "index on games (size)",
            "op.drop_index(op.f('ix_games_size'))",
        ),
        (
            "UniqueConstraint('size')",
            "op.create_unique_constraint('uq', 'games', ['size'])",
            "unique constraint on games (size)",
            "op.drop_constraint('games_size_key', 'games', type_='unique')",
        ),
        (
            "CheckConstraint('size > 0', name='enough')",
            "op.create_check_constraint('enough', 'games', 'size > 0')",
            "check constraint enough",
            "op.drop_constraint('enough', 'games')",
        ),
        (
            "ForeignKeyConstraint(['size'], ['sizes.id'], ondelete='CASCADE')",
            "op.create_foreign_key(None, 'games', 'sizes', ['size'], ['id'], ondelete='CASCADE')",
            "foreign key games.size to sizes.id",
            "op.drop_constraint('games_size_fkey', 'games', type_='foreignkey')",
        ),
    ],
)
def test_indexes_and_constraints(what: str, code: str, missing: str, drop: str) -> None:
    before = column("size = Column(Integer)")
    after = f"{before}    __table_args__ = ({what}, {{'sqlite_autoincrement': True}})\n"
    assert left(before, after) == [f"add {missing}"]
    assert left(before, after, code) == []
    assert left(after, before) == [f"remove {missing}"]
    assert left(after, before, drop) == []


def test_options_of_columns_that_make_indexes_and_keys() -> None:
    before = column("size = Column(Integer)")
    after = column("size = Column(Integer, ForeignKey('sizes.id'), index=True)")
    key, index = "foreign key games.size to sizes.id", "index on games (size)"
    assert left(before, after) == [f"add {index}", f"add {key}"]
    batch = """
with op.batch_alter_table('games', schema=None) as batch_op:
    batch_op.create_index(batch_op.f('ix_games_size'), ['size'], unique=False)
    batch_op.create_foreign_key(None, 'sizes', ['size'], ['id'])
"""
    assert left(before, after, batch) == []
    assert left(before, after, batch.replace("'sizes'", "'others'")) == [
        f"add {key}",
        "remove foreign key games.size to others.id",
    ]


def test_an_index_after_the_class() -> None:
    before = column("size = Column('big', Integer)")
    after = f"{before}\nIndex('ix', Game.size.desc(), Game.id)\n"
    assert left(before, after) == ["add index ix"]
    assert left(before, f"{before}\nIndex('ix', Game.size)\n") == ["add index ix"]
    create = "op.create_index('ix', 'games', ['big'])"
    assert left(before, f"{before}\nIndex('ix', Game.size)\n", create) == []


@pytest.mark.parametrize(
    ("models", "migration", "is_same"),
    [
        ("postgresql_where=A, sqlite_where=A", "postgresql_where=A", True),
        ("sqlite_where=A", "sqlite_where=A, mysql_length=9", True),
        ("postgresql_where=A, sqlite_where=A", "postgresql_using='gin'", False),
        ("postgresql_where=A", "", False),
        ("postgresql_where=A, unique=True", "postgresql_where=A", False),
    ],
)
def test_an_option_for_a_database_that_the_migrations_are_not_for_is_no_difference(
    models: str, migration: str, is_same: bool
) -> None:
    models, migration = (one.replace("=A", "=text('size > 1')") for one in (models, migration))
    before = column("size = Column(Integer)")
    after = f"{before}\nIndex('ix', Game.size, {models})\n"
    create = f"op.create_index('ix', 'games', ['size'], {migration})"
    assert (left(before, after, create) == []) == is_same


CREATE = """
op.create_table('games',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('made', sa.DateTime(), server_default=sa.text('now()'), nullable=True),
    sa.Column('owner_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['owner_id'], ['owners.id'], ),
    sa.PrimaryKeyConstraint('id'),
)
"""
OWNER = """
class Owner(Base):
    __tablename__ = "owners"
    id = Column(Integer, primary_key=True)
"""
OWNED = f"""{OWNER}
class Game(Stamped, Base):
    __tablename__ = "games"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id = Column(ForeignKey(Owner.id), nullable=False)
    owner: Mapped[Owner] = relationship()
"""


def test_a_table_of_a_mixin_and_its_migration() -> None:
    assert left(OWNER, OWNED) == ["add table games"]
    assert left(OWNER, OWNED, CREATE) == []
    short = CREATE.replace("    sa.Column('made'", "    #")
    assert left(OWNER, OWNED, short) == ["add column games.made"]
    assert left(OWNER, OWNER, CREATE) == ["remove table games"]
    assert left(OWNED, OWNER, "op.drop_table('games')") == []
    assert left(OWNED, OWNER) == ["remove table games"]


def test_a_foreign_key_has_the_type_of_what_it_refers_to_whatever_is_annotated() -> None:
    owner = OWNER.replace("Integer", "BigInteger")
    owned = f"""{owner}
class Game(Base):
    __tablename__ = "games"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
    after = f"{owned}    owner_id: Mapped[int] = mapped_column(ForeignKey('owners.id'))\n"
    add = (
        "op.add_column('games', sa.Column('owner_id', sa.{}(), nullable=False))\n"
        "op.create_foreign_key(None, 'games', 'owners', ['owner_id'], ['id'])"
    )
    assert left(owned, after, add.format("BigInteger")) == []
    assert left(owned, after, add.format("Integer")) == ["modify type of column games.owner_id"]


@pytest.mark.parametrize("option", ["postgresql_using='btree'", "mysql_using='btree'", ""])
def test_an_option_that_says_the_default_says_nothing(option: str) -> None:
    before = column("size = Column(Integer)")
    after = f"{before}Index('ix', Game.size)\n"
    assert left(before, after, f"op.create_index('ix', 'games', ['size'], {option})") == []
    assert left(before, after.replace("size)", f"size, {option})"), CREATE_IX) == []
    gin = "op.create_index('ix', 'games', ['size'], postgresql_using='gin')"
    assert left(before, after, gin) != []


CREATE_IX = "op.create_index('ix', 'games', ['size'])"
HELPER = "def is_postgres():\n    return op.get_bind().dialect.name == 'postgresql'\n"


@pytest.mark.parametrize(
    "test",
    [
        "op.get_bind().dialect.name == 'postgresql'",
        "op.get_context().dialect.name != 'sqlite'",
        "is_postgres()",
    ],
)
def test_what_a_migration_does_on_the_server_counts(test: str) -> None:
    before = column("size = Column(Integer)")
    after = f"{before}Index('ix', Game.size)\n"
    upgrade = f"{HELPER}def upgrade():\n    if {test}:\n        {CREATE_IX}\n"
    assert left(before, after, upgrade) == []
    assert left(before, before, upgrade) == ["remove index ix"]
    other = "if op.get_bind().dialect.name == 'sqlite':\n    pass\nelse:\n    " + CREATE_IX
    assert left(before, after, other) == []


def test_a_renamed_table_and_a_renamed_column() -> None:
    after = GAME.replace("games", "matches") + "    size = Column(Integer)\n"
    before = column("length = Column(Integer)")
    rename = "op.rename_table('games', 'matches')\n"
    assert left(before, after, rename) == [
        "add column matches.size",
        "remove column matches.length",
    ]
    both = f"{rename}op.alter_column('matches', 'length', new_column_name='size')"
    assert left(before, after, both) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "missing"),
    [
        ("src/shop/limits.py", "20", "30", "modify type of column games.name"),
        ("src/shop/base.py", "made = Column", "gone = Column", "add column games.gone"),
        ("src/shop/base.py", 'DONE = "done"', 'OVER = "over"', "modify enum status"),
    ],
)
def test_what_models_import(path: str, old: str, new: str, missing: str) -> None:
    models = GAME.replace("(Base)", "(Stamped, Base)") + (
        "    name = Column(String(LENGTH))\n    status = Column(Enum(Status))\n"
    )
    assert missing in left(models, models, files={path: FILES[path].replace(old, new)})
    assert left(models, models, files={path: f"{FILES[path]}\nOTHER = 1\n"}) == []


def test_default_names_of_tables() -> None:
    key = "    id = db.Column(db.Integer, primary_key=True)\n"
    flask = f"db = SQLAlchemy()\nclass OldVisit(db.Model):\n{key}"
    assert left("", flask) == ["add table old_visit"]
    hero = "class OldHero(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n"
    assert left("", f"from sqlmodel import *\n{hero}") == ["add table oldhero"]
    named = "    @declared_attr\n    def __tablename__(cls): return cls.__name__.lower() + 's'\n"
    thing = "class Thing(Named, Base):\n    id = Column(Integer, primary_key=True)\n"
    assert left("", f"class Named:\n{named}{thing}") == ["add table things"]


HERO = """
from pydantic import EmailStr, PrivateAttr
from sqlmodel import *
class HeroBase(SQLModel):
    name: str = Field(max_length=80)
class Hero(HeroBase, table=True):
    id: Optional[int] = Field(default=None, primary_key=True)
"""


def test_fields_of_sqlmodel() -> None:
    more = f"""{HERO}
    age: Optional[int] = Field(default=None, index=True, foreign_key='ages.id')
    email: EmailStr
    teams: list['Team'] = Relationship(back_populates='heroes')
    _is_author: Optional[bool] = PrivateAttr(default=None)
class HeroPublic(HeroBase):
    rank: int
"""
    missing = ["add column hero.age", "add column hero.email", "add index on hero (age)"]
    assert left(HERO, more) == [*missing, "add foreign key hero.age to ages.id"]
    create = """
op.add_column('hero', sa.Column('age', sa.Integer(), nullable=True))
op.add_column('hero', sa.Column('email', sqlmodel.sql.sqltypes.AutoString(), nullable=False))
op.create_index(op.f('ix_hero_age'), 'hero', ['age'], unique=False)
op.create_foreign_key(None, 'hero', 'ages', ['age'], ['id'])
"""
    assert left(HERO, more, create) == []


def test_tables_of_a_helper_in_a_class() -> None:
    helper = "def table(*args, **kw):\n    kw['x'] = 'y'\n    return Table(*args, **kw)\n"
    text = "class Model:\n    metadata = MetaData()\n    games = table('games', metadata, {})\n"
    before, after = (
        helper + text.format(columns)
        for columns in ("Column('id', Integer)", "Column('id', Integer), Column('size', Integer)")
    )
    assert left(before, after) == ["add column games.size"]
    assert left(after, f"{after}    Index('ix', games.c.size)\n") == ["add index ix"]


def test_inheritance() -> None:
    parent = GAME + "class Quiz(Game):\n    "
    assert left(GAME, f"{parent}rounds = Column(Integer)\n") == ["add column games.rounds"]
    joined = "__tablename__ = 'quizzes'\n    id = Column(ForeignKey(Game.id), primary_key=True)\n"
    assert left(GAME, parent + joined) == ["add table quizzes"]


SQL = "ALTER TABLE games ADD name INT"
ADD = "op.add_column('games', sa.Column('name', sa.Integer()))"
ADD_TO = ADD.replace("'games'", "table")
WITH_NAME = column("name = Column(Integer)")


@pytest.mark.parametrize(
    "upgrade",
    [
        f"for table in ('games',):\n    {ADD_TO}",
        f"op.execute('UPDATE games SET id = 1')\n{ADD}",
        f"op.get_bind().execute(sa.text('SELECT 1')).fetchall()\n{ADD}",
        f"games = sa.table('games')\nop.execute(games.update().values(id=1))\n{ADD}",
        f"with op.get_context().autocommit_block():\n    {ADD}",
        f"def helper(table):\n    {ADD_TO}\ndef upgrade():\n    helper('games')\n",
        f"def upgrade(name):\n    globals()[name]()\ndef upgrade_one():\n    {ADD}\n",
        f"print('adding')\nop.execute('CREATE EXTENSION citext')\n{ADD}",
    ],
)
def test_what_of_a_migration_can_be_read(upgrade: str) -> None:
    assert left(GAME, WITH_NAME, upgrade) == []


@pytest.mark.parametrize(
    ("upgrade", "why"),
    [
        (f"if op.get_bind():\n    {ADD}", "it depends on a condition, what it does"),
        (f"for one in names():\n    {ADD}", "it depends on a loop, what it does"),
        (f"if x:\n    return\n{ADD}", "it may have returned before, what it does"),
        (f"op.execute({SQL!r})", f"it executes SQL ({SQL})"),
        ("op.execute(open('up.sql').read())", "it executes SQL that is made while it runs"),
        ("op.add_column(TABLE, sa.Column('name'))", "the table of op.add_column() cannot be told"),
        ("op.conjure('games')", "op.conjure() is not known"),
        ("helpers.add_name(op)", "it calls add_name(), which is not in this repository"),
    ],
)
def test_what_of_a_migration_cannot_be_read(upgrade: str, why: str) -> None:
    upgrade = f"import helpers\n{upgrade}" if "helpers" in upgrade else upgrade
    found = left(GAME, WITH_NAME, upgrade)
    assert [one.rpartition(" (line")[0] for one in found[1:]] == [why]


def test_labels_by_sql() -> None:
    before, after = (column(f"k = Column(Enum({v}, name='kind'))") for v in ("'a'", "'a', 'b'"))
    assert left(before, after, "op.execute(\"ALTER TYPE kind ADD VALUE IF NOT EXISTS 'b'\")") == []
    assert left(before, after, "op.execute(\"ALTER TYPE kind ADD VALUE 'c'\")") == [
        "modify enum kind"
    ]
    alter = "op.alter_column('games', 'k', type_=sa.Enum('a', 'b', name='kind'))"
    assert left(before, after, alter) == []
    sync = "op.sync_enum_values('public', 'kind', ['a', 'b'], [])"
    assert left(before, after, sync) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("String(size(1))", "String(size(2))", ["modify type of column games.name?"]),
        ("String(size(1))", "String(size(1))", []),
        ("size.Odd", "String", ["modify type of column games.name?"]),
    ],
)
def test_what_of_models_cannot_be_told(old: str, new: str, found: list[str]) -> None:
    made = "def size(n):\n    for i in range(n): pass\n    return i\n"
    before, after = (f"{made}{column(f'name = Column({one})')}" for one in (old, new))
    assert left(before, after) == found


def test_definitions_that_lead_in_a_circle_come_to_an_end() -> None:
    odd = "A = B\nB = A\n" + column("name = Column(String(A), default=lambda: name + id)")
    twice = "def f(x): return g(x) + g(x)\ndef g(x): return f(x) + f(x)\n"
    assert left(odd, odd) == []
    assert left(GAME, twice + column("name = Column(String(f(1)))")) == ["add column games.name"]
