"""What the project wants to be ignored, and what the report says of it."""

from __future__ import annotations

import pytest

from .conftest import MakeProject
from .harness import Project, Result
from .subfolder_project import assert_clean, assert_finding

MODELS = "backend/models.py"
ROUNDS = "    rounds = db.Column(db.Integer, nullable=True)\n"
HOST = "    host = db.Column(db.String(80), nullable=False)\n"
DIRECTIVE = "# lockstep: ignore[missing-migration] made by hand"
WINNERS = "    winners = db.Column(db.JSON)\n"
MARKED = WINNERS.replace("\n", f"  {DIRECTIVE}\n")
BY_CODE = "ignored: 1 (1 by comment)"


@pytest.fixture
def trivia(make_project: MakeProject) -> Project:
    return make_project("trivia", hook=None)


def check(project: Project, *edits: tuple[str, str], path: str = MODELS) -> Result:
    """Make edits of a file, stage all that is there, and run the tool."""
    for old, new in edits:
        project.replace(path, old, new)
    project.stage(".")
    return project.check()


def ignore(project: Project, glob: str, reason: str = "kept by hand") -> None:
    text = project.read("pyproject.toml")
    project.write("pyproject.toml", f'{text}ignore."{glob}" = "{reason}"\n')


def commit(project: Project) -> None:
    project.git("commit", "--quiet", "-m", "A change")


@pytest.mark.parametrize(
    "lines",
    [
        MARKED,
        f"    {DIRECTIVE}\n    # and some more words\n{WINNERS}",
        f"    winners = db.Column(\n        db.JSON,\n        comment='x',  {DIRECTIVE}\n    )\n",
    ],
    ids=["beside", "above", "inside"],
)
def test_a_directive_at_the_column_is_honoured(trivia: Project, lines: str) -> None:
    assert_clean(check(trivia, (ROUNDS, ROUNDS + lines)), BY_CODE)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (f"    {DIRECTIVE}\n\n{WINNERS}", "unused ignores"),
        (f'    text = "{DIRECTIVE}"\n{WINNERS}', ""),
        (MARKED.replace(" made by hand", ""), "not honoured: {}: it gives no reason"),
        (MARKED.replace("missing-", "missing"), "not honoured: {}: no rule is called"),
        (MARKED.replace("missing-migration", "migration-mismatch"), ""),
    ],
    ids=["a line further up", "in a string", "no reason", "no such rule", "another rule"],
)
def test_a_directive_that_is_none_of_this_column_is_not(
    trivia: Project, lines: str, said: str
) -> None:
    result = check(trivia, (ROUNDS, ROUNDS + lines))
    location = f"{MODELS}:{trivia.line(MODELS, 'lockstep:')}"
    assert_finding(result, "1 missing-migration", said.format(location))
    assert "ignored: " not in result.output


def test_the_neighbour_is_blocked_and_only_that_is_fixed(trivia: Project) -> None:
    result = check(trivia, (ROUNDS, ROUNDS + MARKED + "    losers = db.Column(db.JSON)\n"))
    assert_finding(result, "Blocked: 1 missing-migration.", "sa.Column('losers'", BY_CODE)
    assert "sa.Column('winners'" not in result.output


def test_a_column_of_a_table_call_is_not_its_neighbour(trivia: Project) -> None:
    added = (
        '    db.Column("one", db.Integer),  ' + DIRECTIVE + '\n    db.Column("two", db.Integer),\n'
    )
    first = '    db.Column("game_id", db.Integer, db.ForeignKey("games.id"), primary_key=True),\n'
    result = check(trivia, (first, added + first))
    assert_finding(result, "Blocked: 1 missing-migration.", "game_questions.two is in", BY_CODE)


