"""The project's Python is found among real virtual environments."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

from alembic_lockstep.config import Settings
from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.interpreters.candidates import Search, candidates
from alembic_lockstep.interpreters.choice import choose_interpreter
from alembic_lockstep.interpreters.environ import outer_environ

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are shell scripts")

# Neither python nor poetry is in there.
BARE = {"PATH": "/nonexistent"}


def make_venv(folder: Path, *, alembic: bool = True) -> str:
    """Make a virtual environment; with alembic it borrows the packages that the tests run with."""
    base = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    if alembic:
        (site,) = folder.glob("lib/python*/site-packages")
        (site / "borrowed.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return str(folder / "bin" / "python")


def make_script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", "utf-8")
    path.chmod(0o755)
    return path


def choose(
    root: Path,
    directory: str = "",
    environ: Mapping[str, str] = BARE,
    main_root: Path | None = None,
    **settings: object,
) -> tuple[str, str]:
    chosen = choose_interpreter(
        root,
        directory,
        Settings(**settings),  # type: ignore[arg-type]
        environ,
        root / ".git" / "interpreters.json",
        main_root,
    )
    return chosen.source, chosen.path


# The environment without us


def test_nothing_of_the_projects_is_taken_out_of_the_environment() -> None:
    environ = {
        "PATH": os.pathsep.join(["/usr/bin", f"{sys.prefix}/share", "/opt/venv/bin", ""]),
        "VIRTUAL_ENV": "/opt/venv",
        "GIT_SHA": "abc",
        "GIT_SSH_COMMAND": "ssh -v",
        "PYTHONPATH": "src",
    }
    assert outer_environ(environ) == environ
    assert outer_environ({}) == {}


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="not in a virtual environment")
def test_our_own_environment_is_taken_out() -> None:
    path = os.pathsep.join([f"{sys.prefix}/bin", "/usr/bin", f"{sys.prefix}/bin/"])
    assert outer_environ({"PATH": path, "VIRTUAL_ENV": sys.prefix}) == {"PATH": "/usr/bin"}


def test_what_git_sets_for_a_hook_is_taken_out() -> None:
    assert outer_environ(
        {"GIT_DIR": ".git", "GIT_INDEX_FILE": "x", "GIT_PREFIX": "", "A": "1"}
    ) == {"A": "1"}


# The candidates


def test_an_empty_project_has_only_our_own(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "env").write_text("not an environment", "utf-8")
    listed = list(candidates(Search(tmp_path, "", Settings(), BARE)))
    assert [candidate.path for candidate in listed] == [sys.executable]


def test_no_tool_is_asked_that_the_project_does_not_use(tmp_path: Path) -> None:
    for tool in ("poetry", "pdm", "hatch", "pipenv"):
        make_script(tmp_path / "bin" / tool, f"touch {tmp_path}/asked")
    text = '[build-system]\nrequires = ["hatchling"]\n[tool.hatch.build]\n'
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    list(candidates(Search(tmp_path, "", Settings(), {"PATH": f"{tmp_path}/bin:/bin:/usr/bin"})))
    assert not (tmp_path / "asked").exists()


def test_the_order(tmp_path: Path) -> None:
    root, main = tmp_path / "linked", tmp_path / "main"
    for name in ("root/env", "root/.venv", "root/backend/venv"):
        make_script(root / name.removeprefix("root/") / "bin/python", "exit 1")
    make_script(main / ".venv/bin/python", "exit 1")
    make_script(root / "python", "exit 1")
    (root / "poetry.lock").touch()
    environ = {
        "PATH": "/nonexistent",
        "VIRTUAL_ENV": "/opt/active",
        "UV_PROJECT_ENVIRONMENT": "uv",
        "CONDA_PREFIX": "/opt/conda",
    }
    listed = list(candidates(Search(root, "backend", Settings(), environ, main)))
    assert [candidate.source for candidate in listed] == [
        "VIRTUAL_ENV",
        "UV_PROJECT_ENVIRONMENT",
        "venv in backend",
        ".venv at the root",
        "env at the root",
        ".venv in the main worktree",
        "`poetry env info -p` (not on PATH)",
        "`poetry env list --full-path` (not on PATH)",
        "CONDA_PREFIX",
        "alembic-lockstep's own interpreter",
    ]
    assert listed[1].path == str(root / "uv/bin/python")
    by_setting = candidates(Search(root, "backend", Settings(python="python"), environ, main))
    assert [(candidate.source, candidate.path) for candidate in by_setting] == [
        ("the setting `python`", str(root / "python"))
    ]


@pytest.mark.parametrize(
    ("lock", "tool", "answer"),
    [
        ("poetry.lock", "poetry", "{venv}"),
        ("pdm.lock", "pdm", "{venv}/bin/python"),
        ("hatch.toml", "hatch", "{venv}"),
        ("Pipfile", "pipenv", "{venv}"),
    ],
)
def test_a_tool_is_asked(tmp_path: Path, lock: str, tool: str, answer: str) -> None:
    python = make_script(tmp_path / "elsewhere/bin/python", "exit 1")
    said = answer.format(venv=tmp_path / "elsewhere")
    make_script(tmp_path / "bin" / tool, f"echo noise >&2; echo {said}")
    (tmp_path / lock).touch()
    listed = list(candidates(Search(tmp_path, "", Settings(), {"PATH": f"{tmp_path}/bin"})))
    assert (listed[0].source.split()[0].strip("`"), listed[0].path) == (tool, str(python))


@pytest.mark.parametrize("listed", ["{venv}", "{venv} (Activated)", "{venv}\\n/other/venv"])
def test_poetry_is_asked_again_if_its_python_is_not_that_on_path(
    tmp_path: Path, listed: str
) -> None:
    """Of several environments it is not known which one it takes."""
    python = make_script(tmp_path / "elsewhere/bin/python", "exit 1")
    said = listed.format(venv=tmp_path / "elsewhere")
    body = f"[ \"$2\" = list ] || exit 1\nprintf 'Python 3.9\\n{said}\\n'"
    make_script(tmp_path / "bin/poetry", body)
    (tmp_path / "poetry.lock").touch()
    first, second, *_ = candidates(Search(tmp_path, "", Settings(), {"PATH": f"{tmp_path}/bin"}))
    assert (first.source, first.path) == ("`poetry env info -p`", "")
    assert second.path == ("" if "other" in listed else str(python))


# The choice


def test_a_setting_that_does_not_exist_is_not_skipped(tmp_path: Path) -> None:
    make_venv(tmp_path / ".venv")
    with pytest.raises(CouldNotJudge, match="names gone/python, which does not exist") as caught:
        choose(tmp_path, python="gone/python")
    assert caught.value.fix == '[tool.alembic-lockstep]\npython = ".venv"'
    shutil.rmtree(tmp_path / ".venv")
    with pytest.raises(CouldNotJudge) as caught:
        choose(tmp_path, python="gone/python")
    assert caught.value.fix == "Correct the setting, or remove it."


def test_a_setting_without_alembic_is_not_skipped(tmp_path: Path) -> None:
    make_venv(tmp_path / ".venv")
    make_venv(tmp_path / "other", alembic=False)
    with pytest.raises(CouldNotJudge) as caught:
        choose(tmp_path, python="other")
    (tried,) = caught.value.tried
    expected = f"the setting `python`: {tmp_path}/other/bin/python: No module named 'alembic'"
    assert tried == expected
    assert caught.value.fix.startswith("Install the project there, or correct the setting.")


def test_an_environment_without_alembic_is_passed_over(tmp_path: Path) -> None:
    make_venv(tmp_path / ".venv", alembic=False)
    python = make_venv(tmp_path / "venv")
    assert choose(tmp_path) == ("venv at the root", python)


def test_a_dead_environment_is_passed_over_and_named(tmp_path: Path) -> None:
    make_script(tmp_path / ".venv/bin/python", "echo some noise >&2; echo 'it broke' >&2; exit 3")
    make_script(tmp_path / "venv/bin/python", "exit 3").write_text("#!/gone/python\n", "utf-8")
    chosen = choose_interpreter(
        tmp_path, "", Settings(), BARE | {"VIRTUAL_ENV": "/opt/gone"}, tmp_path / "cache"
    )
    assert chosen.path == sys.executable
    assert chosen.refused == (
        "VIRTUAL_ENV: /opt/gone/bin/python: does not exist",
        f".venv at the root: {tmp_path}/.venv/bin/python: it broke",
        f"venv at the root: {tmp_path}/venv/bin/python: No such file or directory",
    )


def test_a_module_of_the_project_does_not_disturb_the_trial(tmp_path: Path) -> None:
    (tmp_path / "typing.py").write_text("raise SystemExit('shadowed')\n", "utf-8")
    (tmp_path / "alembic.py").write_text("raise SystemExit('shadowed')\n", "utf-8")
    python = make_venv(tmp_path / ".venv")
    assert choose(tmp_path) == (".venv at the root", python)


def test_the_interpreter_stays_in_its_environment(tmp_path: Path) -> None:
    """Resolved, the link would lead to the base interpreter, without the packages."""
    python = make_venv(tmp_path / "real")
    assert choose(tmp_path, python="real/bin/python") == ("the setting `python`", python)
    assert choose(tmp_path, python=str(tmp_path / "real")) == ("the setting `python`", python)


def test_an_interpreter_behind_a_command(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "container")
    run = make_script(tmp_path / "exec", f'shift; shift; exec {python} "$@"')
    chosen = choose(tmp_path, run=(str(run), "web"))
    assert chosen == ("the setting `run`", "python")
    with pytest.raises(CouldNotJudge) as caught:
        choose(tmp_path, run=("/gone/docker", "exec"))
    assert caught.value.message == "the setting 'run' starts /gone/docker, which does not exist"


@pytest.mark.parametrize(
    ("alembic", "sqlalchemy", "said"),
    [
        ("1.8.1", "1.4.54", "Alembic 1.8.1 is older than 1.9"),
        ("1.13.0", "1.3.24", "SQLAlchemy 1.3.24 is older than 1.4"),
        ("1.10.0rc1", "2.1.0b2", ""),
    ],
)
def test_libraries_that_are_too_old_are_said_before_they_are_imported(
    tmp_path: Path, alembic: str, sqlalchemy: str, said: str
) -> None:
    make_venv(tmp_path / ".venv", alembic=False)
    (site,) = (tmp_path / ".venv").glob("lib/python*/site-packages")
    for name, version in (("alembic", alembic), ("sqlalchemy", sqlalchemy)):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("raise SystemExit('imported')\n", "utf-8")
        distribution = site / f"{name}-{version}.dist-info"
        distribution.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (distribution / "METADATA").write_text(text, "utf-8")
    if not said:
        assert choose(tmp_path)[0] == ".venv at the root"
        return
    with pytest.raises(CouldNotJudge) as caught:
        choose(tmp_path, environ={"VIRTUAL_ENV": str(tmp_path / ".venv"), "PATH": "/nowhere"})
    assert said in caught.value.message
    assert caught.value.fix.endswith("alembic-lockstep check --static")


# The cache


def counting(python: str, folder: Path) -> None:
    """Put a script in the interpreter's place that counts its starts."""
    make_script(folder / "bin/python", f'echo >> {folder}/starts; exec {python} "$@"')


