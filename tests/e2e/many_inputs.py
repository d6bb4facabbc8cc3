"""The sample `many_inputs`: a farm whose tables depend on much that is no model."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .harness import Project, run

VERSIONS = "migrations/versions"

MIGRATION = '''"""By hand."""

from alembic import op
import sqlalchemy as sa

revision = "{revision}"
down_revision = {down!r}


def upgrade():
    {upgrade}


def downgrade():
    raise NotImplementedError
'''


_seconds = itertools.count()


class InapplicableError(Exception):
    """There is nothing (any more) that this edit could be made to."""


@dataclass
class ManyInputs:
    """The sample `many_inputs`, and the packages that its environment holds."""

    project: Project
    libraries: Path

    @property
    def root(self) -> Path:
        return self.project.root

    def git(self, *args: str) -> str:
        """Run git; where it refuses, say that this does not apply."""
        project = self.project
        result = run(("git", *args), cwd=project.root, environ=project.environ)
        if result.returncode:
            raise InapplicableError(result.output)
        return result.stdout

    def write(self, path: str, text: str) -> None:
        self.project.write(path, text)

    def read(self, path: str) -> str:
        if not (self.root / path).is_file():
            raise InapplicableError(f"no {path}")
        return self.project.read(path)

    def replace(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        if old not in text:
            raise InapplicableError(f"no {old!r} in {path}")
        self.write(path, text.replace(old, new, 1))

    def append(self, path: str, text: str) -> None:
        self.write(path, self.read(path) + text)

    def rename(self, old: str, new: str) -> None:
        self.read(old)
        (self.root / old).rename(self.root / new)

    def delete(self, path: str) -> None:
        self.read(path)
        (self.root / path).unlink()

    def install(self, name: str, version: str, text: str) -> None:
        """Put a version of a package into the project's environment, as pip leaves it."""
        self.uninstall(name)
        metadata = self.libraries / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        self.edit_installed(name, text)

    def uninstall(self, name: str) -> None:
        for metadata in self.libraries.glob(f"{name}-*.dist-info"):
            shutil.rmtree(metadata)
        (self.libraries / f"{name}.py").unlink(missing_ok=True)

    def edit_installed(self, name: str, text: str) -> None:
        """Change a package in place.

        Two versions made within a second and of one size are one to Python's own bytecode.
        """
        file = self.libraries / f"{name}.py"
        file.write_text(text)
        then = int(file.stat().st_mtime) - 1000 + next(_seconds)
        os.utime(file, (then, then))

    def heads(self) -> list[str]:
        """Return the ids of the heads among the migrations on disk."""
        texts = [file.read_text() for file in sorted((self.root / VERSIONS).glob("*.py"))]
        ids = [
            revision_id
            for text in texts
            for revision_id in re.findall(r'^revision = "(\w+)"', text, re.M)
        ]
        parents = {name for text in texts for name in _parents(text)}
        return [name for name in ids if name not in parents]

    def add_migration(self, revision: str, upgrade: str, down: str | None = None) -> str:
        path = f"{VERSIONS}/{revision}.py"
        down = down or min(self.heads(), default=None)
        text = MIGRATION.format(revision=revision, down=down, upgrade=upgrade)
        self.write(path, text)
        return path


def _parents(text: str) -> list[str]:
    (line,) = re.findall(r"^down_revision = (.*)$", text, re.M) or [""]
    return re.findall(r"\w+", line)
