"""Read a PostgreSQL database from its catalogues.

The server itself spells types, expressions and definitions (`format_type`, `pg_get_expr`,
`pg_get_constraintdef`, `pg_get_indexdef`), so exclusion constraints, operator classes, predicates
and deferrability need no code of ours, and the number of queries is the same for every schema.
https://www.postgresql.org/docs/current/catalogs.html
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

from sqlalchemy import text
from sqlalchemy.engine import Connection

from ..schema import DatabaseSchema, Part, TableSchema
from .spelling import default_form, normal_form

# Neither the server's own nor an extension's.
_OURS = """
  n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.deptype = 'e' AND e.objid = {oid}
                  AND e.classid = CAST('{catalogue}' AS regclass))
"""
_CLASSES = _OURS.format(oid="c.oid", catalogue="pg_class")
_TYPES = _OURS.format(oid="t.oid", catalogue="pg_type")

_TABLES = f"""
SELECT CAST(c.oid AS bigint) AS oid, n.nspname AS schema, c.relname AS name,
  CAST(CAST(c.oid AS regclass) AS text) AS quoted,
  n.nspname = current_schema() AS is_default, c.relpersistence = 'u' AS unlogged,
  array_to_string(ARRAY(SELECT unnest(c.reloptions) ORDER BY 1), ', ') AS storage,
  CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
  pg_get_expr(c.relpartbound, c.oid, true) AS bound,
  (SELECT string_agg(CAST(CAST(i.inhparent AS regclass) AS text), ', ' ORDER BY i.inhseqno)
   FROM pg_inherits i WHERE i.inhrelid = c.oid) AS parents,
  (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace) AS tablespace,
  obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND {_CLASSES}
"""
_COLUMNS = f"""
SELECT CAST(a.attrelid AS bigint) AS oid, a.attname AS name, quote_ident(a.attname) AS quoted,
  format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS required,
  (SELECT quote_ident(l.collname) FROM pg_collation l WHERE l.oid = a.attcollation
   AND a.attcollation <> y.typcollation) AS collation,
  CAST(a.attidentity AS text) AS identity, CAST(a.attgenerated AS text) AS generated,
  pg_get_expr(d.adbin, d.adrelid, true) AS expression, col_description(c.oid, a.attnum) AS comment,
  CAST(CAST(s.seqrelid AS regclass) AS text) AS owned, s.seqstart AS start,
  s.seqincrement AS increment, s.seqmin AS min, s.seqmax AS max, s.seqcache AS cache,
  s.seqcycle AS cycle, format_type(s.seqtypid, NULL) AS sequence_type
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type y ON y.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN (pg_depend o JOIN pg_sequence s ON s.seqrelid = o.objid)
  ON o.refobjid = c.oid AND o.refobjsubid = a.attnum AND o.deptype IN ('a', 'i')
  AND o.classid = CAST('pg_class' AS regclass) AND o.refclassid = CAST('pg_class' AS regclass)
WHERE c.relkind IN ('r', 'p') AND {_CLASSES}
ORDER BY c.oid, a.attnum
"""
# PostgreSQL 18 has a constraint for each NOT NULL; the column says that already.
_CONSTRAINTS = f"""
SELECT CAST(k.conrelid AS bigint) AS oid, k.conname AS name, quote_ident(k.conname) AS quoted,
  CAST(k.contype AS text) AS type, pg_get_constraintdef(k.oid, true) AS definition,
  k.convalidated AS is_valid, obj_description(k.oid, 'pg_constraint') AS comment,
  ARRAY(SELECT CAST(a.attname AS text) FROM unnest(k.conkey) WITH ORDINALITY u (number, place)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number
        ORDER BY u.place) AS columns
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND {_CLASSES}
ORDER BY k.conrelid, k.conname
"""
# A constraint's index is read with the constraint; an attached one belongs to its parent.
_INDEXES = f"""
SELECT CAST(x.indrelid AS bigint) AS oid, i.relname AS name, quote_ident(i.relname) AS quoted,
  pg_get_indexdef(x.indexrelid, 0, true) AS definition, x.indisunique AS is_unique,
  x.indisvalid AS is_valid,
  array_to_string(ARRAY(SELECT unnest(i.reloptions) ORDER BY 1), ', ') AS storage,
  ARRAY(SELECT CAST(a.attname AS text)
        FROM unnest(CAST(x.indkey AS smallint[])) WITH ORDINALITY u (number, place)
        JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.number
        ORDER BY u.place) AS columns
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT i.relispartition AND {_CLASSES}
  AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid
                  AND k.contype IN ('p', 'u', 'x'))
