"""A package's models change with its version: both runs have the same one installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.pinned_models import count_pinned_models, has_packaged_models
from alembic_lockstep.dryrun.schema_operations import Operation

POETRY = (
    "[[package]]\nname = 'acme.models'\nversion = '1.{}'\n\n"
    "[[package]]\nname = 'b'\nversion = '1'\n"
)
PIPFILE = '{{"default": {{"acme-models": {{"version": "==1.{}"}}, "b": {{"version": "==1"}}}}}}'
#: From a file's name to its text, with the place of the package's version.
PINS = {
    "requirements.txt": "b==1\nacme_models[all]==1.{}\n",
    "requirements/dev.in": None,
    "constraints-prod.txt": "Acme.Models>=1.{}  # ours\n",
    "pyproject.toml": "[project]\ndependencies = [\n  'b',\n  'acme-models>=1.{}',\n]\n",
    "setup.py": "setup(install_requires=['acme-models ~= 1.{}'])\n",
    "Pipfile": "[packages]\nacme-models = '==1.{}'\n",
    "poetry.lock": POETRY,
    "uv.lock": POETRY,
    "Pipfile.lock": PIPFILE,
}


def column(table: str, name: str = "paid") -> Operation:
    return Operation("", "add_column", table, name, (), "x", "", f"column {table}.{name}", ())


OWN = {"file": "app/models.py", "class": "Own", "columns": {}}
MIXED = {**OWN, "columns": {"paid": {"file": "", "module": "acme_models.mixins"}}}
TABLES = {
    "orders": {"file": "", "module": "acme_models.orders", "class": "Order", "columns": {}},
    "namespaced": {"file": "", "module": "acme.models.things", "class": "T", "columns": {}},
    "mixed": MIXED,
    "own": OWN,
    "others": {"file": "", "module": "other.models", "class": "Other", "columns": {}},
}


def introduced(graph: Graph, before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Give the tables of which a difference counts, where all have an old one."""
    graph.write(before)
    graph.commit({})
    graph.write(after)
    catalogue = {"tables": TABLES, "bases": [], "modules": []}
    observation = Observation(databases=({"name": "", "operations": [], "catalogue": catalogue},))
    old = tuple(column(table) for table in (*TABLES, "gone"))
    comparison, _ = count_pinned_models(
        graph.facts(), Comparison(observation, observation, "replay", old=old)
    )
    assert {*comparison.introduced, *comparison.old} == {*old}
    return [operation.table for operation in comparison.introduced]


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.commit({"0001": None})
    return graph


@pytest.mark.parametrize("path", PINS)
def test_what_a_newly_pinned_package_brings_is_not_older(graph: Graph, path: str) -> None:
    text = PINS[path] or "acme-models>1.{}\n"
    tables = introduced(graph, {path: text.format(0)}, {path: text.format(1)})
    assert tables == ["orders", "namespaced", "mixed"]


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("requirements.txt", "acme-models==1\nb==1\n", "acme-models==1\nb==2\n"),
        ("poetry.lock", POETRY.format(0), POETRY.format(0).replace("'1'", "'2'")),
        ("uv.lock", POETRY.format(0), "version = 1\nbroken ["),
        ("acme.txt", "acme-models==1\n", "acme-models==2\n"),
        ("pyproject.toml", "[project]\nversion = '1'\n", "[project]\nversion = '2'\n"),
    ],
)
def test_what_others_brought_stays_older(graph: Graph, path: str, before: str, after: str) -> None:
    assert introduced(graph, {path: before}, {path: after}) == []


def test_versions_matter_to_old_differences_of_packages() -> None:
    catalogue = {"tables": TABLES, "bases": [], "modules": []}
    observation = Observation(databases=({"name": "", "operations": [], "catalogue": catalogue},))

    def with_old(*tables: str) -> Comparison:
        old = tuple(column(table) for table in tables)
        return Comparison(observation, observation, "replay", old=old)

    assert not has_packaged_models(with_old())
    assert not has_packaged_models(with_old("own", "gone"))
    assert has_packaged_models(with_old("own", "orders"))
    assert has_packaged_models(with_old("mixed"))  # a column of a package's mixin
    assert has_packaged_models(None)  # nothing ran
