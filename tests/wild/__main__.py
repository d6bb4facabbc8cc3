"""Try alembic-lockstep on public projects: ``cd tests && python -m wild [--work DIR] [NAME …]``.

Needs uv on PATH, the Pythons that `projects.py` names, a package registry and, for PostgreSQL,
the server of the tests. The first run of a project downloads it; what is measured is printed as
the table of docs/in-the-wild.md, and kept in DIR/rows.json. Each check's output stands in
DIR/PROJECT/*.log.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
import tempfile
import traceback
from dataclasses import asdict, replace
from pathlib import Path

from .projects import PROJECTS
from .public_project import PublicProject
from .table import table
from .trial import Row, Trial

GITHUB = "https://github.com"
WORK = Path(tempfile.gettempdir(), "alembic-lockstep-wild")


def main() -> None:
    """Try those that are named, or all."""
    parser = argparse.ArgumentParser(prog="wild", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--work", type=Path, default=WORK, help="%(default)s")
    parser.add_argument("--more", type=Path, help="a Python file with further PROJECTS")
    parser.add_argument("--tool", type=Path, help="the alembic-lockstep to try (default: own)")
    parser.add_argument("--mirrors", type=Path, help=f"OWNER/NAME clones, instead of {GITHUB}")
    parser.add_argument("--timeout", type=float, default=300, help="seconds of one dry run")
    options = parser.parse_args()
    tool = _tool(options.tool)
    more = runpy.run_path(str(options.more))["PROJECTS"] if options.more else ()
    projects = [_from_mirror(project, options.mirrors) for project in (*PROJECTS, *more)]
    work: Path = options.work.resolve()
    file = work / "rows.json"
    rows = json.loads(file.read_text()) if file.exists() else {}
    for project in projects:
        if options.names and not {project.name, f"{project.name}:{project.dialect}"} & {
            *options.names
        }:
            continue
        print(f"{project.name} on {project.dialect} …", flush=True)
        try:
            row = Trial(project, work, tool, options.timeout).run()
        except AssertionError:
            traceback.print_exc()
            continue
        rows[f"{project.name}:{project.dialect}"] = asdict(row)
        print(json.dumps(asdict(row), indent=1), flush=True)
        file.write_text(json.dumps(rows, indent=1) + "\n")
    keys = (f"{project.name}:{project.dialect}" for project in projects)
    print(table([Row(**rows[key]) for key in keys if key in rows]))


def _tool(path: Path | None) -> tuple[str, ...]:
    return (str(path.absolute()),) if path else (sys.executable, "-m", "alembic_lockstep")


def _from_mirror(project: PublicProject, mirrors: Path | None) -> PublicProject:
    source = project.source.replace(GITHUB, str(mirrors.resolve())) if mirrors else project.source
    return replace(project, source=source)


main()