def starts(folder: Path) -> int:
    return len((folder / "starts").read_text("utf-8").splitlines())


def test_the_choice_is_not_tried_again(tmp_path: Path) -> None:
    counting(make_venv(tmp_path / "real"), tmp_path / ".venv")
    first = choose(tmp_path)
    assert first == choose(tmp_path) == (".venv at the root", f"{tmp_path}/.venv/bin/python")
    assert starts(tmp_path / ".venv") == 1


def test_a_slow_tool_is_not_asked_again(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "elsewhere")
    make_script(tmp_path / "bin/poetry", f"echo >> {tmp_path}/starts; echo {tmp_path}/elsewhere")
    (tmp_path / "poetry.lock").touch()
    environ = {"PATH": f"{tmp_path}/bin"}
    assert choose(tmp_path, environ=environ)[1] == choose(tmp_path, environ=environ)[1] == python
    assert starts(tmp_path) == 1


def test_a_new_environment_is_seen(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "venv")
    assert choose(tmp_path)[1] == python
    better = make_venv(tmp_path / ".venv")
    assert choose(tmp_path)[1] == better


def test_a_new_environment_is_seen_after_a_fallback(tmp_path: Path) -> None:
    assert choose(tmp_path)[1] == sys.executable
    python = make_venv(tmp_path / ".venv")
    assert choose(tmp_path)[1] == python


