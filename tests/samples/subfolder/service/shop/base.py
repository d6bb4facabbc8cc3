"""What every table of the shop shares."""

from datetime import datetime
from typing import Optional

from sqlalchemy import MetaData, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all models."""

    metadata = MetaData(naming_convention=NAMES)


class Timestamped:
    """Remembers when a row was made."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[Optional[datetime]]


class Entity(Base):
    """An abstract base: a number and nothing else."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
