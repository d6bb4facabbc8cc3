"""Read variables from the files that build and start a project: Makefile, Dockerfile …"""

from __future__ import annotations

import re
from collections.abc import Iterator

from alembic_lockstep.alembic_env.config_sources import Sources, folder_of, is_material

_FILES = re.compile(
    r"(?:.*/)?(?:Makefile|[\w-]+\.mk|[Jj]ustfile|Procfile|Taskfile\.ya?ml|tox\.ini|[\w-]+\.sh"
    r"|Dockerfile[\w.-]*|[\w.-]+\.Dockerfile|(?:docker-)?compose[\w.-]*\.ya?ml|\.gitlab-ci\.yml)"
    r"|\.github/workflows/[\w-]+\.ya?ml"
)


def written_app(sources: Sources, variable: str) -> str:
    """Return the application that these files name, if they agree and the tree has it; else "".

    Args:
        variable: `FLASK_APP` or `LITESTAR_APP`: a module or a file, perhaps followed by `:name`.
    """
    values = {
        value.removeprefix("./")
        for value in _values(sources, variable)
        if _has_module(sources, value)
    }
    return values.pop() if len(values) == 1 else ""


def _values(sources: Sources, variable: str) -> Iterator[str]:
    # `NAME=value`, `ENV NAME value`, `NAME: value`, quoted or not.
    pattern = re.compile(rf"""\b{variable}[ \t]*[=: ][ \t]*["']?([\w.:/-]+)""")
    for path in sources.files:
        if _FILES.fullmatch(path) and not is_material(folder_of(path)):
            yield from pattern.findall(sources.read(path) or "")


def _has_module(sources: Sources, value: str) -> bool:
    module = value.partition(":")[0]
    path = module.removesuffix(".py").strip("./").replace(".", "/")
    ends = (f"/{path}.py", f"/{path}/__init__.py")
    return bool(path) and any(f"/{file}".endswith(ends) for file in sources.files)
