"""Findings about rows, of whole checks, and what is printed for them, typed."""

from __future__ import annotations

from .harness import Project, Result
from .subfolder_project import (
    ENV,
    FIRST_FILE,
    HEAD_FILE,
    MODELS,
    VERSIONS,
    assert_clean,
    assert_finding,
)
from .test_row_trial import BASE, CASCADE, ENFORCED, NEW, SERVER_DEFAULT, add, add_to_base

PATH = f"{VERSIONS}/{NEW}_test.py"
PLAIN = """op.create_table(
        "users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(9)))"""


def hint(result: Result, rule: str) -> list[str]:
    findings = result.json["findings"]
    assert len(findings) == 1, findings
    (finding,) = findings
    assert finding["rule"] == rule
    return str(finding["hint"]).splitlines()


def test_a_unique_index_over_equal_values_until_it_is_marked(shop: Project) -> None:
    add_to_base(shop, PLAIN)
    line = "op.create_index('one', 'users', ['name'], unique=True)"
    add(shop, line, "op.drop_index('one', 'users')", down=BASE)
    result = shop.check()
    number = shop.line(PATH, "create_index")
    assert_finding(result, "1 unsafe-upgrade", f"{PATH}:{number}:", "users.name becomes unique")
    shop.replace(PATH, line, f"{line}  # lockstep: ignore[unsafe-upgrade] names are checked")
    shop.stage(PATH)
    assert_clean(shop.check(), "ignored: 1 (1 by comment)")


def test_a_rebuild_that_empties_another_table_until_the_body_is_typed(shop: Project) -> None:
    add_to_base(shop, CASCADE)
    shop.replace(ENV, "connectable.connect()", "connectable.begin()")
    shop.write(MODELS, shop.read(MODELS) + ENFORCED)
    default = SERVER_DEFAULT
    body = default.format(default="1")
    add(shop, body, "raise NotImplementedError", down=BASE)
    shop.stage(".")
    lines = hint(shop.check("--output-format", "json"), "lost-rows")
    typed = "\n    ".join(line for line in lines[1:-1])
    shop.replace(PATH, f"def upgrade():\n    {body}", f"def upgrade():\n    {typed}")
    shop.stage(PATH)
    assert_clean(shop.check(), "says that there is no way back")


def test_a_downgrade_that_leaves_an_index(shop: Project) -> None:
    add_to_base(shop, PLAIN)
    add(shop, "op.create_index('ix', 'users', ['name'])", "op.execute('SELECT 1')", down=BASE)
    lines = hint(shop.check("--output-format", "json"), "broken-downgrade")
    (code,) = (line for line in lines if line.startswith("op."))
    shop.replace(PATH, "op.execute('SELECT 1')", code)
    shop.stage(PATH)
    assert_clean(shop.check(), "and back")


def test_the_setting_switches_rows_and_the_way_back_off(shop: Project) -> None:
    add_to_base(shop, PLAIN)
    line = "op.create_index('one', 'users', ['name'], unique=True)"
    add(shop, line, "pass", down=BASE)
    shop.write("pyproject.toml", "[tool.alembic-lockstep]\nrows = false\n")
    shop.stage("pyproject.toml")
    result = shop.check()
    assert_clean(result)
    assert "rows" not in result.output


def test_comments_of_a_revision_switch_rows_and_the_way_back_off(shop: Project) -> None:
    add_to_base(shop, PLAIN)
    add(shop, "op.create_index('one', 'users', ['name'], unique=True)", "pass", down=BASE)
    assert_finding(shop.check(), "1 unsafe-upgrade")
    declared = f"revision = {NEW!r}"
    reason = "# lockstep: ignore[unsafe-upgrade, broken-downgrade] no release has the table"
    shop.replace(PATH, declared, f"{declared}  {reason}")
    shop.stage(PATH)
    assert_clean(shop.check(), "ignored: 1 (1 by comment)")
    shop.replace(PATH, ", unique=True", "")
    shop.stage(PATH)
    assert_clean(shop.check(), "ignored: 1 (1 by comment)")


def test_revisions_that_no_row_can_meet_are_named(shop: Project) -> None:
    for path in (FIRST_FILE, HEAD_FILE):
        shop.write(path, f"{shop.read(path)}\n\nEDITED = True\n")
        shop.stage(path)
    add(shop, "op.execute('SELECT 1')", "op.execute('SELECT 1')")
    assert_clean(shop.check(), "rows: no migration of the base is unchanged")
