"""Animals, and drafts, which no migration makes and env.py skips."""

from barn import CODE_LENGTH
from sqlalchemy import Column, Integer, String

from farm.base import Base
from farm.inputs import wanted_columns
from farm.limits import NAME_LENGTH


class Animal(Base):
    """Somebody who lives here."""

    __tablename__ = "animals"

    id = Column(Integer, primary_key=True)
    name = Column(String(NAME_LENGTH))
    code = Column(String(CODE_LENGTH))
    feed = Column(String(12))


for wanted in wanted_columns():
    setattr(Animal, wanted, Column(Integer))


class Draft(Base):
    __tablename__ = "drafts"

    id = Column(Integer, primary_key=True)
