"""Git's configuration of a repository: read once, and written for the checkout's own `.git`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

#: Settings that a clone has or a developer makes in it. Not: hooks, monitors, worktrees, sparse
#: patterns, promised objects (nothing is fetched), credentials.
_COPIED = re.compile(
    r"(branch|diff|filter|i18n|merge|remote|submodule|tag|url|user)\..*"
    r"|core\.(abbrev|attributesfile|autocrlf|eol|excludesfile|filemode|ignorecase"
    r"|precomposeunicode|quotepath|symlinks)"
)
_PROMISED = re.compile(r"remote\..*\.(promisor|partialclonefilter)")
#: Settings that decide how a file of a tree is written.
_WRITING = re.compile(
    r"filter\..*|core\.(attributesfile|autocrlf|checkroundtripencoding|eol|filemode|symlinks)"
)
#: git-config(1), "Syntax": a subsection knows two escapes, a value more.
_IN_SECTION = str.maketrans({"\\": "\\\\", '"': '\\"'})
_IN_VALUE = {**_IN_SECTION, **str.maketrans({"\n": "\\n", "\t": "\\t"})}


class Setting(NamedTuple):
    """A line of git's configuration.

    Attributes:
        scope: `system`, `global`, `local`, `worktree` or `command`.
        key: With section and name in lower case, as git prints it.
        value: None where the key stands alone, which means true.
    """

    scope: str
    key: str
    value: str | None


@dataclass(frozen=True)
class Configuration:
    """All settings of a repository, in git's order: the last of a key wins."""

    settings: tuple[Setting, ...]

    @classmethod
    def parse(cls, listed: bytes) -> Configuration:
        """Parse `git config --list -z --show-scope`."""
        fields = listed.decode("utf-8", "surrogateescape").split("\0")
        return cls(tuple(map(_parse, fields[0::2], fields[1::2])))

    @classmethod
    def parse_unscoped(cls, listed: bytes) -> Configuration:
        """Parse `git config --list -z`, as if all were the repository's own."""
        fields = listed.decode("utf-8", "surrogateescape").split("\0")[:-1]
        return cls(tuple(_parse("local", text) for text in fields))

    @property
    def writing(self) -> list[Setting]:
        """Settings that decide how a file of a tree is written."""
        return [setting for setting in self.settings if _WRITING.fullmatch(setting.key)]

    def last(self, key: str) -> str | None:
        """Return the last value of a key; None if it is not set."""
        values = [setting.value for setting in self.settings if setting.key == key]
        return values[-1] if values else None

    def clone_text(self, object_format: str) -> str:
        """Return the text of the configuration that a clone of the repository would have.

        Args:
            object_format: `sha1` or `sha256`.
        """
        of_format = [("extensions.objectformat", object_format)] if object_format != "sha1" else []
        lines = [
            ("core.repositoryformatversion", "1" if of_format else "0"),
            *of_format,
            ("core.bare", "false"),
            # Access times are set back, which changes the files' ctime.
            ("core.trustctime", "false"),
            *self._copied(),
        ]
        return "".join(_render(key, value) for key, value in lines)

    def _copied(self) -> Iterator[tuple[str, str | None]]:
        for scope, key, value in self.settings:
            is_own = scope in {"local", "worktree"} and _COPIED.fullmatch(key)
            if is_own and not _PROMISED.fullmatch(key):
                yield key, value


def _parse(scope: str, text: str) -> Setting:
    key, newline, value = text.partition("\n")
    return Setting(scope, key, value if newline else None)


def _render(key: str, value: str | None) -> str:
    section, _, rest = key.partition(".")
    middle, _, name = rest.rpartition(".")
    head = f'[{section} "{middle.translate(_IN_SECTION)}"]' if middle else f"[{section}]"
    return f"{head}\n\t{name}{_assign(value)}\n"


def _assign(value: str | None) -> str:
    return "" if value is None else f' = "{value.translate(_IN_VALUE)}"'
