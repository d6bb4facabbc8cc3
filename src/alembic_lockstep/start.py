"""The console script: it imports nothing from the project's folder, whose `git/` is not GitPython.

Until that folder is out of the way, only what Python itself has loaded by then may be imported.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def entry() -> None:
    """Run the command, with libraries that are installed, and no others."""
    try:
        cwd = os.getcwd()
    except OSError:  # it is gone, and nothing can be imported from there
        sys.path[:] = [one for one in sys.path if os.path.isabs(one)]
    else:
        sys.path[:] = list(installed(sys.path, cwd, os.environ.get("PYTHONPATH", "")))
    from alembic_lockstep.cli import entry as run

    run()


def installed(entries: "Iterable[str]", cwd: str, named: str) -> "Iterator[str]":
    """Return the entries of `sys.path` without the folders of the project in `cwd`.

    Those are in there because it is run there (`python -m`), or by PYTHONPATH. A virtual
    environment within the project is no such folder, nor is the one that we ourselves lie in.

    Args:
        named: The value of PYTHONPATH.
    """
    top = _top(cwd)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    unsafe = {os.path.realpath(os.path.join(cwd, one)) for one in ("", *named.split(os.pathsep))}
    for one in entries:
        place = os.path.realpath(os.path.join(cwd, one))
        is_inside = f"{place}{os.sep}".startswith(os.path.join(os.path.realpath(top), ""))
        if place not in unsafe or not is_inside or place == os.path.realpath(own):
            yield one


def _top(folder: str) -> str:
    """Return the working tree around a folder, or that folder."""
    above = folder
    while not os.path.exists(os.path.join(above, ".git")):
        if os.path.dirname(above) == above:
            return folder
        above = os.path.dirname(above)
    return above
