"""Settings: what they take, from where, and how they refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alembic_lockstep.config import Settings, load_settings
from alembic_lockstep.errors import CouldNotJudge

ROOT = Path(__file__).parents[2]
TABLE = "[tool.alembic-lockstep]\n"


def load(
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    **flags: object,
) -> Settings:
    return load_settings(text, environ or {}, flags)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "[project]\nname = 'x'\n",
        "[tool.alembic]\nscript_location = 'migrations'\n",
        "[tool.alembic-lockstep]\n",
        "[tool.alembic-lockstep.scratch]\n",
        "\r\n[tool.ruff]\r\nline-length = 100\r\n",
    ],
)
def test_a_project_that_sets_nothing_gets_the_defaults(text: str | None) -> None:
    assert load(text) == Settings()


def test_variables_of_others_are_left_alone() -> None:
    environ = {"ALEMBIC_CONFIG": "x.ini", "LOCKSTEP_PYTHON": "x", "alembic_lockstep_x": "1"}
    assert load(environ=environ) == Settings()


def test_an_empty_variable_counts_as_not_set() -> None:
    environ = {"ALEMBIC_LOCKSTEP_PYTHON": "", "ALEMBIC_LOCKSTEP_TIMEOUT": ""}
    assert load(TABLE + 'python = "a"', environ).python == "a"


DOCUMENTED = [
    name
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
    for name in re.findall(r"\bALEMBIC_LOCKSTEP_[A-Z_]*[A-Z]\b", page.read_text())
]


@pytest.mark.parametrize("name", sorted({*DOCUMENTED}))
def test_a_variable_that_is_documented_is_not_refused_as_unknown(name: str) -> None:
    """By whichever command reads the settings: an option's variable is none of them."""
    assert "has no setting" not in refusal({name: "1"})


def test_a_variable_that_is_nearly_an_options_is_named() -> None:
    assert "did you mean 'ALEMBIC_LOCKSTEP_NO_CACHE'" in refusal({"ALEMBIC_LOCKSTEP_NOCACHE": "1"})


def refusal(environ: Mapping[str, str]) -> str:
    try:
        load(environ=environ)
    except CouldNotJudge as error:
        return str(error)
    return ""


def test_flags_that_were_not_given_change_nothing() -> None:
    settings = load(TABLE + 'config = ["a.ini"]\nstrict = true', config=(), strict=None)
    assert (settings.config, settings.strict) == (("a.ini",), True)


def test_every_key_of_the_file() -> None:
    text = TABLE + (
        'config = ["backend/alembic.ini"]\nflask-app = "app:make"\npython = ".venv"\n'
        'run = ["docker", "exec"]\nenv = { A = "1" }\nstart = "schema.sql"\ntimeout = 5\n'
        'stand-in = "tools/stand_in.py"\nalchemy-config = "app.config"\n'
        'allow-connect = ["redis:6379"]\nallow-write = ["~/.app", "/srv"]\n'
        'allow-run = ["protoc"]\nstrict = true\nstatic-unsure = "block"\n'
        '[tool.alembic-lockstep.scratch]\nurls = ["postgresql://u@h/d"]\n'
        'setup = ["CREATE EXTENSION citext"]\n'
        '[tool.alembic-lockstep.ignore]\n"games.score" = "by hand"\n'
    )
    assert load(text) == Settings(
        config=("backend/alembic.ini",),
        flask_app="app:make",
        alchemy_config="app.config",
        python=".venv",
        run=("docker", "exec"),
        env={"A": "1"},
        start="schema.sql",
        stand_in="tools/stand_in.py",
        scratch_urls=("postgresql://u@h/d",),
        scratch_setup=("CREATE EXTENSION citext",),
        timeout=5.0,
        allow_connect=("redis:6379",),
        allow_write=("~/.app", "/srv"),
        allow_run=("protoc",),
        strict=True,
        static_unsure="block",
        ignore={"games.score": "by hand"},
    )


