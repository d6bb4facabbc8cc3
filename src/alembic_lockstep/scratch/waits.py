"""Describe which sessions wait for which on a server, when a run is ended for taking too long."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

#: Every session of these databases that a lock keeps waiting, with each one that holds it: the
#: process 0 is a transaction that is prepared for a second phase.
POSTGRES = r"""
    SELECT w.query, coalesce(b.state, 'gone'), coalesce(b.query, '')
    FROM pg_stat_activity w CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS blocker(pid)
    LEFT JOIN pg_stat_activity b ON b.pid = blocker.pid
    WHERE w.datname ~ %s ORDER BY w.pid
"""
#: Statements that wait for InnoDB's row locks or a metadata lock, and idle sessions.
MYSQL = """
    SELECT COALESCE(info, ''), COALESCE(state, ''), command FROM information_schema.processlist
    WHERE db LIKE '{}' ORDER BY id
"""
_SHOWN = 120
_SECRET = re.compile(r"(?i)\b(PASSWORD|IDENTIFIED|CONNECTION)\b.*")

Rows = Sequence[Sequence[Any]]


def lines_or_none(ask: Callable[[], list[str]]) -> list[str]:
    """Return a server's lines, or none if asking fails: the run ends for its own reason."""
    with suppress(Exception):
        return ask()
    return []


def of_postgres(rows: Rows) -> list[str]:
    """Describe rows of `POSTGRES`."""
    return [f"{shown(waiting)} waits for {_holder(state, held)}" for waiting, state, held in rows]


def of_mysql(rows: Rows) -> list[str]:
    """Describe rows of `MYSQL`: only the server knows which idle session holds the lock."""
    idle = sum(command == "Sleep" for _, _, command in rows)
    waiting = [(query, state) for query, state, _ in rows if _is_waiting(str(state))]
    holder = f"one of {idle} idle sessions" if idle > 1 else "an idle session"
    by = holder if idle else "another session"
    return [
        f'{shown(query)} waits ("{state}") for a lock that {by} holds' for query, state in waiting
    ]


def _is_waiting(state: str) -> bool:
    return "lock" in state.lower() and "wait" in state.lower()


def _holder(state: str, query: str) -> str:
    if state == "gone":
        return "a lock that a prepared transaction holds"
    if state.startswith("idle in transaction"):
        return f"a lock that the session idle in transaction after {shown(query)} holds"
    return f"a lock that the session running {shown(query)} holds"


def shown(query: str) -> str:
    """Quote a statement, on one line, cut short."""
    return f'"{shortened(query)}"'


def shortened(query: str) -> str:
    """Return a statement on one line, cut short, without a password that is in it."""
    line = _SECRET.sub(r"\1 …", " ".join(str(query).split()))
    return f"{line[:_SHOWN]}…" if len(line) > _SHOWN else line


def distinct(lines: Iterable[str]) -> list[str]:
    """Return each line once, in order."""
    return list(dict.fromkeys(lines))
