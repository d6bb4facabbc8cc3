"""What a project does to the user's files, programs, databases where only the probe guards them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from .conftest import MakeProject
from .harness import SCRATCH_SERVER, Project, fingerprints, require, server_answers
from .subfolder_project import INIT, add_migration, assert_clean, assert_unjudged
from .test_isolation import check_start

NEW = "bbbbbbbbbbbb"
RAN = "3 revisions run from empty"


@pytest.fixture
def shop(shop: Project) -> Project:
    """The shop, guarded by the probe only."""
    shop.environ["ALEMBIC_LOCKSTEP_GUARD"] = "python"
    return shop


@pytest.fixture
def user_home(shop: Project) -> Path:
    return Path(shop.environ["HOME"])


def contents(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Give inode, modification time and content of each file."""
    return {
        str(file): (file.stat().st_ino, file.stat().st_mtime_ns, file.read_bytes())
        for file in folder.rglob("*")
        if file.is_file()
    }


# Files.


def test_an_application_that_renames_its_database_when_tables_are_missing(shop: Project) -> None:
    # As pgAdmin does: its connection sees the decoy, which is empty.
    inode = shop.database.stat().st_ino
    code = (
        "import os, sqlalchemy as sa\n"
        f"DATABASE = {str(shop.database)!r}\n"
        "engine = sa.create_engine('sqlite:///' + DATABASE)\n"
        "if not sa.inspect(engine).has_table('customers'):\n"
        "    os.rename(DATABASE, DATABASE + '.old')\n"
        "assert os.path.exists(DATABASE + '.old') and not os.path.exists(DATABASE)\n"
    )
    assert_clean(check_start(shop, code), "2 revisions run from empty")
    assert shop.database.stat().st_ino == inode
    assert not shop.database.with_name(shop.database.name + ".old").exists()


def test_a_log_below_the_home_folder_is_appended_to_and_rotated(
    shop: Project, user_home: Path
) -> None:
    (user_home / "logs").mkdir()
    (user_home / "logs/app.log").write_text("of yesterday\n")
    before = contents(user_home / "logs")
    code = (
        "import logging.handlers, os\n"
        "name = os.path.expanduser('~/logs/app.log')\n"
        "log = logging.getLogger('shop')\n"
        "log.addHandler(logging.handlers.RotatingFileHandler(name, maxBytes=30, backupCount=2))\n"
        "for number in range(4): log.warning('started %d', number)\n"
        "assert os.path.exists(name + '.2')\n"
    )
    assert_clean(check_start(shop, code), "2 revisions run from empty")
    assert contents(user_home / "logs") == before


def test_a_configuration_is_made_below_the_home_folder_and_read_back(
    shop: Project, user_home: Path
) -> None:
    code = (
        "import configparser, pathlib\n"
        "folder = pathlib.Path.home() / '.app'\n"
        "folder.mkdir(exist_ok=True)\n"
        "with open(folder / 'config.ini', 'w') as file: file.write('[app]\\nname = shop\\n')\n"
        "parser = configparser.ConfigParser()\n"
        "assert parser.read(folder / 'config.ini') and parser['app']['name'] == 'shop'\n"
        "assert [one.name for one in folder.iterdir()] == ['config.ini']\n"
    )
    for _ in range(2):  # what a run left is gone in the next
        assert_clean(
            check_start(shop, f"import os\nassert not os.path.exists('{user_home}/.app')\n{code}")
        )
        shop.write(INIT, "")
    assert not (user_home / ".app").exists()


def test_a_folder_of_the_users_is_removed(shop: Project, user_home: Path) -> None:
    (user_home / "uploads/old").mkdir(parents=True)
    (user_home / "uploads/old/picture").write_text("precious")
    before = contents(user_home / "uploads")
    code = (
        "import os, shutil\nfolder = os.path.expanduser('~/uploads')\n"
        "shutil.rmtree(folder)\nassert not os.path.exists(folder)\n"
        "os.makedirs(folder + '/new')\nassert os.listdir(folder) == ['new']\n"
    )
    assert_clean(check_start(shop, code), "2 revisions run from empty")
    assert contents(user_home / "uploads") == before


def test_an_ignored_folder_that_is_a_link_is_written_to(shop: Project) -> None:
    shop.write(".gitignore", shop.read(".gitignore") + "\ninstance/\n")
    shop.stage(".gitignore")
    shop.write("service/instance/uploads.txt", "precious\n")
    before = contents(shop.root / "service/instance")
    code = (
        "import os\nopen('instance/uploads.txt', 'a').write('more\\n')\n"
        "assert open('instance/uploads.txt').read() == 'precious\\nmore\\n'\n"
        "open('instance/new.txt', 'w'); os.remove('instance/uploads.txt')\n"
        "assert os.listdir('instance') == ['new.txt']\n"
    )
    assert_clean(check_start(shop, code), "2 revisions run from empty")
    assert contents(shop.root / "service/instance") == before


