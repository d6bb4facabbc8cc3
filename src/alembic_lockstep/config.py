"""Settings: flag > environment variable > `[tool.alembic-lockstep]` > default."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.setting_kinds import (
    GUARD,
    PATHS,
    REASONS,
    ROWS,
    SECONDS,
    START,
    STRING,
    STRINGS,
    TRUTH,
    UNSURE,
    URLS,
    VARIABLES,
    Kind,
)

PREFIX = "ALEMBIC_LOCKSTEP_"
TABLE = "tool.alembic-lockstep"
#: The variable of the option `--no-cache`, which is no setting of a project.
NO_CACHE = f"{PREFIX}NO_CACHE"
#: The variable of the option `--database`, which keeps a password out of the process list.
DATABASE = f"{PREFIX}DATABASE"
_OPTIONS = (NO_CACHE, DATABASE)


@dataclass(frozen=True)
class Settings:
    """Settings of a project, with the defaults.

    Attributes:
        config: Alembic config files, POSIX from the root, `file.ini:section` for a section
            other than `[alembic]`; empty: search for them.
        flask_app: Like `FLASK_APP`: `backend.app:create_app`.
        alchemy_config: As `alchemy --config` or `litestar --app`: `app.config`, `app:app`.
        x: Arguments for env.py, like `alembic -x`: `("tenant=acme",)`.
        python: The project's interpreter, relative to the root; empty: search for it.
        run: Arguments put before the interpreter: `("docker", "compose", "exec", "-T", "web")`.
        env: Environment variables for the project.
        stand_in: A Python file that runs before the project, POSIX from the root.
        stand_in_text: That file's text, from the tree of the settings; no setting.
        start: `replay`, `base-models`, or the path of an `.sql` file.
        rows: Whether new revisions are tried on tables with rows, or the path of an `.sql` file
            with rows to put there as well.
        scratch_urls: URLs of servers for scratch databases.
        scratch_setup: SQL run in every new scratch database.
        scratch_inside: `host:port` of the servers of `scratch_urls` for programs that the setting
            `run` starts; empty: the same address as on this machine.
        timeout: Seconds for one dry run.
        allow_connect: `host:port`, `host`, or a unix socket's path.
        allow_write: Absolute paths, `~` for the home folder, that the project may write to.
        allow_run: Base names of programs that the project may start without a kernel guard.
        guard: `auto`, or the guard of files: `namespaces`, `landlock`, `python`.
        published: Globs of the tags whose migrations other databases have run; empty: they have
            run those of the default branch.
        strict: Report differences that the base has as well.
        static_unsure: What `--static` does where reading does not tell: `pass` or `block`.
        ignore: Globs of ignored differences, each with the reason.
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
    rows: bool | str = True
    scratch_urls: tuple[str, ...] = ()
    scratch_setup: tuple[str, ...] = ()
    scratch_inside: str = ""
    timeout: float = 300.0
    allow_connect: tuple[str, ...] = ()
    allow_write: tuple[str, ...] = ()
    allow_run: tuple[str, ...] = ()
    guard: str = "auto"
    published: tuple[str, ...] = ()
    strict: bool = False
    static_unsure: str = "pass"
    ignore: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Key:
    """A setting's field, its names in TOML and in the environment, and its kind."""

    field: str
    toml: str
    variable: str
    kind: Kind


def _key(name: str, kind: Kind, *, toml: str = "", variable: str = "") -> _Key:
    return _Key(name, toml or name.replace("_", "-"), PREFIX + (variable or name.upper()), kind)


