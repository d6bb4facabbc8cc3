"""How a check was started: one value for the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from alembic_lockstep.config import Settings, load_settings
from alembic_lockstep.git.repository import Repository


@dataclass(frozen=True)
class RunContext:
    """What all judgements of a run have in common.

    Attributes:
        environ: The environment variables, read once at the edge.
        flags: Settings from the command line, by their field's name.
        release: The older release from which databases come, too; "" for none.
        settings_from_base: Read settings and ignores from the base, so that a branch cannot relax
            its own check.
    """

    repository: Repository
    environ: Mapping[str, str]
    flags: Mapping[str, object] = field(default_factory=dict)
    settings_from_base: bool = False
    release: str = ""

    def load_settings(self, text: str | None) -> Settings:
        """Merge the settings of a pyproject.toml (None: there is none), variables and flags.

        Raises:
            CouldNotJudge: as `config.load_settings`.
        """
        return load_settings(text, self.environ, self.flags)
