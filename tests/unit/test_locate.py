from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest

from alembic_lockstep.pysource.locate import locate, locate_original
from alembic_lockstep.pysource.migration import find_in_migration
from alembic_lockstep.pysource.search import (
    find_attribute,
    find_class,
    find_column,
    find_table,
    find_table_arg,
)
from alembic_lockstep.pysource.source import Span

MODELS = dedent('''\
    import sqlalchemy as sa
    from .base import Base, db

    links = Table("links", Base.metadata, sa.Column("left_id", sa.Integer), schema="extra")
    players = db.Table(
        "players",
        db.Column("game_id", db.ForeignKey("games.id")),
        db.Column("seat", db.Integer),
        db.UniqueConstraint("game_id", "seat"),
        sa.Index("ix_seat", "seat"),
    )
    Index("ix_players_game", players.c.game_id)


    class Game(Base):
        """One evening."""

        __tablename__ = "games"
        __table_args__ = (
            sa.UniqueConstraint("code", "host", name="uq_games_code_host"),
            sa.UniqueConstraint("code"),
            sa.CheckConstraint("rounds > 0", name="positive"),
            sa.ForeignKeyConstraint(["host", "code"], ["hosts.name", "hosts.code"]),
            sa.Index(None, "rounds"),
            {"comment": "games"},
        )

        id: Mapped[int] = mapped_column(primary_key=True)
        code: Mapped[str]
        host = sa.Column(sa.String)
        rounds = sa.Column(sa.Integer)
        grösse = "äöü"; weite = sa.Column("breite", sa.Integer)

        @declared_attr
        def owner_id(cls):
            return sa.Column(sa.ForeignKey("users.id"))

        class Meta:
            host = None

    Index("ix_games_rounds_down", Game.rounds.desc())


    def make():
        class Game(Base):
            __tablename__ = "made"
            __table_args__ = {"schema": "extra"}
            inner = Field(sa_column=Column("inner_name", sa.String))
        return Game
''')


def marked(span: Span | None) -> str | None:
    """The characters that a span means, after its line number."""
    if span is None:
        return None
    start = span.column - 1
    assert span.source == MODELS.splitlines()[span.line - 1]
    return f"{span.line}: {span.source[start : start + span.length]}"


@pytest.mark.parametrize(
    ("qualname", "expected"),
    [
        ("Game", "15: Game"),
        ("Game.Meta", "38: Meta"),
        ("make.<locals>.Game", "45: Game"),
        ("Meta", None),
        ("Gam", None),
    ],
)
def test_find_class(qualname: str, expected: str | None) -> None:
    assert marked(find_class(MODELS, qualname)) == expected


@pytest.mark.parametrize(
    ("qualname", "attribute", "expected"),
    [
        ("Game", "id", "28: id"),
        ("Game", "code", "29: code"),
        ("Game", "host", "30: host"),
        ("Game.Meta", "host", "39: host"),
        ("Game", "weite", "32: weite"),  # ast counts the umlauts before it as two bytes each
        ("Game", "owner_id", "35: owner_id"),
        ("make.<locals>.Game", "inner", "48: inner"),
        ("Game", "inner", None),
    ],
)
def test_find_attribute(qualname: str, attribute: str, expected: str | None) -> None:
    assert marked(find_attribute(MODELS, qualname, attribute)) == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("extra.links", "4: Table"),
        ("links", None),
        ("other.links", None),
        ("players", "5: db.Table"),
        ("app.players", "5: db.Table"),  # MetaData(schema="app")
        ("games", "15: Game"),
        ("extra.made", "45: Game"),
        ("other.made", None),
        ("nothing", None),
    ],
)
def test_find_table(table: str, expected: str | None) -> None:
    assert marked(find_table(MODELS, table)) == expected


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("players", "seat", '8: "seat"'),
        ("extra.links", "left_id", '4: "left_id"'),
        ("games", "breite", "32: weite"),
        ("games", "rounds", "31: rounds"),
        ("extra.made", "inner_name", "48: inner"),
        ("players", "players", None),
        ("games", "seat", None),
    ],
)
def test_find_column(table: str, column: str, expected: str | None) -> None:
    assert marked(find_column(MODELS, table, column)) == expected


