"""The rules' pages, which ship with the package."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
# In a wheel the pages lie in the package; in a checkout in the folder that they are written in.
PAGES = _HERE / "docs" if (_HERE / "docs").is_dir() else _HERE.parent.parent / "docs" / "rules"


def rule_names() -> list[str]:
    """The ids of all rules."""
    return sorted(page.stem for page in PAGES.glob("*.md"))


def rule_page(name: str) -> str:
    """A rule's page in Markdown; `KeyError` for a name that no rule has."""
    if name not in rule_names():
        raise KeyError(name)
    return (PAGES / f"{name}.md").read_text("utf-8").strip()
