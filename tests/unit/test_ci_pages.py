"""What README and docs/ci.md show for GitHub and GitLab is valid, and names inputs that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```yaml\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORKFLOW, PIPELINE = ".github/workflows/alembic-lockstep.yml", ".gitlab-ci.yml"


def shown(name: str) -> list[str]:
    """All blocks of the two pages that say they stand in that file."""
    pages = [(ROOT / page).read_text("utf-8") for page in ("README.md", "docs/ci.md")]
    return [text for page in pages for file, text in BLOCK.findall(page) if file == name]


def inputs_of(path: str) -> set[str]:
    first = next(yaml.safe_load_all((ROOT / path).read_text("utf-8")))
    return set(first.get("spec", first)["inputs"])


def ours(workflow: Any) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("alembic-lockstep/"):
                yield step


@pytest.mark.parametrize("text", shown(WORKFLOW))
def test_a_workflow_is_valid(text: str) -> None:
    lint = Path(sys.executable).with_name("actionlint")
    linted = subprocess.run(
        [lint, "-"], input=text, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr
    (step,) = ours(yaml.safe_load(text))
    assert step.get("with", {}).keys() <= inputs_of("action.yml")


@pytest.mark.parametrize("text", shown(PIPELINE))
def test_a_pipeline_is_valid(text: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    checked = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (include,) = yaml.safe_load(text)["include"]
    assert include["inputs"].keys() <= inputs_of("templates/alembic-lockstep.yml")


@pytest.mark.parametrize(
    ("section", "path"),
    [("GitHub Actions", "action.yml"), ("GitLab", "templates/alembic-lockstep.yml")],
)
def test_all_inputs_have_a_line(section: str, path: str) -> None:
    page = (ROOT / "docs/ci.md").read_text("utf-8")
    table = page.partition(f"\n## {section}\n")[2].partition("| input |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `([\w-]+)` ", table, re.MULTILINE)) == inputs_of(path)


def test_both_pages_show_both() -> None:
    assert (len(shown(WORKFLOW)), len(shown(PIPELINE))) == (4, 2)
