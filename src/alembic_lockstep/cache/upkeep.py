"""The command `alembic-lockstep cache`: show and clear cache, checkouts, snapshots on servers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_lockstep.cache.store import Cache
from alembic_lockstep.config import load_settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.workplace import delete_workplace, list_workplaces
from alembic_lockstep.report.text import plural
from alembic_lockstep.scratch.private_slots import delete_unused, find_slots
from alembic_lockstep.scratch.sqlite_files import SNAPSHOTS
from alembic_lockstep.system.regular import read_text

if TYPE_CHECKING:
    from alembic_lockstep.scratch.postgres_admin import PostgresServer


def describe(root: Path, urls: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield lines that describe all that earlier runs left.

    Args:
        root: The user's cache folder.
        urls: Servers for scratch databases, of any dialect.
        environ: The environment at the edge; it names the folder of checkouts.
    """
    cache = Cache(root)
    usage = cache.usage()
    databases = usage.pop(SNAPSHOTS, (0, 0))
    yield str(root)
    for kind, (number, size) in {"records": _sum(usage), "SQLite snapshots": databases}.items():
        yield f"  {kind}: {number} ({_bytes(size)})"
    yield f"  of these at most {_bytes(cache.limit)}; the least recently used are deleted first"
    slots = find_slots(root)
    size = sum(map(_size, slots))
    yield f"  private servers: {len(slots)} ({_bytes(size)}, with their snapshots)"
    checkouts = list_workplaces(environ, root)
    yield f"checkouts: of {_repositories(checkouts)} ({_bytes(sum(map(_size, checkouts)))})"
    for name, server in _servers(urls):
        if server is None:
            yield name
        else:
            number, size = server.snapshots.usage()
            yield f"{name}: {plural(number, 'snapshot')} ({_bytes(size)})"


def clear(root: Path, urls: tuple[str, ...], environ: Mapping[str, str]) -> Iterator[str]:
    """Delete all that earlier runs left and no run uses; yield lines that describe it."""
    cache, slots = Cache(root), find_slots(root)
    number, size = _sum(cache.usage())
    cache.clear()
    sizes = {slot: _size(slot) for slot in slots}
    deleted = [slot for slot in slots if delete_unused(slot)]
    entries = f"{number} {'entry' if number == 1 else 'entries'} ({_bytes(size)})"
    servers = plural(len(deleted), "private server")
    freed = _bytes(sum(sizes[slot] for slot in deleted))
    used = f"; {len(slots) - len(deleted)} in use left alone" if len(slots) > len(deleted) else ""
    yield f"{root}: deleted {entries} and the data of {servers} ({freed}){used}"
    yield _clear_checkouts(list_workplaces(environ, root))
    for name, server in _servers(urls):
        yield name if server is None else f"{name}: dropped {plural(server.clear(), 'snapshot')}"


def _clear_checkouts(folders: list[Path]) -> str:
    """Delete the checkouts of all repositories that are not in use; return a line about it."""
    sizes = {folder: _size(folder) for folder in folders}
    deleted = [folder for folder in folders if delete_workplace(folder)]
    freed = _bytes(sum(sizes[folder] for folder in deleted))
    in_use = len(folders) - len(deleted)
    used = f"; those of {in_use} in use left alone" if in_use else ""
    return f"checkouts: deleted those of {_repositories(deleted)} ({freed}){used}"


def _repositories(folders: list[Path]) -> str:
    return "1 repository" if len(folders) == 1 else f"{len(folders)} repositories"


def scratch_urls(directory: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scratch servers in the settings of the repository around a directory.

    Raises:
        CouldNotJudge: the settings are invalid.
    """
    text = None
    with suppress(CouldNotJudge):  # no repository
        text = read_text(Repository.discover(directory).root / "pyproject.toml")
    return load_settings(text, environ, {}).scratch_urls


def _servers(urls: tuple[str, ...]) -> Iterator[tuple[str, PostgresServer | None]]:
    """Yield description and server of each PostgreSQL URL, or the reason why it is skipped."""
    from alembic_lockstep.scratch.postgres_admin import PostgresServer

    for url in urls:
        if not url.lower().startswith("postgres"):
            continue
        try:
            with closing(PostgresServer(url, setup=())) as server:
                yield server.description, server
        except ConnectionError as error:
            yield f"PostgreSQL at {error}", None
        except ImportError:
            yield "PostgreSQL: skipped, as the extra 'postgres' is not installed", None


def _sum(usage: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    counts, sizes = zip((0, 0), *usage.values(), strict=True)
    return sum(counts), sum(sizes)


def _size(folder: Path) -> int:
    """Return the bytes of all readable files below a folder."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # deleted meanwhile
                size += Path(parent, name).lstat().st_size
    return size


def _bytes(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"