def test_what_has_no_copy_is_refused_with_the_line_and_the_setting(
    shop: Project, user_home: Path
) -> None:
    (user_home / "state").write_text("precious")
    code = f"import io\n\nio.FileIO({str(user_home / 'state')!r}, 'w').write(b'spoilt')\n"
    result = check_start(shop, code)
    said = ("refused open of", f"{INIT}:3", f'allow-write = ["{user_home / "state"}"]')
    assert_unjudged(result, *said)
    assert (user_home / "state").read_text() == "precious"
    shop.environ["ALEMBIC_LOCKSTEP_ALLOW_WRITE"] = str(user_home / "state")
    assert_clean(check_start(shop, code))
    assert (user_home / "state").read_text() == "spoilt"


def test_a_tolerated_refusal_is_named_in_the_summary(shop: Project, user_home: Path) -> None:
    code = f"import io\ntry: io.FileIO('{user_home}/state', 'w')\nexcept OSError: pass\n"
    result = check_start(shop, code)
    assert_clean(result, f"  refused (not in allow-write): {user_home}/state\n")


def test_temporary_files_are_made_in_a_folder_of_the_run(shop: Project) -> None:
    code = (
        "import os, tempfile\nwith tempfile.NamedTemporaryFile() as file: pass\n"
        "assert tempfile.gettempdir() == os.environ['TMPDIR']\n"
        "assert not os.listdir(os.environ['TMPDIR'])\n"
        "open(os.path.join(tempfile.gettempdir(), 'left'), 'w')\n"
    )
    for _ in range(2):
        assert_clean(check_start(shop, code))
        shop.write(INIT, "")


# What SQLite opens by statements.

LISTENER = """\
from sqlalchemy import event
from sqlalchemy.engine import Engine


@event.listens_for(Engine, "connect")
def attach(connection, record):
    cursor = connection.cursor()
    cursor.execute({statement!r})
    cursor.close()
"""


@pytest.fixture
def stats(shop: Project) -> Path:
    """A second SQLite file of the user's, in an ignored folder."""
    shop.write(".gitignore", shop.read(".gitignore") + "\ninstance/\n")
    shop.stage(".gitignore")
    (shop.root / "service/instance").mkdir()
    path = shop.root / "service/instance/stats.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE hits (number INTEGER)")
    connection.close()
    return path


@pytest.mark.parametrize("name", ["'{}'", '"{}"', "'instance/stats.db'"])
def test_an_attached_file_is_a_copy(shop: Project, stats: Path, name: str) -> None:
    before = fingerprints(stats)
    statement = f"ATTACH DATABASE {name.format(stats)} AS stats"
    shop.write(INIT, LISTENER.format(statement=statement))
    shop.stage(INIT)
    add_migration(shop, NEW, upgrade="op.execute('DROP TABLE stats.hits')")
    with shop.untouched():
        assert_clean(shop.check(), RAN)
    assert fingerprints(stats) == before


@pytest.mark.parametrize(
    "upgrade",
    [
        "op.get_bind().connection.driver_connection.commit(); "
        "op.get_bind().exec_driver_sql('ATTACH ? AS s', ({path},)); "
        "op.execute('CREATE TABLE s.more (id INTEGER)')",
        "op.get_bind().connection.driver_connection.executescript("
        '"ATTACH {path} AS s; DROP TABLE s.hits;")',
        'op.get_bind().connection.driver_connection.executescript("VACUUM INTO {new}")',
    ],
)
def test_a_migration_that_opens_another_file(shop: Project, stats: Path, upgrade: str) -> None:
    before = fingerprints(stats)
    new = stats.with_name("new.db")
    add_migration(shop, NEW, upgrade=upgrade.format(path=repr(str(stats)), new=repr(str(new))))
    with shop.untouched():
        assert_clean(shop.check(), RAN)
    assert fingerprints(stats) == before
    assert not new.exists()


# Programs.


