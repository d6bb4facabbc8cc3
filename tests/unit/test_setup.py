"""What `init` adds to files that people have written."""

from __future__ import annotations

import pytest

from alembic_lockstep.init.proposals import append_to_list

ITEM = "- repo: new\n  rev: v1\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("repos:\n", "repos:\n  - repo: new\n    rev: v1\n"),
        ("repos:\n- repo: old\n", "repos:\n- repo: old\n- repo: new\n  rev: v1\n"),
        (
            "repos:\n    - repo: old\n      hooks:\n        - id: a\n",
            "repos:\n    - repo: old\n      hooks:\n        - id: a\n"
            "    - repo: new\n      rev: v1\n",
        ),
        ("repos:\n  - repo: old", "repos:\n  - repo: old\n  - repo: new\n    rev: v1\n"),
        (
            "repos: # ours\n  - repo: old\n\n# The rest.\nci:\n  skip: [a]\n",
            "repos: # ours\n  - repo: old\n  - repo: new\n    rev: v1\n"
            "\n# The rest.\nci:\n  skip: [a]\n",
        ),
        (
            "repos:\n  - repo: old\n    # a word inside\n    rev: v0\nexclude: x\n",
            "repos:\n  - repo: old\n    # a word inside\n    rev: v0\n"
            "  - repo: new\n    rev: v1\nexclude: x\n",
        ),
        (
            "repos:\r\n  - repo: old\r\n",
            "repos:\r\n  - repo: old\r\n  - repo: new\r\n    rev: v1\r\n",
        ),
    ],
    ids=["empty", "flush", "deep", "no line end", "another key", "a comment", "windows"],
)
def test_an_item_is_added_and_all_else_stays(before: str, after: str) -> None:
    assert append_to_list(before, "repos", ITEM) == after


@pytest.mark.parametrize(
    "text", ["repos: []\n", "repos: [a]\n", "hooks:\n", "", "repos:\nrepos:\n"]
)
def test_what_is_not_plain_to_see_is_left_alone(text: str) -> None:
    assert append_to_list(text, "repos", ITEM) is None