def test_a_directive_that_moves_is_judged_anew(trivia: Project) -> None:
    losers = "    losers = db.Column(db.Integer)\n"
    ignore(trivia, "games.losers")
    assert_clean(check(trivia, (ROUNDS, ROUNDS + MARKED + losers)))
    moved = losers.replace("\n", f"  {DIRECTIVE}\n")
    assert_finding(check(trivia, (MARKED, WINNERS), (losers, moved)), "games.winners is in")


def test_globs_take_a_table_with_its_parts_or_one_part(trivia: Project) -> None:
    ignore(trivia, "games.win*")
    ignore(trivia, "audit_*")
    ignore(trivia, "Audit_*", "of another case")
    ignore(trivia, "games.rounds", "nothing is wrong with it")
    audit = '\n\naudit_log = db.Table("audit_log", db.Column("id", db.Integer, index=True))\n'
    trivia.write(MODELS, trivia.read(MODELS) + audit)
    result = check(trivia, (ROUNDS, ROUNDS + WINNERS))
    assert_clean(
        result,
        "ignored: 2 (1 by audit_*, 1 by games.win*)",
        "unused ignores: Audit_*, games.rounds",
    )


def test_json_tells_all(trivia: Project) -> None:
    ignore(trivia, "games.losers", "dropped by the DBA in May")
    ignore(trivia, "zzz")
    faulty = HOST.replace("\n", "  # lockstep: ignore[zzz] x\n")
    losers = "    losers = db.Column(db.JSON)\n"
    for old, new in ((ROUNDS, ROUNDS + MARKED + losers), (HOST, faulty)):
        trivia.replace(MODELS, old, new)
    trivia.stage(".")
    report = trivia.check("--output-format", "json").json
    assert report["verdict"] == "clean"
    keys = ("rule", "what", "reason", "by")
    assert [[entry[key] for key in keys] for entry in report["ignored"]] == [
        [
            "missing-migration",
            "column games.winners",
            "made by hand",
            f"{MODELS}:{trivia.line(MODELS, 'made by hand')}",
        ],
        [
            "missing-migration",
            "column games.losers",
            "dropped by the DBA in May",
            "games.losers",
        ],
    ]
    assert report["unused_ignores"] == ["zzz"]
    location = f"{MODELS}:{trivia.line(MODELS, '[zzz]')}"
    assert report["faulty_ignores"] == [f"{location}: no rule is called 'zzz'"]


def test_an_old_difference_keeps_its_directive_and_its_glob_in_use(trivia: Project) -> None:
    losers = "    losers = db.Column(db.JSON)\n"
    ignore(trivia, "games.losers")
    trivia.replace(MODELS, ROUNDS, ROUNDS + MARKED + losers)
    trivia.stage(".")
    commit(trivia)
    idle = HOST.replace("\n", f"  {DIRECTIVE}\n")
    result = check(trivia, (HOST, idle))
    location = f"{MODELS}:{trivia.line(MODELS, HOST.rstrip())}"
    assert_clean(result, "2 older differences", f"unused ignores: {location}\n")


def test_a_removed_column_is_ignored_at_its_class_and_by_its_migration(trivia: Project) -> None:
    head = "class Game(db.Model):\n"
    both = DIRECTIVE.replace("[", "[migration-mismatch, ")
    assert_clean(check(trivia, (ROUNDS, ""), (head, f"class Game(db.Model):  {both}\n")), BY_CODE)
    trivia.replace(MODELS, f"  {both}", "")
    trivia.replace(MODELS, HOST, HOST + ROUNDS)
    path = f"{trivia.sample.versions}/aaaaaaaaaaaa_more.py"
    trivia.write(path, MIGRATION)
    assert_finding(check(trivia), "migration-mismatch")
    line = "    op.add_column('games', sa.Column('extra', sa.Integer()))"
    marked = (line, f"{line}  # lockstep: ignore[migration-mismatch] for the reports")
    assert_clean(check(trivia, marked, path=path), BY_CODE)
    commit(trivia)  # no new migration from now on
    result = check(trivia, (HOST, HOST.replace("80", "90")))
    assert_finding(result, "1 older difference")
    assert "unused ignores" not in result.output


