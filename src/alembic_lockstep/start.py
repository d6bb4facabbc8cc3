"""The console script: it imports nothing from the project's folder, whose `click.py` is not click.

Until that folder is off `sys.path`, only modules that Python itself has loaded may be imported.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def entry() -> None:
    """Run the command with installed libraries only."""
    try:
        cwd = os.getcwd()
    except OSError:  # it was deleted, so nothing can be imported from there
        sys.path[:] = [path for path in sys.path if os.path.isabs(path)]
    else:
        sys.path[:] = list(installed(sys.path, cwd, os.environ.get("PYTHONPATH", "")))
    run()


def run() -> None:
    """Answer at once, or run the whole command."""
    from alembic_lockstep.cache.at_once import answers_at_once
    from alembic_lockstep.system.streams import flush_streams

    try:
        is_answered = answers_at_once(sys.argv[1:])
    except KeyboardInterrupt:
        from alembic_lockstep.cli import interrupted

        sys.exit(interrupted())
    if is_answered:
        os._exit(flush_streams(0))  # nothing was started that has to end
    from alembic_lockstep.cli import entry as run_command

    run_command()


def installed(entries: "Iterable[str]", cwd: str, pythonpath: str) -> "Iterator[str]":
    """Yield the entries of `sys.path` without the folders of the project in `cwd`.

    `python -m` and PYTHONPATH add such folders. A virtual environment within the project stays,
    and so does the folder of this package.
    """
    top = _top(cwd)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = ("", *pythonpath.split(os.pathsep))
    unsafe = {os.path.realpath(os.path.join(cwd, folder)) for folder in folders}
    for entry in entries:
        folder = os.path.realpath(os.path.join(cwd, entry))
        is_inside = f"{folder}{os.sep}".startswith(os.path.join(os.path.realpath(top), ""))
        if folder not in unsafe or not is_inside or folder == os.path.realpath(own):
            yield entry


def _top(folder: str) -> str:
    """Return the working tree around a folder, or that folder itself."""
    above = folder
    while not os.path.exists(os.path.join(above, ".git")):
        if os.path.dirname(above) == above:
            return folder
        above = os.path.dirname(above)
    return above
