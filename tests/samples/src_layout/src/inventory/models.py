"""Shelves, written as tables, and items, mapped onto one."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table
from sqlalchemy.orm import registry, relationship

metadata = MetaData()
mapping = registry(metadata=metadata)

shelves = Table(
    "shelves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("label", String(20), nullable=False, unique=True),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("shelf_id", ForeignKey("shelves.id"), nullable=False, index=True),
)


class Shelf:
    """A place."""


class Item:
    """A thing in a place."""


mapping.map_imperatively(Shelf, shelves)
mapping.map_imperatively(Item, items, properties={"shelf": relationship(Shelf, backref="items")})
