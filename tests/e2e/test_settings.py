"""Settings, arguments, states of git: each judged, or one clear message and exit code 2."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shlex import quote

import pytest

from .conftest import MakeProject
from .harness import (
    SERVER_OF_PRODUCTION,
    Listener,
    Project,
    Result,
    force_postgres,
    require,
    run,
    server_answers,
    workplace,
)
from .subfolder_project import (
    ADD_PAID,
    ENV,
    FIRST,
    FIRST_FILE,
    HEAD_FILE,
    INIT,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    assert_unjudged,
    change_and_check,
    processes_of,
)
from .typed_advice import follow
from .virtual_environments import make_venv


def tool(project: Project, *arguments: str, cwd: Path | None = None) -> Result:
    command = (sys.executable, *project.start_check, *arguments)
    return run(command, cwd=cwd or project.root, environ=project.environ)


def configure(project: Project, settings: str) -> None:
    project.write("pyproject.toml", f"[tool.alembic-lockstep]\n{settings}\n")
    project.stage("pyproject.toml")


# Settings.


def test_a_variable_that_is_not_set_is_named_and_can_be_set(shop: Project) -> None:
    shop.write(INIT, "import os\nMODE = os.environ['SHOP_MODE']\n")
    assert_unjudged(change_and_check(shop), "[tool.alembic-lockstep.env]\n    SHOP_MODE = ")
    configure(shop, 'env = { SHOP_MODE = "test" }')
    assert_clean(shop.check())


def test_a_run_that_takes_too_long_is_ended(shop: Project) -> None:
    shop.write(INIT, "import subprocess\nsubprocess.run(['sleep', '4242'])\n")
    configure(shop, "timeout = 2")
    assert_unjudged(change_and_check(shop), "longer than 2 seconds", "timeout = ")
    assert not processes_of(shop)


def test_base_models_as_the_start(shop: Project) -> None:
    configure(shop, 'start = "base-models"')
    shop.add_column()
    shop.stage(MODELS)
    assert_finding(shop.check(), "missing-migration", "from the base's models")
    add_migration(shop, "bbbbbbbbbbbb", upgrade=ADD_PAID)
    assert_clean(shop.check(), "1 revision run from the base's models")


def write_schema(project: Project) -> None:
    """Write what makes a database at the first revision, as a dump does it."""
    script = project.alembic("upgrade", FIRST, "--sql")
    assert script.returncode == 0, script.output
    dumped = "SELECT pg_catalog.set_config('search_path', '', false);\n"
    restricted = "\\restrict Ab12\n" + script.stdout + dumped + "\\unrestrict Ab12\n"
    project.write(
        "schema.sql",
        restricted if "postgresql" in project.read("service/alembic.ini") else script.stdout,
    )
    configure(project, 'start = "schema.sql"')
    project.stage("schema.sql")


def test_a_file_as_the_start(shop: Project) -> None:
    write_schema(shop)
    assert_clean(shop.check(), "1 revision run from schema.sql on SQLite")


def test_a_dump_of_postgresql_as_the_start(shop_on_postgresql: Project) -> None:
    write_schema(shop_on_postgresql)
    result = shop_on_postgresql.check()
    assert_clean(result, "1 revision run from schema.sql on PostgreSQL")


def test_a_file_as_the_start_over_asyncpg(make_project: MakeProject) -> None:
    require(server_answers(), "PostgreSQL server")
    url = f"postgresql+asyncpg://{SERVER_OF_PRODUCTION}"
    notes = make_project("async_settings", config_url=url, hook=None)
    force_postgres(notes.environ, "url")
    notes.write("schema.sql", notes.alembic("upgrade", "c20d7e5f1b94", "--sql").stdout)
    configure(notes, 'start = "schema.sql"')
    notes.stage("schema.sql")
    assert_clean(notes.check(), "1 revision run from schema.sql on PostgreSQL")


def test_a_file_to_start_from_that_is_not_there_cannot_be_judged(shop: Project) -> None:
    configure(shop, 'start = "schema.sql"')
    assert_unjudged(shop.check(), "Write schema.sql, or unset start.")
    shop.write("schema.sql", shop.alembic("upgrade", FIRST, "--sql").stdout)
    result = shop.check()
    assert_unjudged(result, "start", "schema.sql", "git add :/schema.sql")
    assert_clean(follow(shop, result), "1 revision run from schema.sql")


def test_a_file_to_start_from_that_fails_cannot_be_judged(shop: Project) -> None:
    configure(shop, 'start = "schema.sql"')
    shop.write("schema.sql", "SELEKT 1;\n")
    shop.stage("schema.sql")
    assert_unjudged(shop.check(), "setting `start`", 'near "SELEKT"')


def test_an_extension_comes_from_the_setup(shop_on_postgresql: Project) -> None:
    project = shop_on_postgresql
    column = "    nick: Mapped[Optional[str]] = mapped_column(CITEXT)\n"
    after = "    name: Mapped[Optional[str]] = mapped_column(String(100))\n"
    project.replace(MODELS, after, after + column)
    imported = "from sqlalchemy.dialects.postgresql import CITEXT\n"
    project.replace(MODELS, "from sqlalchemy.orm", imported + "from sqlalchemy.orm")
    project.stage(MODELS)
    citext = "from sqlalchemy.dialects.postgresql import CITEXT as c;"
    add = " op.add_column('customers', sa.Column('nick', c))"
    add_migration(project, "bbbbbbbbbbbb", upgrade=citext + add)
    assert_finding(project.check(), "broken-upgrade", 'type "citext" does not exist')
    configure(project, 'scratch.setup = ["CREATE EXTENSION citext"]')
    assert_clean(project.check(), "3 revisions")


# Elsewhere, as in a container.


@pytest.fixture
def contained(shop: Project, tmp_path: Path) -> Project:
    """The project with a Python that runs elsewhere, on a copy that is out of date."""
    app = tmp_path / "container" / "app"
    shutil.copytree(shop.root / "service", app)
    (app / "shop" / "models.py").write_text("raise RuntimeError('out of date')\n")
    make_venv(tmp_path / "container" / "venv", app)
    (tmp_path / "container" / "tmp").mkdir()
    away = f"TMPDIR={tmp_path / 'container' / 'tmp'}"
    prefix = ["env", "-C", str(app), "-i", "PATH=/usr/bin:/bin", away]
    python = str(tmp_path / "container" / "venv" / "bin" / "python")
    configure(shop, f"run = {json.dumps(prefix)}\npython = {json.dumps(python)}")
    shutil.rmtree(shop.root / ".venv")
    return shop


def left_in_container(project: Project) -> list[Path]:
    return list((project.root.parent.parent / "container" / "tmp").iterdir())


def test_elsewhere_the_archive_is_judged_and_nothing_of_it_stays(contained: Project) -> None:
    contained.write(
        INIT,
        "import os, sys\n"
        f"known = repr((sys.path, os.environ, os.getcwd(), sys.argv))\n"
        f"assert {str(contained.root)!r} not in known, known\n",
    )
    assert_clean(change_and_check(contained), "2 revisions")
    where = contained.add_column()
    contained.stage(MODELS)
    assert_finding(contained.check(), where, "missing-migration")
    add_migration(contained, "bbbbbbbbbbbb", upgrade=ADD_PAID)
    assert_clean(contained.check(), "3 revisions")
    assert not left_in_container(contained)


def test_elsewhere_a_relative_python_is_of_the_root(shop: Project) -> None:
    """Started from a subfolder, `docker compose` did not find its file, nor `env` this Python."""
    configure(shop, 'run = ["env", "SECRET=1"]\npython = ".venv/bin/python"')
    shop.environ["ALEMBIC_LOCKSTEP_ENV"] = "PYTHONPATH=."
    words = (sys.executable, "-m", "alembic_lockstep", "check")
    below = run(words, cwd=shop.root / "service", environ=shop.environ)
    assert_clean(below, "2 revisions")


def test_elsewhere_old_migrations_that_take_what_changes_are_named(contained: Project) -> None:
    contained.git("rm", "--quiet", FIRST_FILE, HEAD_FILE)
    upgrade = "import shop.models as m; m.Base.metadata.create_all(op.get_bind())"
    add_migration(contained, "aaaaaaaaaaaa", None, upgrade=upgrade)
    contained.stage(".")
    contained.git("commit", "--quiet", "-m", "A baseline")
    contained.add_column()
    contained.stage(MODELS)
    note = "take from service/shop/models.py, which this commit changes: they ran in this commit's"
    assert_clean(contained.check(), note, "a difference may be hidden")


def test_elsewhere_a_failure_names_files_of_the_repository(contained: Project) -> None:
    contained.write(INIT, "1 / 0\n")
    result = change_and_check(contained)
    assert_unjudged(result, "ZeroDivisionError", f"({INIT}:1)", f'File "{INIT}", line 1')
    assert not left_in_container(contained)


def test_elsewhere_a_run_that_takes_too_long_is_ended(contained: Project) -> None:
    contained.write(INIT, "import time; time.sleep(4242)\n")
    contained.environ["ALEMBIC_LOCKSTEP_TIMEOUT"] = "2"
    assert_unjudged(change_and_check(contained), "longer than 2 seconds")


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ('["sh", "-c", "echo no such service: backend >&2; exit 7"]', "no such service: backend"),
        ('["true"]', "exit code 0"),
        ('["echo", "hello"]', "hello"),
    ],
)
def test_a_prefix_that_does_not_work_cannot_be_judged(
    shop: Project, prefix: str, said: str
) -> None:
    configure(shop, f"run = {prefix}")
    assert_unjudged(shop.check(), said)


def test_the_python_of_the_setting_is_the_one(shop: Project) -> None:
    make_venv(shop.root / "tools" / "env")
    shop.write(".gitignore", shop.read(".gitignore") + "\ntools/\n")
    shop.write(INIT, "import sys\nassert 'tools' in sys.prefix, sys.prefix\n")
    configure(shop, 'python = "tools/env"')
    assert_clean(change_and_check(shop))
    (shop.root / "pyproject.toml").write_text("")
    assert_unjudged(change_and_check(shop), "AssertionError")
    assert_clean(change_and_check(shop, "--python", "tools/env/bin/python"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('flaskapp = "app"', "did you mean 'flask-app'?"),
        ("timeout = 0", "'timeout' must be a number of seconds above 0"),
        ('start = "models"', '\'start\' must be "replay", "base-models"'),
        ('python = "no/such/python"', "no/such/python, which does not exist"),
        ('config = ["no/such.ini"]', "no/such.ini"),
        ('scratch.url = ["postgresql://"]', "did you mean 'scratch.urls'?"),
        ("timeout = ", "pyproject.toml is not valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(shop: Project, settings: str, said: str) -> None:
    configure(shop, settings)
    assert_unjudged(shop.check(), said)


def test_a_python_that_does_not_exist_leads_to_the_one_that_does(shop: Project) -> None:
    configure(shop, 'python = ".venv/bin/pyhton"\ntimeout = 90')
    result = shop.check()
    assert_unjudged(result, "which does not exist below", 'python = ".venv"\n')
    assert_clean(follow(shop, result))


def test_the_config_of_the_setting_is_the_one(shop: Project) -> None:
    shop.write("other/alembic.ini", "[alembic]\nscript_location = nowhere\n")
    shop.stage("other/alembic.ini")
    configure(shop, 'config = ["service/alembic.ini"]')
    assert_clean(shop.check())
    assert_clean(shop.check("--config", "service/alembic.ini"))


def test_the_flask_application_of_the_setting_is_the_one(trivia: Project) -> None:
    configure(trivia, 'flask-app = "backend.app:create_app"')
    assert_clean(trivia.check())
    result = trivia.check("--flask-app", "backend.app:create_application")
    assert_unjudged(result, "create_application")


# Arguments and formats.


def two_commits(project: Project) -> None:
    project.add_column()
    project.git("commit", "--quiet", "--all", "-m", "Paid")
    add_migration(project, "bbbbbbbbbbbb", upgrade=ADD_PAID)
    project.git("commit", "--quiet", "-m", "The migration")


def test_two_commits_are_judged_wherever_the_index_is(shop: Project) -> None:
    two_commits(shop)
    shop.git("rm", "--quiet", MODELS)
    assert_finding(shop.check("--base", "HEAD~2", "--tree", "HEAD~1"), "missing-migration")
    assert_clean(shop.check("--base", "HEAD~2", "--tree", "HEAD"))


def test_the_pushed_range_of_pre_commit_is_judged(shop: Project) -> None:
    two_commits(shop)
    shop.environ |= {"PRE_COMMIT_FROM_REF": "HEAD~2", "PRE_COMMIT_TO_REF": "HEAD~1"}
    assert_finding(shop.check(), "missing-migration")
    shop.environ["PRE_COMMIT_TO_REF"] = "HEAD"
    assert_clean(shop.check())


def test_a_tree_alone_is_judged_against_its_parent(shop: Project) -> None:
    two_commits(shop)
    assert_finding(shop.check("--tree", "HEAD~1"), "missing-migration")
    assert_clean(shop.check("--tree", "HEAD~2"))


def test_the_first_push_of_a_repository_is_judged_whole(shop: Project) -> None:
    # pre-commit names no commits then.
    two_commits(shop)
    shop.environ["PRE_COMMIT_LOCAL_BRANCH"] = "HEAD~1"
    assert_finding(shop.check(), "migration-mismatch")
    shop.environ["PRE_COMMIT_LOCAL_BRANCH"] = "HEAD"
    assert_clean(shop.check(), "Passed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", "--base", "nowhere"), "no commit or tree named 'nowhere'"),
        (("check", "--tree", "HEAD:service/alembic.ini"), "service/alembic.ini"),
        (("check", "--output-format", "yaml"), "'yaml' is not one of"),
        (("check", "--output", "report.txt"), "write FORMAT=report.txt"),
        (("check", "--stric"), "--strict"),
        (("chek",), "chek"),
        (("rule", "missing-migratoin"), "missing-migration"),
        (("rule", "zzz"), "no rule is called 'zzz'"),
    ],
)
def test_a_wrong_argument_is_named(shop: Project, arguments: tuple[str, ...], said: str) -> None:
    result = tool(shop, *arguments)
    assert result.returncode == 2, result.output
    assert said in result.stderr
    assert "Traceback" not in result.output


def test_a_debug_log_says_what_was_done_and_why_no_verdict_answered(shop: Project) -> None:
    shop.environ["SHOP_TOKEN"] = "hunter2"
    shop.write("pyproject.toml", '[tool.alembic-lockstep.env]\nSHOP_KEY = "hunter2"\n')
    shop.stage("pyproject.toml")
    assert_clean(change_and_check(shop, once=True))
    shop.add_column()
    shop.stage(".")
    log = shop.root.parent / "debug.log"
    assert_finding(shop.check("--debug-log", str(log), once=True), "missing-migration")
    text = log.read_text()
    for words in (
        "git write-tree",
        "verdict on tree",
        f"the last run read what is changed: {MODELS}",
        "interpreter: .venv at the root",
        "snapshot: 2 revisions of 2",
        "0 revisions run, came to its end; guard: ",
        "findings: ['missing-migration']",
    ):
        assert words in text, text
    assert "hunter2" not in text
    answer = change_and_check(shop, "-v", once=True)
    assert "observation of tree" in answer.stderr, answer.output


def test_a_rule_has_a_page(shop: Project) -> None:
    names = tool(shop, "rule").stdout.split()
    assert {"missing-migration", "unknown-parent", "broken-upgrade"} <= set(names)
    for name in names:
        page = tool(shop, "rule", name)
        assert page.returncode == 0
        assert page.stdout.startswith(f"# {name}\n")


def test_concise_is_one_line_a_finding(shop: Project) -> None:
    where = shop.add_column()
    shop.stage(MODELS)
    result = shop.check("--output-format", "concise")
    (line,) = result.stdout.splitlines()
    assert line.startswith(f"{where}5: missing-migration: ")
    assert result.stderr.startswith("Blocked: 1 missing-migration.\n")


@pytest.mark.parametrize("colour", [True, False])
def test_colours_are_there_if_forced_and_not_if_forbidden(shop: Project, colour: bool) -> None:
    shop.add_column()
    shop.stage(MODELS)
    shop.environ["FORCE_COLOR"] = "1"
    if colour:
        del shop.environ["NO_COLOR"]
    result = shop.check()
    assert result.returncode == 1
    assert ("\x1b[" in result.stdout) is colour


# States of git.


def test_outside_a_repository(shop: Project, home: Path) -> None:
    assert_unjudged(tool(shop, "check", cwd=home), "not a git repository")


def test_in_a_bare_repository(shop: Project, tmp_path: Path) -> None:
    shop.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    assert_unjudged(tool(shop, "check", cwd=tmp_path / "bare.git"), "working tree")


def test_with_conflicts_in_the_index(shop: Project) -> None:
    shop.git("switch", "--quiet", "-c", "other")
    shop.replace(MODELS, "Somebody who buys.", "Some other body.")
    shop.git("commit", "--quiet", "--all", "-m", "Other")
    shop.git("switch", "--quiet", "main")
    shop.replace(MODELS, "Somebody who buys.", "Somebody else.")
    shop.git("commit", "--quiet", "--all", "-m", "Else")
    assert run(("git", "merge", "other"), cwd=shop.root, environ=shop.environ).returncode == 1
    assert_unjudged(shop.check(), "conflicts of a merge", f"- {MODELS}")


def test_without_commits(make_project: MakeProject) -> None:
    project = make_project("subfolder", hook=None, first_commit=False)
    assert_clean(project.check(), "nothing differs")
    project.stage(".")
    assert_clean(project.check(), "2 revisions")


def test_without_alembic(shop: Project) -> None:
    shop.git("rm", "--quiet", "-r", "service/alembic", "service/alembic.ini")
    assert_unjudged(shop.check(), "no Alembic environment", 'config = ["path/to/alembic.ini"]')


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("untracked", "but it is not in the commit:\n    git add ':/service/alembic.ini'"),
        ("ignored", "but git ignores it:\n    git add --force :/service/alembic.ini"),
        ("another name", 'config = ["service/database.cfg"]'),
    ],
)
def test_a_configuration_that_is_not_found_is_named(shop: Project, where: str, said: str) -> None:
    ini = "service/alembic.ini"
    if where == "another name":
        shop.git("mv", ini, "service/database.cfg")
    else:
        shop.git("rm", "--quiet", "--cached", ini)
    if where == "ignored":
        shop.write(".gitignore", shop.read(".gitignore") + "alembic.ini\n")
        shop.stage(".gitignore")
    result = shop.check("--static")
    assert_unjudged(result, "no Alembic environment", said.replace("'", ""))
    assert_clean(follow(shop, result, "--static"))


def test_a_deleted_script_folder(shop: Project) -> None:
    shop.git("rm", "--quiet", "-r", "service/alembic")
    result = shop.check()
    assert_finding(result, "deleted-migration: ", "git checkout ")
    assert "Path doesn't exist: service/alembic" in result.output


def test_with_a_detached_head(shop: Project) -> None:
    shop.git("checkout", "--quiet", "--detach")
    shop.add_column()
    shop.stage(MODELS)
    assert_finding(shop.check(), "missing-migration")


def test_from_a_subfolder(shop: Project) -> None:
    where = shop.add_column()
    shop.stage(MODELS)
    assert_finding(tool(shop, "check", cwd=shop.root / "service" / "shop"), where)


def test_in_a_linked_worktree_without_an_environment_of_its_own(
    shop: Project, tmp_path: Path
) -> None:
    linked = tmp_path / "my projects" / "linked"
    shop.git("worktree", "add", "--quiet", "-b", "feature", str(linked))
    shop.write(MODELS, "raise RuntimeError('the main working tree')\n")
    there = Project(shop.sample, linked, shop.environ)
    where = there.add_column()
    there.stage(MODELS)
    assert_finding(there.check(), where, "missing-migration")
    add_migration(there, "bbbbbbbbbbbb", upgrade=ADD_PAID)
    assert_clean(there.check(), "3 revisions")
    assert shop.git("status", "--short") == f" M {MODELS}"


def test_a_renamed_model_file(shop: Project) -> None:
    shop.git("mv", MODELS, "service/shop/tables.py")
    shop.replace(ENV, "shop.models", "shop.tables")
    assert_clean(change_and_check(shop), "2 revisions")
    shop.git("mv", "service/shop/tables.py", "service/shop/elsewhere.py")
    assert_unjudged(shop.check(), "No module named 'shop.tables'")


@pytest.mark.parametrize(
    "name", [b"a b.py", b"it's.py", b'"q".py', b"new\nline.py", b"caf\xe9.py", b"-n.py", b":(top)"]
)
def test_odd_names_of_files_beside(shop: Project, name: bytes) -> None:
    text = b"from shop.models import Base\n\n\nclass A(Base):\n    __tablename__ = 'odd'\n"
    (shop.root / "service" / os.fsdecode(name)).write_bytes(text)
    (shop.root / VERSIONS / ("not staged " + os.fsdecode(name))).touch()
    shop.git("add", "--all", ":/service", ":!service/alembic")
    where = shop.add_column()
    shop.stage(MODELS)
    result = shop.check()
    assert_finding(result, where, "missing-migration")
    assert "\nline" not in result.output


def test_two_at_once(shop: Project) -> None:
    shop.add_column()
    shop.stage(MODELS)
    runs = [start(shop) for _ in range(2)]
    for process in runs:
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 1, stderr
        assert b"missing-migration" in stdout


def start(project: Project) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, *project.start_check, "check"),
        cwd=project.root,
        env=project.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_interrupted_run_leaves_nothing(
    shop: Project, tmp_path: Path, number: signal.Signals
) -> None:
    mark = tmp_path / "marks" / "started"
    mark.parent.mkdir()
    shop.allow_write(mark.parent)
    wait = f"import pathlib, subprocess; pathlib.Path({str(mark)!r}).touch(); "
    shop.write(INIT, wait + "subprocess.run(['sleep', '4242'])\n")
    shop.stage(INIT)
    running = start(shop)
    wait_for(mark.exists)
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=30)
    assert running.returncode == 130
    assert (stdout, stderr.strip()) == (b"", b"alembic-lockstep: interrupted")
    assert not processes_of(shop)
    assert shop.git("status", "--short") == f"M  {INIT}"


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_git_directory_that_cannot_be_written(shop: Project) -> None:
    (shop.root / ".git" / "alembic-lockstep").write_text("a file in the way\n")
    shop.add_column()
    shop.stage(MODELS)
    assert_unjudged(shop.check(), ".git/alembic-lockstep cannot be read or written", "ls -ld")


def test_a_slot_that_cannot_be_written(shop: Project) -> None:
    shop.add_column()
    shop.stage(MODELS)
    assert_finding(shop.check(), "missing-migration")
    slots = workplace(shop) / "slots"
    shutil.rmtree(slots)
    slots.write_text("a file in the way\n")
    assert_unjudged(
        shop.check(), f"{slots} cannot be read or written", f"ls -ld {quote(str(slots))}"
    )


def test_the_configured_server_is_not_asked_by_any_of_it(
    make_project: MakeProject, listener: Listener
) -> None:
    url = f"postgresql+psycopg://{listener.address()}"
    project = make_project("subfolder", config_url=url, hook=None)
    project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = "postgresql://nobody@127.0.0.1:1/none"
    assert_unjudged(change_and_check(project), "127.0.0.1")
    assert listener.contacts == 0


FETCHING = """\
from urllib import request

