"""What is on air."""

from sqlalchemy import JSON, Column, Integer, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Programme(Base):
    """Something to listen to."""

    __tablename__ = "programmes"

    id = Column(Integer, primary_key=True)
    title = Column(String(100))
    guests = Column(JSON().with_variant(JSONB(), "postgresql"))
