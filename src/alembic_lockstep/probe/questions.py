"""What an env.py leaves undone, and what it asked a database before: whom to migrate, perhaps."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

from alembic.util import CommandError
from sqlalchemy import event
from sqlalchemy.engine import Engine


class NotMigratedError(CommandError):
    """env.py ended without a migration; `statement` is the last question that it asked, or ""."""

    def __init__(self, statement: str) -> None:
        super().__init__("env.py ran, but it never called context.run_migrations() on a connection")
        self.statement = statement


class NoMetadataError(CommandError):
    """env.py names no models."""

    def __init__(self) -> None:
        super().__init__(
            "env.py passes no target_metadata to context.configure(): "
            "there are no models to compare the database with"
        )


class Questions:
    """Keeps the last SELECT of any engine."""

    def __init__(self) -> None:
        self.last = ""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Listen to what all engines are asked."""
        event.listen(Engine, "before_cursor_execute", self._note)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", self._note)

    def _note(self, _: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.lstrip()[:6].upper() == "SELECT":
            self.last = statement
