"""Settings: flag > environment variable > `[tool.alembic-lockstep]` > default."""

from __future__ import annotations

import importlib
import math
import shlex
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic_lockstep.errors import CouldNotJudge

PREFIX = "ALEMBIC_LOCKSTEP_"
TABLE = "tool.alembic-lockstep"
#: What the option `--no-cache` is called in the environment; it is no setting of a project.
NO_CACHE = f"{PREFIX}NO_CACHE"


@dataclass(frozen=True)
class Settings:
    """What a project may set; the defaults suit a project that sets nothing.

    Attributes:
        config: Alembic config files, POSIX from the root, `file.ini:section` for a section
            other than `[alembic]`; empty: found without being named.
        flask_app: Like `FLASK_APP`: `backend.app:create_app`.
        alchemy_config: As `alchemy --config` or `litestar --app`: `app.config`, `app:app`.
        x: Arguments for env.py, like `alembic -x`: `("tenant=acme",)`.
        python: The project's interpreter, relative to the root; empty: found.
        run: Arguments put before the interpreter: `("docker", "compose", "exec", "-T", "web")`.
        env: Variables given to the project.
        stand_in: A file of Python that is run before the project, POSIX from the root.
        stand_in_text: Its text, of the tree that the settings are of; no setting.
        start: `replay`, `base-models`, or the path of an `.sql` file.
        scratch_urls: Servers on which scratch databases may be made.
        scratch_setup: SQL run in every new scratch database.
        scratch_inside: `host:port` by which what the setting `run` starts reaches the servers of
            `scratch_urls`; empty: by the same address as this machine.
        timeout: Seconds for one dry run.
        allow_connect: `host:port`, `host`, or a unix socket's path.
        allow_write: Absolute paths, `~` for the home folder, that the project may really write to.
        allow_run: Base names of programs that the project may start where no kernel guards them.
        guard: `auto`, or the one guard of files to use: `namespaces`, `landlock`, `python`.
        strict: Report what the base already has as well.
        ignore: Differences that are none, as globs, each with the reason.
    """

    config: tuple[str, ...] = ()
    flask_app: str = ""
    alchemy_config: str = ""
    x: tuple[str, ...] = ()
    python: str = ""
    run: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    stand_in: str = ""
    stand_in_text: str = ""
    start: str = "replay"
    scratch_urls: tuple[str, ...] = ()
    scratch_setup: tuple[str, ...] = ()
    scratch_inside: str = ""
    timeout: float = 300.0
    allow_connect: tuple[str, ...] = ()
    allow_write: tuple[str, ...] = ()
    allow_run: tuple[str, ...] = ()
    guard: str = "auto"
    strict: bool = False
    ignore: Mapping[str, str] = field(default_factory=dict)


class _UnfitError(ValueError):
    """A value of the wrong type; the caller knows the key and what is wanted."""


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    raise _UnfitError


def _start(value: object) -> str:
    text = _string(value)
    if text in ("replay", "base-models") or text.endswith(".sql"):
        return text
    raise _UnfitError


def _guard(value: object) -> str:
    text = _string(value)
    if text in ("auto", "namespaces", "landlock", "python"):
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
            parts = urlsplit(url)  # a ValueError too
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


@dataclass(frozen=True)
class _Kind:
    """How a value is read from TOML (`check`) and from text (`parse`), and what is wanted."""

    wants: str
    check: Callable[[object], object]
    parse: Callable[[str], object]


_STRING = _Kind("a string", _string, str)
_START = _Kind('"replay", "base-models" or the path of an .sql file', _start, _start)
_GUARD = _Kind('"auto", "namespaces", "landlock" or "python"', _guard, _guard)
_STRINGS = _Kind(
    'a list of strings, such as ["…"]', _strings, lambda text: tuple(shlex.split(text))
)
_PATHS = _Kind(
    'a list of absolute paths, such as ["/var/lib/app"]',
    _paths,
    lambda text: _paths(shlex.split(text)),
)
# A password in a URL may hold a quote or a backslash, so no shell rules there.
_URLS = _Kind(
    'a list of URLs, such as ["postgresql://user:password@host:5432/database"], with special '
    "characters of a password written as %XX",
    _urls,
    lambda text: _urls(text.split()),
)
_VARIABLES = _Kind(
    'a table of variables, such as { NAME = "…" }, with no "=" in a name',
    _variables,
    lambda t: _variables(shlex.split(t)),
)
# Without its quotes, a dot in a name would make a table.
_REASONS = _Kind(
    'a reason for each name, both in quotes, such as { "games.score" = "…" }',
    _reasons,
    lambda t: _reasons(shlex.split(t)),
)
_SECONDS = _Kind("a number of seconds above 0", _seconds, _text_as_seconds)
_TRUTH = _Kind("true or false", _truth, _text_as_truth)


@dataclass(frozen=True)
class _Key:
    """One setting under its three names."""

    field: str
    toml: str
    variable: str
    kind: _Kind


def _key(name: str, kind: _Kind, *, toml: str = "", variable: str = "") -> _Key:
    return _Key(name, toml or name.replace("_", "-"), PREFIX + (variable or name.upper()), kind)


