"""Rendered code that says to the database what the models say.

Alembic renders compiled SQL into `sa.text()`, which reads a colon as a parameter, and into strings
in which percent signs are doubled already.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from alembic.autogenerate import render
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import DefaultClause, text
from sqlalchemy.sql.compiler import BIND_PARAMS, BIND_PARAMS_ESC

# Alembic 1.15 began to wrap an index's expressions so; to that, a colon is a colon.
_HAS_LITERAL_COLUMNS = "literal_column" in render._render_potential_expr.__code__.co_consts


def escape_colons(sql: str) -> str:
    """Return SQL in the form in which `text()`, and `op.execute()` with it, leaves it as it is."""
    escaped = BIND_PARAMS_ESC.sub(lambda match: f"\\{match[0]}", sql)
    return BIND_PARAMS.sub(lambda match: f"\\{match[0]}", escaped)


def exact_context(context: AutogenContext) -> AutogenContext:
    """Return a copy of the context, which renders SQL and defaults without altering them."""
    exact, migrations = copy(context), copy(context.migration_context)
    migrations.impl = copy(migrations.impl)
    migrations.impl.render_ddl_sql_expr = _sql_renderer(migrations.impl)  # type: ignore[method-assign]
    exact.migration_context = migrations
    exact.opts = {**context.opts, "render_item": _item_renderer(context.opts.get("render_item"))}
    return exact


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
        if rendered is False and isinstance(item, DefaultClause):
            return _default(item, context)
        return rendered

    return render_item


def _default(default: DefaultClause, context: AutogenContext) -> Any:
    if isinstance(default.arg, str):
        return repr(str(default.arg))  # Alembic takes off its first and last quote
    if not default.reflected:
        return False
    # SQLAlchemy makes a text of what the database has as it stands: its colons are no parameters.
    sql = text(escape_colons(str(getattr(default.arg, "text", default.arg))))
    return render._render_potential_expr(sql, context, is_server_default=True)