@pytest.mark.parametrize(
    ("names", "kind", "expected"),
    [
        (["uq_games_code_host", "code", "host"], "constraint", "20: sa.UniqueConstraint"),
        (["", "code", "host"], "constraint", "20: sa.UniqueConstraint"),
        (["games_code_key", "code"], "constraint", "21: sa.UniqueConstraint"),
        (["ck_games_positive"], "constraint", "22: sa.CheckConstraint"),
        (["", "host", "code"], "fk", "23: sa.ForeignKeyConstraint"),
        (["ix_games_rounds", "rounds"], "index", "24: sa.Index"),
        (["ix_games_rounds_down", "rounds"], "index", "41: Index"),
        (["", "code"], "fk", None),
        (["", "code"], "index", None),
        (["unheard_of"], "", None),
    ],
)
def test_find_table_arg_of_a_class(names: list[str], kind: str, expected: str | None) -> None:
    assert marked(find_table_arg(MODELS, "Game", names, kind=kind)) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["", "game_id", "seat"], "9: db.UniqueConstraint"),
        (["ix_seat", "seat"], "10: sa.Index"),
        (["ix_players_game", "game_id"], "12: Index"),
    ],
)
def test_find_table_arg_of_a_table(names: list[str], expected: str) -> None:
    assert marked(find_table_arg(MODELS, "", names, table="players")) == expected


MIGRATION = dedent("""\
    from alembic import op
    import sqlalchemy as sa

    def upgrade():
        op.create_table(
            "games",
            sa.Column("id", sa.Integer),
            sa.Column("host", sa.String),
        )
        op.create_table("users", sa.Column("id", sa.Integer))
        op.add_column("users", sa.Column("host", sa.String))
        op.create_index(op.f("ix_games_host"), "games", ["host"])
        op.drop_index("ix_old")
        with op.batch_alter_table("players", schema=None) as batch_op:
            batch_op.add_column(sa.Column("seat", sa.Integer))
            batch_op.create_unique_constraint("uq_seat", ["seat"])
        with op.batch_alter_table("games") as batch_op:
            batch_op.add_column(sa.Column("seat", sa.Integer))
        op.execute("ALTER TABLE games ADD COLUMN winners text")

    def downgrade():
        op.drop_column("games", "gone")
""")


@pytest.mark.parametrize(
    ("table", "name", "expected"),
    [
        ("games", "", '"games",'),
        ("users", "", 'op.create_table("users", sa.Column("id", sa.Integer))'),
        ("games", "id", 'sa.Column("id", sa.Integer),'),
        ("app.games", "host", 'sa.Column("host", sa.String),'),
        ("users", "host", 'op.add_column("users", sa.Column("host", sa.String))'),
        ("games", "ix_games_host", 'op.create_index(op.f("ix_games_host"), "games", ["host"])'),
        ("elsewhere", "ix_old", 'op.drop_index("ix_old")'),
        ("players", "uq_seat", 'batch_op.create_unique_constraint("uq_seat", ["seat"])'),
        ("games", "winners", 'op.execute("ALTER TABLE games ADD COLUMN winners text")'),
        ("scores", "gone", None),
    ],
)
def test_find_in_migration(table: str, name: str, expected: str | None) -> None:
    span = find_in_migration(MIGRATION, table, name)
    assert (span.source.strip() if span else None) == expected


def test_batches_of_one_alias_are_told_apart_by_their_table() -> None:
    spans = [find_in_migration(MIGRATION, table, "seat") for table in ("players", "games")]
    assert [span.line if span else None for span in spans] == [15, 18]


@pytest.mark.parametrize(
    "text", ["class Game(:\n", "x = 1\0\n", "", "\udce4 = 1\n", "(" * 300 + ")" * 300]
)
def test_text_that_cannot_be_parsed_has_no_places(text: str) -> None:
    assert find_class(text, "Game") is None
    assert find_attribute(text, "Game", "id") is None
    assert find_table(text, "games") is None
    assert find_column(text, "games", "id") is None
    assert find_table_arg(text, "Game", ["ix"]) is None
    assert find_table_arg(text, "", ["ix"], table="games") is None
    assert find_in_migration(text, "games", "id") is None


