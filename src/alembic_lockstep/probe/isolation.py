"""Keep the project from touching the user's files, servers and processes.

The kernel may do a part of it: `request["isolation"]` has

- `files`: `namespaces` (writes land in an overlay of the kernel's: nothing to do here),
  `landlock` (the kernel refuses writes outside of `writable`), or `python`;
- `network`: `seccomp`, or `python`;
- `writable`: absolute paths that the project may write to;
- `shadow`: the folder for copies of files that it writes elsewhere; empty: there is none;
- `temporary`: the folder for temporary files; empty: as TMPDIR has it.
"""

from __future__ import annotations

import functools
import os
import sys
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, Optional, Sequence
from urllib.parse import quote, unquote

from .attach import guarded
from .children import SIGNALS, STARTS, Children
from .drivers import C_DRIVERS, wrap_driver
from .dsn import is_memory
from .guard import CHECKS, ConnectionGuard
from .overlay import Overlay
from .protocol import Guards, Request
from .reads import Reads
from .refusals import Refusals
from .shadow import Shadow
from .writes import CHANGES, WriteGuard

# A look at a repository shall not write to it, nor ask its server for what it lacks.
GIT = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
# Of sqlite3.h; the modules need not be loaded for them.
SQLITE_OK, SQLITE_DENY, SQLITE_ATTACH = 0, 1, 24
# Those whose connections may be of another class.
SQLITE_DRIVERS = ("pysqlite", "aiosqlite", "pysqlite_numeric")


class Isolation:
    """Guards of a run.

    Attributes:
        variables: For the project's environment.
        after_import: Functions to call with modules once they are loaded, by their names.
    """

    def __init__(self, request: Request, reads: Reads, top: str) -> None:
        with reads.unnoted():  # our own look at our own folders
            self._plan(request, reads, top)

    def _plan(self, request: Request, reads: Reads, top: str) -> None:
        plan = _elsewhere(top, request["allow_write"]) if top else request["isolation"]
        is_guarded = plan["files"] != "python" and plan["network"] != "python"
        self.refusals = Refusals(request["checkout"])
        self.guard = ConnectionGuard(request["allow_connect"], request["checkout"], self.refusals)
        writable = [*plan["writable"], *filter(None, [plan["shadow"]])]
        self.children = Children(request["allow_run"], is_guarded, plan["writable"], self.refusals)
        # Most events have no check: they cost one look-up.
        self._checks: Dict[str, Callable[[str, Any], None]] = {
            **dict.fromkeys(CHECKS, self.guard.audit),
            **dict.fromkeys(STARTS, reads.unnoted()(self.children.audit)),
        }
        if not is_guarded:
            self._checks.update(dict.fromkeys(SIGNALS, self.children.audit_signal))
        if plan["files"] == "python":
            self._checks.update(dict.fromkeys(CHANGES, WriteGuard(writable, self.refusals).audit))
        self.shadow = None
        if plan["files"] != "namespaces" and plan["shadow"]:
            overlay = Overlay(plan["shadow"], plan["writable"], reads.unnoted, reads.note_opened)
            self.shadow = Shadow(overlay)
            reads.shadow = overlay.root
        temporary = plan["temporary"]
        names = ("TMPDIR", "TMP", "TEMP") if temporary else ()
        self.variables = {**GIT, **dict.fromkeys(names, temporary)}
        self.after_import: Dict[str, Callable[[ModuleType], None]] = {
            **dict.fromkeys(C_DRIVERS, self._wrap_driver),
            "multiprocessing.util": self.children.wrap_multiprocessing,
        }
        if not is_guarded:
            self.after_import["sqlite3.dbapi2"] = self._wrap_sqlite

    def install(self) -> None:
        """Install all guards. An audit hook cannot be removed again."""
        for name, act in self.after_import.items():
            if name in sys.modules:
                act(sys.modules[name])
        tempfile: Any = sys.modules.get("tempfile")
        if tempfile is not None:
            tempfile.tempdir = None  # it may know another one already
        if self.shadow is not None:
            self.shadow.install()
        sys.addaudithook(self._audit)

    @contextmanager
    def bypass(self) -> Iterator[None]:
        """Show this thread the machine's files, not the project's copies of them."""
        if self.shadow is None:
            yield
            return
        with self.shadow.bypass():
            yield

    def sqlite_options(self, dialect: Any, options: Dict[str, Any]) -> Dict[str, Any]:
        """Return a driver's arguments by which SQLite opens copies of other files."""
        # The adapter for aiosqlite has the driver's module as an attribute.
        module = getattr(dialect.dbapi, "sqlite", dialect.dbapi)
        if self.shadow is None or dialect.driver not in SQLITE_DRIVERS:
            return {}
        base = options.get("factory", module.Connection)
        if not isinstance(base, type):
            return {}
        return {"factory": guarded(base, module.Cursor, self._attached)}

    def _attached(self, name: str) -> str:
        """Return the path or URI that SQLite is to open instead."""
        if name and (is_memory(name) or self.guard.is_scratch(name)):
            return name
        is_uri = name.startswith("file:")
        path, mark, query = name[len("file:") :].partition("?") if is_uri else (name, "", "")
        assert self.shadow is not None
        try:
            if not name:
                raise OSError
            copy = self.shadow.overlay.copy_database(unquote(path) if is_uri else path)
        except OSError:
            raise self.refusals.write("ATTACH or VACUUM INTO", name or "a computed path") from None
        return f"file:{quote(copy)}{mark}{query}" if is_uri else copy

    def _wrap_sqlite(self, module: ModuleType) -> None:
        """Forbid connections that do not come from SQLAlchemy to open further files.

        Its own are looked after by `sqlite_options`: an authorizer costs time at each statement.
        """
        connect: Any = module.connect

        @functools.wraps(connect)
        def guarded_connect(*arguments: Any, **keywords: Any) -> Any:
            connection = connect(*arguments, **keywords)
            name = os.fsdecode(arguments[0] if arguments else keywords["database"])
            if not self.guard.is_dialling and not self.guard.is_scratch(name):
                connection.set_authorizer(self._authorize)
            return connection

        for owner in filter(None, (module, sys.modules.get("sqlite3"))):
            owner.connect = guarded_connect  # type: ignore[attr-defined]

    def _authorize(self, action: int, name: Optional[str], *_: Any) -> int:
        if action != SQLITE_ATTACH or is_memory(name or "") or self.guard.is_scratch(name or ""):
            return SQLITE_OK
        self.refusals.write("ATTACH or VACUUM INTO", name or "a computed path")
        return SQLITE_DENY

    def _audit(self, event: str, arguments: Any) -> None:
        check = self._checks.get(event)
        if check is not None:
            check(event, arguments)

    def _wrap_driver(self, module: ModuleType) -> None:
        wrap_driver(module, self.guard.check_driver)


def _elsewhere(top: str, allow_write: Sequence[str]) -> Guards:
    """Return the plan for a run that came with its checkout to another machine, in `top`."""
    shadow, temporary = os.path.join(top, "shadow"), os.path.join(top, "tmp")
    for folder in (shadow, temporary):
        os.mkdir(folder)
    return {
        "files": "python",
        "network": "python",
        "writable": [top, *map(os.path.expanduser, allow_write)],
        "shadow": shadow,
        "temporary": temporary,
    }
