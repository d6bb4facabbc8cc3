"""Write a fix as a migration's code: by Alembic's own functions where possible, else by SQL."""

from __future__ import annotations

import re
from typing import List, NamedTuple, Tuple

from ..rendering import escape_colons
from .schema import Early, Late, SchemaDifference
from .sqltext import FOREIGN_KEYS_OFF

_BLANKS = re.compile(r"(?P<string>'(?:[^']|'')*')|^(?P<tab>\t)|(?<=,) +$", re.MULTILINE)
_CHECK = re.compile(r"CHECK \((?P<expression>.*)\)", re.DOTALL)
# Dialects in which a default can be set without repeating the column's definition.
_ALTERS = {"postgresql"}


class Code(NamedTuple):
    """Lines of `op.*`, by stage: drops of dependents, the fix itself, their return."""

    before: List[str]
    main: List[str]
    after: List[str]


def code_of(difference: SchemaDifference, statements: List[str], dialect: str) -> Code:
    """Return lines of `op.*` that do what the statements do."""
    default = _default(difference, dialect)
    if default:
        return Code([], default, [])
    code = Code([], [], [])
    for statement in statements:
        if statement == FOREIGN_KEYS_OFF:  # the host writes this around the whole body
            continue
        stage = {Early: code.before, Late: code.after}.get(type(statement), code.main)
        stage.append(execute(statement))
    drops, creates = _check(difference, dialect)
    if not drops + creates:
        return code
    return Code(drops, creates, []) if code.before else Code([], drops + creates, [])


def _default(difference: SchemaDifference, dialect: str) -> List[str]:
    expected, actual = difference.expected, difference.actual
    if difference.aspect != "default" or dialect not in _ALTERS or not expected or not actual:
        return []
    if "nextval(" in expected.sql + actual.sql:
        return []  # a sequence comes or goes, too
    if any(expected.facts[name] != actual.facts[name] for name in ("identity", "computed")):
        return []  # which has to come or go first
    default = expected.facts["default"]
    argument = f"sa.text({_sql(default)})" if default else "None"
    return [_call("alter_column", difference, expected.name, f"server_default={argument}")]


def _check(difference: SchemaDifference, dialect: str) -> Tuple[List[str], List[str]]:
    """Return the calls that drop and create a CHECK; none if Alembic has no function for that."""
    parts = [part for part in (difference.actual, difference.expected) if part is not None]
    texts = [_CHECK.fullmatch(part.sql) for part in parts]
    if dialect == "sqlite" or difference.part.kind != "check" or not all(texts):
        return [], []
    if any(part.has_generated_name or part.facts.get("comment") for part in parts):
        return [], []
    drops, creates = [], []
    if difference.actual is not None:
        drops.append(_call("drop_constraint", difference, difference.actual.name, "type_='check'"))
    if difference.expected is not None and texts[-1] is not None:
        expression = _sql(texts[-1]["expression"])
        creates.append(
            _call("create_check_constraint", difference, difference.expected.name, expression)
        )
    return drops, creates


def _call(function: str, difference: SchemaDifference, name: str, argument: str) -> str:
    schema, _, table = difference.table.rpartition(".")
    names = [repr(table), repr(name)]
    if "constraint" in function:
        # Its name comes first, and is complete: no naming convention is to change it.
        names = [f"op.f({name!r})", repr(table)]
    within = [f"schema={schema!r}"] if schema else []
    return f"op.{function}({', '.join([*names, argument, *within])})"


def execute(statement: str) -> str:
    """Return the line that runs a statement as it is."""
    return f"op.execute({_sql(statement)})"


def _sql(text: str) -> str:
    return literal_of(escape_colons(text))


def literal_of(text: str) -> str:
    """Return a string literal; raw SQL is easiest to read between double quotes."""
    # SQLAlchemy indents CREATE TABLE by tabs, and ends its lines in blanks; those in a string are
    # the schema's own.
    text = _BLANKS.sub(lambda match: match["string"] or ("    " if match["tab"] else ""), text)
    is_plain = '"""' not in text and "\\" not in text and not text.endswith('"')
    if "\n" in text and is_plain and all(line.isprintable() for line in text.split("\n")):
        return f'"""{text}"""'
    plain = '"' not in text and "\\" not in text and text.isprintable()
    return f'"{text}"' if plain else repr(text)
