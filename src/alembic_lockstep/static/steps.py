"""What a migration does, a step at a time: calls of `op` and of batches, and SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from alembic_lockstep.static.lookup import Unknown, is_text, items_of
from alembic_lockstep.static.parts import PartReader, arguments
from alembic_lockstep.static.tables import TablePart, Unread


@dataclass(frozen=True)
class Step:
    """One operation of a migration.

    Attributes:
        verb: `add table`, `drop table`, `rename table`, `add`, `drop`, `alter`, `relabel`.
        table: Its table; an enum's name if it changes labels.
        kind: Of what it drops: a kind of part, "" if it may be any constraint.
        name: Of what it drops or alters in the table; or the table's new name.
        part: What it adds.
        values: Of what it alters: new values, and perhaps a new name. Of labels all of them
            (`labels`), or one more (`new`) in the place of another (`old`).
    """

    verb: str
    table: str
    kind: str = ""
    name: str = ""
    part: TablePart | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> frozenset[str]:
        """Return the names that it mentions."""
        part = [self.part.name, *self.part.columns] if self.part else []
        return frozenset(name.rpartition(".")[2] for name in (self.table, self.name, *part) if name)


# It changes rows, sessions, rights, or what models do not make.
_NO_SCHEMA = re.compile(
    r"""\s*(?:
        select|insert|update|delete|with|merge|truncate|copy|values|explain|call
        |set|reset|pragma|begin|commit|savepoint|release|rollback|lock|unlock|use|show
        |grant|revoke|vacuum|analyze|cluster|reindex|refresh|notify|comment
        |(?:create|drop|alter)\s+(?:or\s+replace\s+)?(?:temp\w*\s+|materialized\s+|constraint\s+)?
         (?:extension|function|procedure|trigger|view|policy|role|user|rule|sequence|aggregate)
        |(?:create|drop)\s+type
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
_LABEL = r"'((?:[^']|'')*)'"
_ADD_VALUE = re.compile(
    rf"\s*alter\s+type\s+([\w.\"]+)\s+(?:add\s+value\s+(?:if\s+not\s+exists\s+)?{_LABEL}"
    rf"(?:\s+(?:before|after)\s+{_LABEL})?|rename\s+value\s+{_LABEL}\s+to\s+{_LABEL})\s*",
    re.IGNORECASE,
)
_CREATE_ENUM = re.compile(
    r"\s*create\s+type\s+([\w.\"]+)\s+as\s+enum\s*\((.*)\)\s*", re.IGNORECASE | re.DOTALL
)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def steps_of_sql(text: str, path: str, line: int) -> Iterator[Step | Unread]:
    """Yield the steps of one or several statements of SQL."""
    for statement in _COMMENT.sub(" ", text).split(";"):
        created, changed = _CREATE_ENUM.fullmatch(statement), _ADD_VALUE.fullmatch(statement)
        if created:
            labels = tuple(re.findall(_LABEL, created[2]))
            yield Step("relabel", _bare(created[1]), values={"labels": labels})
        elif changed:
            values = {"new": changed[2] or changed[5], "old": changed[4]}
            yield Step("relabel", _bare(changed[1]), values=values)
        elif statement.strip() and not changes_no_schema(statement):
            shown = " ".join(statement.split())[:60]
            words = frozenset(re.findall(r"\w+", statement))
            yield Unread(f"it executes SQL ({shown})", path, line, words)


def changes_no_schema(beginning: str) -> bool:
    """Return whether a statement that begins so leaves the schema alone."""
    return bool(_NO_SCHEMA.match(beginning))


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


# From `op`'s methods to the kind of part and the parameters, of which a batch has no table.
_METHODS = {
    "create_table": ("", "table_name"),
    "drop_table": ("", "table_name"),
    "rename_table": ("", "table_name", "new_table_name"),
    "add_column": ("column", "table_name", "column"),
    "drop_column": ("column", "table_name", "name"),
    "alter_column": ("column", "table_name", "name"),
    "create_index": ("index", "name", "table_name", "columns"),
    "drop_index": ("index", "name", "table_name"),
    "create_unique_constraint": ("unique", "name", "table_name", "columns"),
    "create_primary_key": ("primary key", "name", "table_name", "columns"),
    "create_check_constraint": ("check", "name", "table_name", "sqltext"),
    "create_exclude_constraint": ("exclude", "name", "table_name"),
    "create_foreign_key": (
        *("foreign key", "name", "table_name", "referent_table", "columns", "remote_cols"),
    ),
    "drop_constraint": ("", "name", "table_name", "type_"),
}
_RENAMED = {
    **dict.fromkeys(("index_name", "constraint_name", "column_name"), "name"),
    **dict.fromkeys(("source_table", "old_table_name"), "table_name"),
    "local_cols": "columns",
    "condition": "sqltext",
    "source_schema": "schema",
}
_KINDS = {"foreignkey": "foreign key", "primary": "primary key"}
# From the arguments of `alter_column` to values of a column.
_ASPECTS = {
    "nullable": "nullable",
    "server_default": "default",
    "comment": "comment",
    "type_": "type",
}
_CONDITIONS = {"if_not_exists", "if_exists", "postgresql_concurrently", "referent_schema"}


def steps_of_call(reader: PartReader, call: ast.Call, batch: str | None) -> list[Step] | None:
    """Return what a call of a method of `op` or of a batch does; None if that cannot be told.

    Args:
        batch: The batch's table.
    """
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    kind, *names = _METHODS.get(method, ("",))
    if not names:
        return None
    names = [name for name in names if batch is None or name != "table_name"]
    keywords = {_RENAMED.get(name, name): value for name, value in arguments(call).items()}
    keywords |= dict(zip(names, call.args, strict=False))
    table = batch or qualified(reader, keywords, "table_name")
    verb, _, noun = method.partition("_")
    if not table and method not in ("drop_index", "drop_constraint"):
        return None
    if noun == "table":
        return _of_table(reader, call, keywords, verb, table)
    name = reader.text(keywords.get("name"))
    if verb == "drop":
        type_ = reader.text(keywords.get("type_"))
        kind = kind or _KINDS.get(type_, type_)
        return [Step("drop", table, kind, name)] if name or kind not in ("", "column") else None
    if method == "alter_column":
        step = Step("alter", table, kind, name, values=_alteration(reader, keywords))
        return [step] if name else None
    if method == "add_column":
        return _added(reader, table, items_of(keywords.get("column")))
    return [Step("add", table, part=_created(reader, keywords, kind))]


def qualified(reader: PartReader, keywords: Mapping[str, ast.expr], name: str) -> str:
    """Return a table's name with its schema."""
    table = reader.text(keywords.get(name))
    schema = reader.text(keywords.get("referent_schema" if name == "referent_table" else "schema"))
    return f"{schema}.{table}" if schema and table else table


def _of_table(
    reader: PartReader, call: ast.Call, keywords: Mapping[str, ast.expr], verb: str, table: str
) -> list[Step] | None:
    if verb == "rename":
        new = qualified(reader, keywords, "new_table_name")
        return [Step("rename table", table, name=new)] if new else None
    if verb == "drop":
        return [Step("drop table", table)]
    added = _added(reader, table, call.args[1:])
    return None if added is None else [Step("add table", table), *added]


def _added(reader: PartReader, table: str, items: list[ast.expr]) -> list[Step] | None:
    steps = []
    for part in reader.parts(items):
        if isinstance(part, Unread) or (part.kind == "column" and not part.name):
            return None
        steps.append(Step("add", table, part=part))
    return steps


def _alteration(reader: PartReader, keywords: Mapping[str, ast.expr]) -> dict[str, Any]:
    """Return the values that `op.alter_column` changes, and the new name."""
    aspects = {name: aspect for name, aspect in _ASPECTS.items() if name in keywords}
    options = [ast.keyword(name, keywords[name]) for name in aspects]
    column, *_ = reader.column(ast.Call(ast.Name("Column"), [], options), "")
    altered = {*aspects.values(), *(["enum"] if "type_" in aspects else [])}
    values = {name: value for name, value in column.values.items() if name in altered}
    new = reader.text(keywords.get("new_column_name"))
    return values | ({"name": new} if new else {})


def _created(reader: PartReader, keywords: Mapping[str, ast.expr], kind: str) -> TablePart:
    """Return the index or constraint that is created."""
    idle = {"table_name", "columns", "referent_table", "remote_cols", *_CONDITIONS}
    options = {name: value for name, value in keywords.items() if name not in idle}
    part = reader.build(kind, options, items_of(keywords.get("columns")))
    if kind != "foreign key":
        return part
    referent = qualified(reader, keywords, "referent_table")
    remote = reader.lookup.literal(keywords.get("remote_cols"), reader.module)
    names = remote if isinstance(remote, tuple) else (remote,)
    text = str if referent and all(map(is_text, names)) else Unknown
    target = tuple(text(f"{referent}.{name}") for name in names)
    return replace(part, values={**part.values, "target": target})
