"""Drop what blocks a change before it, and create it again after it, each once."""

from __future__ import annotations

from typing import Any

import pytest

from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation, operations, upgrade_functions
from alembic_lockstep.probe.twin.dialects import find_dialect
from alembic_lockstep.probe.twin.merge import merge
from alembic_lockstep.probe.twin.opinion import compare_schemas
from alembic_lockstep.probe.twin.postgresql.postgresql_fix import fix_statements
from alembic_lockstep.probe.twin.schema import DatabaseSchema, Part, SchemaDifference, TableSchema


def column(name: str, kind: str = "integer", default: str = "", computed: str = "") -> Part:
    facts = {"type": kind, "collation": "", "nullable": "yes", "default": default}
    facts.update(computed=computed, identity="", comment="")
    sql = f"{name} {kind}" + (f" DEFAULT {default}" if default else "")
    sql += f" GENERATED ALWAYS AS ({computed}) STORED" if computed else ""
    return Part("column", name, facts, (name,), sql=sql)


def index(name: str, over: str, where: str = "") -> Part:
    sql = f"CREATE INDEX {name} ON games USING btree ({over})" + (
        f" WHERE {where}" if where else ""
    )
    return Part("index", name, {"definition": sql}, (over,), sql=sql)


def constraint(kind: str, name: str, sql: str, *columns: str) -> Part:
    return Part(kind, name, {"definition": sql, "comment": ""}, columns, sql=sql)


def enum(*labels: str) -> Part:
    written = ", ".join(f"'{label}'" for label in labels)
    return Part("enum", "status", {"labels": written}, ("games.status",), sql="status")


def schema(*parts: Part, objects: tuple[Part, ...] = ()) -> DatabaseSchema:
    return DatabaseSchema({"games": TableSchema("games", list(parts))}, list(objects))


def printed(database: DatabaseSchema, models: DatabaseSchema, *autogenerate: Any) -> list[str]:
    """Give the lines of the body that is printed."""
    dialect = find_dialect("postgresql")
    assert dialect is not None
    opinion = compare_schemas("postgresql", dialect, database, models)
    merged = merge(list(autogenerate), opinion, lambda _: True)
    facts = [{"expected": "", "actual": "", **operation} for operation in merged]
    missing = operations(Observation(databases=({"name": "", "operations": facts},)))
    return [line.strip() for line in upgrade_functions(missing).splitlines()[1:]]


def operation_of(kind: str, name: str, code: str, *columns: str) -> dict[str, Any]:
    facts = {"kind": kind, "table": "games", "name": name, "columns": [*columns], "text": kind}
    return {**facts, "code": [code]}


DROP_COLUMN = operation_of("remove_column", "a", "op.drop_column('games', 'a')")


def test_an_index_that_changes_is_dropped_before_the_column_that_takes_it_along() -> None:
    database = schema(column("a"), column("b"), index("ix", "b", "a > 0"))
    models = schema(column("b"), index("ix", "b", "b > 0"))
    assert printed(database, models, DROP_COLUMN) == [
        'op.execute("DROP INDEX ix")',
        "op.drop_column('games', 'a')",
        'op.execute("CREATE INDEX ix ON games USING btree (b) WHERE b > 0")',
    ]


def test_a_check_that_changes_is_dropped_before_the_column_and_made_after_the_new_one() -> None:
    database = schema(
        column("a"), column("b"), constraint("check", "ck", "CHECK (a > b)", "a", "b")
    )
    models = schema(column("b"), column("c"), constraint("check", "ck", "CHECK (b > c)", "b", "c"))
    add = operation_of("add_column", "c", "op.add_column('games', …)")
    assert printed(database, models, add, DROP_COLUMN) == [
        "op.drop_constraint(op.f('ck'), 'games', type_='check')",
        "op.add_column('games', …)",
        "op.drop_column('games', 'a')",
        "op.create_check_constraint(op.f('ck'), 'games', \"b > c\")",
    ]


