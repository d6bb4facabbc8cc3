"""What a project does while it starts stays inside the dry run, or is refused with a word."""

from __future__ import annotations

import re
import shutil
import time
from importlib.util import find_spec

import pytest

from .conftest import MakeProject
from .harness import Listener, Project, Result, require
from .subfolder_project import (
    ENV,
    INIT,
    MODELS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
    processes_of,
)

ONLINE = "def run_migrations_online() -> None:\n"
CONNECT = "    with connectable.connect() as connection:\n"
RUN = "            context.run_migrations()\n"
ENGINE = """\
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )
"""


def check_start(project: Project, code: str) -> Result:
    """Give the package this code, commit it, and check a commit of something else."""
    project.write(INIT, code)
    with project.untouched():
        return change_and_check(project)


def check_env(project: Project, *changes: tuple[str, str]) -> Result:
    """Change env.py like this, and check that."""
    for old, new in changes:
        project.replace(ENV, old, new)
    with project.untouched():
        return change_and_check(project)


# What goes past SQLAlchemy.

ATTEMPTS = {
    "sqlite3": "import sqlite3; sqlite3.connect('shop.db')",
    "psycopg2": "import psycopg2; psycopg2.connect('host=127.0.0.1 port={port} dbname=prod')",
    "psycopg2 url": "import psycopg2; psycopg2.connect('postgresql://a:b@127.0.0.1:{port}/prod')",
    "psycopg": "import psycopg; psycopg.connect(host='127.0.0.1', port={port}, dbname='prod')",
    "psycopg url": "import psycopg; psycopg.connect('postgresql://a:b@127.0.0.1:{port}/prod')",
    "asyncpg": "import asyncio, asyncpg; asyncio.run(asyncpg.connect("
    "host='127.0.0.1', port={port}, user='a'))",
    "socket": "import socket; socket.create_connection(('127.0.0.1', {port}))",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM)"
    ".sendto(b'hello', ('127.0.0.1', {port}))",
    "urllib": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/')",
    "name": "import socket; socket.getaddrinfo('db.example.org', {port})",
    "name of an address": "import socket; socket.gethostbyaddr('192.0.2.7')",
    "thread": "import socket, threading\n"
    "def dial():\n    try: socket.create_connection(('127.0.0.1', {port}))\n"
    "    except OSError as error: failed.append(error)\n"
    "failed = []; one = threading.Thread(target=dial); one.start(); one.join()\n"
    "if failed: raise failed[0]",
}


def attempt(way: str, listener: Listener) -> tuple[str, str]:
    """Give the code, and the address that it wants to reach."""
    driver = way.partition(" ")[0]
    if driver in {"psycopg", "psycopg2", "asyncpg"}:
        require(find_spec(driver) is not None, f"driver {driver}")
    address = {
        "sqlite3": "shop.db",
        "name": f"db.example.org:{listener.port}",
        "name of an address": "192.0.2.7:dns",
    }
    code = ATTEMPTS[way].replace("{port}", str(listener.port))
    return code, address.get(way, f"127.0.0.1:{listener.port}")


@pytest.mark.parametrize("way", ATTEMPTS)
def test_a_connection_past_sqlalchemy_is_refused_with_its_address(
    shop: Project, listener: Listener, way: str
) -> None:
    shop.listener = listener
    code, address = attempt(way, listener)
    result = check_start(shop, code)
    assert_unjudged(result, f"connection to {address}", f'allow-connect = ["{address}"]')


@pytest.mark.parametrize(
    "way", ["sqlite3", "psycopg2", "psycopg", "socket", "name", "name of an address"]
)
def test_an_application_that_tolerates_a_dead_service_passes_and_the_service_is_named(
    shop: Project, listener: Listener, way: str
) -> None:
    shop.listener = listener
    code, address = attempt(way, listener)
    result = check_start(shop, f"try:\n    {code}\nexcept OSError:\n    pass\n")
    assert_clean(result, f"  refused (not in allow-connect): {address}\n")


def test_a_refusal_is_not_blamed_for_a_failure_that_does_not_name_it(shop: Project) -> None:
    code = "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80))\nexcept OSError:\n"
    result = check_start(shop, code + "    raise RuntimeError('no configuration') from None\n")
    assert_unjudged(result, "If it fails because these were refused", '["192.0.2.1:80"]')


