"""The answer at once: `check` without options, where a cached verdict answers.

It asks what the whole command asks, and imports little more than `json` and `subprocess`. Whatever
is unusual is left to the command.
"""

from __future__ import annotations

import gc
import os
import sys

from alembic_lockstep.cache.store import Cache, cache_folder
from alembic_lockstep.cache.verdicts import PASSED, VerdictCache
from alembic_lockstep.git.working_tree import working_tree_and_head
from alembic_lockstep.system.streams import open_streams

# With one of these, the cache is off, or commits are judged in place of what is staged.
_VARIABLES = (
    "ALEMBIC_LOCKSTEP_NO_CACHE",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "PRE_COMMIT_LOCAL_BRANCH",
    "PRE_COMMIT_TO_REF",
)


def answers_at_once(arguments: list[str]) -> bool:
    """Report that what is staged passes, if a cached verdict says so."""
    if arguments != ["check"] or any(name in os.environ for name in _VARIABLES):
        return False
    gc.disable()
    open_streams()
    environ = dict(os.environ)
    try:
        working_tree, base = working_tree_and_head(os.getcwd(), environ)
        verdicts = VerdictCache(Cache(cache_folder()), working_tree, environ, {}, False)
        if not verdicts.has_passed(base, None):
            return False
    except Exception:  # the command meets it as well, and says what is wrong
        return False
    print(PASSED, file=sys.stderr)
    return True
