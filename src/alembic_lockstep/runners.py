"""Open the runner of dry runs: servers, launcher and, around them, the cache."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from alembic_lockstep.cache.cached_runner import CachedRunner
from alembic_lockstep.cache.repository_cache import RepositoryCache
from alembic_lockstep.cache.store import Cache, cache_root
from alembic_lockstep.config import Settings
from alembic_lockstep.context import RunContext
from alembic_lockstep.dryrun.early import EarlyProbes
from alembic_lockstep.dryrun.launcher import Launcher, Progress
from alembic_lockstep.dryrun.policy import work_folder
from alembic_lockstep.dryrun.runner import DryRunner
from alembic_lockstep.git.repository import Repository
from alembic_lockstep.scratch import ScratchServers


@dataclass
class Runners:
    """Opens a runner, and keeps it open for the next judgement with the same settings.

    Attributes:
        progress: Called with each revision before it runs.
        early: Processes of the project's Python, started ahead.
        cache: Where earlier runs left their observations; None to neither read nor write any.
    """

    context: RunContext
    progress: Progress
    early: EarlyProbes
    cache: Cache | None
    _opened_for: tuple[Repository, Settings] | None = None
    _runner: DryRunner | None = None
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Runners:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, repository: Repository, settings: Settings) -> DryRunner:
        """Return a runner for trees of a repository; a `CachedRunner` if there is a cache."""
        if self._runner is None or self._opened_for != (repository, settings):
            self._stack.close()
            self._runner = self._stack.enter_context(self._start(repository, settings))
            self._opened_for = (repository, settings)
        self._runner.launcher.noted.clear()
        return self._runner

    @contextmanager
    def _start(self, repository: Repository, settings: Settings) -> Iterator[DryRunner]:
        slot = self.early.slot
        with (
            ThreadPoolExecutor() as threads,
            ScratchServers(
                urls=settings.scratch_urls,
                setup=settings.scratch_setup,
                directory=work_folder(slot),
                cache=cache_root(),
            ) as servers,
        ):
            launcher = Launcher(
                repository,
                settings,
                self.context.environ,
                slot,
                self.progress,
                self.early,
                threads,
            )
            if self.cache and not settings.run:
                cache = RepositoryCache(self.cache, self.context, settings)
                snapshots = cache.snapshots(servers)
                yield CachedRunner(settings, launcher, servers, snapshots, cache=cache)
            else:
                yield DryRunner(settings, launcher, servers)
