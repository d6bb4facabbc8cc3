"""Observations of dry runs, built by hand: rules judge them without running anything.

The project has one model, `Game` in app/models.py, with the columns id and winners.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from graphs import Graph

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts

MODELS = "app/models.py"
ID, WINNERS = "    id = Column(Integer, primary_key=True)\n", "    winners = Column(Integer)\n"
GAME = f'class Game(Base):\n    __tablename__ = "games"\n{ID}'

ENV_PY = "from app.models import Base\n\ntarget_metadata = Base.metadata\n"


def begin(root: Path) -> Graph:
    """Make a repository with the model without winners, and its migration 0001."""
    graph = Graph(root)
    graph.write({MODELS: GAME, "m/env.py": ENV_PY})
    graph.commit({"0001": None})
    return graph


def column(kind: str, name: str = "winners", **fields: Any) -> Operation:
    """Return the difference of a column of games: `add_column`, `remove_column`, `modify_type`."""
    operation = Operation("", kind, "games", name, (), "", "", f"column games.{name}", ())
    return replace(operation, **fields)


def table(kind: str, name: str) -> Operation:
    return Operation("", kind, name, "", (), "", "", f"table {name}", ())


def observed(*columns: str, tables: Mapping[str, Any] | None = None, **fields: Any) -> Observation:
    """Return a dry run that came to its end, of models in which games has these columns.

    Args:
        tables: Further tables of the catalogue.
        fields: Further fields of the observation.
    """
    entry = {"file": MODELS, "class": "Game"}
    game = {**entry, "columns": {name: {**entry, "attribute": name} for name in columns}}
    catalogue = {"tables": {"games": game, **(tables or {})}, "bases": [], "modules": [MODELS]}
    database = {"name": "", "operations": [], "catalogue": catalogue, "twin": twin()}
    return Observation(**{"databases": (database,), **fields})


def twin(
    unmade: Mapping[str, str] | None = None, unseen: tuple[str, ...] = (), failure: str = ""
) -> dict[str, Any]:
    """Return what create_all() came to: the tables that it could not make, and those unseen."""
    return {"unmade": unmade or {}, "unseen": unseen, "failure": failure}


def facts_of(
    graph: Graph,
    now: Observation,
    *introduced: Operation,
    before: Observation | None = None,
    old: tuple[Operation, ...] = (),
    **fields: Any,
) -> Facts:
    """Return the facts of what is staged, with a dry run and its differences.

    Args:
        fields: Further fields of the facts: `forgotten`, `fixed`.
    """
    comparison = Comparison(now, before, "replay", introduced=introduced, old=old)
    return replace(graph.facts(), comparison=comparison, **fields)


def failed(
    kind: str,
    message: str,
    *frames: tuple[str, int],
    **fields: Any,
) -> Observation:
    """Return a dry run that failed with an error at these paths and lines."""
    lines = [{"path": path, "line": line} for path, line in frames]
    error = {"type": kind, "message": message, "module": "", "statement": "", "frames": lines}
    return Observation(error=error, **fields)
