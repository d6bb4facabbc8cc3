"""Random models, by hypothesis: what projects declare, on one dialect."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql

from .twin_bench import SCHEMA

Draw = Any

# Two models of one draw each have tables and columns of the same names, which then differ.
TABLES = ("player", "order", "Mixed Case", "half: of it", "größe")
CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
TEXTS = ("", "a", "it's", "100%", "a:b", 'say "no"', "back\\slash", "größe")

#: By a column's name the types that it may have, and the defaults: of one family, since no
#: database makes a date of a number by itself.
KINDS: dict[str, tuple[list[Any], list[Any]]] = {
    "count": (
        [sa.Integer(), sa.BigInteger(), sa.SmallInteger()],
        ["0", "-1", sa.text("7"), sa.text("-7"), sa.text("(1 + 2)"), sa.text("'5'")],
    ),
    "Total": (
        [sa.Numeric(10, 2), sa.Numeric(12, 4), sa.Numeric(6)],
        ["0", "0.00", "-1.5", sa.text("0"), sa.text("12.50")],
    ),
    "ratio": ([sa.Float(), sa.Double()], ["0.5", sa.text("0"), sa.text("-1.25")]),
    "select": (
        [sa.String(20), sa.String(40), sa.Unicode(20), sa.CHAR(5)],
        [*TEXTS, sa.text("'x'"), sa.func.lower("A")],
    ),
    "user note": ([sa.String(200), sa.String(300)], ["x", sa.text("'y'")]),
    "active": ([sa.Boolean()], ["0", "1", sa.false(), sa.true(), sa.text("false")]),
    "at": (
        [sa.DateTime(), sa.TIMESTAMP()],
        [sa.func.now(), sa.text("CURRENT_TIMESTAMP"), sa.text("now()"), "2020-01-01 00:00:00"],
    ),
    "day": ([sa.Date()], ["2020-01-01", sa.text("'2021-12-31'")]),
    "data": ([sa.JSON()], ["{}", '{"a": [1, 2]}', sa.text("'[]'")]),
    "raw": ([sa.LargeBinary()], []),
    "key": ([sa.Uuid()], []),
}
ON_POSTGRESQL: dict[str, tuple[list[Any], list[Any]]] = {
    "data": (
        [sa.JSON(), postgresql.JSONB()],
        ["{}", '{"a": [1,2]}', sa.text("'[]'"), sa.text("'{}'::json")],
    ),
    "tags": (
        [postgresql.ARRAY(sa.String(10)), postgresql.ARRAY(sa.Text())],
        ["{}", sa.text("'{a,b}'"), sa.text("ARRAY['a']::varchar[]")],
    ),
    "span": ([postgresql.INTERVAL()], ["1 day", sa.text("'2 hours'")]),
    "key": ([sa.Uuid()], [sa.text("gen_random_uuid()")]),
    "period": ([postgresql.INT4RANGE()], []),
}
ON_SQLITE = {"at": ([sa.DateTime(), sa.TIMESTAMP()], [sa.func.now(), sa.text("CURRENT_TIMESTAMP")])}
CHECKS = {
    "count": ["count > 0", "count BETWEEN 1 AND 9", "count IN (1, 2)", "(count > 0) OR count < -5"],
    "Total": ['"Total" >= 0', '"Total" > 0.5 AND "Total" < 100'],
    "select": [
        "\"select\" IN ('a', 'b')",
        'length("select") > 1',
        "\"select\" LIKE 'a_'",
        "\"select\" <> 'it''s'",
        'lower("select") = "select"',
    ],
    "active": ["active IS NOT NULL"],
}


@st.composite
def two_models(draw: Draw, dialect: str) -> tuple[sa.MetaData, sa.MetaData]:
    """Two models of the same tables, whose `create_all()` the dialect's server takes."""
    names = draw(st.lists(st.sampled_from(TABLES), min_size=1, max_size=3, unique=True))
    convention = draw(st.sampled_from([None, CONVENTION]))
    both = sa.MetaData(naming_convention=convention), sa.MetaData(naming_convention=convention)
    for metadata in both:
        for name in names:
            _Drawn(draw, dialect, metadata, name).table()
    return both


