"""What all services' tables have."""

from sqlalchemy import Column, DateTime


class Stamped:
    """Made at some time."""

    made_at = Column(DateTime)
