"""Edits of Python files of which it is known which functions ran."""

from __future__ import annotations

import pytest

from alembic_lockstep.cache.same_code import same_code

OLD = '''
import functools

LIMIT = 8


def ran():
    return LIMIT


def idle(first, *rest, flag=False):
    """Text."""
    return first


class Shop:
    size = LIMIT

    @property
    def name(self):
        return "shop"

    @name.setter
    def name(self, value):
        self._name = value

    def method(self):
        return 1

    async def later(self):
        return 1

    def each(self):
        yield 1


def outer():
    local = LIMIT

    def inner():
        return local

    return inner


@functools.lru_cache
def cached():
    return 1


def caller(key=lambda: 1):
    return key()
'''
RAN = frozenset({"<module>", "ran", "Shop", "Shop.name", "outer"})


def edited(*replacements: tuple[str, str]) -> str:
    text = OLD
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def is_same(new: str, ran: frozenset[str] | None = RAN) -> bool:
    return same_code(OLD.encode(), new.encode(), ran=ran)


BODIES = {
    "a statement": (("    return first\n", "    print(rest)\n    return flag\n"),),
    "a local import": (("    return first\n", "    import json\n    return json.dumps(first)\n"),),
    "of a method": (
        ("    def method(self):\n        return 1", "    def method(self):\n        return 2"),
    ),
    "of a coroutine": (
        ("later(self):\n        return 1", "later(self):\n        return await self"),
    ),
    "of a generator": (("        yield 1", "        yield 2\n        yield 3"),),
    "of a function inside of one that ran": (("        return local", "        return local + 1"),),
    "of a decorated function": (("def cached():\n    return 1", "def cached():\n    return 2"),),
    "of several": (
        ("    return first\n", "    return rest\n"),
        ("        yield 1", "        yield 2"),
    ),
    "with new functions in it": (
        ("    return first\n", "    def helper():\n        return first\n    return helper()\n"),
    ),
}


@pytest.mark.parametrize("replacements", BODIES.values(), ids=BODIES)
def test_the_body_of_a_function_that_did_not_run(
    replacements: tuple[tuple[str, str], ...],
) -> None:
    new = edited(*replacements)
    assert is_same(new)
    assert not is_same(new, None)  # which functions ran is not known
    everything = {*RAN, "idle", "Shop.method", "Shop.later", "Shop.each", "cached"}
    assert not is_same(new, frozenset({*everything, "outer.<locals>.inner"}))


TOUCHING = {
    "a body that ran": ("    return LIMIT\n", "    return 9\n"),
    "a getter that ran, of which the setter did not": (
        "        self._name = value",
        "        self._name = 2",
    ),
    "a parameter": ("idle(first, *rest", "idle(first, second, *rest"),
    "a default": ("flag=False", "flag=True"),
    "a docstring, which a library may read": ('"""Text."""', '"""Another text."""'),
    "an annotation": ("def idle(first,", "def idle(first: int,"),
    "a decorator": ("@functools.lru_cache\n", "@functools.cache\n"),
    "a name": ("def idle(", "def busy("),
    "a coroutine": ("    def each(self)", "    async def each(self)"),
    "a generator": ("    return first\n", "    yield first\n"),
    "no generator any more": ("        yield 1", "        return 1"),
    "free variables": ("        return local", "        return 1"),
    "a class body": ("    size = LIMIT", "    size = 2"),
    "a new function, which may be looked for": (
        "def outer():",
        "def new():\n    pass\n\n\ndef outer():",
    ),
    "a lambda": ("key=lambda: 1", "key=lambda: 2"),
    "a constant": ("LIMIT = 8", "LIMIT = 9"),
    "the class, by super()": ("        yield 1", "        yield super()"),
    "syntax that this Python refuses": ("    return first\n", "    nonlocal nowhere\n"),
    "syntax that warns": ("    return first\n", '    return "\\d"\n'),
}


@pytest.mark.parametrize(("old", "new"), TOUCHING.values(), ids=TOUCHING)
def test_anything_around_a_body_counts(old: str, new: str) -> None:
    assert not is_same(edited((old, new)))


def test_a_name_that_global_moves_is_not_told_by_its_definition() -> None:
    old = "def outer():\n    global inner\n    def inner():\n        return 1\nouter()\ninner()\n"
    new = old.replace("return 1", "return 2")
    ran = frozenset({"<module>", "outer", "inner"})
    assert not same_code(old.encode(), new.encode(), ran=ran)


def test_a_generic_function_counts_whole() -> None:
    old = "def generic[T](value: T):\n    return 1\n"
    new = old.replace("return 1", "return 2")
    assert not same_code(old.encode(), new.encode(), ran=frozenset({"<module>"}))


def test_comments_and_texts_below_attributes_do_not_count() -> None:
    assert is_same(OLD.replace("    size = LIMIT\n", '    size = LIMIT\n    """Size."""\n'), None)
    assert is_same(f"# A remark.\n{OLD}", None)


def test_a_docstring_counts_as_any_library_may_read_it() -> None:
    assert not is_same(f'"""The shop."""\n{OLD}')
    assert not is_same(edited(('"""Text."""', '"""Words."""')), None)
