"""Environment variables that override the settings which a message proposes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from alembic_lockstep.config import TABLE, variable_of

_HEADER = re.compile(rf"\[{re.escape(TABLE)}(?:\.(?P<table>\w+))?\]")
_SETTING = re.compile(r"([\w-]+) = ")


def overriding_variables(advice: str, environ: Mapping[str, str]) -> str:
    """Return a line for each variable that overrides a proposed setting; "" for none."""
    names = {name: variable_of(name) for name in _proposed(advice)}
    return "\n".join(
        f"{variable} is set and beats {name} of pyproject.toml: unset it, or change it instead."
        for name, variable in names.items()
        if environ.get(variable)
    )


def _proposed(advice: str) -> Iterator[str]:
    """Yield the settings below each header of our table: `config`, `scratch.setup`, `env`."""
    table = None
    for line in advice.splitlines():
        header, setting = _HEADER.fullmatch(line), _SETTING.match(line)
        if header:
            table = header["table"] or ""
        elif not setting:
            table = None
        elif table == "scratch":
            yield f"scratch.{setting[1]}"
        elif table is not None:
            yield table or setting[1]
