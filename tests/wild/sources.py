"""A project's sources as a git repository, with its dependencies in a Python beside."""

from __future__ import annotations

import shutil

from e2e.harness import begin_repository, clean_environ, run

from .project_folders import Place

IGNORED = ".venv\n__pycache__/\n*.db\n*.sqlite\n"


def prepare(place: Place) -> None:
    """Make what is missing, and put the repository back to its first commit."""
    place.home.mkdir(parents=True, exist_ok=True)
    made = place.top / "made"
    if not made.exists():
        shutil.rmtree(place.root, ignore_errors=True)
        _get_sources(place)
        _begin(place)
        _install(place)
        made.touch()
    git(place, "checkout", "--quiet", "--force", "-B", "main", "first")
    git(place, "clean", "-fdq")


def git(place: Place, *arguments: str) -> str:
    """Run git in the repository, and nobody's hooks."""
    return _run(place, "git", "-C", str(place.root), "-c", "core.hooksPath=/dev/null", *arguments)


def _get_sources(place: Place) -> None:
    if place.wild.is_repository:
        _clone(place)
        return
    options = ("--python", place.wild.python, "--no-deps", "--target", str(place.root))
    _uv(place, "pip", "install", *options, place.wild.source)
    for beside in (*place.root.glob("*.dist-info"), place.root / "bin"):
        shutil.rmtree(beside, ignore_errors=True)


def _clone(place: Place) -> None:
    """Check the commit out, with no history."""
    address, _, commit = place.wild.source.rpartition("@")
    _run(place, "git", "clone", "--quiet", "--no-checkout", address, str(place.root))
    paths = (".", *(f":!{path}" for path in place.wild.leave_out))
    git(place, "checkout", "--quiet", commit, "--", *paths)
    shutil.rmtree(place.root / ".git")


def _begin(place: Place) -> None:
    with (place.root / ".gitignore").open("a") as ignore:
        ignore.write("\n" + IGNORED)
    begin_repository(place.root, clean_environ(place.home))
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "First")
    git(place, "tag", "first")


def _install(place: Place) -> None:
    """Install the dependencies; of the project itself its metadata, and a path, as `-e` does."""
    wild, venv = place.wild, place.root / ".venv"
    _uv(place, "venv", "--python", wild.python, str(venv))
    own = () if wild.is_repository else (wild.source,)
    override = place.top / "override.txt"
    override.write_text("".join(f"{line}\n" for line in wild.override))
    # Compiled, as after a developer's first run: what a check then writes there is a change.
    options = ("--python", str(place.python), "--compile-bytecode", "--override", str(override))
    _uv(place, "pip", "install", *options, *own, *wild.install)
    (libraries,) = venv.glob("lib/python*/site-packages")
    for path in git(place, "ls-files", "-z").split("\0") if own else ():
        if path.endswith(".py"):
            (libraries / path).unlink(missing_ok=True)
    (libraries / "__editable__.wild.pth").write_text(f"{place.root / wild.path}\n")


def _uv(place: Place, *arguments: str) -> None:
    """Run uv in the repository, with a cache that all projects share."""
    environ = clean_environ(place.home) | {"UV_CACHE_DIR": str(place.top.parent / "uv")}
    cwd = place.root if place.root.exists() else place.top
    run(("uv", "--quiet", *arguments), cwd=cwd, environ=environ, check=True, timeout=900)


def _run(place: Place, *command: str) -> str:
    environ = clean_environ(place.home)
    return run(command, cwd=place.top, environ=environ, check=True, timeout=900).stdout
