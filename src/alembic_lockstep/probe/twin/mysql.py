"""Read a MySQL or MariaDB database from its `information_schema`.

The server itself writes down types and expressions, and the number of queries is the same for
every schema. Only the current database is read: tables of other ones (`schema=` in a model) are
not compared, nor is what `information_schema` lacks: a FULLTEXT index's parser, USING HASH on
InnoDB, MariaDB's application-time periods. For MySQL from 8.0.16, MariaDB from 10.6.
https://dev.mysql.com/doc/refman/8.0/en/information-schema.html
https://mariadb.com/kb/en/information-schema-tables/
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any, Dict, Iterator, List, Set, Tuple

from sqlalchemy.engine import Connection

from .mysql_fix import fix_statements
from .mysql_groups import ForeignKey
from .mysql_queries import (
    COLUMNS,
    FOREIGN_KEYS,
    INDEXES,
    MARIADB_CHECKS,
    MYSQL_CHECKS,
    PARTITIONS,
    RULES,
    SEQUENCE,
    TABLES,
)
from .mysql_text import (
    column_definition,
    create_options,
    expression,
    listed,
    literal,
    mysql_default,
    names_in,
    partitions,
    quoted,
)
from .schema import DatabaseSchema, Part, TableSchema

__all__ = ["copy_prerequisites", "discard_statements", "fix_statements", "read"]

Row = Dict[str, Any]


def read(connection: Connection) -> DatabaseSchema:
    """Read all tables and sequences of the current database; eight queries, nine with sequences."""
    return _SchemaReader(connection).read()


def copy_prerequisites(database: Connection, twin: Connection) -> None:
    """Copy the character set of the database to the twin: a migration may have altered it."""
    query = "SELECT @@character_set_database, @@collation_database"
    expected, actual = (
        tuple(connection.exec_driver_sql(query).one()) for connection in (database, twin)
    )
    if expected != actual:
        twin.exec_driver_sql("ALTER DATABASE CHARACTER SET {} COLLATE {}".format(*expected))


def discard_statements(twin: DatabaseSchema, tables: Set[str]) -> List[str]:
    """Return the statements that drop those tables, and the sequences."""
    drops = [f"DROP TABLE {quoted(key)}" for key in twin.tables if key in tables]
    drops += [f"DROP SEQUENCE {quoted(part.name)}" for part in twin.objects]
    off, on = (f"SET FOREIGN_KEY_CHECKS = {value}" for value in (0, 1))
    return [off, *drops, on] if drops else []


class _SchemaReader:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        (server,) = self._rows("SELECT DATABASE() AS NAME, VERSION() AS VERSION")
        self._database: str = server["NAME"]
        self._is_mariadb = "mariadb" in server["VERSION"].lower()

    def read(self) -> DatabaseSchema:
        rows = list(self._rows(TABLES))
        tables = {row["TABLE_NAME"]: row for row in rows if row["TABLE_TYPE"] != "SEQUENCE"}
        sequences = [row["TABLE_NAME"] for row in rows if row["TABLE_TYPE"] == "SEQUENCE"]
        schema = DatabaseSchema({name: TableSchema(quoted(name)) for name in tables})
        for row in self._rows(COLUMNS):
            if row["TABLE_NAME"] in tables:
                collation = tables[row["TABLE_NAME"]]["TABLE_COLLATION"]
                schema.tables[row["TABLE_NAME"]].parts.append(self._column(row, collation))
        for (name, _), group in self._grouped(INDEXES, "TABLE_NAME", "INDEX_NAME"):
            schema.tables[name].parts.append(self._index(group))
        self._add_foreign_keys(schema)
        for row in self._rows(MARIADB_CHECKS if self._is_mariadb else MYSQL_CHECKS):
            table = schema.tables[row["TABLE_NAME"]]
            table.parts.append(self._check(row, {part.name for part in table.of("column")}))
        parted = {key[0]: group for key, group in self._grouped(PARTITIONS, "TABLE_NAME")}
        for name, row in tables.items():
            schema.tables[name].parts += self._of_table(row, parted.get(name, []))
        schema.objects = self._sequences(sequences)
        return schema

    def _rows(self, query: str) -> Iterator[Row]:
        # Some drivers give texts as bytes; without parameters, a percent sign is one.
        options = {"no_parameters": True}
        for row in self._connection.exec_driver_sql(query, execution_options=options):
            values = row._mapping.items()
            yield {str(k): bytes(v).decode() if _is_bytes(v) else v for k, v in values}

    def _grouped(self, query: str, *names: str) -> Iterator[Tuple[Tuple[str, ...], List[Row]]]:
        rows = self._rows(query)
        for key, group in groupby(rows, lambda row: tuple(row[name] for name in names)):
            yield key, list(group)

    def _written(self, text: str) -> str:
        return expression(text, self._database, self._is_mariadb)

    def _column(self, row: Row, table_collation: str) -> Part:
        extra = row["EXTRA"] or ""
        on_update = re.search(r"(?i)on update (\S+)", extra)
        own = row["COLLATION_NAME"] if row["COLLATION_NAME"] != table_collation else ""
        facts = {
            "type": row["COLUMN_TYPE"],
            "collation": own or "",
            "nullable": "yes" if row["IS_NULLABLE"] == "YES" else "no",
            "default": self._default(row, extra),
            "on_update": on_update[1] if on_update else "",
            "autoincrement": "yes" if "auto_increment" in extra.lower() else "",
            "computed": self._computed(row, extra),
            "invisible": "yes" if "INVISIBLE" in extra else "",
            "comment": row["COLUMN_COMMENT"],
        }
        name = row["COLUMN_NAME"]
        return Part(
            "column", name, facts, (name,), sql=f"{quoted(name)} {column_definition(facts)}"
        )

    def _default(self, row: Row, extra: str) -> str:
        text = row["COLUMN_DEFAULT"]
        if text is None or (self._is_mariadb and text == "NULL"):
            return ""
        if not self._is_mariadb:
            text = mysql_default(text, row["DATA_TYPE"], extra)
        return self._written(text)

    def _computed(self, row: Row, extra: str) -> str:
        if not row["GENERATION_EXPRESSION"]:
            return ""
        kind = "VIRTUAL" if "VIRTUAL" in extra else "STORED"
        return f"({self._written(row['GENERATION_EXPRESSION'])}) {kind}"

    def _index(self, rows: List[Row]) -> Part:
        first = rows[0]
        name, method = first["INDEX_NAME"], first["INDEX_TYPE"]
        columns = tuple(row["COLUMN_NAME"] for row in rows if row["COLUMN_NAME"])
        shown = f"({', '.join(self._index_column(row) for row in rows)})"
        is_hidden = first.get("IGNORED") == "YES" or first.get("IS_VISIBLE") == "NO"
        hidden = ("IGNORED" if self._is_mariadb else "INVISIBLE") if is_hidden else ""
        facts = {
            "columns": shown,
            "method": "" if method == "BTREE" else method,
            "hidden": hidden,
            "comment": first["INDEX_COMMENT"],
        }
        end = " USING HASH" if method == "HASH" else ""
        if hidden:
            end += f" {hidden}"
        if facts["comment"]:
            end += f" COMMENT {literal(facts['comment'])}"
        if name == "PRIMARY":
            return Part("primary_key", name, facts, columns, True, f"PRIMARY KEY {shown}{end}")
        if first["NON_UNIQUE"] == 0:
            # The server names an unnamed one by its first column.
            has_generated_name = bool(columns) and bool(re.fullmatch(_numbered(columns[0]), name))
            sql = f"UNIQUE INDEX {quoted(name)} {shown}{end}"
            return Part("unique", name, facts, columns, has_generated_name, sql)
        kind = f"{method} INDEX" if method in ("FULLTEXT", "SPATIAL") else "INDEX"
        return Part("index", name, facts, columns, sql=f"{kind} {quoted(name)} {shown}{end}")

    def _index_column(self, row: Row) -> str:
        if not row["COLUMN_NAME"]:
            return f"({self._written(row['EXPRESSION'])})"
        text = quoted(row["COLUMN_NAME"])
        if row["SUB_PART"] and row["INDEX_TYPE"] != "SPATIAL":
            text += f"({row['SUB_PART']})"
        return f"{text} DESC" if row["COLLATION"] == "D" else text

    def _add_foreign_keys(self, schema: DatabaseSchema) -> None:
        rules = {(row["TABLE_NAME"], row["CONSTRAINT_NAME"]): row for row in self._rows(RULES)}
        for key, rows in self._grouped(FOREIGN_KEYS, "TABLE_NAME", "CONSTRAINT_NAME"):
            table = schema.tables[key[0]]
            part = self._foreign_key(key[1], rows, rules[key[0], key[1]], table)
            table.parts.append(part)
        for table in schema.tables.values():
            implied = {part.index for part in table.parts if isinstance(part, ForeignKey)}
            table.parts = [p for p in table.parts if p.kind != "index" or p.name not in implied]

    def _foreign_key(self, name: str, rows: List[Row], rule: Row, table: TableSchema) -> ForeignKey:
        columns = tuple(row["COLUMN_NAME"] for row in rows)
        referred = tuple(row["REFERENCED_COLUMN_NAME"] for row in rows)
        schema, target = rows[0]["REFERENCED_TABLE_SCHEMA"], rows[0]["REFERENCED_TABLE_NAME"]
        target_name = (
            quoted(target) if schema == self._database else f"{quoted(schema)}.{quoted(target)}"
        )
        facts = {
            "columns": listed(columns),
            "target": f"{target_name} {listed(referred)}",
            "on_delete": _rule(rule["DELETE_RULE"]),
            "on_update": _rule(rule["UPDATE_RULE"]),
        }
        has_generated_name = bool(re.fullmatch(r".*_ibfk_\d+|\d+", name))
        bare = f"FOREIGN KEY {facts['columns']} REFERENCES {facts['target']}"
        for event in ("on_delete", "on_update"):
            if facts[event]:
                bare += f" {event.replace('_', ' ').upper()} {facts[event]}"
        sql = bare if has_generated_name else f"CONSTRAINT {quoted(name)} {bare}"
        index = _implied(name, columns, table)
        return ForeignKey(
            "foreign_key",
            name,
            facts,
            columns,
            has_generated_name,
            sql,
            target=target,
            referred=referred,
            index=index,
            bare_sql=bare,
        )

    def _check(self, row: Row, columns: Any) -> Part:
        clause, name = self._written(row["CHECK_CLAUSE"]), row["CONSTRAINT_NAME"]
        enforced = row["ENFORCED"] == "YES"
        facts = {"clause": clause, "not_enforced": "" if enforced else "yes"}
        of_column = row["LEVEL"] == "Column"
        numbered = r"CONSTRAINT_\d+" if self._is_mariadb else r".*_chk_\d+"
        has_generated_name = of_column or bool(re.fullmatch(numbered, name))
        concerned = dict.fromkeys(
            name_in_clause for name_in_clause in names_in(clause) if name_in_clause in columns
        )
        sql = f"CHECK ({clause.strip() if self._is_mariadb else clause})"
        if not enforced:
            sql += " NOT ENFORCED"
        if not has_generated_name:
            sql = f"CONSTRAINT {quoted(name)} {sql}"
        return Part("check", name, facts, tuple(concerned), has_generated_name, sql)

    def _of_table(self, row: Row, parts: List[Row]) -> List[Part]:
        facts = create_options(row["CREATE_OPTIONS"] or "")
        facts["engine"] = row["ENGINE"] or ""
        facts["collation"] = row["TABLE_COLLATION"] or ""
        facts["system versioning"] = "yes" if row["TABLE_TYPE"] == "SYSTEM VERSIONED" else ""
        facts["partition by"] = self._written(partitions(parts)) if parts else ""
        comment = {"comment": row["TABLE_COMMENT"]}
        return [Part("options", "", facts), Part("comment", "", comment)]

    def _sequences(self, names: List[str]) -> List[Part]:
        queries = [SEQUENCE.format(literal=literal(n), quoted=quoted(n)) for n in names]
        rows = self._rows(" UNION ALL ".join(queries)) if queries else iter(())
        return [_sequence(row) for row in rows]


def _is_bytes(value: Any) -> bool:
    return isinstance(value, (bytes, bytearray))


def _numbered(name: str) -> str:
    return rf"{re.escape(name)}(_\d+)?"


def _rule(text: str) -> str:
    # InnoDB treats the two alike, and they are its default.
    return "" if text in ("NO ACTION", "RESTRICT") else text


def _implied(name: str, columns: Tuple[str, ...], table: TableSchema) -> str:
    """Return the index that the server made for a foreign key, as no other starts with its columns.

    It has the name of the constraint, or of the first column if that had none.
    """
    usable = [
        part
        for part in table.of("primary_key", "unique", "index")
        if part.columns[: len(columns)] == columns and not part.facts["method"]
    ]
    if len(usable) != 1 or usable[0].kind != "index" or usable[0].columns != columns:
        return ""
    (index,) = usable
    plain = index.facts["columns"] == listed(columns) and not index.facts["comment"]
    as_made = index.name == name or re.fullmatch(_numbered(columns[0]), index.name)
    return index.name if plain and as_made else ""


def _sequence(row: Row) -> Part:
    limits = f"MINVALUE {row['minimum_value']} MAXVALUE {row['maximum_value']}"
    steps = f"START WITH {row['start_value']} INCREMENT BY {row['increment']}"
    cache = f"CACHE {row['cache_size']}" if row["cache_size"] else "NOCACHE"
    cycle = "CYCLE" if row["cycle_option"] else "NOCYCLE"
    facts = {"options": f"{steps} {limits} {cache} {cycle}"}
    return Part("sequence", row["name"], facts, sql=f"{quoted(row['name'])} {facts['options']}")
