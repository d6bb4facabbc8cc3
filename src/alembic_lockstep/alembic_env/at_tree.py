"""Find the Alembic environments of a tree, and the same environments in its base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from posixpath import basename

from alembic_lockstep.alembic_env.config_sources import Sources, folder_of, join, upward
from alembic_lockstep.alembic_env.environments import Environment, find_environments, is_candidate
from alembic_lockstep.alembic_env.missing_environments import (
    no_application,
    no_configuration,
    no_environment,
    no_section,
)
from alembic_lockstep.alembic_env.options import MAIN_SECTION, read_options
from alembic_lockstep.alembic_env.revisions import (
    Broken,
    History,
    Revision,
    migration_files,
    read_revisions,
)
from alembic_lockstep.alembic_env.templates import without_url
from alembic_lockstep.alembic_env.written import written_app
from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.git.change_set import ChangeSet
from alembic_lockstep.git.entries import Change
from alembic_lockstep.git.listing import list_ignored
from alembic_lockstep.git.pathspec import from_anywhere
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.git.tree import Tree
from alembic_lockstep.system.regular import read_text


@dataclass(frozen=True)
class EnvironmentAtTree:
    """Environment as it is in one tree."""

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
    """Finder of the environments in a repository's trees.

    Attributes:
        change_set: The judged change, whose environments are not left out; None to know of none.
    """

    repository: Repository
    settings: Settings
    environ: Mapping[str, str]
    change_set: ChangeSet | None = None

    def find(self, tree: Tree) -> list[EnvironmentAtTree]:
        """Return all environments of a tree; raise `CouldNotJudge` if there is none."""
        environments = self._environments(tree, self.settings)
        if not environments:
            raise no_environment(tree, self.repository)
        for environment in environments:
            _refuse_devices(environment, tree)
        return [EnvironmentAtTree(environment, tree) for environment in environments]

    def find_in_base(
        self, env: EnvironmentAtTree, base: Tree, changes: Iterable[Change]
    ) -> EnvironmentAtTree | None:
        """Return the environment as the base has it; None if it is new.

        If its configuration file was renamed, it is the environment with the same env.py, which
        may have been moved too. Where the base's configuration cannot be read, the tree's counts:
        this commit may mend it.
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
        """Return the environment if the base lacks only its configuration; else None."""
        config, script = env.environment.config, f"{env.environment.script_location}/env.py"
        if script not in base.files or config in base.files:
            return None
        added = self.repository.tree_with_file(base.sha, config, env.tree.files[config])
        return EnvironmentAtTree(env.environment, Tree(self.repository, added))

    def _moved(
        self, environment: Environment, config: str, script: str, base: Tree
    ) -> EnvironmentAtTree | None:
        """Return the base's environment in a folder that is not searched, such as a template's.

        Args:
            config: The former path of its configuration; "" if git did not detect one.
            script: The former path of its env.py.
        """
        folders = upward(folder_of(script))
        likely = (join(folder, basename(environment.config)) for folder in folders)
        for path in filter(base.files.__contains__, (config, *likely)):
            old = replace(environment, config=path)
            named = replace(self.settings, config=(old.name,))
            with suppress(CouldNotJudge):
                for moved in self._environments(base, named) if _is_configured(old, base) else ():
                    if f"{moved.script_location}/env.py" == script:
                        return EnvironmentAtTree(moved, base)
        return None

    def refuse_lost_environments(
        self,
        envs: Sequence[EnvironmentAtTree],
        before: Sequence[EnvironmentAtTree | None],
        base: Tree,
        changes: Iterable[Change],
    ) -> None:
        """Refuse a commit after which `alembic` or `flask db` does not find its environment.

        This tool may still find it: by the name of its section, or by guessing the application.

        Args:
            before: The environments at the base.

        Raises:
            CouldNotJudge: An environment is lost; its fix says what to restore or to set.
        """
        for env, in_base in zip(envs, before, strict=True):
            was_implied = in_base is not None and in_base.environment.flask_app_implied
            if was_implied and not (env.environment.flask_app_implied or _sets_app(env.tree)):
                raise no_application(env.environment)
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
                raise no_configuration(environment)
            if environment.section == MAIN_SECTION not in {each.section for each in same}:
                raise no_section(same[0])

    def _environments(self, tree: Tree, settings: Settings) -> list[Environment]:
        environments = find_environments(
            tree.files, tree.read, settings, self.environ, self._read_ignored
        )
        left_out = [] if settings.config else self._left_out(environments, tree)
        return [
            _with_real_folders(each, tree)
            for each in environments
            if each not in left_out and not _is_alias(each, tree)
        ]

    def unjudged(self, tree: Tree) -> list[str]:
        """Return a line for each environment that is left out."""
        if self.settings.config:
            return []
        environments = find_environments(
            tree.files, tree.read, self.settings, self.environ, self._read_ignored
        )
        return [
            f"not judged: {each.name}, whose URL is the placeholder of Alembic's template"
            for each in self._left_out(environments, tree)
        ]

    def _left_out(self, environments: Sequence[Environment], tree: Tree) -> list[Environment]:
        """Return the environments without a URL, but for those that this change is about."""
        left_out = [each for each in without_url(environments, tree) if not self._is_changed(each)]
        for folder in (folder for each in left_out for folder in _folders(each)):
            # No dry run reads them, and a change of them has to be judged.
            files = (path for path in tree.files if path.startswith(f"{folder}/"))
            tree.paths_read.update((folder, *files))
        return left_out

    def _is_changed(self, environment: Environment) -> bool:
        """Return whether the change is about an environment that the base has."""
        change_set = self.change_set
        if change_set is None or environment.config not in change_set.base.files:
            return False
        paths = {path for each in change_set.changes for path in (each.path, each.old_path)}
        return environment.config in paths or any(
            path.startswith(f"{folder}/") for path in paths for folder in _folders(environment)
        )

    def _read_ignored(self, path: str) -> str | None:
        file = self.repository.root / path
        if not file.is_file() or path not in list_ignored(self.repository):
            return None  # other files outside of git exist on this machine only
        return read_text(file)


def _folders(environment: Environment) -> list[str]:
    """Return the folders of an environment's scripts."""
    return list(filter(None, (environment.script_location, *environment.version_locations)))


def _refuse_devices(environment: Environment, tree: Tree) -> None:
    """Raise `CouldNotJudge` where Alembic would read a device, perhaps without end."""
    settings = join(environment.directory, "pyproject.toml")
    env_py = join(environment.script_location, "env.py")
    for path in {"pyproject.toml", settings, environment.config, env_py} & tree.links:
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
    """Return whether its configuration is a link, with scripts only in the target's folder."""
    script = tree.real(environment.script_location)
    return environment.config in tree.links and f"{script}/env.py" not in tree.files


def _with_real_folders(environment: Environment, tree: Tree) -> Environment:
    """Return the environment with resolved links: git lists no files behind links."""
    locations = tuple(tree.real(location) for location in environment.version_locations)
    return replace(environment, version_locations=locations)


def _sets_app(tree: Tree) -> bool:
    sources = Sources(frozenset(tree.files), tree.read, lambda _: None, "")
    return bool(written_app(sources, "FLASK_APP"))
