"""What they write. Its persons are authors, and no rows of the other database."""

from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Author(Base):
    """Somebody who signs."""

    __tablename__ = "persons"

    id = Column(Integer, primary_key=True)
    signature = Column(String(20))


class Paper(Base):
    """Something written."""

    __tablename__ = "papers"

    id = Column(Integer, primary_key=True)
    title = Column(String(200))
