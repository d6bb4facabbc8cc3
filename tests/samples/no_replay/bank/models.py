"""Accounts and payments: create_all made the tables, Alembic came afterwards."""

from sqlalchemy import Column, DateTime, ForeignKey, Integer, Numeric, String
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base of all models."""


class Account(Base):
    """Somebody's money."""

    __tablename__ = "accounts"

    id = Column(Integer, primary_key=True)
    owner = Column(String(100), nullable=False)
    currency = Column(String(3))


class Payment(Base):
    """Money that moved."""

    __tablename__ = "payments"

    id = Column(Integer, primary_key=True)
    account_id = Column(Integer, ForeignKey("accounts.id"), nullable=False)
    amount = Column(Numeric(12, 2), nullable=False)
    paid_at = Column(DateTime, index=True)
