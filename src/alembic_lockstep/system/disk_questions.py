"""Questions to the disk, which can be asked again.

The search for the project's Python asks for files, environments and programs. Its questions are
kept with their answers, so that to ask them again tells whether it would end as it did, without
the search.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import filter as matching

from alembic_lockstep.cache.digests import blake2b, stamp_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Any

_recorder: ContextVar[dict[tuple[str, ...], Any] | None] = ContextVar("questions", default=None)


def is_file(path: Path | str) -> bool:
    """Return whether a path is a regular file, also through a link; False where it is denied."""
    return bool(_ask("file", str(path)))


def is_folder(path: Path | str) -> bool:
    """Return whether a path is a folder, also through a link."""
    return bool(_ask("folder", str(path)))


def read_text(path: Path | str) -> str | None:
    """Return the text of a regular file, or None; bytes that are no UTF-8 are replaced."""
    content = _content(str(path))
    _record("content", (str(path),), _content_digest(content))
    return None if content is None else content.decode("utf-8", "replace")


def glob(folder: Path | str, pattern: str) -> list[str]:
    """Return the paths below a folder that match a pattern of POSIX components, sorted."""
    return list(_ask("glob", str(folder), pattern))


def find_program(name: str, search_path: str) -> str | None:
    """Return the path of a program, like `shutil.which`."""
    path: str | None = _ask("program", name, search_path)
    return path


def stamp(path: Path | str) -> str:
    """Return a stamp that changes with a file or with the names in a folder; "" if absent."""
    return str(_ask("stamp", str(path)))


def own_python() -> str:
    """Return the interpreter that runs this."""
    return str(_ask("own python"))


def real_path(path: Path | str) -> str:
    """Return a path without symbolic links."""
    return str(_ask("real path", str(path)))


@contextmanager
def recorded() -> Iterator[list[list[Any]]]:
    """Yield a list that holds, at the end, each question of this thread with its answer."""
    answers: dict[tuple[str, ...], Any] = {}
    token = _recorder.set(answers)
    questions: list[list[Any]] = []
    try:
        yield questions
    finally:
        _recorder.reset(token)
        questions += [[*question, answer] for question, answer in answers.items()]


def are_answered_alike(questions: Sequence[Sequence[Any]]) -> bool:
    """Return whether recorded questions have the same answers now."""
    return all(_ANSWERS[kind](*subject) == answer for kind, *subject, answer in questions)


def _ask(kind: str, *subject: str) -> Any:
    answer = _ANSWERS[kind](*subject)
    _record(kind, subject, answer)
    return answer


def _record(kind: str, subject: tuple[str, ...], answer: Any) -> None:
    answers, question = _recorder.get(), (kind, *subject)
    if answers is not None:
        answers[question] = answer


def _content(path: str) -> bytes | None:
    try:
        if os.path.isfile(path):  # to read a device or a pipe could take for ever
            with open(path, "rb") as file:
                return file.read()
    except (OSError, ValueError):  # a path with a null character
        pass
    return None


def _content_digest(content: bytes | None) -> str:
    return "" if content is None else blake2b(content, digest_size=8).hexdigest()


def _glob(folder: str, pattern: str) -> list[str]:
    paths = [folder]
    for part in pattern.split("/"):
        if any(char in part for char in "*?["):
            listed = ((path, matching(_names(path), part)) for path in paths)
            paths = [os.path.join(path, name) for path, names in listed for name in names]
        else:
            paths = [os.path.join(path, part) for path in paths]
    return sorted(filter(os.path.exists, paths))


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _find_program(name: str, search_path: str) -> str | None:
    if os.name == "nt" or os.path.dirname(name):
        import shutil

        return shutil.which(name, path=search_path)
    for folder in dict.fromkeys(search_path.split(os.pathsep) if search_path else ()):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return None


_ANSWERS: dict[str, Callable[..., Any]] = {
    "file": os.path.isfile,
    "folder": os.path.isdir,
    "content": lambda path: _content_digest(_content(path)),
    "glob": _glob,
    "program": _find_program,
    "stamp": stamp_of,
    "real path": os.path.realpath,
    "own python": lambda: sys.executable,
}
