"""Any two kinds of change at once, with names and texts that are hard to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st

from .kinds import KINDS, WITHOUT_FIX, Kind

#: What a name or a default may hold, to be joined to longer ones.
PIECES = (
    *("a", "B", " ", ":a", "::b", "\\:", "12:30", '"', "''", "%", "%(a)s", "%%", "\\", "ö", "名"),
    *("{}", "--", "/*", "select", "`", "?", "$1", "[", "\t", "\n"),
)

texts = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
# Less what autogenerate itself falls over: a quote in the name of a PostgreSQL table, a backtick in
# that of a MySQL column.
names = texts.map(lambda text: "n" + text.translate(str.maketrans("", "", "\t\n`")) + "n")
table_names = names.map(lambda name: name.replace("'", ""))


@dataclass(frozen=True)
class HardNames:
    """A column with names and texts that are hard to write.

    Attributes:
        text: Its default, and what a CHECK and an index are about.
        comment: Of the column.
    """

    column: str
    text: str
    comment: str

    def parts(self, dialect: str) -> list[Any]:
        """The column, a CHECK and, where the dialect has those, a partial index."""
        comment = None if dialect == "sqlite" else self.comment
        kind = sa.Text() if dialect == "sqlite" else sa.String(60)  # STRICT knows no other
        column: Any = sa.Column(self.column, kind, comment=comment)
        column.server_default = sa.DefaultClause(self.text)
        unlike = sa.column(self.column, sa.String()) != sa.literal(self.text, sa.String())
        parts = [column, sa.CheckConstraint(unlike, name=f"ck {self.column}")]
        if dialect != "mariadb":
            where: Any = {f"{dialect}_where": unlike}
            parts.append(sa.Index(f"ix {self.column}", column, **where))
        return parts


hard_names = st.builds(HardNames, names, texts, texts)


def kinds_with_fix(dialect: str) -> list[Kind]:
    """Return the kinds that the dialect can store, and for which there is a fix."""
    return [kind for kind in KINDS if dialect not in kind.lacks and kind.name not in WITHOUT_FIX]


def two_changes(dialect: str) -> st.SearchStrategy[list[Kind]]:
    """Two kinds that the dialect can store, as one where they can be of one table."""
    kinds = st.sampled_from(kinds_with_fix(dialect))
    pairs = st.lists(kinds, min_size=2, max_size=2, unique_by=lambda kind: kind.name)
    return pairs.map(lambda pair: as_one(*pair))


def as_one(first: Kind, second: Kind) -> list[Kind]:
    """Return two changes, as one where they can be of one table."""
    both = merged(first, second)
    return [both] if both else [first, second]


def joined(
    dialect: str, models: Sequence[sa.MetaData], name: str, hard_names: HardNames
) -> sa.MetaData:
    """Join models: in one table where that is possible, with the column of hard names."""
    metadata = sa.MetaData()
    for metadata_part in models:
        for table in metadata_part.tables.values():
            if table.name != "game" and table.name not in metadata.tables:
                table.to_metadata(metadata)
        of_columns = [
            column.type for table in metadata_part.tables.values() for column in table.columns
        ]
        everything: list[Any] = list(metadata_part._objects)
        for loose in everything:  # what no table has
            if isinstance(loose, sa.Sequence):
                sa.Sequence(loose.name, increment=loose.increment, metadata=metadata)
            elif not any(loose is kind for kind in of_columns):
                loose.copy(metadata=metadata)
    games = [
        metadata_part.tables[key]
        for metadata_part in models
        for key in metadata_part.tables
        if key.endswith("game")
    ]
    for number, game in enumerate(games):
        own = game.to_metadata(metadata, name=f"{name}{number or ''}")
        for index in own.indexes if number else ():
            # All tables have one space of names.
            index.name = sa.sql.quoted_name(f"{index.name} {number}", quote=None)
        for part in hard_names.parts(dialect) if not number else ():
            add(own, part)
    return metadata


def add(table: sa.Table, part: Any) -> None:
    if isinstance(part, sa.Column):
        table.append_column(part)
    elif not isinstance(part, sa.Index):  # that comes with its column
        table.append_constraint(part)


def merged(first: Kind, second: Kind) -> Kind | None:
    """Both changes of one table, if they are of that sort."""
    sides = [(first.before(), second.before()), (first.after(), second.after())]
    if not all(can_merge(left, right) for left, right in sides):
        return None
    makers = (
        lambda: merge_into(first.before(), second.before()),
        lambda: merge_into(first.after(), second.after()),
    )
    return Kind(f"{first.name} and {second.name}", *makers)


def can_merge(first: sa.MetaData, second: sa.MetaData) -> bool:
    if set(first.tables) != {"game"} or set(second.tables) != {"game"}:
        return False
    game, more = first.tables["game"], second.tables["game"]
    whole = more.dialect_kwargs or more.comment or more._prefixes
    shared = {"id", "size"}
    parts: list[list[Any]] = [[*table.indexes, *table.constraints] for table in (game, more)]
    named = [{part.name for part in own} for own in parts]
    columns = [set(table.columns.keys()) for table in (game, more)]
    alike = all(shared <= names for names in columns) and columns[0] & columns[1] == shared
    return alike and not whole and not (named[0] & named[1]) - {None}


def merge_into(target: sa.MetaData, other: sa.MetaData) -> sa.MetaData:
    game, more = target.tables["game"], other.tables["game"]
    for column in more.columns:
        if column.name not in game.columns:
            game.append_column(column._copy())
    for constraint in more.constraints:
        is_key = isinstance(constraint, sa.PrimaryKeyConstraint)
        if not is_key and not getattr(constraint, "_type_bound", False):
            game.append_constraint(constraint._copy(target_table=game))
    for index in more.indexes:
        parts: list[Any] = [
            game.columns[part.name] if isinstance(part, sa.Column) else part
            for part in index.expressions
        ]
        sa.Index(index.name, *parts, unique=index.unique, **index.dialect_kwargs)
    for loose in list(other._objects):
        if isinstance(loose, sa.Sequence):
            sa.Sequence(loose.name, increment=loose.increment, metadata=target)
    return target