def test_line_ends_and_a_byte_order_mark() -> None:
    text = "\ufeffx = 1\r\ny = '''\x0c'''\r\nclass Game:\r\n    id = 1\r\n"
    assert find_attribute(text, "Game", "id") == Span(4, 5, 2, "    id = 1")


def test_dict_and_declared_forms_of_table_args() -> None:
    text = dedent("""\
        class One:
            __table_args__ = {"comment": "no constraints"}
        class Two:
            @declared_attr.directive
            def __table_args__(cls):
                return (Index("ix_two", "a"),)
        """)
    assert find_table_arg(text, "One", ["ix_two", "a"]) is None
    span = find_table_arg(text, "Two", ["ix_two", "a"])
    assert span is not None
    assert span.line == 6


CATALOGUE: dict[str, Any] = {
    "tables": {
        "games": {
            "file": "a.py",
            "class": "Game",
            "columns": {
                "id": {"file": "a.py", "class": "Game", "attribute": "id"},
                "at": {"file": "", "class": "LibraryMixin", "attribute": "at"},
                "note": {"file": "b.py", "class": "Noted", "attribute": "note"},
            },
        },
        "links": {"file": "", "class": "", "columns": {}},
    },
    "bases": [],
    "modules": ["a.py", "b.py", "broken.py", "c.py", "gone.py"],
}
FILES = {
    "a.py": "class Game(Noted):\n    id = Column(Integer)\n",
    "b.py": dedent("""\
        class Noted:
            note = Column(ForeignKey("notes.id"))
            @declared_attr
            def __table_args__(cls):
                return (Index("ix_id_note", "id", "note"),)
        class Game:
            id = None
        links = Table("links", metadata, Column("a"), UniqueConstraint("a", name="uq"))
        """),
    "c.py": dedent("""\
        numbers = Sequence("numbers")
        class Mood(Enum):
            glad = 1
        PGFunction(schema="public", signature="total(a int)", definition="…")
        """),
    "broken.py": "links games class (",
}


@pytest.mark.parametrize(
    ("kind", "table", "name", "columns", "expected"),
    [
        ("add_table", "games", "", [], "a.py:1:7"),
        ("add_table", "links", "", [], "b.py:8:9"),
        ("add_column", "games", "id", [], "a.py:2:5"),
        ("modify_nullable", "games", "note", [], "b.py:2:5"),
        ("add_column", "games", "at", [], "a.py:1:7"),
        ("remove_column", "games", "note_old", [], "a.py:1:7"),
        ("add_column", "links", "a", [], "b.py:8:41"),
        ("add_fk", "games", "", ["note"], "b.py:2:5"),
        ("add_index", "games", "ix_id_note", ["id", "note"], "b.py:5:17"),
        ("add_fk", "games", "", ["id", "note"], "a.py:1:7"),
        ("add_constraint", "links", "uq", ["a"], "b.py:8:47"),
        ("other", "games", "", [], "a.py:1:7"),
        ("remove_table", "unknown", "", [], None),
        ("add_sequence", "", "numbers", [], "c.py:1:11"),
        ("add_enum", "", "mood", [], "c.py:2:7"),
        ("other", "", "total(a int)", [], "c.py:4:1"),
        ("other", "links", "mood", ["a"], "b.py:8:41"),
        ("add_sequence", "", "nowhere", [], None),
    ],
)
def test_locate(kind: str, table: str, name: str, columns: list[str], expected: str | None) -> None:
    operation = {"kind": kind, "table": table, "name": name, "columns": columns}
    location = locate(operation, CATALOGUE, FILES.get)
    position = f"{location.path}:{location.line}:{location.column}" if location else None
    assert position == expected


@pytest.mark.parametrize(
    ("table", "expected"),
    [("games_version", "a.py"), ("links_games_version", "b.py"), ("version", None)],
)
def test_a_table_that_code_makes_is_where_the_table_is_that_it_is_named_after(
    table: str, expected: str | None
) -> None:
    location = locate_original(table, CATALOGUE, FILES.get)
    assert (location.path if location else None) == expected
