"""Messages about settings, files and programs that are missing: typed, the advice leads on."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import Project, run
from .subfolder_project import (
    ENV,
    INI,
    INIT,
    assert_clean,
    assert_unjudged,
    change_and_check,
)
from .typed_advice import follow
from .virtual_environments import make_venv

#: Judged by the text alone, so that a case costs a fraction of a second.
STATIC = "--static"


def set_up(shop: Project, settings: str) -> None:
    shop.write("pyproject.toml", f"[tool.alembic-lockstep]\n{settings}\n")
    shop.stage("pyproject.toml")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("setting", ["stand-in", "start"])
def test_a_file_of_a_setting_that_is_not_staged_is_added_by_the_command(
    shop: Project, setting: str
) -> None:
    path = {"stand-in": "tools/the stand in.py", "start": "the start.sql"}[setting]
    shop.write(path, "")
    set_up(shop, f'{setting} = "{path}"')
    result = change_and_check(shop)
    assert_unjudged(result, f"names {path}, which is not in the commit", "    git add ")
    assert_clean(follow(shop, result, folder="service"))
    # What passed with the file is no answer for a commit that breaks or deletes it.
    shop.write(path, {"stand-in": "1 / 0", "start": "SELEKT 1"}[setting])
    shop.stage(path)
    assert_unjudged(shop.check(), {"stand-in": "ZeroDivisionError", "start": "SELEKT"}[setting])
    shop.git("rm", "--quiet", "--force", "--cached", path)
    (shop.root / path).unlink()
    result = shop.check()
    assert_unjudged(result, f"Write {path}, or unset {setting}.")
    set_up(shop, "")
    assert_clean(shop.check())


def test_a_configuration_that_is_misspelt_is_called_by_its_name(shop: Project) -> None:
    set_up(shop, 'config = ["service/alembik.ini"]')
    result = change_and_check(shop, STATIC)
    assert_unjudged(result, f"which git does not have; did you mean '{INI}'?")
    set_up(shop, f'config = ["{INI}:reports"]')
    result = change_and_check(shop, STATIC)
    assert_unjudged(result, f"{INI} has no section [reports] with a script_location")
    set_up(shop, f'config = ["{INI}"]')
    assert_clean(shop.check(STATIC))


def test_a_section_that_alembic_finds_by_a_name_only_is_named_by_the_setting(
    shop: Project,
) -> None:
    shop.replace(INI, "[alembic]", "[shop]")
    result = change_and_check(shop, STATIC)
    assert_unjudged(result, f"{INI} has no section [alembic] any more", f'config = ["{INI}:shop"]')
    assert_clean(follow(shop, result, STATIC))


def test_a_configuration_that_is_lost_is_put_back_or_its_folder_deleted(shop: Project) -> None:
    shop.write("other/alembic.ini", shop.read(INI))
    shop.write("other/alembic/env.py", shop.read(ENV))
    shop.write("other/alembic/versions/.keep", "")
    shop.stage("other")
    shop.git("commit", "--quiet", "-m", "Another")
    shop.git("rm", "--quiet", "other/alembic.ini")
    result = change_and_check(shop, STATIC)
    assert_unjudged(result, "Put its section with a script_location back, or delete the folder")
    shop.git("rm", "--quiet", "-r", "other")
    assert_clean(shop.check(STATIC))
    shop.git("checkout", "--quiet", "HEAD", "--", "other")
    assert_clean(shop.check(STATIC))


def test_a_configuration_that_is_on_disk_only_is_added_by_the_command(shop: Project) -> None:
    shop.git("rm", "--quiet", "--cached", INI)
    shop.git("commit", "--quiet", "-m", "Without a configuration")
    result = change_and_check(shop, STATIC)
    assert_unjudged(result, "no Alembic environment in what is committed", f"git add :/{INI}")
    assert_clean(follow(shop, result, STATIC, folder="service"))


#: Ends the project's Python in a way of its own, and what is said.
ENDS = {
    "import os\nos._exit(7)\n": "Let the project raise an error there",
    "import ctypes\nctypes.string_at(0)\n": 'service/shop/__init__.py", line 2 in <module>',
    "import os\nos.kill(os.getpid(), 9)\n": "    free -h\n",
}
LOSES_FOLDER = "import os\nos.rename(os.getcwd(), os.getcwd() + '-old')\n"


def test_a_project_that_loses_its_folder_or_ends_its_python_is_judged_without(
    shop: Project,
) -> None:
    shop.write(INIT, LOSES_FOLDER.replace("os.getcwd()", "__file__.rpartition('/service/')[0]"))
    result = change_and_check(shop)
    assert_unjudged(result, "the project deleted or renamed the folder", "a folder of its own")
    for ends, said in ENDS.items():
        shop.write(INIT, ends)
        assert_unjudged(change_and_check(shop, once=True), "the project's Python ", said)
    shop.write(INIT, "")
    assert_clean(change_and_check(shop))


def test_git_that_is_not_there_is_installed(shop: Project, tmp_path: Path) -> None:
    path = shop.environ["PATH"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to(shutil.which("sh") or "/bin/sh")
    shop.write("notes.txt", "Something to commit.\n")
    shop.git("add", "notes.txt")
    shop.environ["PATH"] = str(tmp_path / "bin")
    result = shop.check(STATIC)
    assert_unjudged(result, "git is not installed or not on PATH", "add its folder to PATH")
    shop.environ["PATH"] = path
    assert_clean(shop.check(STATIC))


def test_a_program_of_run_that_is_not_there_is_left_out(shop: Project) -> None:
    set_up(shop, 'run = ["dokcer", "compose", "exec"]')
    result = change_and_check(shop)
    assert_unjudged(result, "Without it, the project's Python of this machine runs.")
    set_up(shop, "")
    assert_clean(shop.check())


def test_init_of_a_repository_without_a_commit(shop: Project) -> None:
    shutil.rmtree(shop.root / ".git")
    shop.git("init", "--quiet", "-b", "main")
    command = (sys.executable, "-m", "alembic_lockstep", "init")
    done = run(command, cwd=shop.root, environ=shop.environ)
    assert done.returncode == 2, done.output
    assert done.stderr.endswith("nothing is committed or staged yet\n    git add --all\n")
    run(("git", "add", "--all"), cwd=shop.root, environ=shop.environ, check=True)
    done = run(command, cwd=shop.root, environ=shop.environ)
    assert done.returncode == 0, done.output
    assert "To write it: alembic-lockstep init --yes" in done.output
    done = run((*command, "--yes"), cwd=shop.root, environ=shop.environ)
    assert "Written. Next:" in done.output


#: Wrong settings, a part of the message, and the settings as it says.
WRONG = {
    "broken TOML": ("strict =", "is not valid TOML: Invalid value (at line 2", "strict = false"),
    "another name": ("strct = true", "did you mean 'strict'?", "strict = true"),
    "another type": ("timeout = 'long'", "must be a number of seconds", "timeout = 900"),
    "a null character": ('python = "a\\u0000"', "'python' holds a null character", ""),
}


def test_wrong_settings_are_corrected_as_the_message_says(shop: Project) -> None:
    for wrong, said, right in WRONG.values():
        set_up(shop, wrong)
        assert_unjudged(change_and_check(shop, STATIC), said)
        set_up(shop, right)
        assert_clean(shop.check(STATIC))
    shop.write("pyproject.toml", "[tool]\nalembic-lockstep = true\n")
    shop.stage("pyproject.toml")
    result = shop.check(STATIC)
    assert_unjudged(result, "pyproject.toml: [tool.alembic-lockstep] must be a table")
    set_up(shop, "strict = true")
    assert_clean(shop.check(STATIC))


def test_a_commit_of_several_that_cannot_be_judged_is_named_and_amended(shop: Project) -> None:
    for settings in ("", "strct = true"):
        set_up(shop, settings)
        shop.git("commit", "--quiet", "-m", "Settings")
    arguments = ("--base", "HEAD~2", "--each-commit")
    name = shop.git("rev-parse", "--short=8", "HEAD")
    assert_unjudged(shop.check(*arguments), f"commit {name}", "did you mean 'strict'?")
    set_up(shop, "strict = true")
    shop.git("commit", "--quiet", "--amend", "--no-edit")
    assert_clean(shop.check(*arguments))


def test_a_module_that_another_python_has_is_loaded_there(shop: Project) -> None:
    libraries = make_venv(shop.root.parent / "other")
    (libraries / "pricing_of_ours.py").touch()
    shop.write(INIT, "import pricing_of_ours\n")
    result = change_and_check(shop)
    assert_unjudged(result, "Install what provides 'pricing_of_ours'", 'python = "path/to/python"')
    set_up(shop, 'python = "../other/bin/python"')
    assert_clean(shop.check())


def test_an_application_that_flask_db_does_not_find_any_more_is_put_back_or_named(
    make_project: MakeProject,
) -> None:
    game = make_project("trivia", hook=None)
    game.git("rm", "--quiet", "--force", "pyproject.toml")
    game.write(".flaskenv", "FLASK_APP=backend.app:create_app\n")
    game.stage(".flaskenv")
    game.git("commit", "--quiet", "-m", "As Flask has it")
    game.git("rm", "--quiet", ".flaskenv")
    result = change_and_check(game, STATIC)
    assert_unjudged(result, "`flask db` finds the application in the base, and not in this commit")
    printed = re.search(r"for example into (\S+):\n +(FLASK_APP=.*)\n", result.stderr)
    assert printed is not None
    game.write(printed[1], f"{printed[2]}\n")
    game.stage(printed[1])
    assert_clean(game.check(STATIC))
    game.git("rm", "--quiet", "--force", printed[1])
    assert_clean(follow(game, result, STATIC))


#: Registers a dialect of the project's own, as a package of another database does.
DIALECT = """\
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class Firebird(SQLiteDialect_pysqlite):
    name = "firebird"
    supports_statement_cache = True


registry.register("firebird", __name__, "Firebird")
"""


def test_a_dialect_without_scratch_databases_is_judged_by_the_text(
    make_project: MakeProject,
) -> None:
    shop = make_project("subfolder", hook=None, config_url="firebird:///prod.db")
    result = change_and_check(shop)
    assert_unjudged(result, "Install the package of the dialect firebird into the project's")
    shop.write(INIT, DIALECT)
    result = change_and_check(shop)
    assert_unjudged(result, "scratch databases of the dialect 'firebird' are not supported")
    assert_clean(follow(shop, result), "--static is the weaker check")