@pytest.mark.parametrize("allowed", ["127.0.0.1:{port}", "127.0.0.1"])
@pytest.mark.parametrize("way", ["psycopg2", "psycopg url", "socket"])
def test_an_allowed_address_is_reached(
    shop: Project, listener: Listener, way: str, allowed: str
) -> None:
    code, address = attempt(way, listener)
    shop.environ["ALEMBIC_LOCKSTEP_ALLOW_CONNECT"] = allowed.format(port=listener.port)
    # The listener hangs up at once, which a driver does not like.
    result = check_start(shop, f"try:\n    {code}\nexcept Exception as e:\n    print(e)\n")
    assert_clean(result)
    assert listener.contacts >= 1, address


# Whose connection is whose.


def test_tables_that_the_application_makes_in_its_pooled_connection_stay_on_the_decoy(
    shop: Project,
) -> None:
    shop.write(
        "service/shop/app.py",
        "from sqlalchemy import create_engine, text\n"
        "from sqlalchemy.pool import QueuePool\n"
        "from shop.models import Base\n"
        "engine = create_engine('sqlite:///shop.db', poolclass=QueuePool, pool_size=1)\n"
        "Base.metadata.create_all(engine)\n"
        "with engine.begin() as connection:\n"
        "    connection.execute(text('CREATE TABLE seeds (id INTEGER)'))\n",
    )
    shop.stage("service/shop/app.py")
    change = (ENGINE, "    from shop.app import engine as connectable\n")
    assert_clean(check_env(shop, change), "2 revisions run from empty")


@pytest.mark.parametrize(
    "taken",
    [
        "    with app.connect() as connection:\n",
        "    with app.engine().connect() as connection:\n",
        "    with app.engine().begin() as connection:\n",
        "    with app.session()() as session:\n        connection = session.connection()\n",
    ],
)
def test_a_connection_from_a_helper_of_the_application_is_taken(shop: Project, taken: str) -> None:
    shop.write(
        "service/shop/app.py",
        "import functools\n"
        "from sqlalchemy import create_engine, text\n"
        "from sqlalchemy.orm import sessionmaker\n"
        "@functools.lru_cache\n"
        "def engine():\n    return create_engine('sqlite:///shop.db')\n"
        "def connect():\n"
        "    connection = engine().connect()\n"
        "    connection.execute(text('SELECT 1'))\n"
        "    return connection\n"
        "def session():\n    return sessionmaker(engine())\n",
    )
    shop.stage("service/shop/app.py")
    result = check_env(shop, (ENGINE, "    from shop import app\n"), (CONNECT, taken))
    assert_clean(result, "2 revisions run from empty")


def test_a_transaction_of_env_py_stands_where_the_script_location_is_relative(
    shop: Project,
) -> None:
    ini = "service/alembic.ini"
    shop.replace(ini, "script_location = %(here)s/alembic", "script_location = alembic")
    result = check_env(
        shop,
        (CONNECT, CONNECT + "        transaction = connection.begin()\n"),
        (RUN, RUN + "        transaction.commit()\n"),
    )
    assert_clean(result, "2 revisions run from empty")


def test_an_event_loop_in_a_thread_is_followed(shop: Project) -> None:
    result = check_env(
        shop,
        (ENGINE, ""),
        (
            CONNECT,
            "    import asyncio, threading\n"
            "    from sqlalchemy.ext.asyncio import create_async_engine\n"
            "    async def main():\n"
            "        engine = create_async_engine('sqlite+aiosqlite:///shop.db')\n"
            "        async with engine.connect() as connection:\n"
            "            await connection.run_sync(migrate)\n"
            "        await engine.dispose()\n"
            "    thread = threading.Thread(target=lambda: asyncio.run(main()))\n"
            "    thread.start()\n    thread.join()\n\n\n"
            "def migrate(connection):\n    if True:\n",
        ),
    )
    assert_clean(result, "2 revisions")


def test_an_env_py_for_a_worker_thread_of_an_event_loop_runs_in_one(shop: Project) -> None:
    # As Prefect has it, whose own command starts Alembic in such a thread.
    shop.replace(ENV, "    run_migrations_online()\n", "    from_thread.run(main)\n")
    shop.replace(ENV, "from alembic import context\n", "from alembic import context\n" + ASYNC)
    shop.add_column()
    shop.stage(".")
    with shop.untouched():
        result = shop.check()
    assert_finding(result, "missing-migration: column orders.paid")


