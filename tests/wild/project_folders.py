"""The folders of a public project, and the variables of the account that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from e2e.harness import clean_environ, run
from sqlalchemy import make_url

from .public_project import PublicProject

START = "start.sql"


@dataclass(frozen=True)
class ProjectFolders:
    """The folders of one project. Two rows of one source (two dialects) share them."""

    project: PublicProject
    top: Path

    @property
    def root(self) -> Path:
        """Its repository."""
        return self.top / "repository"

    @property
    def home(self) -> Path:
        """The home of who runs it."""
        return self.top / "home"

    @property
    def database(self) -> Path:
        """The SQLite file that it is configured with."""
        fixed = self.project.database
        return self.home / fixed if fixed else self.top / "configured.db"

    @property
    def workshop_database(self) -> Path:
        """The SQLite file of the workshop, in a folder of its own where the name is fixed."""
        fixed = self.project.database
        return self.top / "workshop data" / Path(fixed).name if fixed else self.top / "workshop.db"

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"

    def environ(self, root: Path, url: str) -> dict[str, str]:
        """Give the variables of somebody who works in `root`, with that URL configured."""
        own = {name: self.fill(text, root, url) for name, text in self.project.environ.items()}
        return clean_environ(self.home) | own

    def configure(self, root: Path, url: str) -> None:
        """Write the URL, and the settings, where the project's files have them."""
        for path, text in self.project.files.items():
            (root / path).write_text(self.fill(text, root, url))
        for path, (old, new) in self.project.replace.items():
            text = (root / path).read_text() if (root / path).exists() else ""
            assert old in text, f"{old!r} is not in {path}"
            (root / path).write_text(text.replace(old, self.fill(new, root, url), 1))
        if self.project.start:
            command = (str(self.python), "-c", self.project.start)
            printed = run(command, cwd=root, environ=self.environ(root, url), check=True)
            (root / START).write_text(printed.stdout)
        if self.project.settings:
            with (root / "pyproject.toml").open("a") as file:
                file.write(f"\n[tool.alembic-lockstep]\n{self.project.settings}\n")

    def fill(self, text: str, root: Path, url: str) -> str:
        """Put what is known here only into a text."""
        parts = make_url(url)
        values = {
            "url": url,
            "root": root,
            "home": self.home,
            "user": parts.username,
            "password": parts.password or "",
            "port": parts.port,
            "database": parts.database,
            "folder": Path(parts.database or "").parent,
        }
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def add_column(self, root: Path) -> int:
        """Write the column into the models; give its line."""
        file, project = root / self.project.models, self.project
        lines = file.read_text().splitlines(keepends=True)
        (index,) = [n for n, line in enumerate(lines) if line.rstrip("\n") == project.after]
        lines.insert(index + 1, f"{project.column}\n")
        file.write_text("".join(lines))
        return index + 2

    def add_table(self, root: Path) -> int:
        """Append the new table to the models; return the line at which it begins."""
        file = root / self.project.models
        text = file.read_text().rstrip("\n") + "\n\n\n"
        file.write_text(f"{text}{self.project.table}")
        return text.count("\n") + 1
