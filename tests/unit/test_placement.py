"""The command that is printed creates the migration where Alembic would otherwise refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.command import revision
from alembic.config import Config

from alembic_lockstep.alembic_env.environments import Environment
from alembic_lockstep.alembic_env.placement import Placement, place_revision
from alembic_lockstep.alembic_env.revisions import History, parse_revision
from alembic_lockstep.fix.commands import fix_commands

LOCATIONS = ("m/versions", "billing", "billing/old")
SEVERAL = Environment("alembic.ini", "", "m", LOCATIONS)
SINGLE = Environment("alembic.ini", "", "m", ("m/versions",))


def migration(name: str, table: str, down: str | None = None, label: str = "") -> str:
    return (
        f"revision = {name!r}\ndown_revision = {down!r}\nbranch_labels = {label or None!r}\n\n\n"
        f"def upgrade():\n    op.create_table({table!r})\n\n\ndef downgrade():\n    pass\n"
    )


FILES = {
    "m/versions/0001.py": migration("0001", "games"),
    "billing/0002.py": migration("0002", "invoices", label="billing"),
    "billing/0003.py": migration("0003", "payments", "0002"),
    "billing/old/0004.py": migration("0004", "shop.orders"),
}


def place(environment: Environment, files: dict[str, str], *tables: str) -> Placement:
    revisions = [parse_revision(path, text) for path, text in files.items()]
    history = History(revision for revision in revisions if revision is not None)
    return place_revision(environment, history, files.get, tables)


@pytest.mark.parametrize(
    ("environment", "names", "tables", "expected"),
    [
        (SINGLE, ["m/versions/0001.py"], ["games"], Placement()),
        (SINGLE, [], ["games"], Placement()),
        (SEVERAL, [], ["games"], Placement("", "m/versions")),
        (SEVERAL, ["billing/0002.py"], ["games"], Placement("", "billing")),
        (SEVERAL, [*FILES], ["games"], Placement("0001", "m/versions")),
        (SEVERAL, [*FILES], ["invoices"], Placement("billing@head", "billing")),
        (SEVERAL, [*FILES], ["shop.orders"], Placement("0004", "billing/old")),
        (SINGLE, [*FILES], ["payments"], Placement("billing@head", "")),
    ],
)
def test_a_migration_goes_to_the_branch_of_its_tables(
    environment: Environment, names: list[str], tables: list[str], expected: Placement
) -> None:
    assert place(environment, {name: FILES[name] for name in names}, *tables) == expected


def test_commands_seen_from_the_folder_in_which_alembic_is_run() -> None:
    below = Environment("b/alembic.ini", "b", "b/m", ("b/m/v 1", "b/m/v 2"))
    create, add = fix_commands(below, [], "a", placement=Placement("0001", "b/m/v 2"))
    assert create == (
        "cd b && alembic revision --autogenerate --head 0001 --version-path 'm/v 2' -m \"a\""
    )
    assert add == "git add ':/b/m/v 2'"


@pytest.mark.parametrize("names", [[], ["m/versions/0001.py"], [*FILES]])
@pytest.mark.parametrize("table", ["games", "invoices", "orders"])
def test_alembic_takes_it(
    tmp_path: Path, names: list[str], table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: FILES[name] for name in names}
    for location in LOCATIONS:
        (tmp_path / location).mkdir(parents=True)
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "m/script.py.mako").write_text(
        "revision = ${repr(up_revision)}\ndown_revision = ${repr(down_revision)}\n"
    )
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.set_main_option("script_location", "m")
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_locations", ":".join(LOCATIONS))
    placement = place(SEVERAL, files, table)
    created = revision(
        config, "x", head=placement.head or "head", version_path=placement.version_path
    )
    assert created is not None
    assert not isinstance(created, list)
    assert Path(created.path).parent == Path(placement.version_path)
