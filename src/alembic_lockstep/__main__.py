"""`python -m alembic_lockstep`."""

import os
import sys

# It stands in the project's folder, whose `alembic/` is not the library.
if sys.path[0] in ("", os.getcwd()):  # noqa: PTH109 - as it stands there
    del sys.path[0]

from alembic_lockstep.cli import entry

entry()
