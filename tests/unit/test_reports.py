"""Reports: the same findings in each format, valid by its schema, whatever things are called."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, fromstring

import click
import pytest
import xmlschema
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from markdown_it import MarkdownIt
from markdown_it.token import Token

from alembic_lockstep.errors import CouldNotJudge
from alembic_lockstep.findings import Finding, Fix, Location
from alembic_lockstep.ignores.ignoring import IGNORABLE
from alembic_lockstep.isolation.cell import Guard
from alembic_lockstep.pages import linked_page, rule_names, rule_summary
from alembic_lockstep.report.fingerprints import fingerprints
from alembic_lockstep.report.output import FORMATS, Output, OutputFile, output_file, render
from alembic_lockstep.report.report import EnvironmentReport, Report
from alembic_lockstep.report.summary import describe_guard
from alembic_lockstep.report.text import position, printable
from alembic_lockstep.rules import DRY_RUN_RULES, HISTORY_RULES, RANGE_RULES
from alembic_lockstep.verdict import Ignored

TOP = Path(__file__).parents[2]

WINNERS = Finding(
    "missing-migration",
    "column games.winners is in the models, but no migration adds it",
    Location("backend/models.py", 12, 5, "    winners = db.Column(db.JSON)", 7),
    "alembic.ini",
    operation="op.add_column('games', sa.Column('winners', sa.JSON()))",
    sql=("ALTER TABLE games ADD COLUMN winners JSON",),
)
TITLE = replace(
    WINNERS,
    message="nullable of column games.title is different in the models",
    hint="models:   NOT NULL\ndatabase: NULL",
    related=(Location("backend/base.py", 3, 1, "title", 5, in_base=True), Location("a.py", 2)),
    operation="op.alter_column('games', 'title')",
    sql=(),
)
HEADS = Finding("multiple-heads", "2 heads", Location("m/9c1d.py", 4), "other.ini", "Merge them.")
FIXES = (
    Fix("The migration that is missing:", "def upgrade() -> None:\n    pass", "python"),
    Fix("Fix:", 'alembic revision -m "winners"', "console"),
)
REPORT = Report(
    ("Blocked: 2 missing-migration, 1 multiple-heads.", "alembic.ini: …", "  not compared: views"),
    "1" * 40,
    "2" * 64,
    (
        EnvironmentReport("alembic.ini", (WINNERS, TITLE), FIXES, ("SQLite",), ("sqlite",)),
        EnvironmentReport("other.ini", (HEADS,), start="replay", not_compared=("views",)),
    ),
    (Ignored("missing-migration", "table audit", "by hand", "audit_*", True, "alembic.ini"),),
    ("zzz",),
    ("a.py:1: it gives no reason",),
)
#: The one of docs/formats.md.
EXAMPLE = Report(
    (
        "Blocked: 1 missing-migration.",
        "alembic.ini: 31 revisions run from empty on SQLite.",
        "  not compared: views, triggers, functions",
    ),
    "3d1f0c5be0b27ce3c1d7ef42e6ad1eb0b15a2b4c",
    "9a0d6a3fb0a1f4f4c9a6f1b2ce1b9d1c7e6f5a42",
    (
        EnvironmentReport(
            "alembic.ini",
            (WINNERS,),
            (
                Fix(
                    "The migration that is missing:",
                    "def upgrade() -> None:\n"
                    "    op.add_column('games', sa.Column('winners', sa.JSON()))",
                    "python",
                ),
                Fix(
                    "Fix:",
                    'alembic revision --autogenerate -m "add games.winners"\n'
                    "git add :/migrations/versions",
                    "console",
                ),
            ),
            ("SQLite",),
            ("sqlite",),
            start="replay",
            revisions_run=31,
            not_compared=("views, triggers, functions",),
        ),
    ),
)
CLEAN = Report(("Passed: nothing staged touches what the last verdict read.",))
FAILED = Report(
    failure=CouldNotJudge(
        "no Python has 'alembic'",
        fix="pip install alembic\nor set:\npython = '.venv/bin/python'",
        tried=("/usr/bin/python3: no", ".venv: none"),
        log="Traceback\nKeyError",
        config="service/alembic.ini",
    )
)
#: What could end a line, a cell, a fence, an attribute, a property, a URI or a document.
HOSTILE = [
    "a%b,c:d=e.py",
    "%0A%2C%250D.py",
    "::error file=x::y.py",
    "]]>&<b>\"'.py",
    "tab\tnew\nline\r.py",
    "nul\0esc\x1b[31m\x0b\x85\u2028.py",
    "caf\udce9\ufffe\U0001f40d\u202e.py",
    "`a``b```c.py",
    "a|b\\|c\\\\|d.py",
    "[x](javascript:y)<script>@all #1 :tada: $x$ **b** ~~s~~.py",
    "# h.py",
    "</details>\n\n```\n::set-output name=x::y",
    " - x ",
    "1. x",
    "--- ",
    "    + x",
    "===",
]


def hostile(text: str) -> Report:
    finding = Finding(
        "missing-migration",
        f"column {text} is in the models",
        Location(f"x/{text}", 2, 3, text, 4),
        text,
        hint=text,
        related=(Location(text, 5),),
        operation=text,
        sql=(text,),
    )
    fixes = (Fix(f"What {text} still needs:", text, "python"), Fix("Type:", text, "console"))
    environment = EnvironmentReport(text, (finding,), fixes, notes=(text,))
    ignored = Ignored("missing-migration", text, text, text, True, text)
    return Report(
        ("Blocked.", text.lstrip(), f"  {text}"), "", "", (environment,), (ignored,), (text,)
    )


def failed(text: str) -> Report:
    return Report(failure=CouldNotJudge(text, fix=text, tried=(text,), log=text, config=text))


EVERY = {
    "findings": REPORT,
    "clean": CLEAN,
    "failed": FAILED,
    **{f"hostile {text!r}": hostile(text) for text in HOSTILE},
    **{f"failed {text!r}": failed(text) for text in HOSTILE},
}
every = pytest.mark.parametrize("report", EVERY.values(), ids=EVERY.keys())


# What each format says, read as its readers do.


def commands(text: str) -> list[tuple[dict[str, str], str]]:
    """The runner's way: a line is a command or none, escapes are undone after all is split."""
    parsed = []
    for line in re.split(r"\r\n|\r|\n", text):
        if not line:
            continue
        assert line.startswith("::error "), line
        properties, _, data = line.removeprefix("::error ").partition("::")
        pairs = dict(pair.split("=", 1) for pair in properties.split(","))
        parsed.append(({key: unescaped(value) for key, value in pairs.items()}, unescaped(data)))
    return parsed


