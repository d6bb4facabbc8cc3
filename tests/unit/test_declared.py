"""Tables that a file declares on a targeted base, told without running it."""

from __future__ import annotations

import ast

import pytest

from alembic_lockstep.pysource.declared_tables import Resolver
from alembic_lockstep.pysource.module_index import Module

BASES = {
    ("shop.base", "Base"),
    ("shop.base", "metadata"),
    ("shop.extensions", "db"),
    ("sqlmodel", "SQLModel"),
}
FILES = {
    "src/shop/base.py": "class Base: ...",
    "src/shop/extensions.py": "db = SQLAlchemy()",
    "src/shop/mixins.py": "from .base import Base\nclass Audited(Base):\n    __abstract__ = 1\n",
    "src/shop/other.py": "class OtherBase(DeclarativeBase): ...",
    "src/shop/sql/__init__.py": "from shop.base import *\nfrom shop.other import *\n",
}
COLUMN = "    id = mapped_column(Integer, primary_key=True)\n"


def tables(text: str) -> list[str]:
    files = {**FILES, "src/shop/new.py": text}
    declared = Resolver(BASES, files.get, files).tables("src/shop/new.py")
    return [f"{table.name}:{table.line}:{table.column}" for table in declared]


@pytest.mark.parametrize(
    "text",
    [
        "class Plain:\n    __tablename__ = 'plain'\n",
        "class Base: ...\nclass Own(Base):\n    __tablename__ = 'own'\n",
        f"from .other import OtherBase\nclass New(OtherBase):\n    __tablename__ = 't'\n{COLUMN}",
        f"from elsewhere import Base\nclass Theirs(Base):\n    __tablename__ = 't'\n{COLUMN}",
        f"from .base import Base\nclass Abstract(Base):\n    __abstract__ = True\n{COLUMN}",
        "from .base import Base\nclass Mixin(Base):\n    def method(self): ...\n",
        "from sqlmodel import SQLModel\nclass Schema(SQLModel):\n    name: str\n",
        "from sqlmodel import SQLModel\nclass Schema(SQLModel, table=False):\n    name: str\n",
        "from sqlalchemy import Table, MetaData\nhelper = Table('helper', MetaData())\n",
        "from .base import Base\nclass Broken(Base:\n",
        "from .base import Base\nprint('x' * 3)\n",
        "",
    ],
)
def test_no_table_of_a_targeted_base(text: str) -> None:
    assert tables(text) == []


@pytest.mark.parametrize(
    ("text", "position"),
    [
        (f"from .base import Base\nclass New(Base):\n    __tablename__ = 'n'\n{COLUMN}", "New:2:7"),
        ("from shop.base import Base as B\nclass New(B):\n    __tablename__ = 'n'\n", "New:2:7"),
        ("from shop import sql\nclass New(sql.Base):\n    __tablename__ = 'n'\n", "New:2:7"),
        ("from .sql import *\nclass New(Base):\n    __tablename__ = 'n'\n", "New:2:7"),
        ("import shop.base\nclass New(shop.base.Base):\n    __tablename__ = 'n'\n", "New:2:7"),
        ("from shop import base\nclass New(base.Base):\n    __tablename__ = 'n'\n", "New:2:7"),
        (f"from .mixins import Audited\nclass New(Audited):\n{COLUMN}", "New:2:7"),
        ("from .extensions import db\nclass New(db.Model):\n    id = db.Column(x)\n", "New:2:7"),
        (
            "from sqlmodel import SQLModel\nclass New(SQLModel, table=True):\n    id: int\n",
            "New:2:7",
        ),
        ("from .base import metadata\nnew = Table('new', metadata)\n", "new:2:7"),
        ("from .base import Base\nnew = sa.Table('new', Base.metadata)\n", "new:2:7"),
        ("from .extensions import db\nnew = db.Table('new', x)\n", "new:2:7"),
    ],
)
def test_a_table_of_a_targeted_base(text: str, position: str) -> None:
    assert tables(text) == [position]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("if TYPE_CHECKING:\n    Base = object\nelse:\n    Base = make()\n", "make()"),
        ("if typing.TYPE_CHECKING:\n    Base = object\nBase = make()\n", "make()"),
        ("if not TYPE_CHECKING:\n    Base = make()\nelse:\n    Base = object\n", "make()"),
        ("if NEW:\n    Base = make()\nelse:\n    Base = object\n", "make()"),
    ],
)
def test_what_only_a_type_checker_runs_defines_nothing(text: str, value: str) -> None:
    module = Module.parse("base.py", text)
    assert module is not None
    assert ast.unparse(module.definitions["Base"]) == value


