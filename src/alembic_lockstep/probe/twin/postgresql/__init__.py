"""PostgreSQL, in the words of its own catalogues."""

from .catalogues import read
from .cure import cure
from .equip import equip, lend

__all__ = ["cure", "equip", "lend", "read"]
