"""Days and their entries."""

from sqlalchemy import Date, ForeignKey, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The base of all models."""


class Mood(Base):
    """How a day can feel."""

    __tablename__ = "moods"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(30), unique=True)


class Entry(Base):
    """What happened on a day."""

    __tablename__ = "entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    day = mapped_column(Date, nullable=False)
    text: Mapped[str] = mapped_column(Text)
    mood_id: Mapped[int] = mapped_column(ForeignKey("moods.id"))
