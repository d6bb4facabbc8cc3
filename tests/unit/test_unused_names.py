"""Edits of module-level code that only bind names, which no run used."""

from __future__ import annotations

import pytest

from alembic_lockstep.cache.loaded_modules import LoadedModules
from alembic_lockstep.cache.same_code import same_code
from alembic_lockstep.cache.unused_names import Usage

PATH = "shop/views.py"
OLD = '''
"""Views."""
import json
from os import path, sep

LIMIT = 8
USED = 9
__version__ = "1"


def ran(value: "USED"):
    return path.join(value)


def idle(first, rest=()):
    return json.dumps(LIMIT)


class View:
    size = sep

    def show(self):
        return LIMIT
'''
RAN = frozenset({"<module>", "ran", "View"})
TAKEN = frozenset({"ran", "View", "later"})
LOADED = {
    "starts": {PATH: [3, "shop.views"], "shop/tools.py": [1, "shop.tools"], "late.py": [4, "late"]},
    "loaded": {
        "csv": [2, ["reader"]],
        "os": [0, ["path", "sep", "getcwd"]],
        "json": [0, ["dumps"]],
        "shop.tools": [2, []],
        "late": [5, []],
    },
}
TOOLS = b"import os\nONE = 1\ndef two(): pass\nclass Three: pass\nif ONE: FOUR = 4\n"


def is_same(
    *replacements: tuple[str, str], taken: frozenset[str] = TAKEN, tools: bytes = TOOLS
) -> bool:
    new = OLD
    for before, after in replacements:
        assert new.count(before) == 1, before
        new = new.replace(before, after)
    loaded = LoadedModules(PATH, [LOADED], lambda _: [TOOLS, tools])
    return same_code(OLD.encode(), new.encode(), ran=RAN, usage=Usage(taken, loaded.have))


UNUSED = {
    "a constant": ("LIMIT = 8", "LIMIT = 9"),
    "a new constant": ("LIMIT = 8", 'LIMIT = 8\nNAMES = {"a": [1, -2], "b": None}'),
    "a constant that is gone": ("LIMIT = 8\n", ""),
    "a new function": ("class View", "def new(a, *b: int, c=1) -> None:\n    pass\n\n\nclass View"),
    "a function that is gone": ("def idle(first, rest=()):\n    return json.dumps(LIMIT)\n", ""),
    "a signature": ("idle(first, rest=())", "idle(first, *, rest=None)"),
    "a docstring": ("    return json", '    """Text."""\n    return json'),
    "an import": ("import json\n", "import csv\nimport json\n"),
    "an import that is gone": ("import json\n", ""),
    "an import from a module": ("path, sep", "getcwd, path, sep"),
    "an import under another name": ("import json\n", "import json as _json\n"),
    "an import of the project": ("import json\n", "import json\nfrom .tools import ONE, two\n"),
    "an absolute one": ("import json\n", "import json\nfrom shop.tools import Three as T\n"),
}


@pytest.mark.parametrize("replacement", UNUSED.values(), ids=UNUSED)
def test_a_name_that_nobody_used(replacement: tuple[str, str]) -> None:
    assert is_same(replacement)
    looks = ("    return path", "    globals()\n    return path")
    old = OLD.replace(*looks)
    usage = Usage(TAKEN, lambda _: True)
    new = old.replace(*replacement)
    assert not same_code(old.encode(), new.encode(), ran=RAN, usage=usage)


def test_several_at_a_time() -> None:
    assert is_same(*(UNUSED[case] for case in ("a constant", "a new function", "an import")))


USED = {
    "a constant that an annotation mentions": ("USED = 9", "USED = 10"),
    "a constant that a text mentions": ("USED = 9", "USED = 9\nViews = 1"),
    "the version": ('__version__ = "1"', '__version__ = "2"'),
    "a built-in name": ("LIMIT = 8", "LIMIT = 8\nlen = 1"),
    "a name that was looked for": ("LIMIT = 8", "LIMIT = 8\nlater = 1"),
    "a function that ran": ("def ran(value: ", "def ran(value, more=1, *, "),
    "a computed constant": ("LIMIT = 8", "LIMIT = 8 * 2"),
    "an empty set, which is a call": ("LIMIT = 8", "LIMIT = set()"),
    "a key that cannot be": ("LIMIT = 8", "LIMIT = {[]: 1}"),
    "an annotated constant": ("LIMIT = 8", "LIMIT: int = 8"),
    "two names": ("LIMIT = 8", "LIMIT = MORE = 8"),
    "an attribute": ("LIMIT = 8", "LIMIT = 8\nView.size = 1"),
    "a decorated function": ("class View", "@later\ndef new():\n    pass\n\n\nclass View"),
    "a default that is computed": ("rest=()", "rest=LIMIT"),
    "an annotation that is computed": ("idle(first", "idle(first: Nowhere"),
    "a class": ("class View", "class New:\n    pass\n\n\nclass View"),
    "a method": ("    def show", "    def new(self):\n        pass\n\n    def show"),
    "a class attribute": ("    size = sep", "    size = 1"),
    "a call": ("LIMIT = 8", "LIMIT = 8\nprint(1)"),
    "the text of the module": ('"""Views."""\n', 'import csv\n"""Views."""\n'),
    "an import that loads": ("import json\n", "import json\nimport zipfile\n"),
    "an import that loads sooner": ("import json\n", "import json\nimport late\n"),
    "a name that is not there": ("path, sep", "nothing, path, sep"),
    "a name that may not be there": ("import json\n", "import json\nfrom .tools import FOUR\n"),
    "a submodule under a name": ("import json\n", "import json\nimport shop.tools as t\n"),
    "a star import": ("import json\n", "import json\nfrom os import *\n"),
    "a future import": ('"""Views."""\n', '"""Views."""\nfrom __future__ import annotations\n'),
    "beyond the top": ("import json\n", "import json\nfrom ...tools import ONE\n"),
}


@pytest.mark.parametrize("replacement", USED.values(), ids=USED)
def test_what_may_have_been_used_or_does_more_counts(replacement: tuple[str, str]) -> None:
    assert not is_same(replacement)


def test_another_order_counts() -> None:
    assert not is_same(("LIMIT = 8\nUSED = 9\n", "USED = 9\nLIMIT = 8\n"))


def test_what_others_took_counts() -> None:
    assert not is_same(UNUSED["a constant"], taken=TAKEN | {"LIMIT"})


def test_what_is_imported_has_to_be_in_all_judged_trees() -> None:
    assert is_same(UNUSED["an import of the project"], tools=TOOLS + b"MORE = 1\n")
    assert not is_same(UNUSED["an import of the project"], tools=TOOLS.replace(b"ONE = 1", b""))
    assert not is_same(UNUSED["an import of the project"], tools=TOOLS + b"del ONE\n")


def test_annotations_that_are_texts_run_nothing() -> None:
    old = f"from __future__ import annotations\n{OLD}"
    new = old.replace("idle(first", "idle(first: Nowhere")
    usage = Usage(TAKEN, lambda _: False)
    assert same_code(old.encode(), new.encode(), ran=RAN, usage=usage)


def test_a_file_that_no_run_started_imports_nothing_new() -> None:
    new = OLD.replace("import json\n", "import csv\nimport json\n")
    loaded = LoadedModules("shop/other.py", [LOADED], lambda _: [])
    usage = Usage(TAKEN, loaded.have)
    assert not same_code(OLD.encode(), new.encode(), ran=RAN, usage=usage)
