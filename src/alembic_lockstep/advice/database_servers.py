"""Database servers that scratch databases can be made on: images, ports and URLs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DatabaseServer:
    """A database server in a container.

    Attributes:
        scheme: Of its URLs.
        user: Its administrator.
        database: A database that every such server has.
        images: A regular expression for the names of its images.
        image: An image to start.
        variables: The environment of that image's container.
        password: The administrator's, with these variables.
        health: The command that succeeds once the server answers.
    """

    dialect: str
    scheme: str
    user: str
    database: str
    port: int
    images: str
    image: str
    variables: Mapping[str, str]
    health: str
    password: str = ""

    def url(self, host: str, *, user: str = "", password: str = "", port: int = 0) -> str:
        """Return the URL of the server at a host."""
        credentials = f"{user or self.user}:{password}" if password else user or self.user
        return f"{self.scheme}://{credentials}@{host}:{port or self.port}/{self.database}"


DATABASE_SERVERS = {
    server.dialect: server
    for server in (
        DatabaseServer(
            dialect="mysql",
            scheme="mysql+pymysql",
            user="root",
            database="mysql",
            port=3306,
            images=r"mysql|percona",
            image="mysql:8.4",
            variables={"MYSQL_ALLOW_EMPTY_PASSWORD": "1"},
            health="mysqladmin ping -h 127.0.0.1",
        ),
        DatabaseServer(
            dialect="mariadb",
            scheme="mariadb+pymysql",
            user="root",
            database="mysql",
            port=3306,
            images=r"mariadb",
            image="mariadb:11.4",
            variables={"MARIADB_ALLOW_EMPTY_ROOT_PASSWORD": "1"},
            health="healthcheck.sh --connect --innodb_initialized",
        ),
        DatabaseServer(
            dialect="postgresql",
            scheme="postgresql",
            user="postgres",
            database="postgres",
            port=5432,
            images=r"postg|timescale|pgvector",
            image="postgres:17",
            variables={"POSTGRES_PASSWORD": "scratch"},
            health="pg_isready",
            password="scratch",  # noqa: S106 - of a server for one job in CI
        ),
    )
}
