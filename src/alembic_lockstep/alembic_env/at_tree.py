"""Find the Alembic environments of a tree, and the same environments in its base."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from posixpath import basename

from alembic_lockstep.alembic_env.config_sources import Sources, folder_of, join, upward
from alembic_lockstep.alembic_env.environments import Environment, find_environments, is_candidate
from alembic_lockstep.alembic_env.options import MAIN_SECTION, read_options
from alembic_lockstep.alembic_env.revisions import (
    Broken,
    History,
    Revision,
    migration_files,
    read_revisions,
)
from alembic_lockstep.alembic_env.templates import (
    filled_in,
    scripts_without_config,
    template_without_location,
    without_url,
    write_config,
)
from alembic_lockstep.alembic_env.written import written_app
from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.pathspec import add_command, from_anywhere
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.system.regular import read_text

# A line of a configuration; of the shape that `git grep -E` knows.
_LOCATION = r"^ *script_location *[=:]"
# Files that only quote such lines.
_TEXTS = (".adoc", ".html", ".mako", ".md", ".py", ".rst", ".txt")


@dataclass(frozen=True)
class EnvironmentAtTree:
    """An environment as one tree has it."""

    environment: Environment
    tree: Tree

    @cached_property
    def history(self) -> History:
        """Return its revisions, read statically."""
        return History(self._read[0])

    @cached_property
    def broken(self) -> list[Broken]:
        """Return its migration files that are not valid Python."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[list[Revision], list[Broken]]:
        return read_revisions(self.migration_files(self.tree.files), self.tree.read)

    def migration_files(self, paths: Iterable[str]) -> list[str]:
        """Return those of the paths that Alembic would load as migrations."""
        environment = self.environment
        locations = environment.version_locations
        return migration_files(paths, locations, recursive=environment.recursive)


