"""Find the configuration with which advanced-alchemy (Litestar, FastAPI, …) runs an environment.

Its commands `alchemy` and `litestar database` pass env.py a configuration of a class of their own,
made from an object of the project. Litestar's takes that object from its application.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from alembic_lockstep.alembic_env.applications import (
    LITESTAR,
    assigned_calls,
    find_applications,
    module_of,
)
from alembic_lockstep.alembic_env.config_sources import Read, Sources, folder_of, is_material, join
from alembic_lockstep.alembic_env.written import written_app

#: A regular expression for `git grep -E`: files without it have no configuration.
HOLDS_CONFIG = rf"SQLAlchemy(Async|Sync)Config\(|{LITESTAR.pattern}"
_CLASSES = frozenset({"SQLAlchemyAsyncConfig", "SQLAlchemySyncConfig"})
# Attributes that only its own class of configurations has.
_OWN_ATTRIBUTES = re.compile(r"AlembicCommandConfig|\bconfig\.(db_url|bind_key|version_table_pk)\b")
_LIKELY = re.compile(
    r"(?:\w+/){0,5}(?:__init__|alchemy|app|application|asgi|base|config|database|db|main|plugins"
    r"|server|settings)\.py"
)


def is_alchemy(sources: Sources, script: str) -> bool:
    """Return whether the env.py of a folder needs a configuration of advanced-alchemy's."""
    return bool(_OWN_ATTRIBUTES.search(sources.read(join(script, "env.py")) or ""))


def find_alchemy_config(sources: Sources, directory: str) -> str:
    """Return the only configuration at a usual path, or the one that a Dockerfile names, else "".

    Applications of Litestar come first: they have loaded the models.
    """
    if sources.alchemy_config:
        return sources.alchemy_config
    likely = [path for path in sources.files if _LIKELY.fullmatch(path)]
    names = alchemy_configs(likely, sources.read, directory)
    apps = [name for name in names if ":" in name]
    candidates = apps or names
    return candidates[0] if len(candidates) == 1 else written_app(sources, "LITESTAR_APP")


def alchemy_configs(paths: Iterable[str], read: Read, directory: str) -> list[str]:
    """Return values for the setting `alchemy-config`: `module:app` of Litestar, `module.config`.

    Args:
        directory: Where the commands are run; modules elsewhere cannot be imported there.
    """
    prefix = f"{directory}/" if directory else ""
    paths = sorted(paths)
    configs = [
        f"{module_of(path.removeprefix(prefix))}.{name}"
        for path in paths
        if path.startswith(prefix) and not is_material(folder_of(path))
        for name in assigned_calls(read(path) or "", _CLASSES)
    ]
    return [*find_applications(LITESTAR, paths, read, directory), *configs]
