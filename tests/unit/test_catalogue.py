"""Catalogue real models, each in an interpreter of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import alembic_lockstep
from alembic_lockstep.pysource.locate import locate

Observe = Callable[..., dict[str, Any]]

OBSERVE = """
import importlib, json, os, sys
root, source, metadata, *modules = sys.argv[1:]
sys.path[:0] = [root, source]
for name in modules:
    importlib.import_module(name)
module, _, path = metadata.partition(":")
target = importlib.import_module(module)
for part in path.split("."):
    target = getattr(target, part)
from alembic_lockstep.probe.catalogue import catalogue
metadatas = list(target.values()) if isinstance(target, dict) else [target]
print(json.dumps(catalogue(metadatas, os.path.realpath(root))))
"""
BASE = """
from sqlalchemy.orm import DeclarativeBase
class Base(DeclarativeBase):
    pass
"""
HEAD = """
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship
from shop.base import Base
"""


@pytest.fixture
def observe(tmp_path: Path) -> Observe:
    """Write the package `shop` and return its catalogue."""

    def run(metadata: str = "shop.base:Base.metadata", **files: str) -> dict[str, Any]:
        package = tmp_path / "shop"
        package.mkdir()
        for name, text in {"__init__": "", "base": BASE, **files}.items():
            (package / f"{name}.py").write_text(dedent(text), encoding="utf-8")
        modules = [f"shop.{name}" for name in files]
        source = str(Path(alembic_lockstep.__file__).parents[1])
        command = [sys.executable, "-c", OBSERVE, str(tmp_path), source, metadata, *modules]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        catalogued: dict[str, Any] = json.loads(done.stdout)
        return catalogued

    return run


def made_by(cls: str, attribute: str, file: str = "shop/models.py") -> dict[str, str]:
    return {"file": file, "class": cls, "attribute": attribute}


def test_columns_in_every_notation(observe: Observe) -> None:
    catalogued = observe(
        models=HEAD
        + dedent("""
        class Game(Base):
            __tablename__ = "games"
            id: Mapped[int] = mapped_column(primary_key=True)
            host = Column(String(80))
            code: Mapped[str]
            winners = Column("winner_names", String)
            rounds: Mapped[int] = mapped_column("round_count")
        """)
    )

    games = catalogued["tables"]["games"]
    assert (games["file"], games["class"]) == ("shop/models.py", "Game")
    assert games["columns"] == {
        "id": made_by("Game", "id"),
        "host": made_by("Game", "host"),
        "code": made_by("Game", "code"),
        "winner_names": made_by("Game", "winners"),
        "round_count": made_by("Game", "rounds"),
    }
    assert catalogued["modules"] == ["shop/__init__.py", "shop/base.py", "shop/models.py"]


def test_mixins_abstract_bases_and_declared_attr(observe: Observe) -> None:
    catalogued = observe(
        mixins=HEAD
        + dedent("""
        class Stamped:
            created = Column("created_at", sa.DateTime)
            updated: Mapped[int]
            @declared_attr
            def owner_id(cls):
                return Column(ForeignKey("games.id"))
        class Entity(Base):
            __abstract__ = True
            id: Mapped[int] = mapped_column(primary_key=True)
        """),
        models=HEAD
        + dedent("""
        from shop.mixins import Entity, Stamped
        class Game(Stamped, Entity):
            __tablename__ = "games"
            updated: Mapped[int] = mapped_column(index=True)
        """),
    )

    columns = catalogued["tables"]["games"]["columns"]
    assert columns == {
        "created_at": made_by("Stamped", "created", "shop/mixins.py"),
        "updated": made_by("Game", "updated"),
        "owner_id": made_by("Stamped", "owner_id", "shop/mixins.py"),
        "id": made_by("Entity", "id", "shop/mixins.py"),
    }


def test_inherited_tables(observe: Observe) -> None:
    catalogued = observe(
        models=HEAD
        + dedent("""
        class Person(Base):
            __tablename__ = "people"
            id: Mapped[int] = mapped_column(primary_key=True)
            kind: Mapped[str]
            __mapper_args__ = {"polymorphic_on": "kind"}
        class Guest(Person):
            nickname = Column(String)
            __mapper_args__ = {"polymorphic_identity": "guest"}
        class Host(Person):
            __tablename__ = "hosts"
            id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
            stage = Column(String)
            __mapper_args__ = {"polymorphic_identity": "host"}
        """)
    )

    people, hosts = catalogued["tables"]["people"], catalogued["tables"]["hosts"]
    assert people["class"] == "Person"
    assert people["columns"]["nickname"] == made_by("Guest", "nickname")
    assert people["columns"]["id"] == made_by("Person", "id")
    assert hosts["class"] == "Host"
    assert hosts["columns"] == {"id": made_by("Host", "id"), "stage": made_by("Host", "stage")}


def test_tables_without_a_declarative_class(observe: Observe) -> None:
    catalogued = observe(
        models=HEAD
        + dedent("""
        links = Table("links", Base.metadata, Column("a", Integer), schema="extra")
        plain = Table("plain", Base.metadata, Column("id", Integer, primary_key=True))
        class Plain:
            pass
        Base.registry.map_imperatively(Plain, plain)
        class Wrapped(Base):
            __table__ = Table("wrapped", Base.metadata, Column("id", Integer, primary_key=True))
        """)
    )

    nowhere = {"file": "", "class": "", "columns": {}}
    assert catalogued["tables"]["extra.links"] == nowhere
    assert catalogued["tables"]["plain"] == nowhere
    assert catalogued["tables"]["wrapped"] == nowhere


def test_a_broken_relationship_and_a_failed_mapping_do_not_matter(observe: Observe) -> None:
    catalogued = observe(
        models=HEAD
        + dedent("""
        class Game(Base):
            __tablename__ = "games"
            id: Mapped[int] = mapped_column(primary_key=True)
            host = relationship("NoSuchClass")
        try:
            class Keyless(Base):
                __tablename__ = "keyless"
                note = Column(String)
        except sa.exc.ArgumentError as error:
            kept = error
        """)
    )

    assert catalogued["tables"]["games"]["columns"] == {"id": made_by("Game", "id")}


def test_nested_classes_and_namesakes_in_two_files(observe: Observe) -> None:
    model = HEAD + dedent("""
        class Outer:
            class Game(Base):
                __tablename__ = "{}"
                id: Mapped[int] = mapped_column(primary_key=True)
        """)
    catalogued = observe(one=model.format("ones"), two=model.format("twos"))

    assert catalogued["tables"]["ones"]["columns"]["id"] == made_by(
        "Outer.Game", "id", "shop/one.py"
    )
    assert catalogued["tables"]["twos"]["columns"]["id"] == made_by(
        "Outer.Game", "id", "shop/two.py"
    )


def test_sqlmodel(observe: Observe) -> None:
    catalogued = observe(
        "sqlmodel:SQLModel.metadata",
        base="",
        models="""
        from typing import Optional
        from sqlalchemy import Column, String
        from sqlmodel import Field, SQLModel
        class HeroBase(SQLModel):
            name: str = Field(index=True)
        class Hero(HeroBase, table=True):
            id: Optional[int] = Field(default=None, primary_key=True)
            secret: str = Field(sa_column=Column("secret_name", String))
        """,
    )

    assert catalogued["tables"]["hero"]["columns"] == {
        "id": made_by("Hero", "id"),
        "name": made_by("HeroBase", "name"),
        "secret_name": made_by("Hero", "secret"),
    }
    assert ["sqlmodel", "SQLModel"] in catalogued["bases"]
    assert ["sqlmodel.main", "SQLModel"] in catalogued["bases"]
    assert ["shop.models", "HeroBase"] in catalogued["bases"]


def test_sqlmodel_is_a_base_before_the_first_model(observe: Observe) -> None:
    catalogued = observe("sqlmodel:SQLModel.metadata", base="")

    assert ["sqlmodel", "SQLModel"] in catalogued["bases"]


def test_sqlmodel_is_no_base_of_another_metadata(observe: Observe) -> None:
    catalogued = observe(models="import sqlmodel\nfrom shop.base import Base")

    assert catalogued["bases"] == [["shop.base", "Base"], ["shop.models", "Base"]]


def test_flask_sqlalchemy(observe: Observe) -> None:
    catalogued = observe(
        "shop.base:db.metadatas",
        base="""
        from flask import current_app, request
        from flask_sqlalchemy import SQLAlchemy
        db = SQLAlchemy()
        """,
        models="""
        from shop.base import db
        class TriviaGame(db.Model):
            id = db.Column(db.Integer, primary_key=True)
        class Log(db.Model):
            __bind_key__ = "logs"
            id = db.Column(db.Integer, primary_key=True)
        players = db.Table("players", db.Column("game_id", db.ForeignKey("trivia_game.id")))
        """,
    )

    assert catalogued["tables"]["trivia_game"]["columns"] == {"id": made_by("TriviaGame", "id")}
    assert catalogued["tables"]["log"]["class"] == "Log"
    assert catalogued["bases"] == [
        ["shop.base", "db"],
        ["shop.models", "Log"],
        ["shop.models", "TriviaGame"],
        ["shop.models", "db"],
    ]


def test_every_kind_of_base_and_no_other_environments(observe: Observe) -> None:
    catalogued = observe(
        "shop.base:metadata",
        base="""
        from sqlalchemy import MetaData
        from sqlalchemy.orm import DeclarativeBase, DeclarativeMeta, declarative_base, registry
        metadata = MetaData()
        mapped = registry(metadata=metadata)
        Old = declarative_base(metadata=metadata)
        class Base(DeclarativeBase):
            metadata = metadata
        class Abstract(Base):
            __abstract__ = True
        class Bare(metaclass=DeclarativeMeta):
            __abstract__ = True
            registry = mapped
        class Other(DeclarativeBase):
            pass
        other = MetaData()
        """,
    )

    names = [name for module, name in catalogued["bases"] if module == "shop.base"]
    assert names == ["Abstract", "Bare", "Base", "Old", "mapped", "metadata"]


def test_globals_that_run_code_are_left_alone(observe: Observe) -> None:
    catalogued = observe(
        models="""
        from shop.base import Base
        class Settings:
            def __getattribute__(self, name):
                raise SystemExit(f"asked for {name}")
        class Meta(type):
            def __getattr__(cls, name):
                raise SystemExit(f"asked for {name}")
        class Lazy(metaclass=Meta):
            pass
        settings = Settings()
        """
    )

    assert catalogued["bases"] == [["shop.base", "Base"], ["shop.models", "Base"]]


def test_an_environment_inside_the_checkout_is_not_the_repository(
    observe: Observe, tmp_path: Path
) -> None:
    installed = tmp_path / "env" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "users.py").write_text(
        "from sqlalchemy import Column, Integer\n"
        "class UserMixin:\n    user_id = Column(Integer, primary_key=True)\n"
    )
    catalogued = observe(
        models=f"""
        import sys
        sys.path.append({str(installed)!r})
        from users import UserMixin
        from shop.base import Base
        class User(UserMixin, Base):
            __tablename__ = "users"
        """
    )

    mixin = {**made_by("UserMixin", "user_id", ""), "module": "users"}
    assert catalogued["tables"]["users"]["columns"] == {"user_id": mixin}
    assert "shop/models.py" in catalogued["modules"]
    assert not [path for path in catalogued["modules"] if "site-packages" in path]


LOCATED = [
    ("add_table", "games", "", [], "class Game(Stamped, Base):"),
    ("add_table", "players", "", [], 'players = Table("players", Base.metadata,'),
    ("add_column", "games", "winner_names", [], 'winners = Column("winner_names", String)'),
    ("modify_type", "games", "updated_at", [], "updated_at = Column(sa.DateTime)"),
    ("modify_type", "games", "note", [], "note = Column(sa.Text)"),
    ("add_column", "players", "seat", [], 'Column("seat", Integer))'),
    ("remove_column", "games", "gone", [], "class Game(Stamped, Base):"),
    ("add_index", "games", "ix_games_code", ["code"], "code = Column(String, index=True)"),
    (
        "add_constraint",
        "games",
        "uq",
        ["a"],
        '__table_args__ = (sa.UniqueConstraint("a", name="uq"),)',
    ),
    ("remove_table", "unheard_of", "", [], None),
]


def test_operations_are_located_through_the_catalogue(observe: Observe, tmp_path: Path) -> None:
    catalogued = observe(
        mixins="""
        import sqlalchemy as sa
        from sqlalchemy import Column
        class Stamped:
            updated_at = Column(sa.DateTime)
            note = Column(sa.String)
        """,
        models=HEAD
        + dedent("""
        from shop.mixins import Stamped
        class Game(Stamped, Base):
            __tablename__ = "games"
            __table_args__ = (sa.UniqueConstraint("a", name="uq"),)
            id = Column(Integer, primary_key=True)
            a = Column(Integer)
            code = Column(String, index=True)
            winners = Column("winner_names", String)
            note = Column(sa.Text)
        players = Table("players", Base.metadata,
            Column("seat", Integer))
        """),
    )

    for kind, table, name, columns, expected in LOCATED:
        operation = {"kind": kind, "table": table, "name": name, "columns": columns}
        location = locate(operation, catalogued, lambda path: (tmp_path / path).read_text("utf-8"))
        assert (location.source.strip() if location else None) == expected, operation