def unescaped(text: str) -> str:
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def document(name: str, report: Report) -> Any:
    return json.loads(render(name, report))


def sarif_run(report: Report) -> Any:
    (run,) = document("sarif", report)["runs"]
    return run


def suites(report: Report) -> list[Element]:
    return list(fromstring(render("junit", report)))


def tokens(report: Report) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(render("markdown", report))


def table(report: Report) -> list[list[str]]:
    """The cells of a page's first table, as text."""
    rows: list[list[str]] = []
    for token, inline in zip(tokens(report), tokens(report)[1:], strict=False):
        if token.type == "thead_open" and rows:
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "td_open":
            parts = inline.children or []
            rows[-1].append("".join(part.content for part in parts if part.type == "text"))
    return [row for row in rows if row]


def from_text(name: str) -> Callable[[Report], list[str]]:
    pattern = re.compile(r"^(\S+):(\d+):\d+: ([a-z-]+): ", re.MULTILINE)
    return lambda report: [
        f"{rule} {path}:{line}"
        for path, line, rule in pattern.findall(click.unstyle(render(name, report)))
    ]


def from_sarif(report: Report) -> list[str]:
    lines = []
    for result in sarif_run(report)["results"]:
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        uri, line = physical["artifactLocation"]["uri"], physical["region"]["startLine"]
        lines.append(f"{result['ruleId']} {uri}:{line}")
    return lines


def from_junit(report: Report) -> list[str]:
    lines = [
        line
        for suite in suites(report)
        for failure in suite.iter("failure")
        for line in failure.itertext()
    ]
    pattern = re.compile(r"^(\S+):(\d+):\d+: ([a-z-]+): ", re.MULTILINE)
    return [f"{rule} {path}:{line}" for path, line, rule in pattern.findall("\n".join(lines))]


