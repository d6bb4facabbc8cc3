"""What a scratch server lacks is told from what a migration gets wrong, by the server's words."""

from __future__ import annotations

import pytest

from alembic_lockstep.advice.lacks import scratch_server_advice, server_lacks
from alembic_lockstep.dryrun.observation import Observation


@pytest.mark.parametrize(
    ("message", "dialect", "said"),
    [
        ('extension "pgcrypto" is not available\nDETAIL:  …', "postgresql", "install postgresql\n"),
        (
            'could not open extension control file "/usr/share/extension/postgis.control": No such',
            "postgresql",
            'install "postgresql-$(ls /usr/lib/postgresql | sort -n | tail -n1)-postgis-3"\n',
        ),
        ('pg_cron must be loaded via shared_preload_libraries"', "postgresql", "postgresql://"),
        ("ICU is not supported in this build", "postgresql", "postgresql://"),
        ("(1273, \"Unknown collation: 'utf8mb4_0900_ai_ci'\")", "mysql", "mysql+pymysql://"),
        ("(1286, \"Unknown storage engine 'ROCKSDB'\")", "mariadb", "mariadb+pymysql://"),
        ("no such module: fts5", "sqlite", 'python = "'),
        ('could not extend file "base/1/2": No space left on device', "postgresql", "\ndf -h\n"),
        ("could not write: Disk quota exceeded", "postgresql", "\ndf -h\n"),
        ('(1021, "Disk full (/tmp/#sql); waiting for someone")', "mysql", "\ndf -h\n"),
        ("(3, \"Error writing file '/tmp/x' (Errcode: 28 'No space')\")", "mariadb", "\ndf -h\n"),
        ("database or disk is full", "sqlite", "\ndf -h\n"),
        ("FATAL: sorry, too many clients already", "postgresql", "max_connections"),
    ],
)
def test_what_another_server_may_have_is_to_be_set(message: str, dialect: str, said: str) -> None:
    assert said in scratch_server_advice(message, dialect) + "\n"


@pytest.mark.parametrize(
    "message",
    [
        'type "citext" does not exist',
        'relation "extensions" does not exist',
        'extension "citext" already exists',
        "no such column: module",
        "Unknown column 'a' in 'field list'",
        'column "collation" of relation "t" does not exist',
    ],
)
def test_what_no_server_would_have_is_the_migrations(message: str) -> None:
    assert scratch_server_advice(message) == ""


@pytest.mark.parametrize(
    ("message", "is_lack"),
    [
        ('extension "pgcrypto" is not available\nDETAIL:  …', True),
        ('could not access file "$libdir/timescaledb": No such file or directory', True),
        ("(1286, \"Unknown storage engine 'ROCKSDB'\")", True),
        ("no such module: fts5", True),
        ("function gen_salt(unknown) does not exist", False),
        ('extension "citext" already exists', False),
        ("no such table: games", False),
    ],
)
def test_a_lack_of_the_scratch_server_is_no_fault_of_the_commit(
    message: str, is_lack: bool
) -> None:
    """It was a finding, broken-upgrade."""
    error = {"type": "ProgrammingError", "message": message}
    assert server_lacks(Observation(error=error, phase="upgrade")) is is_lack
