"""The stock."""

from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Item(Base):
    """One of the stock."""

    __tablename__ = "items"

    id = Column(Integer, primary_key=True)
    name = Column(String(80))
