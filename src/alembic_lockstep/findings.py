"""Values that rules produce and every report format renders: findings, locations, fixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic_lockstep.dryrun.schema_operations import Operation


@dataclass(frozen=True)
class Location:
    """A location in the judged tree or in its base.

    Attributes:
        path: POSIX path from the repository's root.
        line: 1-based line.
        column: 1-based column, in characters.
        source: The source line itself, without its line end; empty when unknown.
        length: How many characters of the line are meant; 0 when unknown.
        in_base: Only the base has the line: it was deleted.
        commit: The commit that has the line; "" if the judged tree has it.
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
    """A violation of a rule.

    Attributes:
        rule: The rule's id, kebab-case.
        message: What happened, one sentence, one line.
        location: The primary location.
        environment: The Alembic environment's config file, POSIX path from the root.
        hint: What the finding means or what to do about it; may be empty.
        related: Further locations.
        operation: The missing operation as `op.*` code, if there is one.
        sql: The statements of that operation, if they are known.
        difference: The schema difference that the finding is about, if any.
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
    """A block of the report that fixes findings.

    Attributes:
        title: The block's heading, which ends in a colon.
        text: Lines to type or to write.
        language: `python` or `console`.
    """

    title: str
    text: str
    language: str
