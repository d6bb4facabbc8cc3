"""Addresses of live databases: their URLs, and how they are shown without a password."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.scratch.by_url import passwords, server_address
from alembic_lockstep.scratch.secrecy import safe_message

#: Backends of SQLAlchemy, and the dialect by which their schemas are read.
_DIALECTS = {
    "mariadb": "mysql",
    "mysql": "mysql",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "sqlite": "sqlite",
}
_EXAMPLES = (
    "Write, with %-escapes for special characters in the password:\n"
    "--database sqlite:///instance/app.db\n"
    "--database postgresql://user:password@host:5432/database\n"
    "--database mysql://user:password@host:3306/database"
)


@dataclass(frozen=True)
class DatabaseAddress:
    """The address of a live database.

    Attributes:
        url: With the password.
        shown: Without it: `app@db:5432/shop`, or a file's path.
        dialect: "postgresql", "mysql" (also for MariaDB) or "sqlite".
    """

    url: URL = field(repr=False)
    shown: str
    dialect: str

    @classmethod
    def parse(cls, text: str) -> DatabaseAddress:
        """Parse a URL as SQLAlchemy writes it; its driver does not count.

        Raises:
            CouldNotJudge: it cannot be read. The message does not show it: any part may belong to
                the password.
        """
        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            raise _unreadable("it is no URL") from None
        if "@" in f"{url.host}{url.database}" and not url.drivername.startswith("sqlite"):
            raise _unreadable("it has an @ too many")
        dialect = _DIALECTS.get(url.drivername.partition("+")[0])
        if dialect is None:
            backend = url.drivername.partition("+")[0]
            raise _unreadable(f"databases of the dialect {backend} cannot be read")
        if not url.database or url.database == ":memory:":
            raise _unreadable("it names no database")
        shown = url.database if dialect == "sqlite" else server_address(url)
        return cls(url, shown, dialect)

    def explain(self, error: Exception) -> str:
        """Return a driver's message on one line, without the password."""
        code, *words = error.args or ("",)
        reason = Exception(words[0]) if isinstance(code, int) and words else error
        return safe_message(reason, passwords(self.url), self.shown)


def _unreadable(reason: str) -> CouldNotJudge:
    return CouldNotJudge(f"a URL of --database cannot be read: {reason}", fix=_EXAMPLES)