ASYNC = """\
from anyio import from_thread
from sqlalchemy.ext.asyncio import create_async_engine


async def main():
    engine = create_async_engine("sqlite+aiosqlite:///shop.db")
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


def migrate(connection):
    context.configure(connection=connection, target_metadata=target_metadata)
    with context.begin_transaction():
        context.run_migrations()


"""

CREATOR = (
    "    import sqlite3\n    from sqlalchemy import create_engine\n"
    "    connectable = create_engine('sqlite://', creator=lambda: sqlite3.connect('shop.db'))\n"
)
LATER = (
    "    import sqlite3\n    from sqlalchemy import create_engine\n"
    "    connectable = create_engine('sqlite://')\n"
    "    connectable.pool._creator = lambda: sqlite3.connect('shop.db')\n"
)


def test_an_engine_with_its_own_creator_gets_the_scratch_database(shop: Project) -> None:
    with shop.untouched():
        assert_clean(check_env(shop, (ENGINE, CREATOR)), "2 revisions")
    shop.add_column()
    assert_finding(change_and_check(shop), "missing-migration")


def test_a_creator_that_an_engine_is_given_later_is_refused(shop: Project) -> None:
    assert_unjudged(check_env(shop, (ENGINE, LATER)), "connection to shop.db")


def test_a_creator_that_an_engine_is_given_later_and_is_allowed_is_not_migrated(
    shop: Project,
) -> None:
    shop.environ["ALEMBIC_LOCKSTEP_ALLOW_CONNECT"] = "shop.db"
    assert_unjudged(check_env(shop, (ENGINE, LATER)), "does not upgrade it")


def test_migrations_that_open_engines_of_their_own_get_the_scratch_database(
    shop: Project,
) -> None:
    look = (
        "print('ROWS', sa.create_engine('sqlite:///shop.db').connect()"
        ".exec_driver_sql('SELECT count(*) FROM orders').scalar())"
    )
    path = add_migration(shop, "bbbbbbbbbbbb", upgrade=look)
    with shop.untouched():
        assert_clean(shop.check(), "3 revisions")
    assert shop.read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        pytest.param(
            "            context.run_migrations()\n\n\nif",
            "            pass\n\n\nif",
            "never called context.run_migrations()",
            id="never migrates",
        ),
        pytest.param(
            "target_metadata = Base.metadata",
            "target_metadata = None",
            "no target_metadata",
            id="no metadata",
        ),
        pytest.param(ONLINE, ONLINE + "    raise SystemExit(0)\n", "SystemExit: 0", id="exit 0"),
        pytest.param(
            ONLINE,
            ONLINE + "    import sys; sys.exit('The vault is closed')\n",
            "SystemExit: The vault is closed",
            id="exit with words",
        ),
        pytest.param(
            ONLINE, ONLINE + "    import os; os._exit(0)\n", "exit code 0", id="hard exit"
        ),
        pytest.param(
            ONLINE, ONLINE + "    raise KeyboardInterrupt\n", "KeyboardInterrupt", id="interrupt"
        ),
        pytest.param(
            ONLINE,
            ONLINE + "    import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n",
            "SIGSEGV",
            id="crash",
        ),
        pytest.param(
            "if context.is_offline_mode():\n    run_migrations_offline()\nelse:\n",
            "run_migrations_offline()\nif False:\n",
            "without a connection",
            id="offline only",
        ),
        pytest.param(ONLINE, ONLINE + "    raise Exception\n", "Exception", id="no words"),
        pytest.param(
            ONLINE,
            ONLINE + "    raise ExceptionGroup('two', [ValueError('one'), OSError('other')])\n",
            "two",
            id="group",
        ),
        pytest.param(ONLINE, ONLINE + "    def (\n", f"{ENV}:", id="syntax error"),
    ],
)
def test_an_env_that_does_not_migrate_cannot_be_judged(
    shop: Project, old: str, new: str, said: str
) -> None:
    assert_unjudged(check_env(shop, (old, new)), said)


