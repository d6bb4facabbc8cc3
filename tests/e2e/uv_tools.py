"""uv, which makes environments quickly, and installs the other tools of Python projects."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .harness import clean_environ, run


@dataclass(frozen=True)
class Tools:
    """uv, with a cache that all tests share."""

    folder: Path

    @property
    def uv_program(self) -> Path:
        return self.folder / "target/bin/uv"

    def make_environment(self, environment: Path, python: str, *requirements: str) -> None:
        """Make a virtual environment of that Python with these packages."""
        self._uv(environment.parent, "venv", "--quiet", "--python", python, str(environment))
        self.install_into(environment, *requirements)

    def install_into(self, environment: Path, *arguments: str, **environ: str) -> None:
        """Install packages into any environment."""
        python = str(environment / "bin/python")
        command = ("pip", "install", "--quiet", "--python", python)
        self._uv(environment, *command, *arguments, **environ)

    def sync(self, project: Path, *arguments: str) -> None:
        """Have uv make the environment of a project of its own."""
        self._uv(project, "sync", "--quiet", "--python", sys.executable, *arguments)

    def install(self, program: str, folder: Path) -> None:
        """Install a program in an environment of its own; it is in `bin` then."""
        folders = {"UV_TOOL_DIR": str(folder / "env"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
        command = ("tool", "install", "--quiet", "--python", sys.executable, program)
        folder.mkdir()
        self._uv(folder, *command, **folders)

    def _uv(self, cwd: Path, *arguments: str, **environ: str) -> None:
        # The system's certificates, as pip takes them: a company's network may have its own.
        settings = {"UV_CACHE_DIR": str(self.folder / "cache"), "UV_SYSTEM_CERTS": "1"}
        variables = {**clean_environ(self.folder), **settings, **environ}
        run((str(self.uv_program), *arguments), cwd=cwd, environ=variables, check=True)


def install_uv(pip: Callable[..., None], folder: Path) -> None:
    """Install what `Tools` runs."""
    pip("install", "--quiet", "--target", str(folder / "target"), "uv", cwd=folder)
