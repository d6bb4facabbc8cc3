"""Server binaries of MySQL and MariaDB on this machine."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alembic_lockstep.scratch.account import Account, run
from alembic_lockstep.scratch.private import Unusable

#: Debian's, Red Hat's, MySQL's own and Homebrew's (Apple silicon, Intel, Linux) directories.
_DIRECTORIES = (
    "/usr/sbin",
    "/usr/libexec",
    "/usr/bin",
    "/usr/local/mysql/bin",
    "/opt/homebrew/opt/m[ay][rs]*/bin",
    "/usr/local/opt/m[ay][rs]*/bin",
    "/home/linuxbrew/.linuxbrew/opt/m[ay][rs]*/bin",
)


@dataclass(frozen=True)
class MySQLInstall:
    """A server's program.

    Attributes:
        server: mariadbd or mysqld.
        initialiser: MariaDB's script that makes an empty data directory; None for mysqld, which
            makes one itself.
        key: The folder name of its data; other installs of this key can run on it.
        description: For people.
    """

    server: Path
    initialiser: Path | None
    key: str
    description: str


def find_installs(account: Account | None, *, mariadb: bool) -> list[MySQLInstall | Unusable]:
    """Return the installs, best first.

    Args:
        account: The account that would run them.
        mariadb: Take MariaDB only; else MySQL comes first.
    """
    installs = [_inspect(server, account) for server in _servers()]
    if mariadb:
        installs = [_only_mariadb(install) for install in installs]
    nothing = Unusable("server binaries: no mariadbd and no mysqld on this machine")
    return sorted(installs, key=_is_mariadb) or [nothing]


def _is_mariadb(install: MySQLInstall | Unusable) -> bool:
    return isinstance(install, MySQLInstall) and install.initialiser is not None


def _only_mariadb(install: MySQLInstall | Unusable) -> MySQLInstall | Unusable:
    if isinstance(install, Unusable) or _is_mariadb(install):
        return install
    return Unusable(f"{install.description}: SQLAlchemy's dialect 'mariadb' refuses MySQL")


def _inspect(server: Path, account: Account | None) -> MySQLInstall | Unusable:
    try:
        output = run([str(server), "--no-defaults", "--version"], account)
    except (OSError, RuntimeError) as error:
        return Unusable(f"{server}: {error}")
    version = re.search(r"\bVer (\d+\.\d+)", output)
    if version is None:
        return Unusable(f"{server}: --version printed {output.strip()!r}")
    name = "MariaDB" if "MariaDB" in output else "MySQL"
    description = f"{name} {version[1]} ({server.parent})"
    initialiser = _find_initialiser(server) if name == "MariaDB" else None
    if name == "MariaDB" and initialiser is None:
        return Unusable(f"{description}: no mariadb-install-db")
    return MySQLInstall(server, initialiser, f"{name.lower()}-{version[1]}", description)


def _find_initialiser(server: Path) -> Path | None:
    near = [server.parent, *(server.parent.parent / name for name in ("bin", "scripts"))]
    for name in ("mariadb-install-db", "mysql_install_db"):
        for directory in near:
            if os.access(directory / name, os.X_OK):
                return directory / name
        program = shutil.which(name)
        if program is not None:
            return Path(program)
    return None


def _servers() -> Iterator[Path]:
    """Yield each program once, though it may have two names and lie behind links."""
    listed: set[Path] = set()
    for directory in _directories():
        for name in ("mariadbd", "mysqld"):
            program = directory / name
            if os.access(program, os.X_OK) and program.resolve() not in listed:
                listed.add(program.resolve())
                yield program


def _directories() -> Iterator[Path]:
    for name in ("mariadbd", "mysqld"):
        program = shutil.which(name)
        if program is not None:
            yield Path(program).parent
    for pattern in _DIRECTORIES:
        yield from sorted(Path("/").glob(pattern[1:]))
