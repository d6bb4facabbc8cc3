"""What the replay knows about public projects. None of their code is kept here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Alembic:
    """One Alembic environment of a project.

    Attributes:
        config: Its ini file, from the root; brute force passes it to Alembic.
        migrations: The folder of its migrations, from the root.
        directory: Where the project's people run it, from the root.
        flask_app: The application, with Flask-Migrate.
        sets_url: The URL stands in the ini file; brute force changes all but its driver.
    """

    config: str
    migrations: str
    directory: str = "."
    flask_app: str = ""
    sets_url: bool = False


@dataclass(frozen=True)
class Project:
    """A public project, and the stretch of its history that is replayed.

    In `environ`, ``{url}`` stands for the URL of the database, ``{host}``, ``{port}``,
    ``{user}``, ``{password}`` and ``{database}`` for parts of it, ``{root}`` for the working tree
    and ``{folder}`` for a folder of the database's own.

    Attributes:
        since: The first day of the stretch.
        until: The last day.
        database: The name that the project gives to its SQLite file in ``{folder}``.
        flask_app: What the tool is told; brute force is told by each environment.
        models: The folders and files of its models, where others look like models too: calls
            such as ``Field(`` are pydantic's in one project and a column in another.
    """

    name: str
    repository: str
    since: str
    until: str
    environments: tuple[Alembic, ...]
    dialect: str = "sqlite"
    database: str = "database.db"
    flask_app: str = ""
    models: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


PROJECTS = {
    project.name: project
    for project in (
        Project(
            "mealie",
            "mealie-recipes/mealie",
            since="2024-02-12",
            until="2024-10-31",
            environments=(Alembic("alembic.ini", "alembic/versions"),),
            database="mealie.db",
            environ={"PRODUCTION": "true", "DATA_DIR": "{folder}", "PYTHONPATH": "{root}"},
        ),
        Project(
            "open-assistant",
            "LAION-AI/Open-Assistant",
            since="2023-02-25",
            until="2023-12-31",
            environments=(
                Alembic(
                    "backend/alembic.ini",
                    "backend/alembic/versions",
                    directory="backend",
                    sets_url=True,
                ),
                Alembic(
                    "inference/server/alembic.ini",
                    "inference/server/alembic/versions",
                    directory="inference/server",
                    sets_url=True,
                ),
            ),
            dialect="postgresql",
            environ={"PYTHONPATH": "{root}/oasst-shared"},
        ),
        Project(
            "fittrackee",
            "SamR1/FitTrackee",
            since="2024-09-01",
            until="2024-12-31",
            environments=(
                Alembic(
                    "fittrackee/migrations/alembic.ini",
                    "fittrackee/migrations/versions",
                    flask_app="fittrackee:create_app",
                ),
            ),
            dialect="postgresql",
            flask_app="fittrackee:create_app",
            environ={
                "APP_SECRET_KEY": "not the real one",
                "APP_SETTINGS": "fittrackee.config.ProductionConfig",
                "DATABASE_URL": "{url}",
                "UI_URL": "http://localhost",
            },
        ),
        Project(
            "packit-service",
            "packit/packit-service",
            since="2025-05-06",
            until="2026-08-31",
            environments=(Alembic("alembic.ini", "alembic/versions"),),
            dialect="postgresql",
            environ={
                "POSTGRESQL_USER": "{user}",
                "POSTGRESQL_PASSWORD": "{password}",
                "POSTGRESQL_HOST": "{host}",
                "POSTGRESQL_PORT": "{port}",
                "POSTGRESQL_DATABASE": "{database}",
                "PYTHONPATH": "{root}",
                # One of its migrations moves data out of a Redis server.
                "ALEMBIC_LOCKSTEP_ALLOW_CONNECT": "localhost:6379",
            },
        ),
        Project(
            "dj",
            "DataJunction/dj",
            since="2025-10-01",
            until="2026-08-31",
            environments=(
                Alembic(
                    "datajunction-server/datajunction_server/alembic.ini",
                    "datajunction-server/datajunction_server/alembic/versions",
                    directory="datajunction-server/datajunction_server",
                ),
            ),
            dialect="postgresql",
            models=("datajunction-server/datajunction_server/database/",),
            environ={
                "DATABASE_URI": "postgresql+psycopg://{user}:{password}@{host}:{port}/{database}",
                "PYTHONPATH": "{root}/datajunction-server",
            },
        ),
        Project(
            "skyvern",
            "Skyvern-AI/skyvern",
            since="2025-09-16",
            until="2026-08-31",
            environments=(Alembic("alembic.ini", "alembic/versions"),),
            dialect="postgresql",
            models=("skyvern/forge/sdk/db/",),
            environ={
                "DATABASE_STRING": (
                    "postgresql+asyncpg://{user}:{password}@{host}:{port}/{database}"
                ),
                "PYTHONPATH": "{root}",
            },
        ),
    )
}
