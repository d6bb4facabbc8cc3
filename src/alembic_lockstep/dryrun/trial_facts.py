"""Facts of a trial: the commit's new revisions on tables that hold rows, up, down and up again.

They are part of an observation, and so of JSON types.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from alembic_lockstep.probe.protocol import Error

TrialPhase = Literal["upgrade", "downgrade", "upgrade-again"]


class RowChangeFacts(TypedDict):
    """Loss or change of rows in a table: see `rows/row_comparison.py`.

    Attributes:
        kind: `rows-vanished`, `value-changed`, `value-cut`, `nulled`, `column-dropped` …
        table: With its schema, unless that is the default one.
        column: Empty if it is about whole rows.
        count: Rows that are concerned.
        before, after: An example, short; empty if there is none.
        successor: New column or table that holds the same or fits; empty if there is none.
    """

    kind: str
    table: str
    column: str
    count: int
    before: str
    after: str
    successor: str


class TrialFacts(TypedDict, total=False):
    """Result of a trial; empty if none was made.

    Attributes:
        revisions: Ids of the new revisions that were tried, in the order of their upgrade.
        phase: The phase that failed; absent if none did.
        revision: The revision that failed.
        error: Its exception.
        empty_downgrades: Tried revisions whose upgrade() does more than change rows and whose
            downgrade() does nothing.
        one_way: Revisions that say that they are: their downgrade() raises NotImplementedError.
        filled: From tables to their rows.
        unfilled: From tables that got no rows to the reasons.
        changes: What the upgrade did to the rows.
        left: What the downgrade left behind, in words: `type mood`, `column games.winners`.
        lost: What it did not bring back of the schema.
        changes_back: Rows that were there before, and are not as they were, after the downgrade;
            without what the upgrade's own drops destroyed.
        differs_again: Differences of the schema after the second upgrade from that after the
            first one, in words.
        note: Why there was no trial, or a part of it was left out.
    """

    revisions: list[str]
    phase: TrialPhase
    revision: str
    error: Error
    empty_downgrades: list[str]
    one_way: list[str]
    filled: dict[str, int]
    unfilled: dict[str, str]
    changes: list[RowChangeFacts]
    left: list[str]
    lost: list[str]
    changes_back: list[RowChangeFacts]
    differs_again: list[str]
    note: str
