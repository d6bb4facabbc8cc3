"""Find the Alembic environments of a tree."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from alembic_lockstep.alembic_env.alchemy import find_alchemy_config, is_alchemy
from alembic_lockstep.alembic_env.config_sources import (
    Read,
    Sources,
    folder_of,
    here,
    is_material,
    join,
    upward,
)
from alembic_lockstep.alembic_env.flask import find_flask_app, is_flask
from alembic_lockstep.alembic_env.options import (
    MAIN_SECTION,
    Options,
    find_sections,
    read_options,
)
from alembic_lockstep.config import Settings, did_you_mean
from alembic_lockstep.errors import CouldNotJudge


@dataclass(frozen=True)
class Environment:
    """One Alembic environment. All paths are POSIX from the root, "" is the root.

    Attributes:
        config: Its configuration file.
        directory: The directory in which a person runs alembic or flask for it.
        script_location: The folder of env.py; "" only if unknown.
        version_locations: The folders of the migrations; empty if unknown.
        flask_app: As `FLASK_APP`; "" with `flask` set: Flask's own discovery.
        flask: It is a Flask-Migrate environment.
        flask_app_implied: Flask finds `flask_app` without a variable or an option.
        alchemy: Its env.py needs a configuration of advanced-alchemy's.
        alchemy_config: The object to make it from: `app.config`, or `app:app` for an application
            of Litestar; "" if unknown.
        recursive: Folders below the version locations count too.
        section: Its section of the configuration, as `alembic -n`.
        x: Arguments for env.py, as `alembic -x`.
    """

    config: str
    directory: str
    script_location: str
    version_locations: tuple[str, ...]
    flask_app: str = ""
    flask: bool = False
    flask_app_implied: bool = True
    alchemy: bool = False
    alchemy_config: str = ""
    recursive: bool = False
    section: str = MAIN_SECTION
    x: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return its name in messages and in the setting `config`."""
        plain = self.section == MAIN_SECTION
        return self.config if plain else f"{self.config}:{self.section}"


def find_environments(
    files: Collection[str],
    read: Read,
    settings: Settings,
    environ: Mapping[str, str],
    read_ignored: Read,
) -> list[Environment]:
    """Return the environments that `settings.config` names, or else one of each script directory.

    Args:
        files: Every file of the tree.
        read: The text of a file of the tree; None for any other path.
        settings: `config`, `flask_app`, `alchemy_config` and `x` count.
        environ: The environment; `FLASK_APP` and `LITESTAR_APP` count.
        read_ignored: The text of a file that git ignores, for `.env`.

    Raises:
        CouldNotJudge: A named file does not exist, or a configuration cannot be read.
    """
    flask_app = settings.flask_app or environ.get("FLASK_APP", "")
    alchemy_config = settings.alchemy_config or environ.get("LITESTAR_APP", "")
    sources = Sources(frozenset(files), read, read_ignored, flask_app, alchemy_config)
    if settings.config:
        environments = [_named_environment(sources, name) for name in settings.config]
    else:
        environments = _one_per_script_directory(_all_environments(sources))
    return [replace(environment, x=settings.x) for environment in environments]


def _all_environments(sources: Sources) -> list[Environment]:
    environments = [
        _environment(sources, path, section)
        for path in filter(is_candidate, sources.files)
        for section in find_sections(sources.read, path)
    ]
    return [each for each in environments if each and not is_material(each.script_location)]


def _one_per_script_directory(environments: list[Environment]) -> list[Environment]:
    """Return the best-ranked environment of each; Flask's comes first: its env.py needs the app."""
    unique: dict[tuple[str, ...], Environment] = {}
    for each in sorted(environments, key=lambda each: (not each.flask, _rank(each.config))):
        unknown = "" if each.script_location else each.config
        # Sections count separately: their env.py may choose by name.
        location = (unknown, each.section, each.script_location, *each.version_locations)
        unique.setdefault(location, each)
    return sorted(
        unique.values(), key=lambda each: (_rank(each.config), each.section != MAIN_SECTION)
    )


