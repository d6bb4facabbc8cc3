"""Throwaway copies of an index: what is asked of them leaves the user's own alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


class ScratchIndex:
    """A copy of an index in a temporary folder; entering it gives the variables for git."""

    def __init__(self, parent: Path, source: Path | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="index-", dir=parent)
        self._source = source

    def __enter__(self) -> Mapping[str, str]:
        copy = Path(self._folder.name) / "index"
        if self._source is not None:
            shutil.copyfile(self._source, copy)
        return {"GIT_INDEX_FILE": str(copy)}

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()
