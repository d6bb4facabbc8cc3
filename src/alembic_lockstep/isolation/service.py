"""The guard around a scratch server, which a migration may order to do anything.

A superuser's `COPY … TO PROGRAM`, `dblink` or `SELECT … INTO OUTFILE` acts as the server does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

if sys.platform == "linux":  # at import: later, the server's account may not read our files
    from alembic_lockstep.isolation import kernel, landlock, seccomp


def restrict_server(writable: Sequence[str], *, connects: bool) -> list[str]:
    """Refuse a server every write outside of its folders and every connection that it begins.

    Args:
        connects: Let it connect to itself by UDP: PostgreSQL's statistics collector, until 14.

    Returns:
        The accesses that could not be refused, with the reason, a line each.
    """
    if sys.platform != "linux":
        return [f"writes and connections ({sys.platform} has no guard for servers)"]
    lacking = []
    try:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if not connects:
            seccomp.refuse_contacts()
    except OSError as error:
        lacking.append(f"connections (seccomp: {error})")
    try:
        landlock.restrict_writes(writable, connects=False)
    except OSError as error:
        lacking.append(f"writes outside of its folders (Landlock: {error})")
    return lacking
