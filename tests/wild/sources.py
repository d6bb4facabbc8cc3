"""A project's sources as a git repository, with its dependencies in a Python of its own."""

from __future__ import annotations

import shutil

from e2e.harness import begin_repository, clean_environ, run

from .project_folders import ProjectFolders

IGNORED = ".venv\n__pycache__/\n*.db\n*.sqlite\n"


def prepare(folders: ProjectFolders) -> None:
    """Make what is missing, and put the repository back to its first commit."""
    folders.home.mkdir(parents=True, exist_ok=True)
    marker = folders.top / "made"
    if not marker.exists():
        shutil.rmtree(folders.root, ignore_errors=True)
        _get_sources(folders)
        _begin(folders)
        _install(folders)
        marker.touch()
    git(folders, "checkout", "--quiet", "--force", "-B", "main", "first")
    git(folders, "clean", "-fdq")


def git(folders: ProjectFolders, *arguments: str) -> str:
    """Run git in the repository, without hooks."""
    return _run(
        folders, "git", "-C", str(folders.root), "-c", "core.hooksPath=/dev/null", *arguments
    )


def _get_sources(folders: ProjectFolders) -> None:
    if folders.project.is_repository:
        _clone(folders)
        return
    options = ("--python", folders.project.python, "--no-deps", "--target", str(folders.root))
    _uv(folders, "pip", "install", *options, folders.project.source)
    for beside in (*folders.root.glob("*.dist-info"), folders.root / "bin"):
        shutil.rmtree(beside, ignore_errors=True)


def _clone(folders: ProjectFolders) -> None:
    """Check the commit out, with no history."""
    address, _, commit = folders.project.source.rpartition("@")
    _run(folders, "git", "clone", "--quiet", "--no-checkout", address, str(folders.root))
    paths = (".", *(f":!{path}" for path in folders.project.leave_out))
    git(folders, "checkout", "--quiet", commit, "--", *paths)
    shutil.rmtree(folders.root / ".git")


def _begin(folders: ProjectFolders) -> None:
    with (folders.root / ".gitignore").open("a") as ignore:
        ignore.write("\n" + IGNORED)
    begin_repository(folders.root, clean_environ(folders.home))
    git(folders, "add", "--all")
    git(folders, "commit", "--quiet", "-m", "First")
    git(folders, "tag", "first")


def _install(folders: ProjectFolders) -> None:
    """Install the dependencies; of the project itself its metadata, and a path, as `-e` does."""
    project, venv = folders.project, folders.root / ".venv"
    _uv(folders, "venv", "--python", project.python, str(venv))
    own = () if project.is_repository else (project.source,)
    override = folders.top / "override.txt"
    override.write_text("".join(f"{line}\n" for line in project.override))
    # Compiled, as after a developer's first run: what a check then writes there is a change.
    options = ("--python", str(folders.python), "--compile-bytecode", "--override", str(override))
    _uv(folders, "pip", "install", *options, *own, *project.install)
    (libraries,) = venv.glob("lib/python*/site-packages")
    for path in git(folders, "ls-files", "-z").split("\0") if own else ():
        if path.endswith(".py"):
            (libraries / path).unlink(missing_ok=True)
    (libraries / "__editable__.wild.pth").write_text(f"{folders.root / project.path}\n")


def _uv(folders: ProjectFolders, *arguments: str) -> None:
    """Run uv in the repository, with a cache that all projects share."""
    environ = clean_environ(folders.home) | {"UV_CACHE_DIR": str(folders.top.parent / "uv")}
    cwd = folders.root if folders.root.exists() else folders.top
    run(("uv", "--quiet", *arguments), cwd=cwd, environ=environ, check=True, timeout=900)


def _run(folders: ProjectFolders, *command: str) -> str:
    environ = clean_environ(folders.home)
    return run(command, cwd=folders.top, environ=environ, check=True, timeout=900).stdout
