"""Environments that are named by a file of the project, or kept elsewhere under its path's hash.

The tools need not be on PATH: an editor starts hooks with another one than the shell's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from alembic_lockstep.system.regular import read_text

Found = Iterator[tuple[str, Path]]
_MOST = 4096  # what a file that holds a path has at most


def inside(place: Path, outer: Mapping[str, str]) -> Found:
    """Yield environments below a folder of the project: from words for a message to the folder."""
    for name in (".venv", "venv", "env"):
        if (place / name).is_file():
            yield from _named_in(place / name, outer)
        else:
            yield name, place / name
    for pattern in (".venv[-_3]*", "venv[-_3]*", ".direnv/python-*", ".direnv/virtualenv"):
        yield from ((_below(one, place), one) for one in sorted(place.glob(pattern)))
    yield ".pixi/envs/default", place / ".pixi" / "envs" / "default"
    for one in sorted(place.glob(".pixi/envs/*")):
        if one.name != "default":
            yield _below(one, place), one
    yield ".conda", place / ".conda"


def outside(place: Path, outer: Mapping[str, str]) -> Found:
    """Yield environments elsewhere that belong to a folder of the project."""
    pdm = _first_line(place / ".pdm-python")
    if pdm:  # the interpreter itself
        yield ".pdm-python", Path(pdm).parent.parent
    version = _first_line(place / ".python-version")
    root = outer.get("PYENV_ROOT") or (_home(outer) and f"{_home(outer)}/.pyenv")
    if root and _is_name(version):
        yield f"{version} of pyenv", Path(root, "versions", version)
    yield from _by_hash(place, outer)
    yield from _of_virtualenvwrapper(place, outer)
    yield from _of_conda(place, outer)


def _named_in(file: Path, outer: Mapping[str, str]) -> Found:
    """Yield the environment whose path, or name below WORKON_HOME, a file holds."""
    named = _first_line(file)
    if not named:
        return
    words = f"{file.name} (a file that names it)"
    yield words, file.parent / os.path.expanduser(named)  # noqa: PTH111 - never raises
    if _is_name(named):
        yield from ((words, home / named) for home in _workon_homes(outer))


def _by_hash(place: Path, outer: Mapping[str, str]) -> Found:
    """Yield what poetry, pipenv and hatch have made for a folder, if that is one only."""
    if (place / "pyproject.toml").is_file():
        # poetry.utils.env.EnvManager.generate_env_name
        mark = _hash(os.path.normcase(os.path.realpath(place)))
        for home in _poetry_homes(outer):
            yield from _only("poetry's", home.glob(f"*-{mark}-py*"))
        # hatch.env.virtual.VirtualEnvironment
        mark = _hash(str(place))
        for home in _data_homes(outer):
            every = [*(home / "hatch/env/virtual").glob(f"*/{mark}/*")]
            # The environment `default` is called like the project.
            default = [one for one in every if one.name == one.parents[1].name]
            yield from _only("hatch's", iter(default or every))
    if (place / "Pipfile").is_file():
        # pipenv.project.Project.virtualenv_name
        mark = _hash(str(place / "Pipfile"))
        homes = [Path(outer["WORKON_HOME"])] if outer.get("WORKON_HOME") else []
        for home in (*homes, *(one / "virtualenvs" for one in _data_homes(outer))):
            yield from _only("pipenv's", home.glob(f"*-{mark}*"))


def _only(words: str, folders: Iterator[Path]) -> Found:
    """Yield a folder if it is the only one: of several, the tool itself has to choose."""
    with suppress(OSError):
        every = list(folders)
        if len(every) == 1:
            yield f"{words} {every[0].name}", every[0]


def _of_virtualenvwrapper(place: Path, outer: Mapping[str, str]) -> Found:
    for home in _workon_homes(outer):
        for file in sorted(home.glob("*/.project")):
            if _first_line(file) == str(place):
                yield f"virtualenvwrapper's {file.parent.name}", file.parent


def _of_conda(place: Path, outer: Mapping[str, str]) -> Found:
    text = next(
        filter(None, (read_text(place / f"environment.{one}") for one in ("yml", "yaml"))), ""
    )
    named = re.search(r"(?m)^name:\s*[\"']?([\w.-]+)", text or "")
    if named:
        for root in _conda_roots(outer):
            yield f"conda's {named[1]}", root / "envs" / named[1]


def _conda_roots(outer: Mapping[str, str]) -> Iterator[Path]:
    if outer.get("MAMBA_ROOT_PREFIX"):
        yield Path(outer["MAMBA_ROOT_PREFIX"])
    if outer.get("CONDA_EXE"):
        yield Path(outer["CONDA_EXE"]).parent.parent
    home = _home(outer)
    names = (".conda", "miniconda3", "miniforge3", "mambaforge", "anaconda3", "micromamba")
    yield from (Path(home, name) for name in names if home)


def _poetry_homes(outer: Mapping[str, str]) -> Iterator[Path]:
    if outer.get("POETRY_VIRTUALENVS_PATH"):
        yield Path(outer["POETRY_VIRTUALENVS_PATH"])
        return
    if outer.get("POETRY_CACHE_DIR"):
        yield Path(outer["POETRY_CACHE_DIR"], "virtualenvs")
        return
    home = _home(outer)
    caches = [outer.get("XDG_CACHE_HOME") or (home and f"{home}/.cache")]
    caches.append(home and f"{home}/Library/Caches")
    yield from (Path(one, "pypoetry", "virtualenvs") for one in caches if one)


def _data_homes(outer: Mapping[str, str]) -> Iterator[Path]:
    home = _home(outer)
    named = outer.get("XDG_DATA_HOME") or (home and f"{home}/.local/share")
    places = (named, home and f"{home}/Library/Application Support")
    yield from (Path(one) for one in places if one)


def _workon_homes(outer: Mapping[str, str]) -> Iterator[Path]:
    home = outer.get("WORKON_HOME") or (_home(outer) and f"{_home(outer)}/.virtualenvs")
    if home:
        yield Path(home)


def _home(outer: Mapping[str, str]) -> str:
    return outer.get("HOME") or outer.get("USERPROFILE") or ""


def _hash(path: str) -> str:
    """Return the mark that poetry, hatch and pipenv make of a path."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]


def _first_line(file: Path) -> str:
    text = read_text(file) or ""
    lines = text.splitlines() if len(text) < _MOST else []
    return lines[0].strip() if lines and "\0" not in lines[0] else ""


def _is_name(text: str) -> bool:
    return re.fullmatch(r"\w[\w.+-]*", text) is not None


def _below(path: Path, place: Path) -> str:
    return path.relative_to(place).as_posix()
