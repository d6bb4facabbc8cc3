"""Explain an env.py that migrates nothing, by its last SELECT: a list of tenants, perhaps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from alembic.util import CommandError
from sqlalchemy import event
from sqlalchemy.engine import Engine


class NotMigratedError(CommandError):
    """Raised if env.py ended without a migration; `statement` is its last SELECT, or ""."""

    def __init__(self, statement: str) -> None:
        super().__init__("env.py ran, but it never called context.run_migrations() on a connection")
        self.statement = statement


class NoMetadataError(CommandError):
    """Raised if env.py names no models."""

    def __init__(self) -> None:
        super().__init__(
            "env.py passes no target_metadata to context.configure(): "
            "there are no models to compare the database with"
        )


class Questions:
    """Recorder of the last SELECT of any engine."""

    def __init__(self) -> None:
        self.last = ""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Listen to the statements of all engines."""
        event.listen(Engine, "before_cursor_execute", self._note)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", self._note)

    def _note(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip()[:6].upper() == "SELECT":
            self.last = statement