ORDER BY x.indrelid, i.relname
"""
# Columns of the type, or of an array of it.
_USERS = """
  ARRAY(SELECT CASE WHEN un.nspname = current_schema() THEN '' ELSE un.nspname || '.' END
               || u.relname || '.' || a.attname
        FROM pg_attribute a JOIN pg_class u ON u.oid = a.attrelid AND u.relkind IN ('r', 'p')
        JOIN pg_namespace un ON un.oid = u.relnamespace
        WHERE a.atttypid IN (t.oid, t.typarray) AND NOT a.attisdropped ORDER BY 1) AS users
"""
_ENUMS = f"""
SELECT n.nspname AS schema, n.nspname = current_schema() AS is_default, t.typname AS name,
  format_type(t.oid, NULL) AS quoted,
  ARRAY(SELECT quote_literal(e.enumlabel) FROM pg_enum e WHERE e.enumtypid = t.oid
        ORDER BY e.enumsortorder) AS labels, {_USERS}
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND {_TYPES} ORDER BY t.typname
"""
_DOMAINS = f"""
SELECT n.nspname AS schema, n.nspname = current_schema() AS is_default, t.typname AS name,
  format_type(t.oid, NULL) AS quoted, format_type(t.typbasetype, t.typtypmod) AS type,
  t.typnotnull AS required, t.typdefault AS expression,
  (SELECT quote_ident(l.collname) FROM pg_collation l JOIN pg_type b ON b.oid = t.typbasetype
   WHERE l.oid = t.typcollation AND t.typcollation <> b.typcollation) AS collation,
  ARRAY(SELECT ARRAY[quote_ident(k.conname), pg_get_constraintdef(k.oid, true)]
        FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'
        ORDER BY k.conname) AS checks, {_USERS}
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'd' AND {_TYPES} ORDER BY t.typname
"""
_SEQUENCES = f"""
SELECT n.nspname AS schema, n.nspname = current_schema() AS is_default, c.relname AS name,
  CAST(CAST(c.oid AS regclass) AS text) AS quoted, format_type(s.seqtypid, NULL) AS sequence_type,
  s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS min, s.seqmax AS max,
  s.seqcache AS cache, s.seqcycle AS cycle
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {_CLASSES} AND NOT EXISTS (SELECT 1 FROM pg_depend o WHERE o.objid = c.oid
  AND o.deptype IN ('a', 'i') AND o.classid = CAST('pg_class' AS regclass)
  AND o.refclassid = CAST('pg_class' AS regclass) AND o.refobjsubid > 0)
