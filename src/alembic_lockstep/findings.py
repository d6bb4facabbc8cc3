"""The values that rules and fixes produce and every report format renders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic_lockstep.dryrun.operations import Operation


@dataclass(frozen=True)
class Location:
    """A place in the judged tree or in its base.

    Attributes:
        path: POSIX path from the repository's root.
        line: 1-based line.
        column: 1-based column, in characters.
        source: The source line itself, without its line end; empty when unknown.
        length: How many characters of the line are meant; 0 when unknown.
        in_base: The place stands in the base only (the line was deleted).
        commit: The commit in whose tree the place is; "" if that is the judged one.
    """

    path: str
    line: int = 1
    column: int = 1
    source: str = ""
    length: int = 0
    in_base: bool = False
    commit: str = ""


@dataclass(frozen=True)
class Finding:
    """One violation of one rule.

    Attributes:
        rule: The rule's id, kebab-case.
        message: What happened, one sentence, one line.
        location: The primary place.
        environment: The Alembic environment's config file, POSIX path from the root.
        hint: What it means or what to do about this one finding; may be empty.
        related: Further places.
        operation: The missing operation as `op.*` code, where the finding is about one.
        sql: The statements that do it, where they are known.
        difference: What it is about, if that is a schema difference.
    """

    rule: str
    message: str
    location: Location
    environment: str = ""
    hint: str = ""
    related: tuple[Location, ...] = ()
    operation: str = ""
    sql: tuple[str, ...] = ()
    difference: Operation | None = None


@dataclass(frozen=True)
class Fix:
    """One block of the report that fixes findings.

    Attributes:
        title: The block's heading, which ends in a colon.
        text: Lines to type or to write.
        language: `python` or `console`.
    """

    title: str
    text: str
    language: str
