"""Queries for objects that tables may use and models cannot declare, with the SQL to create them.

Each returns the kind of an object, its name, and a list of statements. Catalogues differ by
version: a missing column is NULL in its row as JSON. No percent signs: some connections take those
for parameters.
"""

from __future__ import annotations

_OURS = """
  n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT 1 FROM pg_depend e WHERE e.deptype = 'e' AND e.objid = {row}.oid
                  AND e.classid = CAST('{catalogue}' AS regclass))
"""
_NAME = "quote_ident(n.nspname) || '.' || quote_ident({})"


def _ours(row: str, catalogue: str) -> str:
    return _OURS.format(row=row, catalogue=catalogue)


_COLLATIONS = f"""
SELECT 'collation', c.collname, ARRAY['CREATE COLLATION ' || {_NAME.format("c.collname")} ||
  CASE c.collprovider WHEN 'c' THEN
    ' (PROVIDER = libc, LC_COLLATE = ' || quote_literal(c.collcollate) ||
    ', LC_CTYPE = ' || quote_literal(c.collctype)
  ELSE
    ' (PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' ELSE 'builtin' END ||
    ', LOCALE = ' || quote_literal(COALESCE(
      to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate)) ||
    CASE WHEN c.collisdeterministic THEN '' ELSE ', DETERMINISTIC = false' END ||
    COALESCE(', RULES = ' || quote_literal(to_jsonb(c) ->> 'collicurules'), '')
  END || ')']
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE {_ours("c", "pg_collation")} ORDER BY c.oid
"""
_COMPOSITES = f"""
SELECT 'type', t.typname, ARRAY['CREATE TYPE ' || {_NAME.format("t.typname")} || ' AS (' ||
  (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', '
                     ORDER BY a.attnum)
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) || ')']
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {_ours("t", "pg_type")} ORDER BY t.oid
"""
_RANGES = f"""
SELECT 'type', t.typname, ARRAY['CREATE TYPE ' || {_NAME.format("t.typname")} ||
  ' AS RANGE (SUBTYPE = ' || format_type(r.rngsubtype, NULL) || ')']
FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {_ours("t", "pg_type")} ORDER BY t.oid
"""
_DICTIONARIES = f"""
SELECT 'text search', d.dictname,
  ARRAY['CREATE TEXT SEARCH DICTIONARY ' || {_NAME.format("d.dictname")} || ' (TEMPLATE = ' ||
        quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname) ||
        COALESCE(', ' || d.dictinitoption, '') || ')']
FROM pg_ts_dict d JOIN pg_namespace n ON n.oid = d.dictnamespace
JOIN pg_ts_template t ON t.oid = d.dicttemplate JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
WHERE {_ours("d", "pg_ts_dict")} ORDER BY d.oid
"""
_CONFIGURATIONS = f"""
SELECT 'text search', c.cfgname, ARRAY[
  'CREATE TEXT SEARCH CONFIGURATION ' || {_NAME.format("c.cfgname")} || ' (PARSER = ' ||
  quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) || ')'] || ARRAY(
  SELECT 'ALTER TEXT SEARCH CONFIGURATION ' || {_NAME.format("c.cfgname")} ||
    ' ADD MAPPING FOR ' || (SELECT k.alias FROM ts_token_type(c.cfgparser) k
                            WHERE k.tokid = m.maptokentype) || ' WITH ' ||
    string_agg(CAST(CAST(m.mapdict AS regdictionary) AS text), ', ' ORDER BY m.mapseqno)
  FROM pg_ts_config_map m WHERE m.mapcfg = c.oid GROUP BY m.maptokentype ORDER BY m.maptokentype)
FROM pg_ts_config c JOIN pg_namespace n ON n.oid = c.cfgnamespace
JOIN pg_ts_parser p ON p.oid = c.cfgparser JOIN pg_namespace pn ON pn.oid = p.prsnamespace
WHERE {_ours("c", "pg_ts_config")} ORDER BY c.oid
"""
_FUNCTIONS = f"""
SELECT 'function', p.proname, ARRAY[pg_get_functiondef(p.oid)]
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind IN ('f', 'p') AND {_ours("p", "pg_proc")} ORDER BY p.oid
"""

QUERIES = (_COLLATIONS, _COMPOSITES, _RANGES, _DICTIONARIES, _CONFIGURATIONS, _FUNCTIONS)
