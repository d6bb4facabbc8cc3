"""Kinds of schema change, and what docs/what-is-compared.md says of them."""

from . import columns, constraints, indexes, tables, types
from .kind import WITHOUT_FIX, Kind, Make
from .page import (
    DASH,
    NOT_STORED,
    NOT_TRIED,
    PAGE,
    UNKNOWN,
    Seen,
    gate_cells,
    page_with,
    page_with_rows,
    word_on_rows,
)

KINDS = [*tables.KINDS, *columns.KINDS, *constraints.KINDS, *types.KINDS, *indexes.KINDS]

__all__ = [
    "DASH",
    "KINDS",
    "NOT_STORED",
    "NOT_TRIED",
    "PAGE",
    "UNKNOWN",
    "WITHOUT_FIX",
    "Kind",
    "Make",
    "Seen",
    "gate_cells",
    "page_with",
    "page_with_rows",
    "word_on_rows",
]