def test_a_foreign_key_goes_before_the_key_that_it_leads_to_and_comes_after_the_new_one() -> None:
    database = schema(column("a"), column("b"), constraint("primary_key", "pk", "PRIMARY KEY (a)"))
    models = schema(column("a"), column("b"), constraint("primary_key", "pk", "PRIMARY KEY (b)"))
    keys = [
        operation_of("add_fk", "new", "op.create_foreign_key('new')", "x"),
        operation_of("remove_fk", "old", "op.drop_constraint('old')", "x"),
    ]
    others = [{**key, "table": "moves"} for key in keys]
    assert printed(database, models, *others) == [
        "op.drop_constraint('old')",
        'op.execute("ALTER TABLE games DROP CONSTRAINT pk")',
        'op.execute("ALTER TABLE games ADD CONSTRAINT pk PRIMARY KEY (b)")',
        "op.create_foreign_key('new')",
    ]


def test_what_went_first_already_still_does() -> None:
    """Check two tables that exchange the names of their foreign keys."""
    database, models = schema(column("a")), schema(column("a", default="1"))
    gone = {
        **operation_of("remove_fk", "fk", "unused", "x"),
        "before": ["op.drop_constraint('fk')"],
    }
    lines = printed(database, models, {**gone, "table": "moves", "code": []})
    assert lines[0] == "op.drop_constraint('fk')"


def test_what_is_computed_goes_before_the_column_that_it_is_computed_from() -> None:
    database = schema(column("a"), column("b", computed="a + 1"))
    computed = operation_of("remove_column", "b", "op.drop_column('games', 'b')")
    assert printed(database, schema(), DROP_COLUMN, computed) == [
        "op.drop_column('games', 'b')",
        "op.drop_column('games', 'a')",
    ]


def test_what_hangs_on_a_computed_column_comes_back_once() -> None:
    over_both = index("ix", "b", "c > 0")
    database = schema(column("b", computed="a + 1"), column("c", computed="a + 2"), over_both)
    models = schema(column("b", computed="a + 3"), column("c", computed="a + 4"), over_both)
    lines = printed(database, models)
    assert lines[0] == 'op.execute("DROP INDEX ix")'
    assert lines[-1] == f'op.execute("{over_both.sql}")'
    assert len(lines) == 6


def fixed(
    has: Part, wants: Part, *parts: Part, model_parts: tuple[Part, ...] | None = None
) -> list[str]:
    status = column("status", "status")
    database = schema(status, *parts, objects=(has,))
    models = schema(status, *(parts if model_parts is None else model_parts), objects=(wants,))
    return [
        str(statement)
        for statement in fix_statements(SchemaDifference("", wants, has), database, models)
    ]


@pytest.mark.parametrize(
    ("has", "wants", "renames"),
    [
        (enum("a", "b"), enum("a", "c"), ["'b' TO 'c'"]),
        (enum("new", "sent"), enum("NEW", "SENT"), ["'new' TO 'NEW'", "'sent' TO 'SENT'"]),
        (enum("a", "it''s", "b"), enum("a", "is", "b"), ["'it''s' TO 'is'"]),
    ],
)
def test_rows_keep_a_label_that_is_renamed(has: Part, wants: Part, renames: list[str]) -> None:
    assert fixed(has, wants) == [f"ALTER TYPE status RENAME VALUE {rename}" for rename in renames]


@pytest.mark.parametrize(
    ("has", "wants"),
    [(enum("a", "b", "c"), enum("a", "b")), (enum("a", "b"), enum("b", "a"))],
)
@pytest.mark.parametrize(
    "part",
    [
        index("ix", "id", "status <> 'a'::status"),
        index("ix", "COALESCE(status, 'a'::status)"),
        constraint("check", "ix", "CHECK (status <> 'a'::status)"),
        column("ix", computed="status = 'a'::status"),
    ],
)
def test_what_knows_the_old_type_is_out_of_the_way_of_the_new_one(
    has: Part, wants: Part, part: Part
) -> None:
    first, *_, last = fixed(has, wants, part)
    assert "DROP" in first
    assert first.endswith(" ix")
    assert last.endswith(part.sql)


def test_what_changes_itself_does_not_come_back() -> None:
    """Its own operation drops and creates it."""
    old, new = (index("ix", "id", f"status <> '{label}'::status") for label in "ca")
    statements = fixed(enum("a", "b", "c"), enum("a", "b"), old, model_parts=(new,))
    assert not [statement for statement in statements if "INDEX" in statement]