ORDER BY c.relname
"""

_KINDS = {"c": "check", "f": "foreign_key", "p": "primary_key", "u": "unique", "x": "exclusion"}
#: Default of a column that counts by a sequence of its own, such as SERIAL makes.
OWN_SEQUENCE = "the next of its own sequence"
# Endings of the names that the server makes up, after the table and columns of that time.
_ENDINGS = ("_check", "_fkey", "_pkey", "_key", "_excl")


def read(connection: Connection) -> DatabaseSchema:
    """Read all tables, types and sequences of the database; seven queries, whatever its size."""
    schema = DatabaseSchema()
    tables: Dict[int, TableSchema] = {}
    keys: Dict[int, str] = {}
    for row in _rows(connection, _TABLES):
        keys[row["oid"]] = key = _key(row)
        tables[row["oid"]] = schema.tables[key] = TableSchema(row["quoted"], _of_table(row))
    for row in _rows(connection, _COLUMNS):
        tables[row["oid"]].parts.append(_column(row))
        if row["owned"] is not None:
            column = f"{keys[row['oid']]}.{row['name']}"
            facts = {"options": f"AS {row['sequence_type']} {_options(row)}"}
            schema.owned.append(Part("sequence", "", facts, (column,), sql=row["owned"]))
    for row in _rows(connection, _CONSTRAINTS):
        tables[row["oid"]].parts.append(_constraint(row))
    for row in _rows(connection, _INDEXES):
        tables[row["oid"]].parts.append(_index(row, tables[row["oid"]]))
    schema.objects += [_enum(row) for row in _rows(connection, _ENUMS)]
    schema.objects += [_domain(row) for row in _rows(connection, _DOMAINS)]
    schema.objects += [_sequence(row) for row in _rows(connection, _SEQUENCES)]
    return schema


def _rows(connection: Connection, query: str) -> Iterator[Dict[str, Any]]:
    for row in connection.execute(text(query)):
        yield dict(row._mapping)


def _key(row: Dict[str, Any]) -> str:
    return str(row["name"]) if row["is_default"] else f"{row['schema']}.{row['name']}"


def _of_table(row: Dict[str, Any]) -> List[Part]:
    facts = {
        "unlogged": "yes" if row["unlogged"] else "",
        "storage": row["storage"] or "",
        "partition by": row["partition_key"] or "",
        "partition of": f"{row['parents']} {row['bound']}" if row["bound"] else "",
        "inherits": row["parents"] or "" if not row["bound"] else "",
        "tablespace": row["tablespace"] or "",
    }
    comment = {"comment": row["comment"] or ""}
    return [Part("options", "", facts), Part("comment", "", comment)]


def _column(row: Dict[str, Any]) -> Part:
    is_own = row["owned"] is not None and not row["identity"]
    expression = str(row["expression"] or "")
    plain = not row["generated"] and not is_own
    facts = {
        "type": row["type"],
        "collation": row["collation"] or "",
        "nullable": "no" if row["required"] else "yes",
        "default": default_form(expression, row["type"]) if plain else "",
        "computed": normal_form(expression) if row["generated"] else "",
        "identity": _identity(row),
        "comment": row["comment"] or "",
    }
    if is_own:
        facts["default"] = OWN_SEQUENCE
    words = [row["quoted"], row["type"]]
    if row["collation"]:
        words.append(f"COLLATE {row['collation']}")
    if row["generated"]:
        storage = "STORED" if row["generated"] == "s" else "VIRTUAL"
        facts["computed"] += f" {storage}"
        words.append(f"GENERATED ALWAYS AS ({expression}) {storage}")
    elif facts["identity"]:
        words.append(f"GENERATED {facts['identity']}")
    elif expression:
        words.append(f"DEFAULT {expression}")
    if row["required"]:
        words.append("NOT NULL")
    return Part("column", row["name"], facts, (row["name"],), sql=" ".join(words))


def _identity(row: Dict[str, Any]) -> str:
    if not row["identity"]:
        return ""
    when = "ALWAYS" if row["identity"] == "a" else "BY DEFAULT"
    return f"{when} AS IDENTITY ({_options(row)})"


def _options(row: Dict[str, Any]) -> str:
    """Return a sequence's options as they are written in SQL."""
    cycle = "CYCLE" if row["cycle"] else "NO CYCLE"
    return (
        f"INCREMENT {row['increment']} MINVALUE {row['min']} MAXVALUE {row['max']} "
        f"START {row['start']} CACHE {row['cache']} {cycle}"
    )


def _constraint(row: Dict[str, Any]) -> Part:
    kind = _KINDS[row["type"]]
    has_expression = kind in ("check", "exclusion")
    definition = row["definition"]
    if not row["is_valid"]:
        definition = definition[: -len(" NOT VALID")]
    facts = {"definition": normal_form(definition) if has_expression else definition}
    facts["validity"] = "VALID" if row["is_valid"] else "NOT VALID"
    facts["comment"] = row["comment"] or ""
    name, columns = row["name"], tuple(row["columns"])
    has_generated_name = name.rstrip("0123456789").endswith(_ENDINGS)
    return Part(kind, name, facts, columns, has_generated_name, sql=row["definition"])


def _index(row: Dict[str, Any], table: TableSchema) -> Part:
    # `CREATE UNIQUE INDEX name ON ONLY schema.table USING btree (…)`: the names stand elsewhere.
    rest = row["definition"].partition(f" {row['quoted']} ON ")[2]
    definition = rest.replace("ONLY ", "", 1) if rest.startswith("ONLY ") else rest
    definition = definition[len(table.sql_name) + 1 :]
    facts = {
        "definition": normal_form(definition),
        "unique": "yes" if row["is_unique"] else "",
        "invalid": "" if row["is_valid"] else "yes",
    }
    return Part("index", row["name"], facts, tuple(row["columns"]), sql=row["definition"])


def _enum(row: Dict[str, Any]) -> Part:
    facts = {"labels": ", ".join(row["labels"])}
    return Part("enum", _key(row), facts, tuple(row["users"]), sql=row["quoted"])


def _domain(row: Dict[str, Any]) -> Part:
    facts = {
        "type": row["type"],
        "collation": row["collation"] or "",
        "nullable": "no" if row["required"] else "yes",
        "default": default_form(row["expression"] or "", row["type"]),
        **{f"constraint {name}": normal_form(check) for name, check in row["checks"]},
    }
    return Part("domain", _key(row), facts, tuple(row["users"]), sql=row["quoted"])


def _sequence(row: Dict[str, Any]) -> Part:
    facts = {"options": f"AS {row['sequence_type']} {_options(row)}"}
    return Part("sequence", _key(row), facts, sql=row["quoted"])
