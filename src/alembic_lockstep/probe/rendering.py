"""Render code that creates exactly what the models declare.

Alembic renders compiled SQL into `sa.text()`, which reads a colon as a parameter, and into strings
in which percent signs are doubled already.
"""

from __future__ import annotations

import sys
from copy import copy
from typing import Any, Collection, Optional, Set, Tuple

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from sqlalchemy import DefaultClause, Enum, inspect, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.compiler import BIND_PARAMS, BIND_PARAMS_ESC
from sqlalchemy.types import TypeDecorator

# Alembic 1.15 began to wrap an index's expressions so; to that, a colon is a colon.
_HAS_LITERAL_COLUMNS = "literal_column" in render._render_potential_expr.__code__.co_consts

_DOMAIN = getattr(postgresql, "DOMAIN", None)  # SQLAlchemy 1.4 has none
_COMMENT_CODE = render._render_create_table_comment.__code__.co_consts
_QUOTES_NAMES = any("'{tname}'" in str(constant) for constant in _COMMENT_CODE)


def escape_colons(sql: str) -> str:
    """Return SQL in the form in which `text()`, and `op.execute()` with it, leaves it as it is."""
    escaped = BIND_PARAMS_ESC.sub(lambda match: f"\\{match[0]}", sql)
    return BIND_PARAMS.sub(lambda match: f"\\{match[0]}", escaped)


def exact_context(context: AutogenContext) -> AutogenContext:
    """Return a copy of the context that renders SQL and defaults without altering them."""
    exact, migrations = copy(context), copy(context.migration_context)
    migrations.impl = copy(migrations.impl)
    migrations.impl.render_ddl_sql_expr = _sql_renderer(migrations.impl)  # type: ignore[method-assign]
    exact.migration_context = migrations
    exact.opts = {**context.opts, "render_item": _item_renderer(context.opts.get("render_item"))}
    return exact


def with_quotable_names(op: Any) -> Any:
    """Return an operation on a table's comment with names as they stand between Alembic's quotes.

    All other names it renders by `repr()`.
    """
    if not _QUOTES_NAMES or not isinstance(op, (ops.CreateTableCommentOp, ops.DropTableCommentOp)):
        return op
    quotable = copy(op)
    quotable.table_name = _between_quotes(op.table_name)
    quotable.schema = op.schema and _between_quotes(op.schema)
    return quotable


def _between_quotes(text: str) -> str:
    return repr(f'{text}"')[1:-2]  # with a double quote in it, it gets single ones


def table_context(context: AutogenContext, dropped: Collection[str]) -> AutogenContext:
    """Return a copy of the context in which existing enum types and domains are not created again.

    `op.create_table()` creates the types of its columns without a look whether they exist.

    Args:
        dropped: Types of the database that are dropped before the code runs.
    """
    if context.migration_context.dialect.name != "postgresql":
        return context
    existing = {(schema, name) for schema, name in _types(context) if name not in dropped}
    with_types, render_other = copy(context), context.opts["render_item"]

    def render_item(kind: str, item: Any, within: AutogenContext) -> Any:
        is_enum = isinstance(item, Enum) and item.native_enum
        if kind != "type" or not (is_enum or (_DOMAIN and isinstance(item, _DOMAIN))):
            return render_other(kind, item, within)
        if (item.schema, item.name) not in existing:
            existing.add((item.schema, str(item.name)))  # by the first table that has it
            return render_other(kind, item, within)
        within.imports.add("from sqlalchemy.dialects import postgresql")
        schema = f", schema={item.schema!r}" if item.schema else ""
        if is_enum:
            labels = ", ".join(map(repr, item.enums))
            return f"postgresql.ENUM({labels}, name={item.name!r}{schema}, create_type=False)"
        base = render._repr_type(item.data_type, within)
        return f"postgresql.DOMAIN({item.name!r}, {base}{schema}, create_type=False)"

    with_types.opts = {**context.opts, "render_item": render_item}
    return with_types


def _types(context: AutogenContext) -> Set[Tuple[Optional[str], str]]:
    """Return the database's enum types and domains by schema; None for one of the search path."""
    connection = context.migration_context.connection
    if connection is None:
        return set()
    inspector: Any = inspect(connection)
    types = inspector.get_enums(schema="*")
    types += inspector.get_domains(schema="*") if _DOMAIN else []
    return {
        (schema, each["name"])
        for each in types
        for schema in (each["schema"], *([None] if each["visible"] else []))
    }


def _sql_renderer(impl: Any) -> Any:
    compile_sql = impl.render_ddl_sql_expr
    doubles_percents = getattr(impl.dialect.identifier_preparer, "_double_percents", False)

    def render_sql(expression: Any, *arguments: Any, **options: Any) -> str:
        sql = str(compile_sql(expression, *arguments, **options))
        if doubles_percents:
            sql = sql.replace("%%", "%")
        return sql if options.get("is_index") and _HAS_LITERAL_COLUMNS else escape_colons(sql)

    return render_sql


def _item_renderer(of_project: Any) -> Any:
    def render_item(kind: str, item: Any, context: AutogenContext) -> Any:
        rendered = of_project(kind, item, context) if of_project else False
        if rendered is not False:
            return rendered
        if isinstance(item, DefaultClause):
            return _default(item, context)
        return _type(item, context) if kind == "type" else False

    return render_item


def _type(item: Any, context: AutogenContext) -> Any:
    """Render a type of the project as the database's type, if its repr cannot be evaluated."""
    module, _, _ = str(type(item).__module__).partition(".")
    if module == "sqlalchemy":
        return False
    whole = f"{type(item).__module__}."
    try:
        eval(f"{whole}{item!r}", {module: sys.modules[module]})  # noqa: S307 - as a migration does
    except Exception:  # of the project's code, or no Python
        if isinstance(item, TypeDecorator):
            return render._repr_type(
                item.load_dialect_impl(context.migration_context.dialect), context
            )
        return False
    if context.opts.get("user_module_prefix") is None:
        context.imports.add(f"import {whole[:-1]}")
    return False


def _default(default: DefaultClause, context: AutogenContext) -> Any:
    if isinstance(default.arg, str):
        return repr(str(default.arg))  # Alembic takes off its first and last quote
    if not default.reflected:
        return False
    # SQLAlchemy's text is the database's own expression: its colons are no parameters.
    sql = text(escape_colons(str(getattr(default.arg, "text", default.arg))))
    return render._render_potential_expr(sql, context, is_server_default=True)