@pytest.mark.parametrize(
    ("call", "program"),
    [
        ("subprocess.run(['psql', 'postgresql://localhost/prod', '-f', 'schema.sql'])", "psql"),
        ("os.system('mysql -u root prod < dump.sql')", "mysql"),
        ("subprocess.run('cd sql && sqlite3 shop.db < dump.sql', shell=True)", "sqlite3"),
    ],
)
def test_a_database_client_is_refused_with_what_to_write_instead(
    shop: Project, call: str, program: str
) -> None:
    path = add_migration(shop, NEW, upgrade=f"import os, subprocess; {call}")
    with shop.untouched():
        result = shop.check()
    assert f"refused to start {program} by" in result.output
    assert f"{path}:12" in result.output
    assert "op.execute(" in result.output
    assert result.returncode == 1  # broken-upgrade


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'alembic', 'upgrade', 'head'], check=True)",
        "import os\nos.system('curl http://localhost/')",
        "import os\nos.popen('./deploy --version')",
        "import os, sys\nos.execv(sys.executable, [sys.executable, '-c', 'print(1)'])",
        "import os, sys\nos.spawnv(os.P_WAIT, sys.executable, [sys.executable, '-c', ''])",
        "import os, sys\nos.posix_spawn(sys.executable, [sys.executable, '-c', ''], {})",
        "import pty, sys\npty.spawn([sys.executable, '-c', ''])",
        "import subprocess\nsubprocess.run('echo $(touch x)', shell=True)",
        "import subprocess\nsubprocess.run(['git', 'push'])",
        "import multiprocessing as m\n"
        "p = m.get_context('spawn').Process(target=print)\np.start(); p.join()",
    ],
)
def test_a_program_that_is_not_known_to_be_harmless_is_refused(shop: Project, code: str) -> None:
    assert_unjudged(check_start(shop, code + "\n"), "refused to start", "allow-run = [", f"{INIT}:")


def test_a_program_of_the_settings_is_started_and_a_refused_one_is_named(shop: Project) -> None:
    code = (
        "import subprocess\ntry: subprocess.run(['touch', 'x'], check=True)\nexcept OSError: pass"
    )
    assert_clean(check_start(shop, code), "  refused (not in allow-run): touch\n")
    shop.environ["ALEMBIC_LOCKSTEP_ALLOW_RUN"] = "touch"
    shop.write(INIT, "")
    assert "allow-run" not in check_start(shop, code + "\nassert open('x')\n").output


def test_what_projects_ask_their_machine_for_is_answered(shop: Project) -> None:
    code = (
        "import ctypes.util, os, platform, subprocess, uuid\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "import multiprocessing\n"
        "subprocess.check_output(['git', '--version'])\n"
        "os.popen('uname -a 2>/dev/null | cat').read()\n"
        "ctypes.util.find_library('c'); platform.libc_ver(); uuid.getnode()\n"
        "subprocess.run('LC_ALL=C date +%s > /dev/null && true', shell=True, check=True)\n"
        "fork = multiprocessing.get_context('fork')\n"
        "pool = ProcessPoolExecutor(1, mp_context=fork)\n"
        "assert pool.submit(abs, -1).result() == 1\npool.shutdown()\n"
    )
    result = check_start(shop, code)
    assert_clean(result)
    assert "refused" not in result.output


# Connections.


@pytest.fixture
def other_database() -> Iterator[str]:
    """A database of the developer's on the server that makes the scratch databases."""
    require(server_answers(), "PostgreSQL server")
    import psycopg

    name = f"dev_{uuid4().hex[:12]}"
    with psycopg.connect(SCRATCH_SERVER, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield SCRATCH_SERVER.rpartition("/")[0] + f"/{name}"
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg", "asyncpg"])
def test_another_database_of_the_scratch_server_is_not_reached(
    make_project: MakeProject, other_database: str, driver: str
) -> None:
    url = f"postgresql+{driver}://app:secret@db.invalid/prod"
    project = make_project("subfolder", config_url=url.replace("asyncpg", "psycopg"), hook=None)
    project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = SCRATCH_SERVER
    statement = "CREATE TABLE spoilt (id INTEGER)"
    dial = (
        f"import asyncio, asyncpg; asyncio.run(asyncpg.connect({other_database!r}))"
        if driver == "asyncpg"
        else f"import {driver}; c = {driver}.connect({other_database!r}); "
        f"c.cursor().execute({statement!r}); c.commit()"
    )
    add_migration(project, NEW, upgrade=dial)
    result = project.check()
    assert result.returncode == 1, result.output
    assert "alembic-lockstep refused a connection to" in result.output
    import psycopg

    with psycopg.connect(other_database) as connection:
        row = connection.execute("SELECT to_regclass('spoilt')").fetchone()
    assert row == (None,)


def test_advice_has_no_path_of_the_checkout(shop: Project) -> None:
    code = "import os, sqlite3\nsqlite3.connect(os.path.abspath('shop.db'))\n"
    result = check_start(shop, code)
    assert_unjudged(result, 'allow-connect = ["service/shop.db"]')
    assert str(shop.root / ".git") not in result.output


def test_an_application_that_looks_at_its_new_database_file_finds_one(shop: Project) -> None:
    """As pgAdmin does, which sets the mode of the file when its tables have been made."""
    code = (
        "import os, sqlalchemy\n"
        "place = os.path.expanduser('~/new.db')\n"
        "sqlalchemy.create_engine('sqlite:///' + place).connect().close()\n"
        "os.chmod(place, 0o600)\n"
    )
    assert_clean(check_start(shop, code), "2 revisions")
    assert not Path(shop.environ["HOME"], "new.db").exists()
