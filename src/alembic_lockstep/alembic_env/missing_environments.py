"""Explain why `alembic` or `flask db` has no environment in a tree, and how to give it one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from alembic_lockstep.alembic_env.environments import Environment, is_candidate
from alembic_lockstep.alembic_env.options import MAIN_SECTION
from alembic_lockstep.alembic_env.templates import (
    complete_config_advice,
    new_config_advice,
    scripts_without_config,
    template_without_location,
)
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.pathspec import add_command
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.system.regular import read_text

# A line of a configuration, as a regular expression that `git grep -E` and Python share.
_LOCATION = r"^ *script_location *[=:]"
# Files that only quote such lines.
_TEXTS = (".adoc", ".html", ".mako", ".md", ".py", ".rst", ".txt")


def no_application(environment: Environment) -> CouldNotJudge:
    """Explain that `flask db` finds the application in the base only."""
    folder = f"{environment.directory}/" if environment.directory else ""
    app = environment.flask_app or "module:app"
    return CouldNotJudge(
        f"{environment.name}: `flask db` finds the application in the base, and not in this "
        "commit: no file sets FLASK_APP, and there is no wsgi.py or app.py where Flask looks",
        fix=f"Put it back, for example into {folder}.flaskenv:\nFLASK_APP={app}\n"
        "Or, if it is always given on the command line:\n"
        f'[tool.alembic-lockstep]\nflask-app = "{app}"',
        config=environment.config,
    )


def no_section(environment: Environment) -> CouldNotJudge:
    """Explain that a configuration lost the section that `alembic` reads by default."""
    return CouldNotJudge(
        f"{environment.config} has no section [{MAIN_SECTION}] any more: only "
        f"`alembic -n {environment.section}` finds the configuration",
        fix=f"Put [{MAIN_SECTION}] back, or, if you always run it so:\n"
        f'[tool.alembic-lockstep]\nconfig = ["{environment.name}"]',
        config=environment.config,
    )


def no_configuration(environment: Environment) -> CouldNotJudge:
    """Explain that an env.py lost its configuration."""
    return CouldNotJudge(
        f"{environment.name} configures {environment.script_location}/env.py in the base, and "
        "nothing does in this commit, which leaves that file there",
        fix="Put its section with a script_location back, or delete the folder, too.",
        config=environment.config,
    )


def no_environment(tree: Tree, repository: Repository) -> CouldNotJudge:
    """Explain that a tree has no environment, and name the likely configuration."""
    template = template_without_location(tree)
    if template:
        return CouldNotJudge(
            f"{template.config} is a template: its script_location is a placeholder",
            fix=complete_config_advice(template, tree),
        )
    fix = _configuration_advice(tree, repository)
    scripts = [] if fix else scripts_without_config(tree)
    if len(scripts) == 1:
        return CouldNotJudge(
            f"no file configures {scripts[0].script_location}/env.py",
            fix=new_config_advice(scripts[0], tree),
        )
    return CouldNotJudge(
        "no Alembic environment in what is committed: no alembic.ini with a script_location, "
        "no [tool.alembic] in a pyproject.toml, no Flask-Migrate migrations/env.py",
        fix=fix or _config_setting("path/to/alembic.ini"),
    )


def _configuration_advice(tree: Tree, repository: Repository) -> str:
    """Return how to use a configuration that is only on disk, or has another name; "" if none."""
    untracked, ignored = repository.untracked(), list_ignored(repository)
    for paths, force in ((untracked, False), (ignored, True)):
        on_disk = [path for path in paths if _configures(repository.root / path, path)]
        if on_disk:
            reason = "git ignores it" if force else "it is not in the commit"
            add = add_command(on_disk, force=force)
            return f"Its configuration is on disk, but {reason}:\n{add}"
    paths = repository.grep(tree.sha, "-E", _LOCATION)
    others = [path for path in paths if not path.endswith(_TEXTS)]
    return _config_setting(others[0]) if others else ""


def _config_setting(path: str) -> str:
    name = json.dumps(path, ensure_ascii=False)
    return f"If it has another name:\n[tool.alembic-lockstep]\nconfig = [{name}]"


def _configures(file: Path, path: str) -> bool:
    return is_candidate(path) and re.search(f"(?m){_LOCATION}", read_text(file) or "") is not None
