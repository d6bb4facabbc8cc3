"""Descriptions of the sample projects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

SAMPLES_DIRECTORY = Path(__file__).parent.parent / "samples"


@dataclass(frozen=True)
class Sample:
    """A sample project: where its parts are, and how a column is added to it.

    Attributes:
        name: Its directory below tests/samples.
        directory: Where its Alembic is run, which is where its URL's relative path begins.
        models: The file that gets a new column.
        versions: Where its migrations are.
        url_file: The file that holds the URL; a name in capitals is a variable instead.
        url_pattern: What in that file is the URL.
        database: The SQLite file that it is configured with.
        after: The line after which the new column goes.
        column: The new column's line.
        drivers: The driver part of its URLs, for each dialect.
        replays: Whether plain Alembic makes its database from nothing.
        path: Where its modules are: on PYTHONPATH while Alembic runs in a copy of it.
        command: The module, and its arguments, that upgrade, stamp and autogenerate are given to.
        autogenerate: What makes a migration; its message follows.
    """

    name: str
    models: str
    after: str
    column: str
    versions: str = "migrations/versions"
    directory: str = "."
    url_file: str = "alembic.ini"
    url_pattern: str = r"(?m)(?<=^sqlalchemy\.url = ).*$"
    database: str = "app.db"
    drivers: Mapping[str, str] = field(default_factory=dict)
    replays: bool = True
    path: str = "."
    command: tuple[str, ...] = ("alembic",)
    autogenerate: tuple[str, ...] = ("revision", "--autogenerate", "-m")

    def sqlite_url(self, file: Path | None = None) -> str:
        """Give the URL of a SQLite file, by default of the configured one, relative."""
        return f"sqlite{self.drivers.get('sqlite', '')}:///{file or Path(self.database).name}"

    def postgresql_url(self, address: str) -> str:
        """Give the URL of a PostgreSQL database; place is user, host, port and name."""
        return f"postgresql{self.drivers.get('postgresql', '')}://{address}"

    def configure(self, root: Path, url: str) -> dict[str, str]:
        """Point the project at root to a URL; return the variables that it needs for that."""
        if self.url_file.isupper():
            return {self.url_file: url}
        file = root / self.url_file
        if file.name == ".env":
            file.write_text(f"APP_SECRET=not-so-secret\nDATABASE_URL={url}\n")
            return {}
        text, changed = re.subn(self.url_pattern, url.replace("\\", r"\\"), file.read_text())
        assert changed == 1, f"{self.url_file} holds {changed} URLs"
        file.write_text(text)
        return {}


_COLUMN = "    flagged = Column(Integer)\n"

SAMPLES = {
    sample.name: sample
    for sample in (
        Sample(
            "trivia",
            models="backend/models.py",
            after="    rounds = db.Column(db.Integer, nullable=True)\n",
            column="    completed_at = db.Column(db.DateTime)\n",
            url_file="DATABASE_URL",
            database="instance/trivia.db",
            command=("flask", "--app", "backend.app:create_app", "db"),
            autogenerate=("migrate", "-m"),
        ),
        Sample(
            "subfolder",
            models="service/shop/models.py",
            after="    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))\n",
            column="    paid: Mapped[Optional[bool]]\n",
            versions="service/alembic/versions",
            directory="service",
            url_file="service/alembic.ini",
            database="service/shop.db",
        ),
        Sample(
            "async_settings",
            models="notes/models.py",
            after="    written_at: Mapped[datetime]\n",
            column="    language: Mapped[Optional[str]] = mapped_column(String(5))\n",
            versions="alembic/versions",
            url_file=".env",
            database="notes.db",
            drivers={"sqlite": "+aiosqlite", "postgresql": "+asyncpg"},
        ),
        Sample(
            "sqlmodel_app",
            models="heroes/models.py",
            after="    secret_name: str\n",
            column="    weakness: Optional[str] = None\n",
            database="heroes.db",
        ),
        Sample(
            "src_layout",
            models="src/inventory/models.py",
            after='    Column("name", String(100), nullable=False),\n',
            column='    Column("weight", Integer),\n',
            database="inventory.db",
            path="src",
        ),
        Sample(
            "old_drift",
            models="blog/models.py",
            after="    body = Column(Text)\n",
            column=_COLUMN,
            database="blog.db",
        ),
        Sample(
            "no_replay",
            models="bank/models.py",
            after="    currency = Column(String(3))\n",
            column=_COLUMN,
            database="bank.db",
            replays=False,
        ),
        Sample(
            "creates_tables",
            models="diary/models.py",
            after='    mood_id: Mapped[int] = mapped_column(ForeignKey("moods.id"))\n',
            column="    weather = mapped_column(String(30))\n",
            url_file="diary/app.py",
            url_pattern=r'(?m)(?<=^DATABASE_URL = ")[^"]*',
            database="diary.db",
            replays=False,
        ),
        Sample(
            "gallery",
            models="gallery/models.py",
            after="    title = db.Column(db.String(120), nullable=True)\n",
            column="    taken_at = db.Column(db.DateTime)\n",
            url_file="DATABASE_URL",
            database="instance/gallery.db",
            command=("flask", "db"),
            autogenerate=("migrate", "-m"),
        ),
    )
}

#: Projects of several databases or environments; their migrations are written by the tests.
SHAPES = {
    sample.name: sample
    for sample in (
        Sample(
            "multidb",
            models="company/papers.py",
            after="    signature = Column(String(20))\n",
            column="    pen_name = Column(String(20))\n",
            database="papers.db",
        ),
        Sample(
            "flask_binds",
            models="clinic.py",
            after="    year = db.Column(db.Integer)\n",
            column="    ward = db.Column(db.Integer)\n",
            database="instance/archive.db",
        ),
        Sample(
            "sections",
            models="warehouse/stock.py",
            after="    name = Column(String(80))\n",
            column="    shelf = Column(Integer)\n",
            versions="migrations/stock/versions",
            database="stock.db",
        ),
        Sample(
            "monorepo",
            models="shipping/app/models.py",
            after="    id = Column(Integer, primary_key=True)\n",
            column="    weight = Column(Integer)\n",
            versions="shipping/alembic/versions",
            database="shipping/shipping.db",
        ),
        Sample(
            "per_dialect",
            models="radio/models.py",
            after="    title = Column(String(100))\n",
            column="    minutes = Column(Integer)\n",
            versions="radio/migrations/versions/sqlite",
            url_file="RADIO_DATABASE_URL",
            database="radio.db",
        ),
    )
}

#: A project whose tables depend on much that is no model, for tests of what is remembered.
MANY_INPUTS = Sample(
    "many_inputs",
    models="farm/models.py",
    after="    feed = Column(String(12))\n",
    column="    age = Column(Integer)\n",
    database="farm.db",
)

#: Not a sample of ours: the wheel from the registry. Its ``script_location = alembic`` means that
#: Alembic runs where its alembic.ini is, with the package importable from elsewhere.
OPTUNA = Sample(
    "optuna",
    models="optuna/storages/_rdb/models.py",
    after='    _datetime_complete_utc = _Column("datetime_complete", DateTime)\n',
    column="    note = _Column(Text)\n",
    versions="optuna/storages/_rdb/alembic/versions",
    directory="optuna/storages/_rdb",
    url_file="optuna/storages/_rdb/alembic.ini",
    database="optuna/storages/_rdb/alembic.db",
)