FINDINGS_OF: dict[str, Callable[[Report], list[str]]] = {
    "full": from_text("full"),
    "concise": from_text("concise"),
    "github": lambda report: [
        f"{properties['title'].split()[0]} {properties['file']}:{properties['line']}"
        for properties, _ in commands(render("github", report))
    ],
    "gitlab": lambda report: [
        f"{issue['check_name']} {issue['location']['path']}:{issue['location']['lines']['begin']}"
        for issue in document("gitlab", report)
    ],
    "sarif": from_sarif,
    "json": lambda report: [
        f"{finding['rule']} {finding['path']}:{finding['line']}"
        for finding in document("json", report)["findings"]
    ],
    "junit": from_junit,
    "markdown": lambda report: [f"{row[0]} {row[1]}" for row in table(report)],
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_the_same_findings(name: str) -> None:
    lines = FINDINGS_OF[name](REPORT)
    assert lines == [f"{finding.rule} {position(finding.location)}" for finding in REPORT.findings]
    text = click.unstyle(render(name, REPORT))
    if name == "markdown":
        text = "\n".join(cell for row in table(REPORT) for cell in row)
    if name == "github":
        text = unescaped(text)
    assert all(finding.message in text for finding in REPORT.findings)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_clean_has_no_finding(name: str) -> None:
    if name == "markdown":
        assert not table(CLEAN)
        assert "**Passed" in render(name, CLEAN)
    else:
        assert FINDINGS_OF[name](CLEAN) == []


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_says_that_it_could_not_judge(name: str) -> None:
    text = click.unstyle(render(name, FAILED))
    if name == "gitlab":
        (issue,) = json.loads(text)
        assert (issue["check_name"], issue["severity"]) == ("could-not-judge", "blocker")
        assert issue["location"] == {"path": "service/alembic.ini", "lines": {"begin": 1}}
        assert "no Python has 'alembic'" in issue["description"]
        return
    if name == "markdown":
        text = MarkdownIt("commonmark").render(text)
    text = unescaped(text).replace("&#x27;", "'").replace("&#39;", "'").replace("&quot;", '"')
    assert "judge" in text
    for words in ("no Python has 'alembic'", "/usr/bin/python3: no", "pip install alembic"):
        assert words in text, name


def test_a_failure_without_an_environment_is_put_at_the_settings() -> None:
    (issue,) = document("gitlab", Report(failure=CouldNotJudge("x")))
    assert issue["location"]["path"] == "pyproject.toml"


# Schemas.


@cache
def validator(path: str) -> Validator:
    schema = json.loads((TOP / path).read_text("utf-8"))
    kind = validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


@every
def test_sarif_is_valid(report: Report) -> None:
    validator("tests/schemas/sarif-2.1.0-rtm.5.json").validate(document("sarif", report))


@every
def test_gitlab_is_valid(report: Report) -> None:
    validator("tests/schemas/gitlab-code-quality.json").validate(document("gitlab", report))


@every
def test_json_is_valid(report: Report) -> None:
    validator("docs/schema/report-1.json").validate(document("json", report))


@pytest.fixture(scope="module")
def junit_schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(TOP / "tests/schemas/junit-10.xsd")


@every
def test_junit_is_valid(report: Report, junit_schema: xmlschema.XMLSchema) -> None:
    junit_schema.validate(render("junit", report))


# Hostile names.


@pytest.mark.parametrize("text", HOSTILE)
def test_github_reads_back_what_a_thing_is_called(text: str) -> None:
    ((properties, data),) = commands(render("github", hostile(text)))
    assert properties["file"] == f"x/{text}"
    assert (properties["line"], properties["endColumn"]) == ("2", "7")
    assert data.startswith("column ")
    ((properties, _),) = commands(render("github", failed(text)))
    assert properties == {"title": "could not judge"}


@pytest.mark.parametrize("text", HOSTILE)
def test_sarif_encodes_the_bytes_of_a_path(text: str) -> None:
    (result,) = sarif_run(hostile(text))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"([A-Za-z0-9/_.~-]|%[0-9A-F]{2})+", uri)
    assert unquote_to_bytes(uri) == f"x/{text}".encode("utf-8", "surrogateescape")


@pytest.mark.parametrize("report", [hostile, failed])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_breaks_the_page(text: str, report: Callable[[str], Report]) -> None:
    kinds = [token.type for token in tokens(report(text))]
    assert kinds == [token.type for token in tokens(report("plain"))]
    for token in tokens(report(text)):
        inside = [child.type for child in token.children or ()]
        assert not {"em_open", "strong_open", "image", "code_inline"} & set(inside) or (
            token.content.startswith("**")
        )
        if token.type == "html_block":
            assert re.fullmatch(r"<details><summary>.*</summary>|</details>", token.content.strip())
    links = {
        str(child.attrs["href"])
        for token in tokens(report(text))
        for child in token.children or ()
        if child.type == "link_open"
    }
    assert all(link.endswith("docs/rules/missing-migration.md") for link in links)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_of_the_page_holds_all_of_a_name(text: str) -> None:
    ((_, where, message),) = table(hostile(text))
    assert where == position(Location(f"x/{text}", 2))
    assert message.startswith(f"column {printable(text)} is in the models")