@dataclass(frozen=True)
class EnvironmentFinder:
    """Finds the environments of trees of a repository."""

    repository: Repository
    settings: Settings
    environ: Mapping[str, str]

    def find(self, tree: Tree) -> list[EnvironmentAtTree]:
        """Return all environments of a tree; raise `CouldNotJudge` if there is none."""
        environments = self._environments(tree, self.settings)
        if not environments:
            raise _no_environment(tree, self.repository)
        for environment in environments:
            _refuse_devices(environment, tree)
        return [EnvironmentAtTree(environment, tree) for environment in environments]

    def in_base(
        self, env: EnvironmentAtTree, base: Tree, changes: Iterable[Change]
    ) -> EnvironmentAtTree | None:
        """Return the environment as the base has it; None if it is new.

        Under another configuration file it is the one with the same env.py, wherever that was. A
        configuration that cannot be read is taken to be the tree's: this commit may mend it.
        """
        environment = env.environment
        old_paths = {change.path: change.old_path for change in changes}
        script = f"{environment.script_location}/env.py"
        old = old_paths.get(script, script)
        try:
            if _is_configured(environment, base):
                named = replace(self.settings, config=(environment.name,))
                configured = self._environments(base, named)
                return EnvironmentAtTree(configured[0], base) if configured else None
            environments = self._environments(base, replace(self.settings, config=()))
        except CouldNotJudge:
            return EnvironmentAtTree(environment, base)
        for in_base in environments:
            if f"{in_base.script_location}/env.py" == old:
                return EnvironmentAtTree(in_base, base)
        moved = self._moved(environment, old_paths.get(environment.config, ""), old, base)
        return moved or self._configured_by_tree(env, base)

    def _configured_by_tree(self, env: EnvironmentAtTree, base: Tree) -> EnvironmentAtTree | None:
        """Return the environment if the base lacks only its configuration."""
        config, script = env.environment.config, f"{env.environment.script_location}/env.py"
        if script not in base.files or config in base.files:
            return None
        added = self.repository.tree_with_file(base.sha, config, env.tree.files[config])
        return EnvironmentAtTree(env.environment, Tree(self.repository, added))

    def _moved(
        self, environment: Environment, config: str, script: str, base: Tree
    ) -> EnvironmentAtTree | None:
        """Return the environment from a folder that is not searched, such as a template's.

        Args:
            config: Where its configuration was; "" if git does not know.
            script: Where its env.py was.
        """
        folders = upward(folder_of(script))
        beside = (join(folder, basename(environment.config)) for folder in folders)
        for path in filter(base.files.__contains__, (config, *beside)):
            old = replace(environment, config=path)
            named = replace(self.settings, config=(old.name,))
            with suppress(CouldNotJudge):
                for moved in self._environments(base, named) if _is_configured(old, base) else ():
                    if f"{moved.script_location}/env.py" == script:
                        return EnvironmentAtTree(moved, base)
        return None

    def refuse_lost(
        self,
        envs: Sequence[EnvironmentAtTree],
        before: Sequence[EnvironmentAtTree | None],
        base: Tree,
        changes: Iterable[Change],
    ) -> None:
        """Refuse a commit after which `alembic` or `flask db` do not find their environment.

        We may still find it: by the name of its section, or by guessing the application.

        Args:
            before: The environments at the base.

        Raises:
            CouldNotJudge: with what to put back, or to set if it is meant.
        """
        for env, in_base in zip(envs, before, strict=True):
            was_found = in_base is not None and in_base.environment.flask_app_implied
            if was_found and not (env.environment.flask_app_implied or _says_app(env.tree)):
                raise _no_application(env.environment)
        if self.settings.config or not any(is_candidate(change.old_path) for change in changes):
            return
        old: list[Environment] = []
        with suppress(CouldNotJudge):  # the base cannot be read: perhaps this commit mends it
            old = self._environments(base, self.settings)
        tree, now = envs[0].tree, [env.environment for env in envs]
        for environment in old:
            location = environment.script_location
            same = [each for each in now if each.script_location == location]
            if f"{location}/env.py" not in tree.files:
                continue
            if not same:
                raise _no_configuration(environment)
            if environment.section == MAIN_SECTION not in {each.section for each in same}:
                raise _no_section(same[0])

    def _environments(self, tree: Tree, settings: Settings) -> list[Environment]:
        environments = find_environments(
            tree.files, tree.read, settings, self.environ, self._read_ignored
        )
        strays = [] if settings.config else without_url(environments, tree)
        return [
            _behind_links(each, tree)
            for each in environments
            if each not in strays and not _is_alias(each, tree)
        ]

    def notes(self, tree: Tree) -> list[str]:
        """Return what the summary should say of environments that are left out."""
        if self.settings.config:
            return []
        environments = find_environments(
            tree.files, tree.read, self.settings, self.environ, self._read_ignored
        )
        return [
            f"not judged: {each.name}, whose URL is the placeholder of Alembic's template"
            for each in without_url(environments, tree)
        ]

    def _read_ignored(self, path: str) -> str | None:
        file = self.repository.root / path
        if not file.is_file() or path not in list_ignored(self.repository):
            return None  # a file that is forgotten here is missing everywhere else
        return read_text(file)


def _refuse_devices(environment: Environment, tree: Tree) -> None:
    """Raise `CouldNotJudge` where Alembic would read a device: memory and time would run out."""
    beside = join(environment.directory, "pyproject.toml")
    env_py = join(environment.script_location, "env.py")
    for path in {"pyproject.toml", beside, environment.config, env_py} & tree.links:
        target = tree.link_target(path)
        if Path(target).exists() and not Path(target).is_file() and not Path(target).is_dir():
            raise CouldNotJudge(
                f"{path} is a link to {target}, which is no file",
                fix=f"git rm --cached {from_anywhere([path])}",
            )


def _is_configured(environment: Environment, tree: Tree) -> bool:
    config, section = environment.config, environment.section
    return config in tree.files and read_options(tree.read, config, section) is not None


