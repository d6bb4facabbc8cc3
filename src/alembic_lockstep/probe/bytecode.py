"""Keep the bytecode of modules that have none next to them in a folder of ours.

Behind the guard Python cannot write to the project's environment: packages that were installed
without bytecode (uv's default) would be compiled in every run.
"""

from __future__ import annotations

import os
from importlib.machinery import SourceFileLoader
from typing import Any, Callable, List

# The folder, once it is in use: reads there are ours.
in_use: List[str] = []


def keep_bytecode(folder: str) -> None:
    """Make Python use bytecode below a folder where it cannot write next to the source.

    That of the run's own checkouts, which are siblings of the folder, stays with these.
    """
    in_use.append(folder)
    loader: Any = SourceFileLoader
    read: Callable[[Any, str], bytes] = loader.get_data
    write: Callable[..., None] = loader.set_data
    run_folder = os.path.dirname(folder) + os.sep

    def cached_path(path: str) -> str:
        return path if path.startswith(run_folder) else folder + os.path.abspath(path)

    def read_bytecode(self: Any, path: str) -> bytes:
        try:
            return read(self, path)
        except OSError:
            if not path.endswith(".pyc"):
                raise
            return read(self, cached_path(path))

    def write_bytecode(self: Any, path: str, data: bytes, **options: Any) -> None:
        write(self, cached_path(path), data, **options)

    loader.get_data, loader.set_data = read_bytecode, write_bytecode
