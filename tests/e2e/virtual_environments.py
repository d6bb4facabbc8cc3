"""Virtual environments of sample projects."""

from __future__ import annotations

import sysconfig
import venv
from pathlib import Path


def make_venv(directory: Path, *paths: Path) -> Path:
    """Make a virtual environment that sees what the tests see, and some paths; give its libraries.

    A ``.pth`` file inside a directory named by a ``.pth`` file is not read, so that packages which
    the tests have installed editable do not get in.
    """
    venv.create(directory, symlinks=True)
    (libraries,) = directory.glob("lib/python*/site-packages")
    lines = [
        *map(str, paths),
        *dict.fromkeys(sysconfig.get_path(k) for k in ("purelib", "platlib")),
    ]
    (libraries / "_tests.pth").write_text("\n".join(lines) + "\n")
    return libraries
