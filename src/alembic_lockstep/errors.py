"""Expected exception: there can be no verdict."""

from __future__ import annotations

from collections.abc import Sequence


class CouldNotJudge(Exception):  # noqa: N818 - it names the verdict, as the exit code 2 does
    """Raised when there can be no verdict; it blocks (exit 2) and says what to do.

    Args:
        message: What happened, in one sentence without a full stop.
        fix: Lines to type or to set, ready to paste.
        tried: The attempts of a search that failed, a line each.
        log: Output of the project, shown with the message.
        config: The configuration file of the environment that could not be judged, if any.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        tried: Sequence[str] = (),
        log: str = "",
        config: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.tried = tuple(tried)
        self.log = log
        self.config = config

    def with_fix(self, fix: str, config: str) -> CouldNotJudge:
        """Return the same error about an environment, with a further fix after its own."""
        fixes = "\n".join(filter(None, (self.fix, fix)))
        return CouldNotJudge(self.message, fix=fixes, tried=self.tried, log=self.log, config=config)

    def within(self, where: str) -> CouldNotJudge:
        """Return the same error about a part of the range, such as a commit."""
        return CouldNotJudge(
            f"{where}: {self.message}",
            fix=self.fix,
            tried=self.tried,
            log=self.log,
            config=self.config,
        )
