"""A report stays short enough to read, however much there is to catch up on."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import click
import pytest

from alembic_lockstep.findings import Finding, Fix, Location
from alembic_lockstep.report.full import EXAMPLES, MANY
from alembic_lockstep.report.output import render
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.text import listed
from alembic_lockstep.rules.migration_mismatch import _message

CONFIGS = ("a.ini", "b.ini", "c.ini")
HEADS = Finding("multiple-heads", "2 heads", Location("m/9c1d.py", 4), "alembic.ini")


def missing(path: str, line: int, environment: str = "alembic.ini") -> Finding:
    message = "column games.winners is in the models, but no migration adds it"
    return Finding("missing-migration", message, Location(path, line), environment)


def environment(config: str) -> EnvironmentReport:
    findings: tuple[Finding, ...] = (
        replace(missing("models.py", 3, config), sql=(f"-- {config}",)),
    )
    if config == "b.ini":
        findings += (replace(HEADS, message="table games is gone", environment=config),)
    code = Fix("The migration that is missing:", "op.add_column()", "python")
    return EnvironmentReport(
        config, findings, (code, Fix("Fix:", f"alembic -c {config} revision", "console"))
    )


THREE = [environment(config) for config in CONFIGS]


def rendered(name: str, environments: list[EnvironmentReport]) -> str:
    return click.unstyle(render(name, Report(("Blocked.",), environments=tuple(environments))))


def operation(kind: str) -> Any:
    return SimpleNamespace(kind=kind, text="column games.winners")


def facts(count: int) -> Any:
    return SimpleNamespace(new=[SimpleNamespace(id=f"r{number}") for number in range(count)])


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, ""), (1, "0"), (6, "0, 1, 2, 3, 4, 5"), (7, "0, 1, 2, 3, 4 and 2 more")],
)
def test_names_in_a_row_end_with_their_count(count: int, text: str) -> None:
    assert listed(map(str, range(count))) == text


@pytest.mark.parametrize(
    ("count", "who"),
    [
        (1, "the new migration r0 never adds it"),
        (3, "none of r0, r1, r2 adds it"),
        (288, "none of the 288 new migrations adds it"),
    ],
)
def test_a_finding_counts_many_revisions(count: int, who: str) -> None:
    message = _message(facts(count), operation("add_column"))
    assert message == f"column games.winners is in the models, but {who}"


def test_what_many_revisions_leave_over_names_none_of_them() -> None:
    message = _message(facts(288), operation("remove_column"))
    assert message.startswith("after the 288 new migrations the database has column games.winners")


def test_a_rule_with_many_findings_is_summed_up_and_the_rest_are_places() -> None:
    findings = [*(missing(f"m{number // 30}.py", number) for number in range(1, 98)), HEADS]
    text = rendered("full", [EnvironmentReport("alembic.ini", tuple(findings), overview=("Odd.",))])
    assert text.startswith("98 findings: 97 missing-migration, 1 multiple-heads\n  Odd.\n")
    assert text.count("is in the models") == EXAMPLES
    assert (
        "94 more missing-migration\n  m0.py:4, 5, 6, 7, 8, 9, 10, 11, 12, 13 and 16 more\n" in text
    )
    assert "2 heads" in text
    assert len(text.splitlines()) < 30


def test_a_rule_with_ten_findings_shows_all() -> None:
    findings = tuple(missing("m.py", number) for number in range(MANY))
    text = rendered("full", [EnvironmentReport("alembic.ini", findings)])
    assert text.count("is in the models") == MANY
    assert "more" not in text


def test_many_files_and_places_end_with_a_count() -> None:
    findings = [missing(f"m{number}.py", number) for number in range(1, 50)]
    text = rendered("full", [EnvironmentReport("alembic.ini", tuple(findings))])
    assert "\n  … and in 26 more files\n" in text
    related = tuple(Location("m.py", number) for number in range(40))
    text = rendered("full", [EnvironmentReport("a.ini", (replace(HEADS, related=related),))])
    assert text.count("see m.py") == 5
    assert "… and 35 more places" in text


@pytest.mark.parametrize("name", ["full", "concise", "github", "markdown"])
def test_what_three_environments_have_alike_is_one_finding_for_people(name: str) -> None:
    text = rendered(name, THREE)
    assert text.count("is in the models") == 1
    assert "a.ini, b.ini, c.ini" in text.replace("%2C", ",")
    assert text.count("is gone") == 1  # b.ini's alone
    if name in ("full", "markdown"):
        assert text.count("op.add_column") == 1
        assert [text.count(f"alembic -c {config} revision") for config in CONFIGS] == [1, 1, 1]


@pytest.mark.parametrize("name", ["json", "sarif", "junit", "gitlab"])
def test_programs_get_the_findings_of_each_environment(name: str) -> None:
    assert rendered(name, THREE).count("column games.winners is in the models") >= 3
