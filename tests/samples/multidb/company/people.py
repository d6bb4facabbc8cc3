"""Who works here."""

from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Person(Base):
    """Somebody."""

    __tablename__ = "persons"

    id = Column(Integer, primary_key=True)
    name = Column(String(80), nullable=False)