def is_candidate(path: str) -> bool:
    """Return whether a file of this name may configure an environment."""
    name = posixpath.basename(path)
    return (name.endswith(".ini") or name == "pyproject.toml") and not is_material(folder_of(path))


def _rank(path: str) -> tuple[bool, int, str]:
    """Return a sort key: the usual names first, then the paths nearest to the root."""
    plain = posixpath.basename(path) in ("alembic.ini", "pyproject.toml")
    return not plain, path.count("/"), path


def _named_environment(sources: Sources, name: str) -> Environment:
    config, section = posixpath.normpath(name), MAIN_SECTION
    if config not in sources.files and ":" in config:
        config, _, section = config.rpartition(":")
    if config not in sources.files:  # a folder's name may hold a backslash; else it is Windows'
        config = posixpath.normpath(config.replace("\\", "/"))
    if config not in sources.files:
        near = did_you_mean(config, filter(is_candidate, sources.files))
        raise CouldNotJudge(f"the setting 'config' names {name}, which git does not have{near}")
    environment = _environment(sources, config, section)
    if environment:
        return environment
    if section != MAIN_SECTION:
        near = did_you_mean(section, find_sections(sources.read, config))
        raise CouldNotJudge(
            f"the setting 'config' names {name}, but {config} has no section [{section}] "
            f"with a script_location{near}"
        )
    folder = folder_of(config)
    script = folder if join(folder, "env.py") in sources.files else ""
    versions = (join(script, "versions"),) if script else ()
    return Environment(config, folder, script, versions)


def _environment(sources: Sources, config: str, section: str) -> Environment | None:
    options = read_options(sources.read, config, section)
    if options is None:
        return None
    folder, location = folder_of(config), options.script_location
    if location in ("", ".", here(folder)) and is_flask(sources, folder):
        app = find_flask_app(sources, folder)
        versions = _version_locations(sources, app.directory, folder, options)
        return Environment(
            config,
            app.directory,
            folder,
            versions,
            flask_app=app.name,
            flask=True,
            flask_app_implied=app.implied,
            recursive=options.recursive,
            section=section,
        )
    if not location:
        return None
    directory, script = _locate(sources, folder, location)
    versions = _version_locations(sources, directory, script, options)
    alchemy = is_alchemy(sources, script)
    return Environment(
        config,
        directory,
        script,
        versions,
        alchemy=alchemy,
        alchemy_config=find_alchemy_config(sources, directory) if alchemy else "",
        recursive=options.recursive,
        section=section,
    )


def _locate(sources: Sources, folder: str, location: str) -> tuple[str, str]:
    """Return the directory to run in and the script location."""
    if location.startswith("/"):
        script = join("", location)
        # An ini in the folder of its env.py is passed as `-c` in the folder above.
        return (folder_of(folder) if script == folder else folder), script
    for directory in upward(folder):
        for script in _readings(directory, location):
            if join(script, "env.py") in sources.files:
                return directory, script
    return folder, _readings(folder, location)[0]


def _readings(directory: str, location: str) -> list[str]:
    """Return the paths that a location may mean: several for `package:resource`."""
    if ":" not in location:
        return [join(directory, location)]
    package, _, resource = location.partition(":")
    path = f"{package.replace('.', '/')}/{resource.replace(':', '/')}"
    bases = (directory, join(directory, "src"), "", "src")
    return list(dict.fromkeys(join(base, path) for base in bases))


def _version_locations(
    sources: Sources, directory: str, script: str, options: Options
) -> tuple[str, ...]:
    if not options.version_locations:
        return (join(script, "versions"),) if script else ()
    locations = (
        _version_location(sources, directory, location) for location in options.version_locations
    )
    return tuple(dict.fromkeys(filter(None, locations)))


def _version_location(sources: Sources, directory: str, location: str) -> str:
    readings = _readings(directory, location)
    for path in readings:
        if any(file.startswith(f"{path}/") for file in sources.files):
            return path
    return readings[0]
