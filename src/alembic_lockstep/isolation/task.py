"""The task of the supervisor, read from its arguments."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Task:
    """The command to run and its guards.

    Attributes:
        control: The descriptor of the socket to the host.
        keeps_locale: LC_CTYPE was set before our own Python set it when it started (PEP 538).
        guards: Which guards of files to try, in this order: namespaces, landlock, python.
        base: An empty folder, to build the namespaces' view in.
        writable: Folders and files that are written for real.
        shown: Sockets in a view of the machine; reachable if their addresses are allowed.
        own: Folders of the user, below which files can be changed in a view of the machine.
        command: The project's process.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        """Read `CONTROL KEEPS_LOCALE GUARD,… BASE LIST LIST LIST COMMAND…`.

        The lists are `writable`, `shown` and `own`, each with its length before it.
        """
        control, keeps_locale, guards, self.base, *rest = arguments
        self.control = int(control)
        self.keeps_locale = keeps_locale == "1"
        self.guards = guards.split(",")
        self.writable, rest = _take(rest)
        self.shown, rest = _take(rest)
        self.own, self.command = _take(rest)


def _take(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split off as many words as the first one counts; return them and the rest."""
    end = 1 + int(words[0])
    return list(words[1:end]), list(words[end:])