def _is_alias(environment: Environment, tree: Tree) -> bool:
    """Return whether its configuration is a link, and valid only where the link points."""
    script = tree.real(environment.script_location)
    return environment.config in tree.links and f"{script}/env.py" not in tree.files


def _behind_links(environment: Environment, tree: Tree) -> Environment:
    """Return the environment with its folders as git lists them: there are none behind links."""
    locations = tuple(tree.real(location) for location in environment.version_locations)
    return replace(environment, version_locations=locations)


def _says_app(tree: Tree) -> bool:
    sources = Sources(frozenset(tree.files), tree.read, lambda _: None, "")
    return bool(written_app(sources, "FLASK_APP"))


def _no_application(environment: Environment) -> CouldNotJudge:
    folder = f"{environment.directory}/" if environment.directory else ""
    app = environment.flask_app or "module:app"
    return CouldNotJudge(
        f"{environment.name}: `flask db` finds the application in the base, and not in this "
        "commit: nothing of it says FLASK_APP, and no wsgi.py or app.py is where Flask looks",
        fix=f"Put it back, into {folder}.flaskenv say:\nFLASK_APP={app}\n"
        "Or, if it is always given on the command line:\n"
        f'[tool.alembic-lockstep]\nflask-app = "{app}"',
        config=environment.config,
    )


def _no_section(environment: Environment) -> CouldNotJudge:
    return CouldNotJudge(
        f"{environment.config} has no section [{MAIN_SECTION}] any more: `alembic` finds no "
        f"configuration there, unless as `alembic -n {environment.section}`",
        fix=f"Put [{MAIN_SECTION}] back, or, if that is how it is run:\n"
        f'[tool.alembic-lockstep]\nconfig = ["{environment.name}"]',
        config=environment.config,
    )


def _no_configuration(environment: Environment) -> CouldNotJudge:
    return CouldNotJudge(
        f"{environment.name} configures {environment.script_location}/env.py in the base, and "
        "nothing does in this commit, which leaves that file there",
        fix="Put its section with a script_location back, or delete the folder, too.",
        config=environment.config,
    )


def _no_environment(tree: Tree, repository: Repository) -> CouldNotJudge:
    template = template_without_location(tree)
    if template:
        return CouldNotJudge(
            f"{template.config} is a template: its script_location is a placeholder",
            fix=filled_in(template, tree),
        )
    fix = _configurations(tree, repository)
    scripts = [] if fix else scripts_without_config(tree)
    if len(scripts) == 1:
        return CouldNotJudge(
            f"no file configures {scripts[0].script_location}/env.py",
            fix=write_config(scripts[0], tree),
        )
    return CouldNotJudge(
        "no Alembic environment in what is committed: no alembic.ini with a script_location, "
        "no [tool.alembic] in a pyproject.toml, no Flask-Migrate migrations/env.py",
        fix=fix or _name_it("path/to/alembic.ini"),
    )


def _configurations(tree: Tree, repository: Repository) -> str:
    """Return what to type about a configuration that is only on disk, or has another name.

    "" if there is none.
    """
    untracked, ignored = repository.untracked(), list_ignored(repository)
    for paths, force in ((untracked, False), (ignored, True)):
        on_disk = [path for path in paths if _configures(repository.root / path, path)]
        if on_disk:
            where = "git ignores it" if force else "it is not in the commit"
            add = add_command(on_disk, force=force)
            return f"Its configuration lies on disk, but {where}:\n{add}"
    paths = repository.grep(tree.sha, "-E", _LOCATION)
    others = [path for path in paths if not path.endswith(_TEXTS)]
    return _name_it(others[0]) if others else ""


def _name_it(path: str) -> str:
    name = json.dumps(path, ensure_ascii=False)
    return f"If it has another name:\n[tool.alembic-lockstep]\nconfig = [{name}]"


def _configures(file: Path, path: str) -> bool:
    return is_candidate(path) and re.search(f"(?m){_LOCATION}", read_text(file) or "") is not None
