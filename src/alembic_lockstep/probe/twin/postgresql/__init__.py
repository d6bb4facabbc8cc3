"""PostgreSQL, in the words of its own catalogues."""

from .catalogues import read
from .cure import cure
from .equip import Lender, equip

__all__ = ["Lender", "cure", "equip", "read"]
