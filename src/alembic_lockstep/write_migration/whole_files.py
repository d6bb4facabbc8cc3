"""Write a file whole or not at all, and never over what is not staged."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic_lockstep.errors import CouldNotJudge


def write_new(file: Path, content: bytes) -> None:
    """Write a file that does not exist; its folders are made.

    Raises:
        CouldNotJudge: there is such a file.
        OSError: it cannot be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _temporary(file, content) as temporary:
            temporary.chmod(0o666 & ~_umask())
            _move(temporary, file)
    except FileExistsError:
        moved = shlex.join(["mv", str(file), f"{file}.mine"])
        raise CouldNotJudge(
            f"{file} exists: nothing was written", fix=f"{moved}\nalembic-lockstep fix"
        ) from None


def replace_file(file: Path, before: bytes, content: bytes) -> None:
    """Replace a file whose content is `before`.

    Raises:
        CouldNotJudge: it has another content: nothing that is not staged is overwritten.
        OSError: it cannot be written.
    """
    if file.read_bytes() != before:
        added = shlex.join(["git", "add", str(file)])
        raise CouldNotJudge(
            f"{file} has changes that are not staged: nothing was written",
            fix=f"{added}\nalembic-lockstep fix",
        )
    with _temporary(file, content) as temporary:
        shutil.copymode(file, temporary)
        temporary.replace(file)


@contextmanager
def _temporary(file: Path, content: bytes) -> Iterator[Path]:
    """Yield a whole file beside another, which is gone afterwards, also after Ctrl-C.

    Raises:
        OSError: it cannot be written; the error names the folder.
    """
    folder, temporary = file.parent, None
    try:
        try:
            # Not `*.py`: Alembic would load it.
            handle, name = tempfile.mkstemp(dir=folder, prefix=".lockstep-", suffix=".tmp")
            temporary = Path(name)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(folder)) from error
        yield temporary
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


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
