"""The guard around a scratch database's server, which a migration may tell to do anything.

A superuser's `COPY … TO PROGRAM`, `dblink` or `SELECT … INTO OUTFILE` acts as the server does.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

if sys.platform == "linux":  # not when it is needed: the server's account may not see our files
    from alembic_lockstep.isolation import kernel, landlock, seccomp


def restrict_server(writable: Sequence[str], *, connects: bool) -> None:
    """Refuse a server every write outside of its folders and every connection that it begins.

    What the kernel cannot do is left out; on other systems than Linux that is everything.

    Args:
        connects: Let it connect to itself by UDP: PostgreSQL's statistics collector, until 14.
    """
    if sys.platform != "linux":
        return
    with suppress(OSError):
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if not connects:
            seccomp.refuse_contacts()
    with suppress(OSError):
        landlock.restrict_writes(writable, connects=False)
