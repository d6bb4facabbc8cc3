"""Write a new file whole or not at all, and never over another."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge


def write_new(file: Path, content: bytes) -> None:
    """Write a file that does not exist; its folders are made.

    Raises:
        CouldNotJudge: there is such a file.
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # Not `*.py`: Alembic would load it.
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".lockstep-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o666 & ~_umask())
        _move(temporary, file)
    except FileExistsError:
        raise CouldNotJudge(
            f"{file} exists: nothing was written", fix=f"git status {file}"
        ) from None
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def _move(temporary: Path, file: Path) -> None:
    """Give a file its name, unless another has it."""
    try:
        os.link(temporary, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if file.exists():
            raise FileExistsError(file) from None
        temporary.rename(file)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
