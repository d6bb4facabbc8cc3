"""Pages of the rules, which ship with the package."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

HOME = "https://github.com/alembic-lockstep/alembic-lockstep"
_HERE = Path(__file__).parent
# A wheel has the pages in the package, a checkout in the folder of their sources.
PAGES = _HERE / "docs" if (_HERE / "docs").is_dir() else _HERE.parent.parent / "docs" / "rules"


def rule_names() -> list[str]:
    """Return the ids of all rules."""
    return sorted(page.stem for page in PAGES.glob("*.md"))


def rule_page(name: str) -> str:
    """Return a rule's page in Markdown; `KeyError` if there is no such rule."""
    if name not in rule_names():
        raise KeyError(name)
    return (PAGES / f"{name}.md").read_text("utf-8").strip()


def rule_url(name: str) -> str:
    """Return the URL of a rule's page."""
    return f"{HOME}/blob/main/docs/rules/{name}.md"


def rule_summary(name: str) -> str:
    """Return the first paragraph of a rule's page, on one line."""
    _, first, *_ = rule_page(name).split("\n\n")
    return " ".join(first.split())


def linked_page(name: str) -> str:
    """Return a rule's page for use elsewhere: its links are URLs."""
    links = re.compile(r"(?<=\]\()[^)\s]+")
    return links.sub(lambda link: urljoin(rule_url(name), link[0]), rule_page(name))
