"""Schemas of scratch databases, described from their catalogues, and compared in words."""

from alembic_lockstep.described_schema.schema_parts import (
    PartsDifference,
    SchemaPart,
    compare_schemas,
)
from alembic_lockstep.described_schema.schema_reading import read_schema

__all__ = ["PartsDifference", "SchemaPart", "compare_schemas", "read_schema"]
