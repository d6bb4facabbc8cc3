"""A file of SQL statements, taken apart where a driver takes only one at a time."""

from __future__ import annotations

import re
from typing import Iterator

# What may hold a delimiter that ends no statement: strings, quoted names, comments.
HELD = r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`|--\s[^\n]*|\#[^\n]*|/\*.*?\*/"
# Such as mysqldump writes around triggers: DELIMITER ;;
CLIENT = r"^[ \t]*DELIMITER[ \t]+(?P<new>\S+)[^\n]*"
# MySQL runs what is in a comment that begins with an exclamation mark.
COMMENT = re.compile(r"--\s[^\n]*|#[^\n]*|/\*(?!M?!).*?\*/", re.DOTALL)
FLAGS = re.DOTALL | re.IGNORECASE | re.MULTILINE


def statements(script: str) -> Iterator[str]:
    """The statements, as MySQL's own client would tell them apart."""
    delimiter, start, position = ";", 0, 0
    while True:
        pattern = f"{HELD}|{CLIENT}|(?P<end>{re.escape(delimiter)})"
        found = re.compile(pattern, FLAGS).search(script, position)
        end = found.start() if found else len(script)
        if found is None or found["new"] or found["end"]:
            statement = script[start:end].strip()
            if COMMENT.sub("", statement).strip():
                yield statement
        if found is None:
            return
        position = found.end()
        if found["new"] or found["end"]:
            delimiter, start = found["new"] or delimiter, position
