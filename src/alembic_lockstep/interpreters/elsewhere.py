"""List environments that a file of the project names, or that tools store under its path's hash.

The tools need not be on PATH: an editor starts hooks with another PATH than the shell's.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from alembic_lockstep.system.disk_questions import glob, is_file, read_text, real_path

Environments = Iterator[tuple[str, Path]]
_MOST = 4096  # characters: files that hold a path are shorter


def environments_inside(folder: Path, outer: Mapping[str, str]) -> Environments:
    """Yield environments below a folder of the project: words for a message, and the path."""
    for name in (".venv", "venv", "env"):
        if is_file(folder / name):
            yield from _named_in(folder / name, outer)
        else:
            yield name, folder / name
    for pattern in (".venv[-_3]*", "venv[-_3]*", ".direnv/python-*", ".direnv/virtualenv"):
        yield from ((_below(path, folder), Path(path)) for path in glob(folder, pattern))
    yield ".pixi/envs/default", folder / ".pixi" / "envs" / "default"
    for path in glob(folder, ".pixi/envs/*"):
        if Path(path).name != "default":
            yield _below(path, folder), Path(path)
    yield ".conda", folder / ".conda"


def environments_outside(folder: Path, outer: Mapping[str, str]) -> Environments:
    """Yield environments outside of a folder of the project that belong to it."""
    pdm = _first_line(folder / ".pdm-python")
    if pdm:  # the interpreter itself
        yield ".pdm-python", Path(pdm).parent.parent
    version = _first_line(folder / ".python-version")
    root = outer.get("PYENV_ROOT") or (_home(outer) and f"{_home(outer)}/.pyenv")
    if root and _is_name(version):
        yield f"{version} of pyenv", Path(root, "versions", version)
    yield from _by_hash(folder, outer)
    yield from _of_virtualenvwrapper(folder, outer)
    yield from _of_conda(folder, outer)


def _named_in(file: Path, outer: Mapping[str, str]) -> Environments:
    """Yield the environment whose path, or name below WORKON_HOME, a file holds."""
    path = _first_line(file)
    if not path:
        return
    words = f"{file.name} (a file that names it)"
    yield words, file.parent / os.path.expanduser(path)  # noqa: PTH111 - never raises
    if _is_name(path):
        yield from ((words, home / path) for home in _workon_homes(outer))


def _by_hash(folder: Path, outer: Mapping[str, str]) -> Environments:
    """Yield the environment of poetry, hatch or pipenv for a folder, unless it has several."""
    if is_file(folder / "pyproject.toml"):
        # poetry.utils.env.EnvManager.generate_env_name
        mark = _hash(os.path.normcase(real_path(folder)))
        for home in _poetry_homes(outer):
            yield from _only("poetry's", glob(home, f"*-{mark}-py*"))
        # hatch.env.virtual.VirtualEnvironment
        mark = _hash(str(folder))
        for home in _data_homes(outer):
            paths = glob(home, f"hatch/env/virtual/*/{mark}/*")
            # The environment `default` has the project's name.
            default = [path for path in paths if Path(path).name == Path(path).parents[1].name]
            yield from _only("hatch's", default or paths)
    if is_file(folder / "Pipfile"):
        # pipenv.project.Project.virtualenv_name
        mark = _hash(str(folder / "Pipfile"))
        homes = [Path(outer["WORKON_HOME"])] if outer.get("WORKON_HOME") else []
        for home in (*homes, *(home / "virtualenvs" for home in _data_homes(outer))):
            yield from _only("pipenv's", glob(home, f"*-{mark}*"))


def _only(words: str, folders: Sequence[str]) -> Environments:
    """Yield a folder if it is the only one: of several, the tool itself has to choose."""
    if len(folders) == 1:
        yield f"{words} {Path(folders[0]).name}", Path(folders[0])


def _of_virtualenvwrapper(folder: Path, outer: Mapping[str, str]) -> Environments:
    for home in _workon_homes(outer):
        for file in map(Path, glob(home, "*/.project")):
            if _first_line(file) == str(folder):
                yield f"virtualenvwrapper's {file.parent.name}", file.parent


def _of_conda(folder: Path, outer: Mapping[str, str]) -> Environments:
    texts = (read_text(folder / f"environment.{suffix}") for suffix in ("yml", "yaml"))
    name = re.search(r"(?m)^name:\s*[\"']?([\w.-]+)", next(filter(None, texts), ""))
    if name:
        for root in _conda_roots(outer):
            yield f"conda's {name[1]}", root / "envs" / name[1]


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
    yield from (Path(cache, "pypoetry", "virtualenvs") for cache in caches if cache)


def _data_homes(outer: Mapping[str, str]) -> Iterator[Path]:
    home = _home(outer)
    linux = outer.get("XDG_DATA_HOME") or (home and f"{home}/.local/share")
    macos = home and f"{home}/Library/Application Support"
    yield from (Path(path) for path in (linux, macos) if path)


def _workon_homes(outer: Mapping[str, str]) -> Iterator[Path]:
    home = outer.get("WORKON_HOME") or (_home(outer) and f"{_home(outer)}/.virtualenvs")
    if home:
        yield Path(home)


def _home(outer: Mapping[str, str]) -> str:
    return outer.get("HOME") or outer.get("USERPROFILE") or ""


def _hash(path: str) -> str:
    """Return the hash of a path that poetry, hatch and pipenv use in names."""
    digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()
    return base64.urlsafe_b64encode(digest).decode()[:8]


def _first_line(file: Path) -> str:
    text = read_text(file) or ""
    lines = text.splitlines() if len(text) < _MOST else []
    return lines[0].strip() if lines and "\0" not in lines[0] else ""


def _is_name(text: str) -> bool:
    return re.fullmatch(r"\w[\w.+-]*", text) is not None


def _below(path: str, folder: Path) -> str:
    return Path(path).relative_to(folder).as_posix()
