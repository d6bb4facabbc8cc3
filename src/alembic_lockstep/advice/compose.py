"""Read compose files: which service runs the project, and where its database server is.

Format: https://docs.docker.com/reference/compose-file/services/
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from alembic_lockstep.advice.database_servers import DATABASE_SERVERS
from alembic_lockstep.alembic_env.config_sources import upward
from alembic_lockstep.git.tree import Tree

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
EXEC = ("docker", "compose", "exec", "-T")
_PASSWORDS = re.compile(r"(?:POSTGRES|MYSQL_ROOT|MARIADB_ROOT)_PASSWORD")
# `5432:5432`, `127.0.0.1:5433:5432`, with an optional protocol.
_PUBLISHED = re.compile(r"(?:.*:)?(?P<outside>\d+):(?P<inside>\d+)(?:/tcp)?")


def run_in_compose(tree: Tree, directory: str) -> str:
    """Return the setting that runs the project in its container; "" without a compose file.

    Args:
        directory: Where the environment's commands are run, POSIX from the root.
    """
    services = _services(tree, directory)
    built = [name for name, service in services.items() if "build" in service]
    if not built:
        return ""
    run = json.dumps([*EXEC, built[0]], ensure_ascii=False)
    return (
        "Or, if it runs in docker compose, with the containers up:\n"
        f"[tool.alembic-lockstep]\nrun = {run}"
    )


def server_in_compose(tree: Tree, directory: str, dialect: str) -> str:
    """Return the settings for a scratch server that this machine and the container reach.

    Without a database service in the compose file they name an example.
    """
    server = DATABASE_SERVERS.get(dialect, DATABASE_SERVERS["postgresql"])
    services = _services(tree, directory).items()
    images = ((name, service) for name, service in services if "image" in service)
    matching = (pair for pair in images if re.search(server.images, str(pair[1]["image"])))
    name, service = next(matching, ("db", {}))
    user, password = _credentials(service)
    published = next(_published(service, server.port), server.port)
    url = server.url(
        "localhost",
        user=user if server.dialect == "postgresql" else "",
        password=password or "password",
        port=published,
    )
    return (
        "The container does not reach the scratch server of this machine. Name one that both "
        "reach, such as the compose file's database, by its published port and by its name:\n"
        f"[tool.alembic-lockstep.scratch]\nurls = [{json.dumps(url)}]\n"
        f'inside = "{name}:{server.port}"'
    )


def with_address(url: str, address: str) -> str:
    """Return a database's URL with another `host:port`; the URL of a file stays as it is."""
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    if not parsed.host:
        return url
    host, _, port = address.partition(":")
    moved = parsed.set(host=host, port=int(port) if port else parsed.port)
    return moved.render_as_string(hide_password=False)


def _services(tree: Tree, directory: str) -> Mapping[str, Any]:
    """Return the services of the nearest compose file; empty if none can be read."""
    for folder in upward(directory):
        for name in NAMES:
            text = tree.read(posixpath.join(folder, name))
            if text is not None:
                return _parsed(text)
    return {}


def _parsed(text: str) -> Mapping[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    services = content.get("services") if isinstance(content, dict) else None
    listed = services.items() if isinstance(services, dict) else ()
    return {str(name): service for name, service in listed if isinstance(service, dict)}


def _published(service: Mapping[str, Any], port: int) -> Iterator[int]:
    """Yield the ports of this machine at which a port of the container is published."""
    for entry in service.get("ports") or ():
        if isinstance(entry, dict) and str(entry.get("target")) == str(port):
            yield int(entry.get("published") or port)
        match = _PUBLISHED.fullmatch(str(entry))
        if match and match["inside"] == str(port):
            yield int(match["outside"])


def _credentials(service: Mapping[str, Any]) -> tuple[str, str]:
    """Return PostgreSQL's user and the password that a service sets; "" where it sets none."""
    listed = service.get("environment") or {}
    pairs = (
        listed.items()
        if isinstance(listed, dict)
        else (str(entry).split("=", 1) for entry in listed)
    )
    words = {str(pair[0]): str(pair[1]) for pair in map(tuple, pairs) if len(pair) > 1}
    plain = {name: value for name, value in words.items() if "$" not in value}
    passwords = [value for name, value in plain.items() if _PASSWORDS.fullmatch(name)]
    return plain.get("POSTGRES_USER", ""), passwords[0] if passwords else ""