class _Drawn:
    """One table."""

    def __init__(self, draw: Draw, dialect: str, metadata: sa.MetaData, name: str) -> None:
        self.draw, self.dialect, self.metadata, self.name = draw, dialect, metadata, name
        self.is_postgresql = dialect == "postgresql"
        self.schema = SCHEMA if self.is_postgresql and name == "order" else None
        own = {"postgresql": ON_POSTGRESQL, "sqlite": ON_SQLITE}.get(dialect, {})
        self.kinds = {**KINDS, **own}

    def one_of(self, *values: Any) -> Any:
        return self.draw(st.sampled_from(values))

    def some_of(self, values: Any, most: int) -> Any:
        if not values:
            return []
        return self.draw(st.lists(st.sampled_from(list(values)), max_size=most, unique=True))

    def maybe(self) -> bool:
        return bool(self.one_of(False, True))

    def name_or_none(self, name: str) -> Any:
        # What has no name, Alembic cannot drop on SQLite.
        return self.one_of(*([name] if self.dialect == "sqlite" else [None, name]))

    def table(self) -> None:
        names = sorted(self.some_of(self.kinds, 5))
        self.columns = [self.key(), *(self.column(name) for name in names)]
        if self.maybe():
            self.columns.append(self.enum("state", native=True))
        if self.maybe():
            self.columns.append(self.enum("Mood", native=False))
        if "count" in names and self.maybe():
            self.columns.append(self.computed())
        self.names = names
        self.columns += [*self.foreign_keys()]
        parts = [*self.checks(), *self.uniques(), *self.indexes()]
        comment = self.one_of(None, *TEXTS[1:]) if self.dialect != "sqlite" else None
        everything = [*self.columns, *parts]
        sa.Table(self.name, self.metadata, *everything, comment=comment, schema=self.schema)

    def key(self) -> Any:
        if not self.is_postgresql:
            return sa.Column("id", sa.Integer(), primary_key=True)
        identity = self.one_of(None, sa.Identity(), sa.Identity(always=True, start=5, increment=2))
        return sa.Column("id", sa.Integer(), *([identity] if identity else []), primary_key=True)

    def column(self, name: str) -> Any:
        types, defaults = self.kinds[name]
        default = self.one_of(None, *defaults)
        if self.dialect == "mariadb" and getattr(default, "text", "") in ("false", "now()"):
            default = None  # SQLAlchemy does not put brackets around an expression there
        options: dict[str, Any] = {"nullable": self.maybe(), "server_default": default}
        if self.dialect != "sqlite":
            options["comment"] = self.one_of(None, None, *TEXTS[1:])
        # MariaDB takes no name there, and no comment after it.
        checked = name in CHECKS and self.dialect != "mariadb" and self.maybe()
        parts = [self.check(name)] if checked else []
        return sa.Column(name, self.one_of(*types), *parts, **options)

    def enum(self, name: str, *, native: bool) -> Any:
        labels = self.draw(
            st.lists(st.sampled_from(["a", "b", "C d", "it's"]), min_size=1, unique=True)
        )
        kind = sa.Enum(
            *labels,
            name=f"{name}_of_{self.name}",
            native_enum=native,
            length=None if native else 20,
            create_constraint=not native and self.maybe(),
        )
        default = self.one_of(None, labels[0])
        return sa.Column(name, kind, nullable=self.maybe(), server_default=default)

    def computed(self) -> Any:
        persisted = True if self.is_postgresql else self.one_of(None, True)
        expression = self.one_of("count + 1", "count * 2", "(count + 1) * 2")
        return sa.Column("double", sa.BigInteger(), sa.Computed(expression, persisted=persisted))

    def foreign_keys(self) -> Any:
        others = [table.name for table in self.metadata.tables.values()] + [self.name]
        for other in self.some_of(others, 2):
            options: dict[str, Any] = {
                "ondelete": self.one_of(None, "CASCADE", "SET NULL", "RESTRICT"),
                "onupdate": self.one_of(None, "CASCADE"),
                "name": self.name_or_none(f"fk {self.name} {other}"),
            }
            if self.dialect != "mariadb":
                options["deferrable"] = self.one_of(None, True)
                options["initially"] = "DEFERRED" if options["deferrable"] else None
            schema = f"{SCHEMA}." if self.is_postgresql and other == "order" else ""
            target = sa.ForeignKey(f"{schema}{other}.id", **options)
            yield sa.Column(f"{other}_id", sa.Integer(), target)

    def check(self, column: str) -> sa.CheckConstraint:
        text = self.one_of(*CHECKS[column])
        if self.dialect == "mariadb":
            text = text.replace('"', "`")
        named = self.metadata.naming_convention is CONVENTION or self.maybe()
        name = f"{column}_is_right" if named else None
        return sa.CheckConstraint(text, name=name)

    def checks(self) -> Any:
        for column in self.some_of([name for name in self.names if name in CHECKS], 1):
            check = self.check(column)
            if check.name:
                check.name = f"all_{column}"
            yield check

    def keyed(self) -> list[str]:
        """Columns that any index may have."""
        plain = ("count", "Total", "select", "active", "at", "day")
        return [name for name in self.names if name in plain]

    def uniques(self) -> Any:
        if self.keyed() and self.maybe():
            columns = self.draw(
                st.lists(st.sampled_from(self.keyed()), min_size=1, max_size=2, unique=True)
            )
            options: dict[str, Any] = {"name": self.name_or_none(f"uq {self.name}")}
            if self.is_postgresql:
                options["deferrable"] = self.one_of(None, True)
                options["postgresql_nulls_not_distinct"] = self.one_of(False, True)
            yield sa.UniqueConstraint(*columns, **options)

    def indexes(self) -> Any:
        by_name = {column.name: column for column in self.columns}
        for number, name in enumerate(self.some_of(self.keyed(), 2)):
            column = by_name[name]
            parts = [column, column.desc()]
            options: dict[str, Any] = {"unique": self.maybe()}
            if self.dialect != "mariadb":
                parts += [sa.func.coalesce(column, column), sa.text(f'"{name}" DESC')]
                key = f"{self.dialect}_where"
                predicates = [column.is_not(None), sa.text(f'"{name}" IS NOT NULL AND id > 5')]
                options[key] = self.one_of(None, *predicates)
            if self.is_postgresql:
                options["postgresql_include"] = self.one_of(None, ["id"])
            part = self.one_of(*parts)
            if self.dialect == "mariadb" and name == "select" and part is column:
                options["mariadb_length"] = self.one_of(None, {"select": 3})
            if self.metadata.naming_convention is CONVENTION and part is column:
                yield sa.Index(None, part, **options)
            else:
                yield sa.Index(f"ix {self.name} {number}", part, **options)
