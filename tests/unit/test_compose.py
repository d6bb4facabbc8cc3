"""What is read of compose files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from alembic_lockstep.advice.compose import run_in_compose, server_in_compose, with_address


def tree(text: str, path: str = "compose.yaml") -> Any:
    return SimpleNamespace(read={path: text}.get)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "services:",
        "services: []",
        "services: {db: {image: postgres}}",
        "services: {web: }",
        "services: [",
        "- a\n- b",
        "!!python/object/apply:os.system ['true']",
    ],
)
def test_a_file_without_a_service_that_is_built_proposes_nothing(text: str) -> None:
    assert run_in_compose(tree(text), "") == ""


@pytest.mark.parametrize("path", ["compose.yaml", "docker-compose.yml", "backend/compose.yml"])
def test_the_service_that_is_built_runs_the_project(path: str) -> None:
    text = "services: {db: {image: postgres}, web app: {build: .}}"
    assert run_in_compose(tree(text, path), "backend").endswith('"-T", "web app"]')


@pytest.mark.parametrize(
    ("service", "dialect", "url", "inside"),
    [
        (
            "{image: 'postgis/postgis:16', ports: ['5433:5432'], "
            "environment: {POSTGRES_USER: app, POSTGRES_PASSWORD: p}}",
            "postgresql",
            "postgresql://app:p@localhost:5433/postgres",
            "server:5432",
        ),
        (
            "{image: mysql, ports: [{target: 3306, published: '3307'}], "
            "environment: [MYSQL_ROOT_PASSWORD=p]}",
            "mysql",
            "mysql+pymysql://root:p@localhost:3307/mysql",
            "server:3306",
        ),
        (
            "{image: 'mariadb:11', environment: [MARIADB_ROOT_PASSWORD=$SECRET, DEBUG]}",
            "mariadb",
            "mariadb+pymysql://root:password@localhost:3306/mysql",
            "server:3306",
        ),
        (
            "{image: redis}",
            "postgresql",
            "postgresql://postgres:password@localhost:5432/postgres",
            "db:5432",
        ),
    ],
)
def test_the_database_service_is_the_scratch_server(
    service: str, dialect: str, url: str, inside: str
) -> None:
    said = server_in_compose(tree(f"services: {{server: {service}}}"), "", dialect)
    assert said.splitlines()[-2:] == [f'urls = ["{url}"]', f'inside = "{inside}"']


@pytest.mark.parametrize(
    ("address", "url", "moved"),
    [
        (
            "db:5432",
            "postgresql://u:p@127.0.0.1:40123/lockstep_1",
            "postgresql://u:p@db:5432/lockstep_1",
        ),
        ("db", "mysql+pymysql://u:p%40@localhost:3306/x", "mysql+pymysql://u:p%40@db:3306/x"),
        ("db:1", "sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
    ],
)
def test_a_database_is_named_as_the_container_reaches_it(
    address: str, url: str, moved: str
) -> None:
    assert with_address(url, address) == moved
