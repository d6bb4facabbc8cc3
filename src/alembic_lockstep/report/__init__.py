"""The output formats: one module each, with one function `render`."""

from __future__ import annotations

from collections.abc import Callable

from alembic_lockstep.gate import Verdict
from alembic_lockstep.report import concise, full, json

Render = Callable[[Verdict], None]

FORMATS: dict[str, Render] = {
    "full": full.render,
    "concise": concise.render,
    "json": json.render,
}