MIGRATION = """\
from alembic import op
import sqlalchemy as sa

revision = 'aaaaaaaaaaaa'
down_revision = 'b7a90c45e1d8'


def upgrade():
    op.add_column('games', sa.Column('extra', sa.Integer()))


def downgrade():
    op.drop_column('games', 'extra')
"""


def test_a_deleted_line_has_no_directive_but_a_glob(trivia: Project) -> None:
    feedback = "backend/feedback.py"
    text = trivia.read(feedback)
    number = trivia.line(feedback, "class Feedback")
    lines = ["import sys"] * (number - 1) + [f"import os  {DIRECTIVE}"]
    trivia.write(feedback, "\n".join(lines) + "\n")
    assert text != trivia.read(feedback)
    result = check(trivia)
    assert_finding(result, f"{feedback}:{number}:", "table feedback")
    ignore(trivia, "feedback")
    assert_clean(check(trivia), "ignored: 1 (1 by feedback)")


def test_other_rules_heed_directives_but_never_pass_what_cannot_be_judged(trivia: Project) -> None:
    path = f"{trivia.sample.versions}/aaaaaaaaaaaa_more.py"
    back = "\n\ndef downgrade():\n    raise NotImplementedError\n"
    empty = MIGRATION.partition("    op.")[0] + "    pass\n" + back
    second = empty.replace("b7a90c45e1d8", "8d52e6f04c13")
    parent = "down_revision = '8d52e6f04c13'"
    heads = f"{parent}  # lockstep: ignore[multiple-heads] merged tomorrow"
    trivia.write(path, second.replace(parent, heads))
    assert_clean(check(trivia), BY_CODE)
    unknown = "down_revision = 'ffffffffffff'  # lockstep: ignore[unknown-parent] on its way"
    trivia.write(path, second.replace(parent, unknown))
    result = check(trivia)
    assert result.returncode == 2, result.output
    broken = "    raise ValueError  # lockstep: ignore[broken-upgrade] works elsewhere\n"
    trivia.write(path, empty.replace("    pass\n", broken))
    assert_finding(check(trivia), "broken-upgrade", "not honoured: ", "cannot be ignored")


def test_a_forgotten_migration_is_not_asked_for_what_is_ignored(trivia: Project) -> None:
    trivia.replace(MODELS, ROUNDS, ROUNDS + WINNERS)
    text = MIGRATION.replace("extra", "winners").replace("Integer", "JSON")
    trivia.write(f"{trivia.sample.versions}/aaaaaaaaaaaa_more.py", text)
    trivia.stage(MODELS)
    assert_finding(trivia.check(), "1 uncommitted-migration")
    ignore(trivia, "games.winners")
    trivia.stage("pyproject.toml")
    assert_clean(trivia.check(), "ignored: 1 (1 by games.winners)")


def test_unused_is_what_no_environment_uses(make_project: MakeProject) -> None:
    project = make_project("monorepo", hook=None)
    made_at = "    made_at = Column(DateTime)\n"
    seen_at = f"    seen_at = Column(DateTime)  {DIRECTIVE}\n"
    head = "[tool.alembic-lockstep.ignore]\n"
    project.write("pyproject.toml", f'{head}"bills.seen_at" = "by hand"\n"zzz" = "never"\n')
    assert_clean(
        check(project, (made_at, made_at + seen_at), path="common/mixins.py"),
        "ignored: 2 (1 by bills.seen_at, 1 by comment)",
        "unused ignores: zzz\n",
    )


def test_nothing_is_called_unused_where_old_differences_are_not_seen(
    make_project: MakeProject,
) -> None:
    bank = make_project("no_replay", hook=None)
    sample = bank.sample
    marked = sample.after.replace("\n", f"  {DIRECTIVE}\n")
    result = check(bank, (sample.after, marked), path=sample.models)
    assert_clean(result, "from the base's models")
    assert "unused ignores" not in result.output
