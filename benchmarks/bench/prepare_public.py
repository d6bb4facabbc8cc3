"""Get a public project by `tests/wild` and print, as JSON, what `public_subjects.py` needs.

Run by a Python that has what the tests need, with `tests` on its path. On PostgreSQL, making the
migration also needs the server of the tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from wild.autogenerate_clone import autogenerate
from wild.project_folders import ProjectFolders
from wild.projects import PROJECTS
from wild.sources import prepare


def main(name: str, dialect: str, url: str, work: str) -> None:
    """Prepare the project, configure it with the URL (of the dialect, no driver), and describe it.

    The URL of a SQLite file has three slashes, and then the absolute path.
    """
    (project,) = (
        candidate
        for candidate in PROJECTS
        if (candidate.name, candidate.dialect) == (name, dialect)
    )
    folders = ProjectFolders(project, Path(work, project.slug))
    prepare(folders)
    migration = autogenerate(folders)
    own = f"{dialect}{project.driver}:{url.partition(':')[2]}"
    folders.configure(folders.root, own)
    description = {
        "root": str(folders.root),
        "version": project.version,
        "url": own,
        "revisions": _revisions(folders.root / project.versions),
        "environ": _environ(folders, own),
        "directory": project.directory,
        "command": project.command,
        "upgrade": project.upgrade,
        "models": project.models,
        "after": project.after,
        "column": project.column,
        "migration": f"{project.versions}/{migration.name}",
        "text": migration.text,
        "old": migration.old,
    }
    print(json.dumps(description))


def _environ(folders: ProjectFolders, url: str) -> dict[str, str]:
    own = folders.project.environ.items()
    return {name: folders.fill(text, folders.root, url) for name, text in own}


def _revisions(versions: Path) -> int:
    return sum("\nrevision" in file.read_text() for file in versions.rglob("*.py"))


if __name__ == "__main__":
    main(*sys.argv[1:])