_KEYS = (
    _key("config", STRINGS),
    _key("flask_app", STRING),
    _key("alchemy_config", STRING),
    _key("x", STRINGS),
    _key("python", STRING),
    _key("run", STRINGS),
    _key("env", VARIABLES),
    _key("stand_in", STRING),
    _key("start", START),
    _key("rows", ROWS),
    _key("scratch_urls", URLS, toml="scratch.urls", variable="SCRATCH"),
    _key("scratch_setup", STRINGS, toml="scratch.setup"),
    _key("scratch_inside", STRING, toml="scratch.inside"),
    _key("timeout", SECONDS),
    _key("allow_connect", STRINGS),
    _key("allow_write", PATHS),
    _key("allow_run", STRINGS),
    _key("guard", GUARD),
    _key("published", STRINGS),
    _key("strict", TRUTH),
    _key("static_unsure", UNSURE),
    _key("ignore", REASONS),
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


def variable_of(setting: str) -> str:
    """Return the variable that beats a setting of pyproject.toml; "" if none is called so."""
    return next((key.variable for key in _KEYS if key.toml == setting), "")


def load_settings(
    text: str | None, environ: Mapping[str, str], flags: Mapping[str, object]
) -> Settings:
    """Merge the settings of the file, the environment and the flags.

    Args:
        text: The root's pyproject.toml; None where the tree has none.
        environ: The environment; an empty variable counts as not set.
        flags: From a field's name to its value; None and `()` count as not set, and text is
            parsed like a variable's.

    Raises:
        CouldNotJudge: Broken TOML, an unknown name, a value of the wrong type.
    """
    values = _from_file(text or "") | _from_environ(environ) | _from_flags(flags)
    return Settings(**values)


def _from_file(text: str) -> dict[str, Any]:
    if not text:
        return {}
    table = own_settings(text)
    keys = _find_keys(table, {key.toml: key for key in _KEYS}, f"[{TABLE}]")
    return {key.field: _checked(name, key.kind, table[name]) for name, key in keys.items()}


def own_settings(text: str) -> dict[str, Any]:
    """Return the table `[tool.alembic-lockstep]` of a pyproject.toml, unchecked, on one level.

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
        raise CouldNotJudge(f"pyproject.toml: [{TABLE}] must be a table")
    return own


def _flatten(table: dict[str, Any]) -> dict[str, Any]:
    """Return `[tool.alembic-lockstep]` with `scratch` on the same level: `scratch.urls`."""
    flat = {name: value for name, value in table.items() if name != "scratch"}
    scratch = table.get("scratch", {})
    if not isinstance(scratch, dict):
        raise _wrong("scratch", "a table with urls and setup", scratch)
    return flat | {f"scratch.{name}": value for name, value in scratch.items()}


def _from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    own = (name for name in environ if name.startswith(PREFIX) and name not in _OPTIONS)
    variables = {name: environ[name] for name in own}
    by_variable = {key.variable: key for key in _KEYS}
    keys = _find_keys(variables, by_variable, "the environment", also=_OPTIONS)
    return {
        key.field: _parsed(name, key.kind, variables[name])
        for name, key in keys.items()
        if variables[name]
    }


def _from_flags(flags: Mapping[str, object]) -> dict[str, Any]:
    values = {name: value for name, value in flags.items() if value is not None and value != ()}
    keys = _find_keys(values, {key.field: key for key in _KEYS}, "the command line")
    return {
        key.field: _parsed(name, key.kind, value)
        if isinstance(value := values[name], str)
        else _checked(name, key.kind, value)
        for name, key in keys.items()
    }


def _find_keys(
    names: Iterable[str], keys: Mapping[str, _Key], source: str, also: Collection[str] = ()
) -> dict[str, _Key]:
    """Return the key of each name.

    Args:
        names: The names to find.
        keys: All keys by their names in the source.
        source: The source, for the message about an unknown name.
        also: Names of the source that are no settings.
    """
    for name in names:
        if name not in keys:
            near = did_you_mean(name, (*keys, *also))
            raise CouldNotJudge(f"{source} has no setting {name!r}{near}")
    return {name: keys[name] for name in names}


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: `; did you mean 'flask-app'?`, or ""."""
    import difflib

    near = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _checked(name: str, kind: Kind, value: object) -> object:
    if _holds_null(value):
        raise CouldNotJudge(f"the setting {name!r} holds a null character")
    try:
        return kind.check(value)
    except ValueError:
        raise _wrong(name, kind.expected, value) from None


def _parsed(name: str, kind: Kind, text: str) -> object:
    try:
        return kind.parse(text)
    except ValueError:
        raise _wrong(name, kind.expected, text) from None


def _holds_null(value: object) -> bool:
    """Return whether a string has a null character, which no path or variable may have."""
    if isinstance(value, Mapping):
        return any(map(_holds_null, (*value, *value.values())))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_null, value))
    return isinstance(value, str) and "\0" in value


def _wrong(name: str, expected: str, value: object) -> CouldNotJudge:
    shown = _type_of(value) if name in _MAY_HOLD_SECRETS else ascii(value)
    shown = shown if len(shown) < 60 else shown[:57] + "…"
    return CouldNotJudge(f"the setting {name!r} must be {expected}, not {shown}")


def _type_of(value: object) -> str:
    """Return the type of a value, which is not shown: more people may read a log than the file."""
    names = ((str, "string"), (list, "list"), (tuple, "list"), (Mapping, "table"))
    kinds = (f"this {name}" for kind, name in names if isinstance(value, kind))
    return next(kinds, f"a {type(value).__name__}")
