"""Write migrations for SQLite that drop tables, and leave the rows that refer to these alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence

_BEGIN = """\
# SQLite drops {tables}{again}. With foreign keys on, that deletes or changes rows
# which refer to it, and inside of a transaction they cannot be switched off.
connection = op.get_bind()
enforced = connection.scalar(sa.text("PRAGMA foreign_keys"))
connection.connection.commit()
op.execute("PRAGMA foreign_keys = OFF")
try:
    if connection.scalar(sa.text("PRAGMA foreign_keys")):
        raise RuntimeError("a transaction is open: SQLite cannot switch foreign keys off")
    op.execute("BEGIN")"""
_END = """\
    violations = connection.execute(sa.text("PRAGMA foreign_key_check")).fetchall()
    if enforced and violations:
        raise RuntimeError(f"rows refer to rows that do not exist: {violations}")
    connection.connection.commit()
finally:
    connection.connection.rollback()
    op.execute(f"PRAGMA foreign_keys = {enforced}")"""


def without_enforcement(
    lines: Sequence[str], tables: Collection[str], *, again: bool = True
) -> list[str]:
    """Return a body that switches foreign keys off meanwhile, and leaves the setting as it was.

    It works in all forms of env.py. Inside of a transaction SQLite ignores the pragma. Alembic's
    `autocommit_block()` fails where env.py began the transaction, or where a listener begins them.
    So the driver's transaction is committed first, and the changes have one of their own.

    Args:
        lines: The body.
        tables: The tables that it drops.
        again: Whether it also makes them again.
    """
    begin = _BEGIN.format(
        tables=" and ".join(sorted(tables)), again=" to make it again" if again else ""
    )
    indented = [f"    {line}" for line in lines]
    return [*begin.split("\n"), *indented, *_END.split("\n")]
