"""Customers, and what they order."""

from decimal import Decimal
from typing import Optional

from sqlalchemy import ForeignKeyConstraint, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.base import Base, Entity, Timestamped

__all__ = ["Base", "Customer", "Order"]


class Customer(Timestamped, Entity):
    """Somebody who buys."""

    __tablename__ = "customers"
    __table_args__ = (UniqueConstraint("email"),)

    email: Mapped[str] = mapped_column(String(200))
    name: Mapped[Optional[str]] = mapped_column(String(100))

    orders: Mapped[list["Order"]] = relationship(back_populates="customer")


class Order(Timestamped, Entity):
    """One thing bought."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(["customer_id"], ["customers.id"]),
        UniqueConstraint("customer_id", "number"),
        Index(None, "status", "number"),
    )

    customer_id: Mapped[int]
    number: Mapped[int]
    status: Mapped[str] = mapped_column(String(20))
    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))

    customer: Mapped[Customer] = relationship(back_populates="orders")
