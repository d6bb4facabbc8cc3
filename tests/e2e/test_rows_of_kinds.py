"""The columns "keeps rows" in docs/what-is-compared.md: what the fix of a kind does to rows.

LOCKSTEP_WRITE=1 and LOCKSTEP_NIGHTLY=1 with -n0 have them written instead of compared.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .kinds import DASH, KINDS, NOT_TRIED, PAGE, WITHOUT_FIX, Kind, page_with_rows, word_on_rows
from .row_rounds import Rounds
from .rows import add_children
from .twin_bench import DRIVERS, Bench, bench, servers

__all__ = ["bench", "servers"]

#: Of which autogenerate's own operation, which comes first, is refused on the way back.
WITHOUT_WAY_BACK = ("`INHERITS`",)
TRIED = [
    (dialect, kind)
    for dialect in DRIVERS
    for kind in KINDS
    if dialect not in kind.lacks and kind.name not in WITHOUT_FIX
]


@pytest.mark.sampled(32)
@pytest.mark.parametrize(
    ("bench", "kind"),
    TRIED,
    indirect=["bench"],
    ids=[f"{dialect}-{kind.name}" for dialect, kind in TRIED],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
def test_the_page_says_what_a_fix_does_to_rows(bench: Bench, kind: Kind, tmp_path: Path) -> None:
    before, after = kind.before(), kind.after()
    add_children(before, after)
    outcome = Rounds(bench, tmp_path / "round").run(before, after)
    faults = [fault for fault in outcome.faults if not fault.startswith("back: ")]
    assert (faults if kind.name in WITHOUT_WAY_BACK else outcome.faults) == []
    assert outcome.unfilled == {}
    if os.environ.get("LOCKSTEP_WRITE") == "1":
        PAGE.write_text(page_with_rows(bench.dialect, {kind.name: outcome.word}, KINDS))
    assert word_on_rows(PAGE.read_text(), bench.dialect, kind.name) == outcome.word


def test_the_page_says_where_nothing_is_tried() -> None:
    page = PAGE.read_text()
    for dialect in DRIVERS:
        for kind in KINDS:
            word = word_on_rows(page, dialect, kind.name)
            assert (word == DASH) == (dialect in kind.lacks), (dialect, kind.name)
            if kind.name in WITHOUT_FIX and dialect not in kind.lacks:
                assert word == NOT_TRIED
            assert word != "?"
