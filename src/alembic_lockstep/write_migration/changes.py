"""Changes to files of the working tree, as values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic_lockstep.fix.row_steps import CHOOSE
from alembic_lockstep.init.proposals import Proposal
from alembic_lockstep.write_migration.bodies import CHOOSE_IN_SQL, MARK
from alembic_lockstep.write_migration.whole_files import replace_file, write_new


@dataclass(frozen=True)
class FileChange:
    """A file to write. Texts have surrogates for bytes that are no UTF-8.

    Attributes:
        path: From the repository's root.
        before: Its staged text; None for a new file.
        text: Its new text.
        does: What it does, in words.
        note: What was left out; may be empty.
    """

    path: str
    before: str | None
    text: str
    does: tuple[str, ...] = ()
    note: str = ""

    @property
    def content(self) -> bytes:
        """Return the file's new bytes."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def diff(self) -> str:
        """Return the change as a unified diff."""
        return Proposal(self.path, self.before, self.text, self.text).diff()

    @property
    def marks(self) -> Iterator[tuple[int, str]]:
        """Yield numbers and texts of lines that a person has to look at."""
        for number, line in enumerate(self.text.splitlines(), 1):
            if MARK in line or CHOOSE.strip() in line or CHOOSE_IN_SQL.search(line):
                yield number, line.strip()

    def write(self, root: Path) -> None:
        """Write the file into a working tree.

        Raises:
            CouldNotJudge: there is another file of that name, or its text is not the staged one.
        """
        if self.before is None:
            write_new(root / self.path, self.content)
        else:
            before = self.before.encode("utf-8", "surrogateescape")
            replace_file(root / self.path, before, self.content)
