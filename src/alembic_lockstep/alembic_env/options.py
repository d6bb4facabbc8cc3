"""Read an environment's options from ini and TOML, and merge them as Alembic does."""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from alembic_lockstep.alembic_env.config_sources import Read, folder_of, here, join
from alembic_lockstep.config import parse_toml
from alembic_lockstep.errors import CouldNotJudge

_NAMES = (
    "script_location",
    "version_locations",
    "recursive_version_locations",
    "path_separator",
    "version_path_separator",
)
_SEPARATORS = {"space": " ", "newline": "\n", "os": os.pathsep, ":": ":", ";": ";"}
# Replaces a value with a `%(name)s` that only a program passes to Alembic's Config.
_OUTSIDE = "/"
#: The section that is read without `alembic -n`.
MAIN_SECTION = "alembic"
_URL = "sqlalchemy.url"

_Parser = TypeVar("_Parser", bound=configparser.RawConfigParser)


@dataclass(frozen=True)
class Options:
    """Options that say where the migrations are; empty where a configuration has none.

    Attributes:
        script_location: With `%(here)s` filled in, otherwise as written.
        version_locations: Likewise.
        recursive: Folders below the version locations count too.
    """

    script_location: str
    version_locations: tuple[str, ...]
    recursive: bool


def find_sections(read: Read, config: str) -> list[str]:
    """Return the sections of a configuration that may hold an environment, as for `alembic -n`.

    These are `[alembic]` and each section with scripts or version locations of its own. Where
    `[DEFAULT]` names the scripts, sections that differ only in their URL count once.

    Raises:
        CouldNotJudge: The configuration cannot be read.
    """
    text = read(config) or ""
    if config.endswith(".toml"):
        return [MAIN_SECTION]
    if not re.search(r"^\[alembic\]|^script_location\b", text, re.MULTILINE):
        return []
    # Without a default section, sections have only their own options.
    parser = _parsed(text, config, configparser.RawConfigParser(default_section="\n"))
    sections = [name for name in parser.sections() if name != "DEFAULT"]
    options = ("script_location", "version_locations")
    own = [name for name in sections if any(parser.has_option(name, each) for each in options)]
    if MAIN_SECTION in sections:
        return list(dict.fromkeys([MAIN_SECTION, *own]))
    is_shared = parser.has_option("DEFAULT", "script_location")
    return own or [name for name in sections if is_shared and parser.has_option(name, _URL)][:1]


def read_options(read: Read, config: str, section: str = MAIN_SECTION) -> Options | None:
    """Read a configuration and the other of its folder; None if it is not Alembic's.

    Raises:
        CouldNotJudge: One of the two cannot be read.
    """
    toml = join(folder_of(config), "pyproject.toml")
    ini = join(folder_of(config), "alembic.ini") if config == toml else config
    from_toml, from_ini = _from_toml(read, toml), _from_ini(read, ini, section)
    own = from_toml if config == toml else from_ini
    if own is None:
        return None
    merged = (from_toml or {}) | (from_ini or {})
    # The file that names the scripts is the configuration, the other one only adds to it.
    location = own.get("script_location")
    return Options(
        location if isinstance(location, str) else "",
        tuple(_version_locations(merged)),
        merged.get("recursive_version_locations") in ("true", True),
    )


def url_option(read: Read, config: str, section: str = MAIN_SECTION) -> str:
    """Return the URL that a section of an .ini file names, as written; "" if it names none.

    Raises:
        CouldNotJudge: The configuration cannot be read.
    """
    text = (read(config) or "") if config.endswith(".ini") else ""
    parser = _parsed(text, config, configparser.RawConfigParser())
    return parser.get(section, _URL, fallback="") if parser.has_section(section) else ""


def _from_toml(read: Read, path: str) -> dict[str, Any] | None:
    text = read(path) or ""
    if "tool.alembic" not in text:
        return None
    tool = parse_toml(text, path).get("tool")
    table = tool.get("alembic") if isinstance(tool, dict) else None
    if not isinstance(table, dict):
        return None
    values = {"here": here(folder_of(path))}
    return {name: _interpolated(table[name], values) for name in _NAMES if name in table}


def _interpolated(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_interpolated(item, values) for item in value]
    try:
        return value % values if isinstance(value, str) else value
    except (ValueError, KeyError, TypeError):
        return _OUTSIDE


def _from_ini(read: Read, path: str, section: str) -> dict[str, Any] | None:
    text = read(path) or ""
    if f"[{section}]" not in text:
        return None
    values = {"here": here(folder_of(path)).replace("%", "%%")}
    parser = _parsed(text, path, configparser.ConfigParser(values))
    if not parser.has_section(section):
        return None
    names = (name for name in _NAMES if parser.has_option(section, name))
    return {name: _ini_value(parser, section, name) for name in names}


def _parsed(text: str, path: str, parser: _Parser) -> _Parser:
    try:
        parser.read_string(text)
    except configparser.Error as error:
        reason = " ".join(str(error).split())
        raise CouldNotJudge(f"{path} cannot be read: {reason}") from error
    return parser


def _ini_value(parser: configparser.ConfigParser, section: str, name: str) -> str:
    try:
        return parser.get(section, name)
    except configparser.InterpolationError:
        return _OUTSIDE


def _version_locations(merged: Mapping[str, Any]) -> list[str]:
    listed = merged.get("version_locations")
    if isinstance(listed, str):
        separator = merged.get("path_separator", merged.get("version_path_separator"))
        return _split(listed, _SEPARATORS.get(str(separator)))
    return [str(location) for location in listed] if isinstance(listed, list) else []


def _split(text: str, separator: str | None) -> list[str]:
    parts = text.split(separator) if separator else re.split(r", *| +|\n+", text)
    return [part.strip() for part in parts if part.strip()]
