"""The URL of the database that an environment is configured with, read without running env.py."""

from __future__ import annotations

import posixpath

from sqlalchemy.engine import make_url

from alembic_lockstep.alembic_env.config_sources import folder_of
from alembic_lockstep.alembic_env.options import url_option
from alembic_lockstep.alembic_env.url_source import connects_by_ini_only
from alembic_lockstep.doctor.code_history import CodeHistory
from alembic_lockstep.errors import CouldNotJudge


def configured_url(code: CodeHistory) -> str:
    """Return the URL of an environment's .ini file, where env.py takes it from nowhere else.

    Raises:
        CouldNotJudge: its code decides which database it is.
    """
    environment, tree = code.env.environment, code.env.tree
    url = url_option(tree.read, environment.config, environment.section)
    script = posixpath.join(environment.script_location, "env.py")
    if not url or not connects_by_ini_only(script, tree):
        raise CouldNotJudge(
            f"{code.name}: the project's code decides which database it is, and is not run to "
            "find that out",
            fix='Pass its URL, from wherever the project has it:\n--database "$DATABASE_URL"',
        )
    root = code.repository.root
    here = root / folder_of(environment.config)
    parsed = make_url(url.replace("%(here)s", str(here)).replace("%%", "%"))
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        # Relative to the folder in which the project's command runs.
        file = (root / environment.directory / parsed.database).resolve()
        parsed = parsed.set(database=str(file))
    return parsed.render_as_string(hide_password=False)