def test_bases_that_import_each_other_come_to_an_end() -> None:
    files = {
        "a.py": "from b import B\nclass A(B):\n    __tablename__ = 'a'\n",
        "b.py": "from a import A\nclass B(A):\n    __tablename__ = 'b'\n",
    }
    assert Resolver(BASES, files.get, files).tables("a.py") == []


TABLE = """from .base import Base
class New(Base):
    __tablename__ = 't'
    id = mapped_column(Integer, primary_key=True)
"""


@pytest.mark.parametrize(
    ("more", "is_change"),
    [
        ("    name = mapped_column(String)\n", True),
        ("    name: Mapped[str]\n", True),
        ("    __table_args__ = (Index(None, 'id'),)\n", True),
        ("    @declared_attr\n    def name(cls): return mapped_column(String)\n", True),
        ("    def method(self): ...\n", False),
        ("    owner = relationship('Owner')\n", False),
        ("    # a comment\n", False),
        ("    'a docstring'\n", False),
    ],
)
def test_a_change_of_columns_is_told_from_one_of_methods(more: str, is_change: bool) -> None:
    assert (columns(TABLE) != columns(TABLE + more)) == is_change


@pytest.mark.parametrize(
    ("before", "after", "is_change"),
    [
        ("a: Mapped[Optional[str]]", "a: Mapped[str | None]", False),
        ("a: Mapped[Union[None, str]]", "a: 'Mapped[typing.Optional[str]]'", False),
        ("a: Mapped[typing.List['str']]", "a: Mapped[list[str]]", False),
        (
            "a: Mapped[Optional[D]] = mapped_column(DateTime, insert_default=partial(now, utc))",
            "a: Mapped[D | None] = mapped_column(DateTime, insert_default=partial(now, UTC))",
            False,
        ),
        (
            "a = Column(DateTime, default=datetime.utcnow, onupdate=datetime.utcnow)",
            "a = Column(DateTime, default=lambda: now(UTC), onupdate=lambda: now(UTC))",
            False,
        ),
        ("a = Column(Integer)", "a = Column(Integer, default=Sequence('s'))", True),
        ("a = Column(Integer)", "a = Column(Integer, default=SEQUENCE)", True),
        ("a = Column(Integer)", "a = Column(Integer, server_default='1')", True),
        ("a: str = Field(default='')", "a: str = Field(default=None)", True),  # SQLModel's
        ("a: Mapped[str]", "a: Mapped[Optional[str]]", True),
        ("a: Mapped[list[str]]", "a: Mapped[list[int]]", True),
        ("a: Mapped[Literal['str']]", "a: Mapped[Literal['int']]", True),
        ("a: Mapped[Annotated[str, 20]]", "a: Mapped[Annotated[str, 30]]", True),
        ("a: Mapped['not valid']", "a: Mapped['not valid either']", True),
        (
            "@declared_attr\n    def a(cls) -> Mapped[Optional[str]]: return mapped_column()",
            "@declared_attr\n    def a(cls) -> Mapped[str | None]: return mapped_column()",
            False,
        ),
        (
            "@declared_attr\n    def a(cls) -> Mapped[str]: return mapped_column()",
            "@declared_attr\n    def a(cls) -> Mapped[int]: return mapped_column()",
            True,
        ),
    ],
)
def test_a_change_of_the_schema_is_told_from_one_of_its_spelling(
    before: str, after: str, is_change: bool
) -> None:
    texts = [f"{TABLE}    {statement}\n" for statement in (before, after)]
    assert (columns(texts[0]) != columns(texts[1])) == is_change


def test_a_plain_table_is_the_same_with_another_default_of_pythons() -> None:
    text = "from .base import metadata\nt = Table('t', metadata, Column('a', default={}))\n"
    assert columns(text.format("utcnow()")) == columns(text.format("now(UTC)"))
    assert columns(text.format("utcnow()")) != columns(text.format("utcnow(), unique=True"))


def columns(text: str) -> str:
    files = {**FILES, "src/shop/new.py": text}
    (table,) = Resolver(BASES, files.get, files).tables("src/shop/new.py")
    return table.columns
