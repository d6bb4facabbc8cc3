"""What model files declare and what migrations do, told from their text."""

from __future__ import annotations

import pytest

from alembic_lockstep.pysource.module_index import Modules
from alembic_lockstep.static.apply import apply
from alembic_lockstep.static.compare import differences
from alembic_lockstep.static.declarations import read_declarations
from alembic_lockstep.static.tables import Unread
from alembic_lockstep.static.upgrade import Steps, read_upgrade

IMPORTS = """
import enum
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Optional
import sqlalchemy as sa
from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, relationship
from shop.base import Base, Stamped, Status, LENGTH, enum_type, price, short
"""
FILES = {
    "src/shop/__init__.py": "",
    "src/shop/base.py": """
import enum
from typing import TYPE_CHECKING, Annotated
from sqlalchemy import Column, DateTime, Enum, Numeric, String, func
from sqlalchemy.orm import DeclarativeBase, mapped_column
from .limits import LENGTH
if TYPE_CHECKING:
    Base = object
else:
    class Base(DeclarativeBase): ...
class Stamped:
    made = Column(DateTime, server_default=func.now())
class Status(enum.Enum):
    NEW = "new"
    DONE = "done"
def price(digits=10): return Column(Numeric(digits, 2))
enum_type = Enum(Status)
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
    """Return the differences left by migrations; those that are not sure end in a question mark."""
    old = {**FILES, NEW: IMPORTS + before}
    new = {**old, NEW: IMPORTS + after, **(files or {})}
    base, declared = (
        read_declarations(Modules(tree.get, tree), [NEW]).tables for tree in (old, new)
    )
    missing = differences(declared, apply(base, steps_of(upgrade)), base)
    return [
        f"{operation.kind.partition('_')[0]} {operation.text}{'' if is_sure else '?'}"
        for operation, is_sure in missing.items()
    ]


def steps_of(upgrade: str) -> Steps:
    """What a migration does."""
    text = upgrade if "def upgrade" in upgrade else _upgrade(upgrade)
    files = {VERSION: MIGRATION + text}
    return read_upgrade(Modules(files.get, files), VERSION)


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
        GAME + "    owner = relationship('Owner')\n",
        GAME + "    owner: Mapped['Owner'] = relationship(back_populates='games')\n",
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
        ("name = Column('name', VARCHAR(20))", "sa.String(20)"),
        ("name: Mapped[Optional[str]]", "sa.String()"),
        ("name: Mapped[str | None]", "sa.VARCHAR()"),
        ("name: Mapped[str]", "sa.String(), nullable=False"),
        ("name: Mapped[short]", "sa.String(9), nullable=False"),
        ("name: Mapped[Optional[short]]", "sa.String(9)"),
        ("name: Mapped[Annotated[int, mapped_column(nullable=True)]]", "sa.Integer()"),
        ("name: Mapped[datetime] = mapped_column()", "sa.DateTime(), nullable=False"),
        (
            "name: Mapped[Decimal] = mapped_column(Numeric(10, 2))",
            "sa.Numeric(precision=10, scale=2), nullable=False",
        ),
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
        ("name = Column(enum_type)", "sa.Enum('NEW', 'DONE', name='status')"),
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
    ("part", "code", "missing", "drop"),
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
def test_indexes_and_constraints(part: str, code: str, missing: str, drop: str) -> None:
    before = column("size = Column(Integer)")
    after = f"{before}    __table_args__ = ({part}, {{'sqlite_autoincrement': True}})\n"
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
    assert left(before, after) == ["add index ix?"]
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
    models, migration = (code.replace("=A", "=text('size > 1')") for code in (models, migration))
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
    assert left(OWNER, OWNER, CREATE) == ["remove table games?"]
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
    child = (
        "class Quiz(OldVisit):\n    id = db.Column(db.ForeignKey(OldVisit.id), primary_key=True)\n"
    )
    named = flask.replace(key, f"    __tablename__ = 'visits'\n{key}")
    assert left(named, named + child) == ["add table quiz"]
    hero = "class OldHero(SQLModel, table=True):\n    id: int = Field(primary_key=True)\n"
    assert left("", f"from sqlmodel import *\n{hero}") == ["add table oldhero"]
    named = "    @declared_attr\n    def __tablename__(cls): return cls.__name__.lower(){}\n"
    thing = "class Thing(Named, Base):\n    id = Column(Integer, primary_key=True)\n"
    assert left("", f"class Named:\n{named.format('')}{thing}") == ["add table thing"]
    computed = ["add table of Thing (src/shop/models.py)?"]
    assert left("", f"class Named:\n{named.format(' + chr(115)')}{thing}") == computed


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
    missing = ["add column hero.age", "add index on hero (age)"]
    missing += ["add foreign key hero.age to ages.id", "add column hero.email"]
    assert left(HERO, more) == missing
    create = """
op.add_column('hero', sa.Column('age', sa.Integer(), nullable=True))
op.add_column('hero', sa.Column('email', sqlmodel.sql.sqltypes.AutoString(), nullable=False))
op.create_index(op.f('ix_hero_age'), 'hero', ['age'], unique=False)
op.create_foreign_key(None, 'hero', 'ages', ['age'], ['id'])
"""
    assert left(HERO, more, create) == []


def test_a_field_of_sqlmodel_has_the_type_that_is_annotated() -> None:
    """A mapped column takes that of its foreign key. Such an enum is text in old versions."""
    kind = "class Kind(str, enum.Enum):\n    A = 'a'\n"
    key = "    id: Decimal = Field(primary_key=True)\n"
    before = f"{kind}{HERO}class Team(SQLModel, table=True):\n{key}"
    after = before.replace(
        "class Team", "    team: int = Field(foreign_key='team.id')\n    kind: Kind\nclass Team"
    )
    add = "op.add_column('hero', sa.Column('team', sa.Integer(), nullable=False))\n"
    add += "op.create_foreign_key(None, 'hero', 'team', ['team'], ['id'])\n"
    for kind_type in ("sa.Enum('A', name='kind')", "sqlmodel.AutoString()"):
        column = f"op.add_column('hero', sa.Column('kind', {kind_type}, nullable=False))"
        assert left(before, after, add + column) == []
    assert left(before, after, add.replace("Integer", "Numeric") + column) == [
        "modify type of column hero.team"
    ]


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


SQL, MADE_SQL = "ALTER TABLE games ADD name INT", "it executes SQL that is made while it runs"
ADD = "op.add_column('games', sa.Column('name', sa.Integer()))"
ADD_TO = ADD.replace("'games'", "table")
RETRIED = """
TABLES = ('games',)
def run(sql): op.execute(sql)
def retry(sql): run(sql)
def upgrade():
    for table in TABLES:
        retry(f'ALTER TABLE {table} ADD name INT')
"""
WITH_NAME = column("name = Column(Integer)")


@pytest.mark.parametrize(
    "upgrade",
    [
        f"op.execute('UPDATE games SET id = 1')\n{ADD}",
        f"op.get_bind().execute(sa.text('SELECT 1')).fetchall()\n{ADD}",
        f"games = sa.table('games')\nop.execute(games.update().values(id=1))\n{ADD}",
        f"rows = list(op.get_bind().execute(sa.text('SELECT 1')))\n{ADD}",
        f"assert op.get_bind().execute(sa.select(1)).all()\n{ADD}",
        f"with op.get_context().autocommit_block():\n    {ADD}",
        f"table = 'games'\n{ADD_TO}",
        "new = sa.Column('name', sa.Integer())\nop.add_column('games', new)",
        f"def upgrade(name):\n    globals()[name]()\ndef upgrade_one():\n    {ADD}\n",
        f"print('adding')\nop.execute('CREATE EXTENSION citext')\n{ADD}",
        f"for one in names():\n    print(one)\n{ADD}",
        f"if op.get_bind().dialect.name == 'sqlite':\n    return\n{ADD}",
    ],
)
def test_what_of_a_migration_can_be_read(upgrade: str) -> None:
    assert left(GAME, WITH_NAME, upgrade) == []


@pytest.mark.parametrize(
    ("upgrade", "why", "is_about_it"),
    [
        (f"if op.get_bind():\n    {ADD}", "it depends on a condition", True),
        (f"for one in names():\n    {ADD}", "it depends on a loop", True),
        (f"for table in ('games',):\n    {ADD_TO}", "it depends on a loop", True),
        (f"if x:\n    return\n{ADD}", "it may have returned before", True),
        (f"op.execute({SQL!r})", f"it executes SQL ({SQL})", True),
        ("op.execute(f'ALTER TABLE {x()} ADD size INT')", MADE_SQL, False),
        (RETRIED, "it depends on a loop", True),
        ("op.execute(open('up.sql').read())", MADE_SQL, True),
        ("op.add_column(TABLE(), sa.Column('name'))", "what op.add_column() changes", False),
        ("op.conjure('games', 'name')", "what op.conjure() changes cannot be told", True),
        ("helpers.add_name(op)", "it calls helpers.add_name()", True),
        ("[op.add_column(t, c) for t, c in columns()]", "it depends on a loop", True),
        ("added = [op.add_column(t, c) for t, c in x()]", "what op.add_column() changes", True),
        (f"names() and {ADD}", "it depends on a condition", True),
        (f"{ADD} if names() else None", "it depends on a condition", True),
        (f"match names():\n    case 'a':\n        {ADD}", "it depends on a condition", True),
        (
            f"def again(sql):\n    op.execute(sql)\n    again(sql)\n"
            f"def upgrade():\n    again({SQL!r})\n",
            "it calls again()",
            True,
        ),
        (
            f"def helper(t):\n    {ADD_TO}\ndef upgrade():\n    helper('games')\n",
            "it calls helper()",
            True,
        ),
    ],
)
def test_what_of_a_migration_cannot_be_read_may_be_about_what_it_names(
    upgrade: str, why: str, is_about_it: bool
) -> None:
    upgrade = f"import helpers\n{upgrade}" if "helpers" in upgrade else upgrade
    (step,) = steps_of(upgrade)
    assert isinstance(step, Unread)
    assert step.text.startswith(why)
    assert (step.words is None or {"games", "name"} <= step.words) == is_about_it


def test_labels_by_sql() -> None:
    before, after = (column(f"k = Column(Enum({v}, name='kind'))") for v in ("'a'", "'a', 'b'"))
    assert left(before, after, "op.execute(\"ALTER TYPE kind ADD VALUE IF NOT EXISTS 'b'\")") == []
    assert left(before, after, "op.execute(\"ALTER TYPE kind ADD VALUE 'c'\")") == [
        "modify enum kind"
    ]
    alter = "op.alter_column('games', 'k', type_=sa.Enum('a', 'b', name='kind'))"
    assert left(before, after, alter) == []


def test_an_enum_that_differed_before_is_old_and_another_one_named_once() -> None:
    before = column("k = Column(Enum('a', name='kind'))")
    after = before + "    m = Column(Enum('a', name='kind'))\n"
    type_ = "sa.Enum('a', 'b', name='kind')"
    add = f"op.add_column('games', sa.Column('m', {type_}))"
    assert left(before, after, add) == []
    assert left(before, after, f"{type_}.create(op.get_bind(), checkfirst=True)\n{add}") == []
    assert left(after, after.replace("'a'", "'a', 'c'")) == ["modify enum kind"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("String(size(1))", "String(size(2))", ["modify type of column games.name?"]),
        ("String(size(1))", "String(size(1))", []),
        ("size.Odd", "String", ["modify type of column games.name?"]),
    ],
)
def test_what_of_models_cannot_be_told(old: str, new: str, expected: list[str]) -> None:
    function = "def size(n):\n    for i in range(n): pass\n    return i\n"
    before, after = (
        f"{function}{column(f'name = Column({arguments})')}" for arguments in (old, new)
    )
    assert left(before, after) == expected


def test_definitions_that_lead_in_a_circle_come_to_an_end() -> None:
    circle = "A = B\nB = A\n" + column("name = Column(String(A), default=lambda: name + id)")
    files = {**FILES, NEW: IMPORTS + circle}
    (unread,) = read_declarations(Modules(files.get, files), [NEW]).unread
    assert unread.label == f"{NEW}:1: its definitions lead in a circle"
    twice = "def f(*x): return g(*x)\ndef g(*x): return f(*x)\n"
    assert left(GAME, twice + column("name = Column(String(f(1)))")) == ["add column games.name"]
