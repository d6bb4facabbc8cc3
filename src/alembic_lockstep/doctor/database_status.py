"""The status of databases and of the code's history, read without running anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from alembic_lockstep.doctor.code_history import CodeHistory, code_of
from alembic_lockstep.doctor.database_address import DatabaseAddress
from alembic_lockstep.doctor.database_reading import read_live_database
from alembic_lockstep.doctor.standing import KINDS, UNREAD, Standing, standing_of
from alembic_lockstep.errors import CouldNotJudge

#: Databases that are read at the same time.
_AT_ONCE = 8


@dataclass(frozen=True)
class DatabaseStatus:
    """The status of a database.

    Attributes:
        shown: Its address without the password.
        code: The history of its environment; None if the database could not be read.
    """

    shown: str
    standing: Standing
    code: CodeHistory | None = None


def read_statuses(urls: Sequence[str], codes: Sequence[CodeHistory]) -> list[DatabaseStatus]:
    """Return the status of each database; one that cannot be read does not hide the others.

    Raises:
        CouldNotJudge: a URL cannot be read, or there is one database, and it cannot be read.
    """
    addresses = [DatabaseAddress.parse(url) for url in urls]
    if len(addresses) == 1:
        return [_status(addresses[0], codes)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(lambda address: _status_or_reason(address, codes), addresses))


def _status_or_reason(address: DatabaseAddress, codes: Sequence[CodeHistory]) -> DatabaseStatus:
    try:
        return _status(address, codes)
    except CouldNotJudge as error:
        return DatabaseStatus(
            address.shown,
            Standing(
                UNREAD, reason=error.message.removeprefix(f"{address.shown} cannot be read: ")
            ),
        )


def _status(address: DatabaseAddress, codes: Sequence[CodeHistory]) -> DatabaseStatus:
    facts = read_live_database(address)
    code = code_of(codes, facts.revisions)
    order = [revision.id for revision in code.newest_first]
    standing = standing_of(facts.revisions, code.history, order, has_tables=bool(facts.tables))
    return DatabaseStatus(address.shown, standing, code)


def by_kind(statuses: Iterable[DatabaseStatus]) -> dict[str, list[DatabaseStatus]]:
    """Return the statuses in groups, by the words for their kind, the most urgent first."""
    groups: dict[str, list[DatabaseStatus]] = {kind: [] for kind in KINDS}
    for status in statuses:
        groups[status.standing.kind].append(status)
    return {KINDS[kind]: group for kind, group in groups.items() if group}