PASSWORD = request.urlopen("http://config.test/password").read()
"""
ANSWERING = """\
from urllib import request
from io import BytesIO

request.urlopen = lambda url: BytesIO(b"-")
"""


def test_a_service_that_the_project_asks_is_answered_for_by_a_stand_in(shop: Project) -> None:
    shop.write(INIT, FETCHING)
    said = ('stand-in = "lockstep_stand_in.py"', 'allow-connect = ["config.test:80"]')
    assert_unjudged(change_and_check(shop), *said)
    configure(shop, said[0])
    shop.stage("pyproject.toml")
    assert_unjudged(change_and_check(shop), "Write lockstep_stand_in.py")
    shop.write("lockstep_stand_in.py", ANSWERING)
    assert_unjudged(change_and_check(shop), "git add :/lockstep_stand_in.py")
    shop.git("add", "lockstep_stand_in.py")
    with shop.untouched():
        assert_clean(change_and_check(shop))
    shop.write("lockstep_stand_in.py", ANSWERING + "raise RuntimeError('changed')\n")
    assert_unjudged(change_and_check(shop), "RuntimeError: changed (lockstep_stand_in.py:5)")


def test_pasted_settings_that_are_not_staged_are_named(shop: Project) -> None:
    shop.write("pyproject.toml", '[tool.alembic-lockstep]\nconfig = ["none.ini"]\n')
    shop.stage("pyproject.toml")
    configure_on_disk = "[tool.alembic-lockstep]\nstrict = false\n"
    shop.write("pyproject.toml", configure_on_disk)
    assert_unjudged(
        tool(shop, "check"), "on disk are not in what is judged: git add :/pyproject.toml"
    )
    shop.git("add", "pyproject.toml")
    assert_clean(tool(shop, "check"))
    shop.write("pyproject.toml", "[tool.alembic-lockstep]\nstrict = true\n")
    (shop.root / "service/notes.ini").write_text("")
    shop.git("add", "service/notes.ini")
    assert_clean(tool(shop, "check", "--no-cache"), "git add :/pyproject.toml")
