"""What shipping keeps."""

from mixins import Stamped
from sqlalchemy import Column, Integer
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Parcel(Stamped, Base):
    """One of the parcels."""

    __tablename__ = "parcels"

    id = Column(Integer, primary_key=True)
