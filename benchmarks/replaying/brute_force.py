"""Brute force, run by the project's own Python in a fresh working tree with a fresh database.

Upgrades to all heads as `alembic upgrade heads` does, and compares in the project's env.py with
`compare_metadata`. It shares nothing with the tool that it is the measure of. What it finds goes
to a file, as JSON: projects print.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main(asked: dict[str, Any]) -> None:
    """Do it, and write down how far it came."""
    sys.path[0] = asked["directory"] if asked["flask_app"] else str(Path(sys.executable).parent)
    answer: dict[str, Any] = {"phase": "load", "heads": [], "error": "", "differences": []}
    try:
        _run(asked, answer)
    except BaseException as error:  # also SystemExit: Flask-Migrate ends like that
        message = str(error).strip() or "no message"
        answer["error"] = f"{type(error).__name__}: {message.splitlines()[0]}"
    Path(asked["result"]).write_text(json.dumps(answer))
    os._exit(0)  # an application's threads are of no interest


def _run(asked: dict[str, Any], answer: dict[str, Any]) -> None:
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = _config(asked)
    answer["phase"] = "history"
    script = ScriptDirectory.from_config(config)
    answer["heads"] = sorted(script.get_heads())
    list(script.walk_revisions())
    answer["phase"] = "env"

    def upgrade(revision: Any, _: Any) -> Any:
        answer["phase"] = "upgrade"
        return script._upgrade_revs("heads", revision)

    def compare(_: Any, context: Any) -> Any:
        from alembic.autogenerate import compare_metadata

        answer["phase"] = "compare"
        differences = compare_metadata(context, context.opts["target_metadata"])
        answer["differences"] += _folded(list(_described(differences, context.dialect)))
        return []

    for work in (upgrade, compare):
        with EnvironmentContext(config, script, fn=work, destination_rev="heads"):
            script.run_env()


def _config(asked: dict[str, Any]) -> Any:
    if asked["flask_app"]:
        from flask.cli import ScriptInfo

        app = ScriptInfo(app_import_path=asked["flask_app"]).load_app()
        app.app_context().push()
        return app.extensions["migrate"].migrate.get_config(str(Path(asked["config"]).parent))
    from alembic.config import Config

    config = Config(asked["config"])
    if asked["sets_url"]:
        driver = str(config.get_main_option("sqlalchemy.url")).partition(":")[0]
        address = asked["url"].partition(":")[2].replace("%", "%%")
        config.set_main_option("sqlalchemy.url", f"{driver}:{address}")
    return config


def _described(differences: list[Any], dialect: Any) -> Iterator[list[str]]:
    """Each difference as kind, table, the thing in words, and what the models want."""
    for difference in differences:
        if isinstance(difference, list):  # of one column
            yield from (_altered(change) for change in difference)
        else:
            yield _described_one(difference[0], difference[1:], dialect)


def _altered(change: Any) -> list[str]:
    kind, schema, table, column, _, _, wanted = change
    aspect = {"modify_default": "server default"}.get(kind, kind[len("modify_") :])
    words = f"{aspect} of column {table}.{column}"
    return [kind, _name(schema, table), words, _text(getattr(wanted, "arg", wanted))]


def _described_one(kind: str, rest: Any, dialect: Any) -> list[str]:
    wanted = kind.startswith("add_")
    if kind in ("add_column", "remove_column"):
        schema, table, column = rest
        words = f"column {table}.{column.name}"
        return [kind, _name(schema, table), words, _column(column, dialect) if wanted else ""]
    thing = rest[0]
    if kind in ("add_table", "remove_table"):
        columns = "; ".join(_column(column, dialect) for column in thing.columns)
        return [kind, thing.key, f"table {thing.name}", columns if wanted else ""]
    table = getattr(thing, "table", None)
    key = table.key if table is not None else ""
    if kind in ("add_fk", "remove_fk"):
        columns = ", ".join(thing.column_keys)
        targets = ", ".join(element.target_fullname for element in thing.elements)
        words = f"foreign key {key}.{columns} to {targets}"
        return [kind, key, words, f"{thing.name} {thing.ondelete} {thing.onupdate}" * wanted]
    if kind.endswith(("_index", "_constraint")):
        kind_of_index = "index" if kind.endswith("index") else "unique constraint"
        parts = thing.expressions if kind_of_index == "index" else thing.columns
        columns = ", ".join(str(getattr(part, "name", part)) for part in parts)
        label = thing.name or f"on {key} ({columns})"
        unique = getattr(thing, "unique", None)
        return [kind, key, f"{kind_of_index} {label}", f"{columns} {unique}" * wanted]
    return [kind, key, f"{kind} {getattr(thing, 'name', thing)}", ""]


def _column(column: Any, dialect: Any) -> str:
    try:
        kind = column.type.compile(dialect)
    except Exception:  # a type without a name on this dialect
        kind = repr(column.type)
    default = getattr(column.server_default, "arg", "")
    return f"{column.name} {kind} {column.nullable} {_text(default)}"


def _text(thing: Any) -> str:
    # An expression's repr says where it lies in memory.
    return str(thing) if hasattr(thing, "compile") and hasattr(thing, "self_group") else repr(thing)


def _name(schema: Any, table: str) -> str:
    return f"{schema}.{table}" if schema else table


def _folded(rows: list[list[str]]) -> list[list[str]]:
    """Leave out the parts of tables that are wholly new, or wholly unknown."""
    whole = {row[1] for row in rows if row[0] in ("add_table", "remove_table")}
    return [row for row in rows if row[1] not in whole or row[0].endswith("_table")]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