@pytest.mark.parametrize("text", HOSTILE)
def test_gitlab_gets_unicode_only(text: str) -> None:
    for report in (hostile(text), failed(text)):
        (issue,) = document("gitlab", report)
        assert issue["location"]["path"].encode()
        assert issue["description"].encode()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_a_report_can_be_printed_and_written(
    name: str, text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report"
    Output(name, (OutputFile(name, file),)).write(hostile(text))
    printed = capfd.readouterr().out
    assert file.read_bytes() == printed.encode()
    if name != "json":  # which escapes them
        assert not re.search(r"[\x00\x1b\x0b\ud800-\udfff]", printed) or name == "github"


# What is special of one.


def test_a_fingerprint_holds_while_lines_move_and_words_change() -> None:
    moved = replace(WINNERS, message="other words", location=replace(WINNERS.location, line=99))
    assert fingerprints([moved]) == fingerprints([WINNERS])


def test_fingerprints_differ_from_one_another() -> None:
    elsewhere = replace(WINNERS, location=replace(WINNERS.location, path="other.py"))
    findings = [WINNERS, WINNERS, TITLE, HEADS, elsewhere, replace(WINNERS, environment="b.ini")]
    assert len(set(fingerprints(findings))) == len(findings)


def test_fingerprints_are_these() -> None:
    # Other fingerprints would reopen every alert.
    assert fingerprints([WINNERS, HEADS]) == [
        "bbdb3c0e45d9485047725bf9062df3d2",
        "d9e64da576bcdafc28d4337d5cfd1701",
    ]


def test_sarif_has_all_rules_the_place_and_the_fix() -> None:
    run = sarif_run(REPORT)
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == rule_names()
    first, second, _ = run["results"]
    physical = first["locations"][0]["physicalLocation"]
    assert physical["region"] == {"startLine": 12, "startColumn": 5, "endColumn": 12}
    assert physical["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
    assert "```python\nop.add_column(" in first["message"]["markdown"]
    assert "```sql\nALTER TABLE" in first["message"]["markdown"]
    assert "```console\nalembic revision" in first["message"]["markdown"]
    assert [location.get("message") for location in second["relatedLocations"]] == [
        {"text": "deleted"},
        None,
    ]
    assert run["invocations"][0]["executionSuccessful"] is True
    assert sarif_run(FAILED)["invocations"][0]["executionSuccessful"] is False


def test_junit_counts() -> None:
    first, second = suites(REPORT)
    number = str(len(rule_names()))
    assert [first.get(name) for name in ("name", "tests", "failures", "errors")] == [
        *("alembic.ini", number, "1", "0")
    ]
    assert [case.get("name") for case in first.iter("testcase")] == rule_names()
    (failure,) = first.iter("failure")
    assert failure.get("message") == f"2 findings: {WINNERS.message}, …"
    assert second.get("failures") == "1"
    (clean,) = suites(CLEAN)
    assert (clean.get("tests"), clean.get("failures")) == (number, "0")
    (failed,) = suites(FAILED)
    assert (failed.get("tests"), failed.get("errors")) == ("1", "1")


def test_the_page_has_the_migration_and_what_was_left_out() -> None:
    page = render("markdown", REPORT)
    assert "```python\ndef upgrade() -> None:\n    pass\n```" in page
    assert "not compared" in page
    assert "1 difference ignored" in page
    assert "by hand" in page


def test_each_rule_has_a_page_for_elsewhere() -> None:
    assert rule_names() == sorted([*HISTORY_RULES, *DRY_RUN_RULES, *RANGE_RULES])
    assert set(rule_names()) >= IGNORABLE
    for name in rule_names():
        assert 20 < len(rule_summary(name)) < 1024
        assert not re.search(r"\]\((?!https://)", linked_page(name))


def test_the_guide_shows_what_is_made() -> None:
    guide = (TOP / "docs/formats.md").read_text("utf-8")
    for name in ("github", "gitlab", "json", "markdown"):
        assert f"\n{render(name, EXAMPLE)}```" in guide, name
    (case,) = re.findall(r"<testcase[^/>]+>.*?</testcase>", render("junit", EXAMPLE), re.DOTALL)
    assert case in guide
    (result,) = sarif_run(EXAMPLE)["results"]
    assert f"\n{json.dumps(result, indent=2)}\n```" in guide
    assert all(f"`{name}`" in guide for name in FORMATS)


# Files.


@pytest.mark.parametrize(
    ("value", "name", "path"),
    [
        ("a/report.sarif", "sarif", "a/report.sarif"),
        ("report.xml", "junit", "report.xml"),
        ("SUMMARY.md", "markdown", "SUMMARY.md"),
        ("report.json", "json", "report.json"),
        ("gitlab=gl-code-quality-report.json", "gitlab", "gl-code-quality-report.json"),
        ("full=a=b.txt", "full", "a=b.txt"),
        ("./sarf=a.sarif", "sarif", "sarf=a.sarif"),
    ],
)
def test_the_format_of_a_file(value: str, name: str, path: str) -> None:
    assert output_file(value) == OutputFile(name, Path(path))


@pytest.mark.parametrize(
    "value", ["report.txt", "report", "sarf=a.sarif", "sarif=", "", "a.SARIF="]
)
def test_a_file_of_no_format_says_what_to_write(value: str) -> None:
    with pytest.raises(click.BadParameter, match=r"write FORMAT=.*full, concise, github"):
        output_file(value)


def test_a_file_is_written_whole_in_a_new_folder(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "report.json"
    Output(files=(OutputFile("json", file),)).write(CLEAN)
    assert json.loads(file.read_text())["verdict"] == "clean"
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_does_not_fit_stays_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(CouldNotJudge, match="File too large"):
            Output("concise", (OutputFile("json", file),)).write(CLEAN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_has_no_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = tmp_path / "report.txt"
    Output(files=(OutputFile("full", file),)).write(REPORT)
    assert "\x1b" in render("full", REPORT)
    assert "\x1b" not in file.read_text()


def test_a_file_behind_a_link_is_written_there(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    file.write_text("old")
    link.symlink_to(file)
    Output(files=(OutputFile("gitlab", link),)).write(CLEAN)
    assert link.is_symlink()
    assert file.read_text() == "[]\n"


def test_a_file_that_cannot_be_written_is_named_and_the_others_are_written(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    bad = [tmp_path / "folder", tmp_path / "file" / "x", tmp_path / "nul\0"]
    good = tmp_path / "good"
    files = tuple(OutputFile("concise", path) for path in (*bad, good))
    with pytest.raises(CouldNotJudge) as raised:
        Output(files=files).write(REPORT)
    assert all(str(path) in raised.value.message for path in bad)
    assert "Is a directory" in raised.value.message
    assert good.read_text().count("\n") == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "good"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "text",
    [
        "::stop-commands::tok",
        " ::add-mask::a",
        "##[stop-commands]tok",
        "x ##vso[task.setvariable variable=a]b",
        "##teamcity[message text='a']",
    ],
)
@pytest.mark.parametrize("colour", ["1", ""])
def test_no_name_and_no_log_gives_commands_to_a_ci(
    name: str,
    text: str,
    colour: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of files, tables, ids, in the project's own output: the runner looks behind blanks, too."""
    monkeypatch.setenv("FORCE_COLOR", colour)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for report in (hostile(text), failed(f"first\n{text}")):
        Output(name).write(report)
        shown = capsys.readouterr()
        lines = [click.unstyle(line).strip() for line in shown.err.splitlines()]
        if name != "github":
            lines += [click.unstyle(line).strip() for line in shown.out.splitlines()]
        assert not [line for line in lines if line.startswith("::")]
        assert not re.search(r"##(\[|vso\[|teamcity\[)", "\n".join(lines))
        if name == "json" and report.failure:
            assert json.loads(shown.out)["failure"]["log"].endswith(text)


@pytest.mark.parametrize(
    ("guard", "line"),
    [
        (Guard("namespaces", "seccomp"), "namespaces, seccomp"),
        (Guard("landlock", "seccomp"), "landlock, seccomp"),
        (
            Guard("landlock", "python", ("namespaces: unshare: Operation not permitted",)),
            "landlock, python (namespaces: unshare: Operation not permitted)",
        ),
        (
            Guard(tried=("namespaces: no", "landlock: no")),
            "Python alone, not by the kernel (namespaces: no; landlock: no); see docs/isolation.md",
        ),
    ],
)
def test_the_summary_says_why_no_stronger_guard_is_at_work(guard: Guard, line: str) -> None:
    assert describe_guard(guard) == f"guarded by: {line}"
