"""What a compose file says: which service runs the project, and where its database server is.

Format: https://docs.docker.com/reference/compose-file/services/
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from alembic_lockstep.alembic_env.config_sources import upward
from alembic_lockstep.git.tree import Tree

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
EXEC = ("docker", "compose", "exec", "-T")
# By dialect: words of an image's name, the port in the container, and the administrator's URL.
_SERVERS = {
    "postgresql": (r"postg|timescale|pgvector", 5432, "postgresql://{user}:{password}@{host}"),
    "mysql": (r"mysql|percona", 3306, "mysql://root:{password}@{host}"),
    "mariadb": (r"mariadb", 3306, "mariadb://root:{password}@{host}"),
}
_PASSWORDS = re.compile(r"(?:POSTGRES|MYSQL_ROOT|MARIADB_ROOT)_PASSWORD")
# `5432:5432`, `127.0.0.1:5433:5432`, with a protocol behind it.
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
    pattern, port, url = _SERVERS.get(dialect, _SERVERS["postgresql"])
    name, published, words = "db", port, {"user": "postgres", "password": "password"}
    for service_name, service in _services(tree, directory).items():
        if re.search(pattern, str(service.get("image", ""))):
            name = service_name
            published = next(_published(service, port), port)
            words.update(_credentials(service))
            break
    server = url.format(**words, host=f"localhost:{published}")
    return (
        "The container does not reach the scratch server of this machine. Name one that both "
        "reach, such as the compose file's database, by its published port and by its name:\n"
        f"[tool.alembic-lockstep.scratch]\nurls = [{json.dumps(server)}]\n"
        f'inside = "{name}:{port}"'
    )


def moved_to(address: str, url: str) -> str:
    """Return a database's URL with another `host:port`; a file's stays as it is."""
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    if not parsed.host:
        return url
    host, _, port = address.partition(":")
    moved = parsed.set(host=host, port=int(port) if port else parsed.port)
    return moved.render_as_string(hide_password=False)


def _services(tree: Tree, directory: str) -> Mapping[str, Any]:
    """Return the services of the nearest compose file; empty if there is none that can be read."""
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


def _credentials(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the user and the password that the server is made with, where they stand there."""
    given = service.get("environment") or {}
    pairs = given.items() if isinstance(given, dict) else (str(one).split("=", 1) for one in given)
    words = {str(pair[0]): str(pair[1]) for pair in map(tuple, pairs) if len(pair) > 1}
    plain = {name: value for name, value in words.items() if "$" not in value}
    passwords = [value for name, value in plain.items() if _PASSWORDS.fullmatch(name)]
    found = {"password": passwords[0]} if passwords else {}
    return {**found, **({"user": plain["POSTGRES_USER"]} if "POSTGRES_USER" in plain else {})}
