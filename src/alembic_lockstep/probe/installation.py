"""Describe the installation that a project runs on: import paths, packages, compiled code."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from typing import Iterable, Iterator, Set

from .copies import INSTALLED, STANDARD_LIBRARY
from .modules import globals_of, loaded_files
from .places import Places

# Compiled code that reads no files of a project.
HARMLESS = {
    *("sqlalchemy", "greenlet", "markupsafe", "pydantic_core"),
    *("asyncmy", "asyncpg", "cx_Oracle", "mariadb", "mysql", "_mysql_connector", "MySQLdb"),
    *("oracledb", "psycopg", "psycopg2", "psycopg_binary", "psycopg_c", "pymssql", "pyodbc"),
    *("pysqlite3", "sqlcipher3"),
}


def import_paths() -> Set[str]:
    """Return the folders in which modules were looked for, also before the recording began."""
    entries = {*sys.path, *sys.path_importer_cache}
    for module in list(sys.modules.values()):
        attributes = globals_of(module)
        if attributes.get("__file__") is None:  # a namespace package may never have been listed
            entries.update(attributes.get("__path__", ()))
    return set(absolute(entry for entry in entries if isinstance(entry, str)))


def absolute(entries: Iterable[str]) -> Iterator[str]:
    """Yield entries as absolute paths; those relative to a deleted folder have none."""
    for entry in entries:
        with suppress(FileNotFoundError):
            yield os.path.abspath(entry)


def compiled_packages() -> Set[str]:
    """Return the packages with compiled code that may read files without Python's knowledge."""
    packages = set()
    for name, file in loaded_files().items():
        if not file.endswith((".so", ".pyd")):
            continue
        if not file.startswith(STANDARD_LIBRARY) or INSTALLED.search(file):
            packages.add(name.partition(".")[0])
    return packages - HARMLESS


def installed(places: Places) -> str:
    """Return a digest of the installed packages, from the names of their metadata folders."""
    markers, checkout = {sys.version}, places.checkout + os.sep
    for entry in absolute(sys.path):
        if os.path.isdir(entry) and not f"{entry}{os.sep}".startswith(checkout):
            names = os.listdir(entry)
            markers.update(name for name in names if name.endswith((".dist-info", ".egg-info")))
    text = "\0".join(sorted(markers))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
