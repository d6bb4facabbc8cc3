"""Record what each revision sends to the database, to compare it with another checkout's run."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import Any, Dict, Iterator

from sqlalchemy import event
from sqlalchemy.engine import Engine


class Transcript:
    """Digests of the statements and parameters of revisions.

    Attributes:
        digests: From a revision's id to its digest.
    """

    def __init__(self) -> None:
        self.digests: Dict[str, str] = {}
        self._statements = hashlib.sha256()

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Listen to the statements of all engines."""
        event.listen(Engine, "before_cursor_execute", self._add)
        try:
            yield
        finally:
            event.remove(Engine, "before_cursor_execute", self._add)

    def begin(self) -> None:
        """Begin with a revision."""
        self._statements = hashlib.sha256()

    def end(self, revision: str) -> None:
        """Keep the digest of a revision that has run."""
        self.digests[revision] = self._statements.hexdigest()

    def _add(self, _: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        self._statements.update(repr((statement, parameters)).encode("utf-8", "surrogatepass"))