def test_every_variable() -> None:
    environ = {
        "ALEMBIC_LOCKSTEP_CONFIG": "a.ini 'b c.ini'",
        "ALEMBIC_LOCKSTEP_FLASK_APP": "app",
        "ALEMBIC_LOCKSTEP_PYTHON": "/py thon",
        "ALEMBIC_LOCKSTEP_RUN": "docker exec",
        "ALEMBIC_LOCKSTEP_ENV": "A=1 'B=x y=z'",
        "ALEMBIC_LOCKSTEP_STAND_IN": "a b.py",
        "ALEMBIC_LOCKSTEP_START": "base-models",
        "ALEMBIC_LOCKSTEP_SCRATCH": "postgresql://u:it's@h/d\n mysql://h/d",
        "ALEMBIC_LOCKSTEP_SCRATCH_SETUP": "'CREATE EXTENSION citext'",
        "ALEMBIC_LOCKSTEP_TIMEOUT": "1.5",
        "ALEMBIC_LOCKSTEP_ALLOW_CONNECT": "h:1",
        "ALEMBIC_LOCKSTEP_STRICT": "1",
        "ALEMBIC_LOCKSTEP_IGNORE": "'audit_*=by hand'",
    }
    assert load(environ=environ) == Settings(
        config=("a.ini", "b c.ini"),
        flask_app="app",
        python="/py thon",
        run=("docker", "exec"),
        env={"A": "1", "B": "x y=z"},
        stand_in="a b.py",
        start="base-models",
        scratch_urls=("postgresql://u:it's@h/d", "mysql://h/d"),
        scratch_setup=("CREATE EXTENSION citext",),
        timeout=1.5,
        allow_connect=("h:1",),
        strict=True,
        ignore={"audit_*": "by hand"},
    )


def test_a_flag_beats_the_environment_beats_the_file() -> None:
    text, environ = TABLE + 'python = "file"', {"ALEMBIC_LOCKSTEP_PYTHON": "environment"}
    assert load(text).python == "file"
    assert load(text, environ).python == "environment"
    assert load(text, environ, python="flag").python == "flag"


def test_flags_take_lists_text_and_assignments() -> None:
    settings = load(run="docker exec -T web", env=("A=1",), config=("a.ini",), strict=False)
    assert settings.run == ("docker", "exec", "-T", "web")
    assert (settings.env, settings.config, settings.strict) == ({"A": "1"}, ("a.ini",), False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'flaskapp = "x"',
            "[tool.alembic-lockstep] has no setting 'flaskapp'; did you mean 'flask-app'?",
        ),
        ('flask_app = "x"', "has no setting 'flask_app'; did you mean 'flask-app'?"),
        ("zzz = 1", "has no setting 'zzz'"),
        (
            'config = "a.ini"',
            "the setting 'config' must be a list of strings, such as [\"…\"], not 'a.ini'",
        ),
        ("config = [1]", "'config' must be a list of strings"),
        ("strict = 1", "'strict' must be true or false, not 1"),
        ('static-unsure = "warn"', "'static-unsure' must be \"pass\" or \"block\", not 'warn'"),
        ("timeout = true", "'timeout' must be a number of seconds above 0, not True"),
        ("timeout = nan", "'timeout' must be"),
        ("timeout = -1", "'timeout' must be"),
        ("timeout = 1" + "0" * 400, "'timeout' must be"),
        (
            'start = "replays"',
            '\'start\' must be "replay", "base-models" or the path of an .sql file',
        ),
        ("python = 3.12", "'python' must be a string, not 3.12"),
        (
            'ignore = { games.score = "by hand" }',
            "'ignore' must be a table from names to reasons, both in",
        ),
        ('ignore = { games = " " }', "'ignore' must be a table from names to reasons"),
        ("env = { A = 1 }", "'env' must be a table of variables"),
        ('env = { "A=B" = "x" }', '"=" in a name, not this table'),
        ('env = { "" = "x" }', "'env' must be a table of variables"),
        ('scratch = "postgresql://"', "'scratch' must be a table with urls and setup"),
        ("scratch.url = []", "has no setting 'scratch.url'; did you mean 'scratch.urls'?"),
    ],
)
def test_a_wrong_file_names_the_key_and_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(CouldNotJudge) as caught:
        load(TABLE + text)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("PYTHN", "x", "did you mean 'ALEMBIC_LOCKSTEP_PYTHON'?"),
        ("LOG", "x", "the environment has no setting 'ALEMBIC_LOCKSTEP_LOG'"),
        (
            "TIMEOUT",
            "soon",
            "'ALEMBIC_LOCKSTEP_TIMEOUT' must be a number of seconds above 0, not 'soon'",
        ),
        ("RUN", "docker 'exec", "'ALEMBIC_LOCKSTEP_RUN' must be a list of strings"),
        ("ENV", "A", "'ALEMBIC_LOCKSTEP_ENV' must be a table of variables"),
        ("STRICT", "maybe", "'ALEMBIC_LOCKSTEP_STRICT' must be true or false"),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str, message: str) -> None:
    with pytest.raises(CouldNotJudge) as caught:
        load(environ={f"ALEMBIC_LOCKSTEP_{name}": text})
    assert message in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        'config = ["a\\u0000.ini"]',
        'python = "a\\u0000"',
        'run = ["a", "b\\u0000"]',
        'env = { A = "a\\u0000" }',
        'env = { "A\\u0000" = "a" }',
        'allow-write = ["/a\\u0000"]',
        'scratch.setup = ["SELECT \\u0000"]',
        'ignore = { "a\\u0000" = "b" }',
    ],
)
def test_a_null_character_is_refused_in_any_setting(text: str) -> None:
    name = text.partition(" =")[0]
    with pytest.raises(CouldNotJudge, match=f"the setting '{name}' holds a null character"):
        load(TABLE + text)


