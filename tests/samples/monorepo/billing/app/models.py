"""What billing keeps."""

from mixins import Stamped
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Bill(Stamped, Base):
    """One of the bills."""

    __tablename__ = "bills"

    id = Column(Integer, primary_key=True)
