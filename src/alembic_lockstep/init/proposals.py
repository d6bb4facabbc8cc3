"""Changes to files that people have written, shown before they are made."""

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
        before: Its text; None if it is new.
        text: What it would be; None where that is for people to do, with `lines`.
        lines: What has to be in it.
    """

    path: str
    before: str | None
    text: str | None
    lines: str

    def shown(self) -> str:
        """What changes, as a diff."""
        if self.text is None:
            return f"# to paste into {self.path}:\n{self.lines}"
        old = (self.before or "").splitlines(keepends=True)
        names = ("/dev/null" if self.before is None else self.path, self.path)
        return "".join(difflib.unified_diff(old, self.text.splitlines(keepends=True), *names))


def in_list(text: str, key: str, item: str) -> str | None:
    """YAML with one more item at the end of a top-level list; None if that is not plain to see.

    The file stays as its people have written it: a YAML library would write it anew.
    """
    lines = text.splitlines(keepends=True)
    keys = [number for number, line in enumerate(lines) if re.match(rf"{key}:\s*(#.*)?$", line)]
    if len(keys) != 1:
        return None
    begin = keys[0] + 1
    # The items may be indented or not; what stands alone before the next key is about that.
    rest = range(begin, len(lines))
    end = next((number for number in rest if re.match(r"[^\s#-]", lines[number])), len(lines))
    while end > begin and re.match(r"#|\s*$", lines[end - 1]):
        end -= 1
    indents = [found[1] for line in lines[begin:end] if (found := re.match(r"(\s*)- ", line))]
    new = indented(item, indents[0] if indents else "  ")
    before = "".join(lines[:end])
    before += "" if before.endswith("\n") else "\n"
    new = new.replace("\n", "\r\n") if "\r\n" in text else new
    return before + new + "".join(lines[end:])


def read_file(file: Path) -> str | None:
    """Return a file's text, in which every byte can be written again; None if there is no file."""
    return file.read_bytes().decode("utf-8", "surrogateescape") if file.is_file() else None


def indented(text: str, indent: str) -> str:
    """Return a text with each line indented."""
    return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))
