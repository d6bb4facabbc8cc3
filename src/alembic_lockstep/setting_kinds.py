"""Kinds of values that settings have: from TOML, and from the text of flags and variables."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Attributes:
        expected: The kind in words, for messages: `a string`.
        check: Converts a value of TOML; a `ValueError` if it does not fit.
        parse: Converts text, likewise.
    """

    expected: str
    check: Callable[[object], object]
    parse: Callable[[str], object]


class _UnfitError(ValueError):
    """A value of the wrong type; the caller knows the key and what is expected."""


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _UnfitError


def _start(value: object) -> str:
    text = _string(value)
    if text in ("replay", "base-models") or text.endswith(".sql"):
        return text
    raise _UnfitError


def _rows(value: object) -> bool | str:
    if isinstance(value, bool):
        return value
    text = _string(value)
    if text.endswith(".sql"):
        return text
    raise _UnfitError


def _guard(value: object) -> str:
    text = _string(value)
    if text in ("auto", "namespaces", "landlock", "python"):
        return text
    raise _UnfitError


def _unsure(value: object) -> str:
    text = _string(value)
    if text in ("pass", "block"):
        return text
    raise _UnfitError


def _strings(value: object) -> tuple[str, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(_string(item) for item in value)
    raise _UnfitError


def _urls(value: object) -> tuple[str, ...]:
    urls = _strings(value)
    if urls:
        from urllib.parse import urlsplit  # few settings have any

        for url in urls:
            parts = urlsplit(url)  # raises a ValueError as well
            if "://" not in url or not parts.scheme or parts.port == 0:
                raise _UnfitError
    return urls


def _paths(value: object) -> tuple[str, ...]:
    paths = _strings(value)
    if all(path.startswith(("/", "~")) or Path(path).is_absolute() for path in paths):
        return paths
    raise _UnfitError


def _table(value: object) -> dict[str, str]:
    if isinstance(value, (list, tuple)):
        value = dict(_assignment(item) for item in value)
    if isinstance(value, Mapping):
        return {_string(name): _string(text) for name, text in value.items()}
    raise _UnfitError


def _variables(value: object) -> dict[str, str]:
    variables = _table(value)
    if any(not name or "=" in name for name in variables):
        raise _UnfitError
    return variables


def _assignment(item: object) -> tuple[str, str]:
    name, equals, text = _string(item).partition("=")
    if name and equals:
        return name, text
    raise _UnfitError


def _reasons(value: object) -> dict[str, str]:
    reasons = _table(value)
    if all(reason.strip() for reason in reasons.values()):
        return reasons
    raise _UnfitError


def _seconds(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        # A TOML integer has no upper limit, a float has.
        seconds = float(value) if abs(value) < 1e9 else math.inf
        if 0 < seconds < math.inf:
            return seconds
    raise _UnfitError


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _UnfitError


def _text_as_seconds(text: str) -> float:
    return _seconds(float(text))


def _text_as_truth(text: str) -> bool:
    truths = dict.fromkeys(("1", "true", "yes", "on"), True)
    truths |= dict.fromkeys(("0", "false", "no", "off"), False)
    if text.lower() in truths:
        return truths[text.lower()]
    raise _UnfitError


STRING = Kind("a string", _string, str)
START = Kind('"replay", "base-models" or the path of an .sql file', _start, _start)
ROWS = Kind(
    "true, false or the path of an .sql file",
    _rows,
    lambda text: text if text.endswith(".sql") else _text_as_truth(text),
)
GUARD = Kind('"auto", "namespaces", "landlock" or "python"', _guard, _guard)
UNSURE = Kind('"pass" or "block"', _unsure, _unsure)
STRINGS = Kind('a list of strings, such as ["…"]', _strings, lambda text: tuple(shlex.split(text)))
PATHS = Kind(
    'a list of absolute paths, such as ["/var/lib/app"]',
    _paths,
    lambda text: _paths(shlex.split(text)),
)
# A password in a URL may hold a quote or a backslash, so no shell rules there.
URLS = Kind(
    'a list of URLs, such as ["postgresql://user:password@host:5432/database"], with special '
    "characters of a password written as %XX",
    _urls,
    lambda text: _urls(text.split()),
)
VARIABLES = Kind(
    'a table of variables, such as { NAME = "…" }, with no "=" in a name',
    _variables,
    lambda text: _variables(shlex.split(text)),
)
# Without its quotes, a dot in a name would make a table.
REASONS = Kind(
    'a table from names to reasons, both in quotes, such as { "games.score" = "…" }',
    _reasons,
    lambda text: _reasons(shlex.split(text)),
)
SECONDS = Kind("a number of seconds above 0", _seconds, _text_as_seconds)
TRUTH = Kind("true or false", _truth, _text_as_truth)