def test_an_application_without_models_in_its_metadata_is_a_difference(shop: Project) -> None:
    result = check_env(
        shop,
        ("target_metadata = Base.metadata", "target_metadata = [type(Base.metadata)()]"),
    )
    assert_finding(result, "orders", "customers")
    # A table goes before those to which its foreign keys lead.
    dropped = re.findall(r"op.drop_table\('(\w+)'\)", result.output)
    assert dropped == ["orders", "customers"]


# Streams, directories, imports.


@pytest.mark.parametrize(
    "code",
    [
        'print(\'{"event": "done"}\')',
        'import os; os.write(1, b\'{"event": "done"}\\n\')',
        "import sys; sys.__stdout__.write('hello\\n')",
        "import subprocess; subprocess.run(['echo', '{\"event\": \"done\"}'])",
        "import sys; assert sys.stdin.read() == ''",
        "import os; assert os.read(0, 10) == b''",
        "import subprocess; assert subprocess.run(['cat'], capture_output=True).stdout == b''",
        "import sys; sys.stdout.close()",
        "import os; os.close(0); os.close(1)",
        "import os; os.chdir('/')",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import sys; sys.setrecursionlimit(500)",
        "import sys; sys.argv[:] = []",
        "import os; os.environ.clear()",
        "import os; os.umask(0o777)",
        "import sys; sys.excepthook = None; sys.stdout = sys.stderr = None",
        "import warnings; warnings.simplefilter('error')",
        "import socket; socket.setdefaulttimeout(0.001)",
    ],
)
def test_an_application_with_manners_of_its_own_is_judged(shop: Project, code: str) -> None:
    assert_clean(check_start(shop, code + "\n"), "2 revisions")


def test_what_the_project_printed_is_shown_when_it_fails_only(shop: Project) -> None:
    quiet = check_start(shop, "print('Hello from the shop')\n")
    assert_clean(quiet)
    assert "Hello" not in quiet.output
    result = check_start(shop, "print('Hello from the shop')\n1 / 0\n")
    assert_unjudged(result, "Hello from the shop", "ZeroDivisionError", f"{INIT}:2")


def test_an_ignored_variable_file_is_seen(shop: Project) -> None:
    shop.write(".gitignore", shop.read(".gitignore") + "\n.env\nservice/.env\n")
    shop.write("service/.env", "colour=blue\n")
    shop.stage(".gitignore")
    assert_clean(check_start(shop, "assert open('.env').read() == 'colour=blue\\n'\n"))


@pytest.mark.parametrize("ignored", [False, True], ids=["untracked", "ignored"])
def test_a_module_on_disk_is_seen_if_it_is_ignored_and_else_named(
    shop: Project, ignored: bool
) -> None:
    shop.write("service/shop/version.py", "NUMBER = 1\n")
    if ignored:
        shop.write(".gitignore", shop.read(".gitignore") + "\nversion.py\n")
        shop.stage(".gitignore")
    result = check_start(shop, "from shop.version import NUMBER\n")
    if ignored:
        assert_clean(result)
    else:
        assert_unjudged(result, "shop.version", "git add :/service/shop/version.py")


def test_an_untracked_module_that_is_imported_relatively_is_named(shop: Project) -> None:
    shop.write("service/shop/version.py", "NUMBER = 1\n")
    assert_unjudged(
        check_start(shop, "from . import version\n"), "git add :/service/shop/version.py"
    )


def test_a_folder_of_the_working_tree_on_the_path_is_the_checkouts(shop: Project) -> None:
    shop.write("extra/colours.py", "BLUE = 1\n")
    shop.stage("extra/colours.py")
    shop.write("extra/colours.py", "raise RuntimeError('not staged')\n")
    folder = str(shop.root / "extra")
    shop.write(INIT, f"import sys; sys.path.insert(0, {folder!r})\nimport colours\n")
    shop.stage(INIT)
    assert_clean(shop.check())


def test_a_module_executed_from_the_working_tree_cannot_be_judged(shop: Project) -> None:
    shop.write("extra/colours.py", "BLUE = 1\n")
    shop.stage("extra/colours.py")
    code = (
        "import importlib.util as u, sys\n"
        f"s = u.spec_from_file_location('colours', {str(shop.root / 'extra/colours.py')!r})\n"
        "m = u.module_from_spec(s); s.loader.exec_module(m); sys.modules['colours'] = m\n"
    )
    assert_unjudged(check_start(shop, code), "extra/colours.py", "working tree")


