"""Changes to a repository's files, shown before they are written."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Proposal:
    """A file to write.

    Attributes:
        path: From the root.
        before: Its present text; None if it is new.
        text: Its new text; None where people have to paste `lines` themselves.
        lines: The lines that have to be in it.
    """

    path: str
    before: str | None
    text: str | None
    lines: str

    def diff(self) -> str:
        """Return the change as a unified diff, or the lines to paste."""
        if self.text is None:
            return f"# to paste into {self.path}:\n{self.lines}"
        old = (self.before or "").splitlines(keepends=True)
        names = ("/dev/null" if self.before is None else self.path, self.path)
        return "".join(difflib.unified_diff(old, self.text.splitlines(keepends=True), *names))


def append_to_list(text: str, key: str, item: str) -> str | None:
    """Append an item to a top-level list of YAML; None if it is not clear where that list ends.

    All else stays as it is: a YAML library would reformat the file.
    """
    lines = text.splitlines(keepends=True)
    keys = [number for number, line in enumerate(lines) if re.match(rf"{key}:\s*(#.*)?$", line)]
    if len(keys) != 1:
        return None
    begin = keys[0] + 1
    # The items may be indented or not; comments just before the next key belong to that key.
    rest = range(begin, len(lines))
    end = next((number for number in rest if re.match(r"[^\s#-]", lines[number])), len(lines))
    while end > begin and re.match(r"#|\s*$", lines[end - 1]):
        end -= 1
    items = (re.match(r"(\s*)- ", line) for line in lines[begin:end])
    indent = next((match[1] for match in items if match), "  ")
    new = "".join(f"{indent}{line}" for line in item.splitlines(keepends=True))
    before = "".join(lines[:end])
    before += "" if before.endswith("\n") else "\n"
    new = new.replace("\n", "\r\n") if "\r\n" in text else new
    return before + new + "".join(lines[end:])


def read_file(file: Path) -> str | None:
    """Return a file's text, from which its bytes can be restored; None if there is no file."""
    return file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else None
