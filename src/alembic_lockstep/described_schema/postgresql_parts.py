"""The schema of a PostgreSQL database, without what extensions brought."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.described_schema.schema_parts import SchemaPart
from alembic_lockstep.probe.twin.postgresql.spelling import default_form, normal_form
from alembic_lockstep.rows import RowsDatabase

_SCHEMAS = r"""n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_OWN = """NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = {oid} AND x.deptype = 'e'
    AND x.classid = '{catalogue}'::regclass)"""
_TABLE = "CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname"
_KINDS = {
    "r": "table",
    "p": "table",
    "f": "table",
    "v": "view",
    "m": "materialized view",
    "S": "sequence",
}
_CONSTRAINTS = {
    "p": "primary key",
    "u": "unique",
    "f": "foreign key",
    "c": "check",
    "x": "exclusion",
}
# Sequences of serial and identity columns belong to their columns.
_RELATIONS = f"""
    SELECT c.relkind, {_TABLE},
        CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid)
             WHEN c.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND {_SCHEMAS}
      AND {_OWN.format(oid="c.oid", catalogue="pg_class")}
      AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid
        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
"""
_COLUMNS = f"""
    SELECT {_TABLE}, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated,
        CASE WHEN a.attcollation <> t.typcollation THEN l.collname END
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND {_SCHEMAS}
      AND {_OWN.format(oid="c.oid", catalogue="pg_class")}
"""
# From PostgreSQL 18 on, NOT NULL is a constraint (n); it is in the columns.
_CONSTRAINED = f"""
    SELECT k.contype, {_TABLE}, k.conname, pg_get_constraintdef(k.oid), c.relname
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0 AND {_SCHEMAS}
      AND {_OWN.format(oid="c.oid", catalogue="pg_class")}
"""
_INDEXES = f"""
    SELECT {_TABLE}, i.relname, pg_get_indexdef(x.indexrelid), x.indisvalid, c.relname
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT i.relispartition AND c.relkind IN ('r', 'p', 'm') AND {_SCHEMAS}
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid
        AND k.contype IN ('p', 'u', 'x'))
      AND {_OWN.format(oid="c.oid", catalogue="pg_class")}
"""
# Labels are no part of an enum's definition: PostgreSQL cannot remove one.
_TYPES = f"""
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END,
        CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || t.typname,
        CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
            || coalesce(' DEFAULT ' || t.typdefault, '')
            || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
            || coalesce((SELECT string_agg(' ' || pg_get_constraintdef(k.oid), '' ORDER BY 1)
                FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'), '')
        ELSE '' END
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')) AND {_SCHEMAS}
      AND {_OWN.format(oid="t.oid", catalogue="pg_type")}
"""
_ROUTINES = f"""
    SELECT CASE WHEN p.prokind = 'p' THEN 'procedure' ELSE 'function' END,
        CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || p.proname
            || '(' || pg_get_function_identity_arguments(p.oid) || ')',
        pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p') AND {_SCHEMAS}
      AND {_OWN.format(oid="p.oid", catalogue="pg_proc")}
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.objid = p.oid AND x.deptype = 'i')
"""
_TRIGGERS = f"""
    SELECT {_TABLE}, g.tgname, pg_get_triggerdef(g.oid)
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT g.tgisinternal AND {_SCHEMAS}
"""
_NAMED = (
    ("extension", "SELECT extname FROM pg_extension"),
    ("schema", f"SELECT nspname FROM pg_namespace n WHERE {_SCHEMAS}"),
)


def postgresql_parts(database: RowsDatabase) -> Iterator[SchemaPart]:
    """Yield the parts of the schema."""
    for kind, name, definition in database.query(_RELATIONS):
        yield SchemaPart(_KINDS[_text(kind)], name, definition=_squeezed(definition))
    for (
        table,
        name,
        spelling,
        is_required,
        default,
        identity,
        generated,
        collation,
    ) in database.query(_COLUMNS):
        words = [spelling]
        words += ["NOT NULL"] if is_required else []
        words += [f"COLLATE {collation}"] if collation else []
        if _text(generated):
            words.append(f"GENERATED AS ({normal_form(default)})")
        elif default:
            words.append(f"DEFAULT {default_form(default, spelling)}")
        words += ["IDENTITY"] if _text(identity) else []
        yield SchemaPart("column", name, table, " ".join(words))
    for kind, table, name, definition, bare in database.query(_CONSTRAINED):
        generated = _is_generated(name, bare)
        form = normal_form if _text(kind) == "c" else _squeezed
        yield SchemaPart(_CONSTRAINTS[_text(kind)], name, table, form(definition), generated)
    for table, name, definition, is_valid, bare in database.query(_INDEXES):
        yield SchemaPart(
            "index",
            name,
            table,
            _index(definition) + ("" if is_valid else " INVALID"),
            _is_generated(name, bare),
        )
    for statement in (_TYPES, _ROUTINES):
        for kind, name, definition in database.query(statement):
            yield SchemaPart(kind, name, definition=_squeezed(definition))
    for table, name, definition in database.query(_TRIGGERS):
        yield SchemaPart("trigger", name, table, _squeezed(definition))
    for kind, statement in _NAMED:
        yield from (SchemaPart(kind, name) for (name,) in database.query(statement))


def _text(value: object) -> str:
    """Return a value of the type "char", which is bytes to the driver."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _index(definition: str) -> str:
    """Return an index's definition without its name."""
    unique = "UNIQUE " if definition.startswith("CREATE UNIQUE") else ""
    return unique + normal_form(definition[definition.index(" USING ") + 1 :])


def _is_generated(name: str, table: str) -> bool:
    """Return whether the server may have made a constraint's or an index's name."""
    start = re.escape(table[:20])
    return re.fullmatch(rf"{start}.*_(pkey|key|fkey|check|excl|idx)\d*", name) is not None