def test_a_label_that_is_used_at_once_comes_with_a_new_type() -> None:
    """PostgreSQL lets no transaction use a label that it adds."""
    assert fixed(enum("a"), enum("a", "b")) == ["ALTER TYPE status ADD VALUE 'b' AFTER 'a'"]
    using = index("ix", "id", "status <> 'b'::status")
    assert "CREATE TYPE" in "".join(fixed(enum("a"), enum("a", "b"), model_parts=(using,)))
    array = column("all", "status[]", default="'{a,b}'::status[]")
    assert "CREATE TYPE" in "".join(fixed(enum("a"), enum("a", "b"), model_parts=(array,)))


@pytest.mark.parametrize(("label", "default"), [("b", "'a'::status"), ("c", "'b'::status")])
def test_a_default_whose_label_goes_becomes_that_of_the_models(label: str, default: str) -> None:
    has, wants = (
        enum("a", "b", "c"),
        enum(*(letter for letter in "abc" if letter != label), "d", "e"),
    )
    old = column("status", "status", default="'b'::status")
    models = schema(column("status", "status", default=default), objects=(wants,))
    statements = fix_statements(
        SchemaDifference("", wants, has), schema(old, objects=(has,)), models
    )
    assert f"ALTER TABLE games ALTER COLUMN status SET DEFAULT {default}" in statements


def test_code_of_all_stages_is_shown_with_the_finding() -> None:
    texts: Any = dict.fromkeys(("database", "table", "name", "expected", "actual", "text"), "")
    stages: Any = {"before": ("a",), "code": ("b",), "after": ("c",)}
    operation = Operation(kind="add_index", columns=(), **texts, **stages)
    assert operation.whole_code == ("a", "b", "c")


def dropped(key: str, code: str) -> dict[str, Any]:
    return {**operation_of("remove_table", "", code), "table": key}


def relations(*tables: str, **parts: Part) -> DatabaseSchema:
    """Return tables of these names, and those of which the parts are."""
    named = {name: TableSchema(name) for name in tables}
    return DatabaseSchema(named | {name: TableSchema(name, [part]) for name, part in parts.items()})


@pytest.mark.parametrize(
    ("database", "models"),
    [
        (
            relations(games=constraint("exclusion", "alone", "EXCLUDE (a WITH =)", "a")),
            relations(matches=constraint("exclusion", "alone", "EXCLUDE (a WITH =)", "a")),
        ),
        (
            relations(games=constraint("unique", "ix", "UNIQUE (a)", "a")),
            relations(matches=index("ix", "a")),
        ),
        (relations(games=index("moves", "a")), relations("moves")),
        (relations("games"), DatabaseSchema({}, [Part("enum", "games", {"labels": "'a'"})])),
    ],
    ids=["EXCLUDE", "unique constraint", "table", "enum"],
)
def test_a_table_of_which_something_else_takes_a_name_goes_first(
    database: DatabaseSchema, models: DatabaseSchema
) -> None:
    """Autogenerate does not reflect the names of EXCLUDE constraints."""
    created = {**operation_of("add_table", "", "create_table()"), "table": "matches"}
    code = printed(database, models, created, dropped("games", "drop_table()"))
    assert code[0] == "drop_table()"
    free = relations("matches")
    code = printed(database, free, created, dropped("games", "drop_table()"))
    assert code == ["create_table()", "drop_table()"]


@pytest.mark.parametrize(
    ("part", "keyword"),
    [
        (Part("enum", "status", {"labels": "'a'"}, sql="status"), "TYPE"),
        (Part("domain", "status", {"type": "text"}, sql="status"), "DOMAIN"),
        (Part("sequence", "status", {"options": ""}, sql="status"), "SEQUENCE"),
    ],
    ids=["enum", "domain", "sequence"],
)
def test_a_type_that_goes_leaves_its_name_to_a_table(part: Part, keyword: str) -> None:
    """It cannot be dropped first: a column may be of it until the end."""
    code = printed(DatabaseSchema({}, [part]), relations("status"))
    assert code == [
        f'op.execute("ALTER {keyword} status RENAME TO status_old")',
        f'op.execute("DROP {keyword} status_old")',
    ]
    code = printed(DatabaseSchema({}, [part]), relations("statuses"))
    assert code == [f'op.execute("DROP {keyword} status")']
