"""The rules' pages, which ship with the package."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

HOME = "https://github.com/alembic-lockstep/alembic-lockstep"
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


def rule_url(name: str) -> str:
    """Where a rule's page is read on the web."""
    return f"{HOME}/blob/main/docs/rules/{name}.md"


def rule_summary(name: str) -> str:
    """The first paragraph of a rule's page, on one line."""
    _, first, *_ = rule_page(name).split("\n\n")
    return " ".join(first.split())


def linked_page(name: str) -> str:
    """A rule's page for another place: its links lead to the web."""
    links = re.compile(r"(?<=\]\()[^)\s]+")
    return links.sub(lambda link: urljoin(rule_url(name), link[0]), rule_page(name))
