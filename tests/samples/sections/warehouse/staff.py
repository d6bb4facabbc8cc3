"""The staff."""

from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Worker(Base):
    """One of the staff."""

    __tablename__ = "workers"

    id = Column(Integer, primary_key=True)
    name = Column(String(80))
