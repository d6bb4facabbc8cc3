"""Kinds of schema change, and what docs/what-is-compared.md says of them."""

from . import columns, constraints, indexes, tables, types
from .kind import WITHOUT_FIX, Kind, Make
from .page import NOT_STORED, PAGE, UNKNOWN, Seen, gate_cells, page_with

KINDS = [*tables.KINDS, *columns.KINDS, *constraints.KINDS, *types.KINDS, *indexes.KINDS]

__all__ = [
    "KINDS",
    "NOT_STORED",
    "PAGE",
    "UNKNOWN",
    "WITHOUT_FIX",
    "Kind",
    "Make",
    "Seen",
    "gate_cells",
    "page_with",
]
