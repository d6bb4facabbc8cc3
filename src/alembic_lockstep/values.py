"""Classes of values, as `dataclasses` makes them, for modules that the answer at once imports.

`dataclasses` imports `inspect` and `ast` and compiles each class: with it, the answer takes twice
as long.
"""

from __future__ import annotations

__all__ = ["dataclass", "field", "replace"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    class field:  # noqa: N801
        """A field with a default; with `compare=False`, two values may differ in it."""

        def __init__(self, *, default, compare=True):
            self.default = default
            self.compare = compare

    def dataclass(*, frozen):
        """Make a class a frozen one of values; its fields are the annotations."""
        assert frozen

        def decorate(cls):
            fields = {name: vars(cls)[name] for name in cls.__annotations__ if name in vars(cls)}
            for name, default in fields.items():
                if isinstance(default, field):
                    setattr(cls, name, default.default)
            inherited = getattr(cls, "_value_fields", ())
            cls._value_fields = (*inherited, *cls.__annotations__)
            cls._value_compared = tuple(
                name for name in cls._value_fields if getattr(fields.get(name), "compare", True)
            )
            for name in ("__init__", "__setattr__", "__eq__", "__hash__", "__repr__"):
                setattr(cls, name, vars(_Value)[name])
            return cls

        return decorate

    def replace(value, **changes):
        """Return a copy of a value with other fields."""
        return type(value)(**{name: getattr(value, name) for name in value._value_fields} | changes)

    class _Value:
        """The methods that every class of values gets."""

        def __init__(self, *arguments, **fields):
            names, defaults = self._value_fields, type(self)
            fields.update(zip(names, arguments, strict=False))
            is_complete = all(name in fields or hasattr(defaults, name) for name in names)
            if not is_complete or len(arguments) > len(names) or not fields.keys() <= set(names):
                raise TypeError(f"{defaults.__name__} has the fields {', '.join(names)}")
            vars(self).update(fields)

        def __setattr__(self, name, _):
            raise AttributeError(f"{type(self).__name__}.{name} is set once")

        def __eq__(self, other):
            return type(self) is type(other) and _compared(self) == _compared(other)

        def __hash__(self):
            return hash(_compared(self))

        def __repr__(self):
            fields = (f"{name}={getattr(self, name)!r}" for name in self._value_fields)
            return f"{type(self).__name__}({', '.join(fields)})"

    def _compared(value):
        return tuple(getattr(value, name) for name in value._value_compared)