_KEYS = (
    _key("config", _STRINGS),
    _key("flask_app", _STRING),
    _key("alchemy_config", _STRING),
    _key("x", _STRINGS),
    _key("python", _STRING),
    _key("run", _STRINGS),
    _key("env", _VARIABLES),
    _key("stand_in", _STRING),
    _key("start", _START),
    _key("scratch_urls", _URLS, toml="scratch.urls", variable="SCRATCH"),
    _key("scratch_setup", _STRINGS, toml="scratch.setup"),
    _key("scratch_inside", _STRING, toml="scratch.inside"),
    _key("timeout", _SECONDS),
    _key("allow_connect", _STRINGS),
    _key("allow_write", _PATHS),
    _key("allow_run", _STRINGS),
    _key("guard", _GUARD),
    _key("strict", _TRUTH),
    _key("ignore", _REASONS),
)

_MAY_HOLD_SECRETS = {
    "scratch",
    *(
        name
        for key in _KEYS
        if key.field in ("scratch_urls", "scratch_setup", "env", "x", "run")
        for name in (key.field, key.toml, key.variable)
    ),
}


def load_settings(
    text: str | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Settings:
    """Merge the three sources.

    Args:
        text: The root's pyproject.toml; None where the tree has none.
        environ: The environment; an empty variable counts as not set.
        flags: From a field's name to its value; None and `()` count as not given, text for
            anything but a string is read like a variable's.

    Raises:
        CouldNotJudge: Broken TOML, an unknown name, a value of the wrong type.
    """
    values = _from_file(text or "") | _from_environ(environ) | _from_flags(flags)
    return Settings(**values)


def _from_file(text: str) -> dict[str, Any]:
    if not text:
        return {}
    known = {key.toml: key for key in _KEYS}
    table = own_settings(text)
    named = {name: _named(name, known, f"[{TABLE}]") for name in table}
    return {key.field: _checked(name, key.kind, table[name]) for name, key in named.items()}


def own_settings(text: str) -> dict[str, Any]:
    """Return what `[tool.alembic-lockstep]` of a pyproject.toml says, unchecked, on one level.

    Raises:
        CouldNotJudge: Broken TOML, or no table.
    """
    return _flatten(_own_table(parse_toml(text, "pyproject.toml")))


def parse_toml(text: str, path: str) -> dict[str, Any]:
    """Parse a TOML file's text; `CouldNotJudge` with its path if it is broken."""
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    try:
        document: dict[str, Any] = toml.loads(text)
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise CouldNotJudge(f"{path} is not valid TOML: {reason}") from error
    return document


def _own_table(document: dict[str, Any]) -> dict[str, Any]:
    tool = document.get("tool", {})
    own = tool.get("alembic-lockstep", {}) if isinstance(tool, dict) else tool
    if not isinstance(own, dict):
        raise CouldNotJudge(f"pyproject.toml: [{TABLE}] wants a table")
    return own


def _flatten(table: dict[str, Any]) -> dict[str, Any]:
    """Bring `[tool.alembic-lockstep.scratch]` to one level: `scratch.urls`."""
    flat = {name: value for name, value in table.items() if name != "scratch"}
    scratch = table.get("scratch", {})
    if not isinstance(scratch, dict):
        raise _wrong("scratch", "a table with urls and setup", scratch)
    return flat | {f"scratch.{name}": value for name, value in scratch.items()}


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {key.variable: key for key in _KEYS}
    ours = {name: text for name, text in environ.items() if name.startswith(PREFIX)}
    ours.pop(NO_CACHE, None)
    named = {name: _named(name, known, "the environment", others=(NO_CACHE,)) for name in ours}
    return {
        key.field: _parsed(name, key.kind, ours[name]) for name, key in named.items() if ours[name]
    }


def _from_flags(flags: Mapping[str, object]) -> dict[str, Any]:
    known = {key.field: key for key in _KEYS}
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    named = {name: _named(name, known, "the command line") for name in given}
    return {
        key.field: _parsed(name, key.kind, value)
        if isinstance(value := given[name], str)
        else _checked(name, key.kind, value)
        for name, key in named.items()
    }


def _named(name: str, known: Mapping[str, _Key], where: str, others: Collection[str] = ()) -> _Key:
    if name in known:
        return known[name]
    near = did_you_mean(name, (*known, *others))
    raise CouldNotJudge(f"{where} has no setting {name!r}{near}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: `; did you mean 'flask-app'?`, or nothing."""
    import difflib

    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _checked(name: str, kind: _Kind, value: object) -> object:
    if _holds_null(value):
        raise CouldNotJudge(f"the setting {name!r} holds a null character")
    try:
        return kind.check(value)
    except ValueError:
        raise _wrong(name, kind.wants, value) from None


def _parsed(name: str, kind: _Kind, text: str) -> object:
    try:
        return kind.parse(text)
    except ValueError:
        raise _wrong(name, kind.wants, text) from None


def _holds_null(value: object) -> bool:
    """Return whether a string in a value has a character that no path and no variable may have."""
    if isinstance(value, Mapping):
        return any(map(_holds_null, (*value, *value.values())))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_null, value))
    return isinstance(value, str) and "\0" in value


def _wrong(name: str, wants: str, value: object) -> CouldNotJudge:
    shown = _type_of(value) if name in _MAY_HOLD_SECRETS else ascii(value)
    shown = shown if len(shown) < 60 else shown[:57] + "…"
    return CouldNotJudge(f"the setting {name!r} wants {wants}, not {shown}")


def _type_of(value: object) -> str:
    """Say what a value is without showing it: a log may be read by more people than the file."""
    names = ((str, "string"), (list, "list"), (tuple, "list"), (Mapping, "table"))
    kinds = (f"this {name}" for kind, name in names if isinstance(value, kind))
    return next(kinds, f"a {type(value).__name__}")
