"""PostgreSQL, in the words of its own catalogues."""

from .catalogues import read
from .cure import cure, discard
from .equip import Lender, equip

__all__ = ["Lender", "cure", "discard", "equip", "read"]