def test_a_package_that_was_installed_later_is_seen(tmp_path: Path) -> None:
    python = make_venv(tmp_path / ".venv", alembic=False)
    assert choose(tmp_path)[1] == sys.executable
    make_venv(tmp_path / ".venv")
    assert choose(tmp_path)[1] == python


def test_an_environment_that_went_away_is_not_cached(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "elsewhere")
    make_script(tmp_path / "bin/pdm", f"echo {python}")
    (tmp_path / "pdm.lock").touch()
    environ = {"PATH": f"{tmp_path}/bin"}
    assert choose(tmp_path, environ=environ)[1] == python
    Path(python).unlink()
    assert choose(tmp_path, environ=environ)[1] == sys.executable


def test_directories_are_cached_side_by_side(tmp_path: Path) -> None:
    first, second = make_venv(tmp_path / "one/.venv"), make_venv(tmp_path / "two/.venv")
    assert [choose(tmp_path, name)[1] for name in ("one", "two", "one")] == [first, second, first]
    cache = json.loads((tmp_path / ".git/interpreters.json").read_text("utf-8"))
    assert sorted(cache) == ["one", "two"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"": 3}', '{"": {"path": "x"}}', "\x00"])
def test_a_damaged_cache_is_ignored(tmp_path: Path, text: str) -> None:
    python = make_venv(tmp_path / ".venv")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/interpreters.json").write_text(text, "utf-8")
    assert choose(tmp_path)[1] == python
