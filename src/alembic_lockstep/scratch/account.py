"""Choose the account that runs a private database server, and a directory that it reaches.

PostgreSQL and MySQL refuse to run as root, which is what CI containers are. There their programs
run as another account, in a directory that this account reaches and only root can change.
"""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where root's servers go when the cache directory is out of the account's reach, as /root is.
ROOT_BASE = Path("/var/tmp/alembic-lockstep-root")  # noqa: S108 - checked to be root's own

#: Seconds; initdb takes one, on a busy machine some.
_PATIENCE = 300

#: Marks of the lines that say why a program of PostgreSQL or MySQL failed.
_FATAL = ("FATAL:", "error:", "[ERROR]", "FATAL ERROR")


@dataclass(frozen=True)
class Account:
    """An account of this machine that runs the server instead of our own."""

    name: str
    uid: int
    gid: int

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of subprocess that run a program as this account and nothing more."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account(*names: str) -> Account | None:
    """Return the account to run a server as: the first of these that exists, or `nobody`.

    None stands for our own account, which is not root.
    """
    if os.geteuid() != 0:
        return None
    for name in (*names, "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    return Account("nobody", 65534, 65534)


def run(command: Sequence[str], account: Account | None) -> str:
    """Run a program of a server as the account; return its output.

    Raises:
        OSError: it cannot be executed.
        RuntimeError: it failed, or takes too long; the message has its last lines.
    """
    try:
        result = _completed(command, account)
    except subprocess.TimeoutExpired:
        raise RuntimeError(
            f"{Path(command[0]).name} has not ended after {_PATIENCE} seconds"
        ) from None
    if result.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {last_words(result.stdout)}")
    return result.stdout


def _completed(command: Sequence[str], account: Account | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        cwd="/",  # initdb wants to return to where it began: the account may not see our directory
        env=server_environment(),
        timeout=_PATIENCE,
        **(account.options if account else {}),
    )


def server_environment() -> dict[str, str]:
    """Return the environment without variables that change a server's settings or language."""
    foreign = ("PG", "MYSQL", "MARIADB", "LC_", "LANG")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    return {**inherited, "LC_ALL": "C"}


def last_words(output: str) -> str:
    """Return the last lines of an output as one line; the fatal ones if there are any."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if any(word in line for word in _FATAL)]
    return " / ".join((fatal or lines)[-2:]) or "it printed nothing"


def base_directory(cache: Path, account: Account | None) -> Path:
    """Choose and make the directory for servers: the cache, or for root one that is safe.

    Raises:
        OSError: there is none.
    """
    if account is None:
        return make_directory(cache, account).resolve()
    for directory in (cache, ROOT_BASE):
        # Checked again once it exists: in a directory like /tmp another account may be faster.
        if _is_safe(directory) and _is_safe(make_directory(directory, account)):
            return directory.resolve()
    raise OSError(
        f"neither {cache} nor {ROOT_BASE} belongs to root alone and is in reach of {account.name}"
    )


def present_base(cache: Path, account: Account | None) -> Path:
    """Return the directory that `base_directory` would choose, without making it."""
    return cache if account is None or _is_safe(cache) else ROOT_BASE


def make_directory(path: Path, account: Account | None) -> Path:
    """Make a directory that the account can pass through; one that exists is left as it is."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        if account is not None:
            path.chmod(0o711)  # whatever the umask
    return path


def make_private_directory(path: Path, account: Account | None) -> Path:
    """Make a new directory to which only the account has access."""
    path.mkdir(mode=0o700)
    give(path, account)
    return path


def give(path: Path, account: Account | None) -> None:
    """Make a file or directory the account's."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def in_reach(path: Path) -> bool:
    """Return whether every account can pass through a directory and all above it."""
    path = path.resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _is_safe(directory: Path) -> bool:
    """Return whether every account can pass through a directory, and only root can replace it."""
    if directory.is_symlink():
        return False
    real = directory.resolve()
    existing = next(folder for folder in (real, *real.parents) if folder.exists())
    return in_reach(existing) and all(map(_is_roots, (existing, *existing.parents)))


def _is_roots(directory: Path) -> bool:
    status = directory.stat()
    writable = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return status.st_uid == 0 and (not writable or bool(status.st_mode & stat.S_ISVTX))
