"""Get a public project by `tests/wild` and print, as JSON, what `public_subjects.py` needs.

Run by a Python that has what the tests need, with `tests` on its path. On PostgreSQL, making the
migration also needs the server of the tests.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from wild.autogenerate_clone import autogenerate
from wild.project_folders import Place
from wild.projects import PROJECTS
from wild.sources import prepare


def main(name: str, dialect: str, url: str, work: str) -> None:
    """Prepare the project, configure it with the URL (of the dialect, no driver), and describe it.

    The URL of a SQLite file has three slashes, and then the absolute path.
    """
    (wild,) = (one for one in PROJECTS if (one.name, one.dialect) == (name, dialect))
    place = Place(wild, Path(work, wild.slug))
    prepare(place)
    migration = autogenerate(place)
    own = f"{dialect}{wild.driver}:{url.partition(':')[2]}"
    place.configure(place.root, own)
    known = {
        "root": str(place.root),
        "version": wild.version,
        "url": own,
        "revisions": _revisions(place.root / wild.versions),
        "environ": _environ(place, own),
        "directory": wild.directory,
        "command": wild.command,
        "upgrade": wild.upgrade,
        "models": wild.models,
        "after": wild.after,
        "column": wild.column,
        "migration": f"{wild.versions}/{migration.name}",
        "text": migration.text,
        "old": migration.old,
    }
    print(json.dumps(known))


def _environ(place: Place, url: str) -> dict[str, str]:
    own = place.wild.environ.items()
    return {name: place.fill(text, place.root, url) for name, text in own}


def _revisions(versions: Path) -> int:
    return sum("\nrevision" in file.read_text() for file in versions.rglob("*.py"))


if __name__ == "__main__":
    main(*sys.argv[1:])
