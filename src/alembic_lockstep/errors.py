"""The one expected exception: the gate could not judge."""

from __future__ import annotations

from collections.abc import Sequence


class CouldNotJudge(Exception):  # noqa: N818 - it names the verdict, as the exit code 2 does
    """The gate could not reach a verdict; it blocks (exit 2) and says what to do.

    Args:
        what: What happened, in one sentence without a full stop.
        fix: What to type or to set, one or more lines ready to paste.
        tried: What was tried, a line each, for failures of a search.
        log: What the project printed, shown after the message.
        config: The configuration file of the environment that it is about, if it is about one.
    """

    def __init__(
        self,
        what: str,
        *,
        fix: str = "",
        tried: Sequence[str] = (),
        log: str = "",
        config: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.tried = tuple(tried)
        self.log = log
        self.config = config

    def of(self, config: str, or_else: str) -> CouldNotJudge:
        """The same of an environment, with another way out after the first."""
        both = "\n".join(filter(None, (self.fix, or_else)))
        return CouldNotJudge(self.what, fix=both, tried=self.tried, log=self.log, config=config)

    def within(self, where: str) -> CouldNotJudge:
        """The same of a part of what is judged."""
        return CouldNotJudge(
            f"{where}: {self.what}",
            fix=self.fix,
            tried=self.tried,
            log=self.log,
            config=self.config,
        )