#: As the console script: the current directory is not on its path, which `-m` puts there.
INSTALLED = "import sys; sys.path.pop(0); from alembic_lockstep.cli import entry; entry()"


@pytest.mark.parametrize("name", ["typing", "queue", "json", "traceback", "alembic_lockstep"])
def test_a_module_of_the_project_with_a_name_of_the_standard_library_does_no_harm(
    shop: Project, name: str
) -> None:
    for folder in ("", "service/"):
        shop.write(f"{folder}{name}.py", "raise RuntimeError('not this one')\n")
        shop.stage(f"{folder}{name}.py")
    shop.start_check = ("-c", INSTALLED)
    assert_clean(change_and_check(shop))


@pytest.mark.parametrize(
    "code",
    [
        "subprocess.Popen(['sleep', '4242'])",
        "subprocess.Popen(['sleep', '4242'], stdout=subprocess.PIPE, stdin=subprocess.PIPE)",
        "threading.Thread(target=lambda: subprocess.run(['sleep', '4242'])).start()",
        "threading.Thread(target=time.sleep, args=(4242,)).start()",
        "atexit.register(time.sleep, 4242)",
        # Children that hold the pipe to the host.
        "multiprocessing.Process(target=time.sleep, args=(4242,), daemon=True).start()",
        "pool = ProcessPoolExecutor(1); pool.submit(time.sleep, 4242)",
        "manager = multiprocessing.Manager()",
        "subprocess.Popen(['sleep', '4242'], start_new_session=True)",
        "os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(4242))",
    ],
)
def test_nothing_that_the_application_starts_outlives_the_hook(shop: Project, code: str) -> None:
    shop.environ["TMPDIR"] = "/tmp"  # a path below it is a socket's name, of 107 bytes at most
    imports = "import atexit, multiprocessing, os, subprocess, sys, threading, time\n"
    pool = "from concurrent.futures import ProcessPoolExecutor\n"
    code = f"{imports}{pool}print(sys.path)\n{code}\n"
    began = time.monotonic()
    assert_clean(check_start(shop, code))
    assert time.monotonic() - began < 30
    assert not processes_of(shop)


def test_writing_into_an_ignored_file_does_not_change_the_users(shop: Project) -> None:
    shop.write(".gitignore", shop.read(".gitignore") + "\nstate.txt\ncache/\n")
    shop.stage(".gitignore")
    shop.write("service/state.txt", "precious\n")
    assert_clean(check_start(shop, "open('state.txt', 'w').write('spoilt')\n"))
    assert shop.read("service/state.txt") == "precious\n"


def test_new_files_of_the_application_do_not_come_into_the_working_tree(shop: Project) -> None:
    before = shop.git("status", "--short", "--ignored")
    code = "import os; open('new.txt', 'w'); os.mkdir('uploads'); open('uploads/a', 'w')\n"
    assert_clean(check_start(shop, code))
    shop.git("reset", "--quiet", "--hard")
    (shop.root / "notes.txt").unlink(missing_ok=True)
    assert shop.git("status", "--short", "--ignored") == before


def test_models_are_those_that_are_staged_although_the_application_inserts_its_folder(
    shop: Project,
) -> None:
    original = shop.read(MODELS)
    where = shop.add_column()
    shop.stage(MODELS)
    shop.write(MODELS, original)
    insert = "import os, sys; sys.path.insert(0, os.getcwd())\nfrom shop.models"
    shop.replace(ENV, "from shop.models", insert)
    shop.stage(ENV)
    assert_finding(shop.check(), where, "missing-migration")


def test_an_installed_copy_is_not_taken_for_the_commit(make_project: MakeProject) -> None:
    project = make_project("src_layout")
    (libraries,) = (project.root / ".venv").glob("lib/python*/site-packages")
    (libraries / "__editable__.inventory-1.0.0.pth").unlink()
    shutil.copytree(project.root / "src/inventory", libraries / "inventory")
    project.add_column()
    project.git("add", "--update")
    result = project.check()
    assert_unjudged(result, "installed copy", "src/inventory/models.py", "pip install -e .")