@pytest.mark.parametrize(
    "text",
    [
        'scratch = "postgresql://u:secret@h/d"',
        'scratch.urls = "postgresql://u:secret@h/d"',
        'scratch.urls = { a = "postgresql://u:secret@h/d" }',
        'scratch.urls = ["postgresql://u:secret@h/d", 1]',
        'scratch.urls = ["postgresql//u:secret@h/d"]',
        'scratch.urls = ["u:secret@h"]',
        'scratch.urls = ["postgresql://u:secret@[h/d"]',
        'scratch.urls = ["postgresql://u:secret@h:port/d"]',
        'scratch.setup = "CREATE USER u PASSWORD secret"',
        'env = "A=secret"',
        'env = ["secret"]',
        'x = "token=secret"',
        'run = "docker run -e A=secret"',
    ],
)
def test_what_may_hold_a_password_is_not_shown(text: str) -> None:
    with pytest.raises(CouldNotJudge) as caught:
        load(TABLE + text)
    assert "secret" not in caught.value.message
    assert " must be a " in caught.value.message


@pytest.mark.parametrize("name", ["ENV", "X", "RUN", "SCRATCH"])
def test_a_variable_that_may_hold_a_password_is_not_shown(name: str) -> None:
    with pytest.raises(CouldNotJudge) as caught:
        load(environ={f"ALEMBIC_LOCKSTEP_{name}": "secret 'secret"})
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["[tool", "tool = 3", "[tool]\nalembic-lockstep = []", "a = " + "[" * 9000]
)
def test_a_broken_file_is_one_line(text: str) -> None:
    with pytest.raises(CouldNotJudge) as caught:
        load(text)
    assert caught.value.message.startswith("pyproject.toml")
    assert "\n" not in caught.value.message


def assert_one_line_at_most(action: Callable[[], object]) -> None:
    message = ""
    try:
        action()
    except CouldNotJudge as refused:
        message = refused.message
    assert len(message.splitlines()) <= 1


NAMES = st.sampled_from(
    ["config", "flask-app", "run", "env", "start", "timeout", "strict", "scratch"]
)
VALUES = st.sampled_from(
    [
        '"x"',
        "[]",
        '["a"]',
        "1",
        "-0.0",
        "inf",
        "true",
        "{}",
        '{ urls = ["x"] }',
        "1979-05-27",
        "[[",
        "=",
    ]
)


@settings(deadline=None)
@given(
    st.text()
    | st.lists(st.tuples(NAMES, VALUES)).map(
        lambda pairs: TABLE + "\n".join(f"{name} = {value}" for name, value in pairs)
    )
)
def test_no_file_raises_anything_else(text: str) -> None:
    assert_one_line_at_most(lambda: load(text))


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["CONFIG", "RUN", "ENV", "TIMEOUT", "STRICT", "SCRATCH", "START"])
        | st.text(),
        st.text(),
    )
)
def test_no_environment_raises_anything_else(variables: dict[str, str]) -> None:
    environ = {f"ALEMBIC_LOCKSTEP_{name}": text for name, text in variables.items()}
    assert_one_line_at_most(lambda: load(environ=environ))
