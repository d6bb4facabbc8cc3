"""A project that runs in docker compose: a network of its own, in which the database is `db`.

No container engine is needed: the project's Python runs in a network namespace without any way
out but a forwarder at `db:5432`, which stands for the database service. This machine reaches the
same server by its own address, as by a published port.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project, force_postgres, require, server_answers
from .subfolder_project import assert_clean, assert_finding, assert_unjudged, change_and_check
from .typed_advice import follow
from .virtual_environments import make_venv

POSTGRES = "postgresql+psycopg://prod@db/shop"
SOCKET = Path("/var/run/postgresql/.s.PGSQL.5432")
COMPOSE = """\
services:
  db:
    image: postgres:16
    environment: [POSTGRES_USER=postgres, POSTGRES_PASSWORD=secret]
    ports: ["127.0.0.1:5432:5432"]
  backend:
    build: ./service
    depends_on: [db]
"""
FORWARD = """\
import asyncio, sys

async def pour(source, target):
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
    target.close()

async def forward(reader, writer):
    there, here = await asyncio.open_unix_connection(sys.argv[1])
    await asyncio.gather(pour(reader, here), pour(there, writer))

async def main():
    server = await asyncio.start_server(forward, "127.0.0.1", 5432)
    with open(sys.argv[2], "w") as ready:
        ready.write("ready")
    await server.serve_forever()

asyncio.run(main())
"""
EXEC = """\
#!/bin/sh
# As `docker compose exec -T backend`.
shift 4
rm -f {here}/ready && mkfifo {here}/ready
exec unshare --map-root-user --net --mount --pid --fork --kill-child sh -c '
ip link set lo up
mount --bind {here}/hosts /etc/hosts
{python} {here}/forward.py {socket} {here}/ready &
read answer < {here}/ready
exec "$@"' sh "$@"
"""


@pytest.fixture
def composed(make_project: MakeProject, tmp_path: Path) -> Project:
    """The shop, for which this machine has no Python, with a `docker` that runs it elsewhere."""
    require(server_answers() and SOCKET.exists(), "PostgreSQL server with a socket")
    unshare = ("unshare", "--map-root-user", "--net", "--mount", "true")
    require(subprocess.run(unshare, check=False).returncode == 0, "network namespaces")
    shop = make_project("subfolder", hook=None, config_url=POSTGRES)
    here = tmp_path / "container"
    make_venv(here / "venv")
    (here / "forward.py").write_text(FORWARD)
    (here / "hosts").write_text("127.0.0.1 localhost db\n")
    (here / "bin").mkdir()
    docker = here / "bin" / "docker"
    docker.write_text(EXEC.format(here=here, python=sys.executable, socket=SOCKET))
    docker.chmod(0o755)
    shop.environ["PATH"] = f"{here / 'bin'}:{shop.environ['PATH']}"
    shop.environ["ALEMBIC_LOCKSTEP_PYTHON"] = str(here / "venv" / "bin" / "python")
    shop.environ["ALEMBIC_LOCKSTEP_ENV"] = "PYTHONPATH=."
    shop.write("compose.yaml", COMPOSE)
    shop.stage("compose.yaml")
    return shop


def test_a_project_in_compose_is_judged_on_the_compose_projects_database(composed: Project) -> None:
    """Without a setting the scratch server was this machine's, which no container reaches."""
    run = json.dumps(["docker", "compose", "exec", "-T", "backend"])
    composed.write("pyproject.toml", f"[tool.alembic-lockstep]\nrun = {run}\n")
    composed.stage("pyproject.toml")
    force_postgres(composed.environ, "binaries")
    result = change_and_check(composed)
    url = "postgresql://postgres:secret@localhost:5432/postgres"
    assert_unjudged(result, f'urls = ["{url}"]', 'inside = "db:5432"')
    assert_clean(follow(composed, result), "2 revisions run from empty on PostgreSQL")
    where = composed.add_column()
    composed.stage(".")
    assert_finding(composed.check(), where, "missing-migration")


def test_without_an_environment_the_compose_file_is_proposed(composed: Project) -> None:
    shutil.rmtree(composed.root / ".venv")
    del composed.environ["ALEMBIC_LOCKSTEP_PYTHON"]
    composed.write("service/shop/__init__.py", "import only_in_the_container\n")
    run = 'run = ["docker", "compose", "exec", "-T", "backend"]'
    assert_unjudged(change_and_check(composed), "only_in_the_container", run)
