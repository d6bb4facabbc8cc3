"""unregistered-model, from trees and what a dry run saw of the models: none is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from graphs import Graph

from alembic_lockstep.dryrun.comparison import Comparison
from alembic_lockstep.dryrun.observation import Observation
from alembic_lockstep.dryrun.schema_operations import Operation
from alembic_lockstep.facts import Facts
from alembic_lockstep.findings import Location
from alembic_lockstep.pysource.module_index import import_name
from alembic_lockstep.rules import migration_mismatch, missing_migration, unregistered_model

BASE = "class Base(DeclarativeBase): ...\n"
TABLE = (
    "from app.db import Base\n\n\nclass {}(Base):\n    __tablename__ = '{}'\n    id = Column()\n"
)
AUDIT, ENTRY = TABLE.format("Audit", "audits"), TABLE.format("Entry", "entries")
MAKES_AUDITS = "def upgrade(): op.create_table('audits')\n"


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    graph = Graph(tmp_path)
    graph.write({"app/db.py": BASE})
    graph.commit({"0001": None})
    return graph


def drop(table: str, kind: str = "remove_table") -> Operation:
    return Operation(
        "", kind, table, "", (), "", "", f"table {table}", (f"op.drop_table({table!r})",)
    )


def judged(
    graph: Graph,
    *introduced: Operation,
    base: str = "app.db",
    before: str = "",
    loaded_before: tuple[str, ...] = (),
) -> Facts:
    """Give the facts as a dry run that loaded nothing but the base's module would have them.

    Args:
        before: The base's module in the base; "" where the base was not run.
    """
    comparison = Comparison(
        _observed(base),
        _observed(before, loaded_before) if before else None,
        "replay",
        introduced=introduced,
    )
    facts = replace(graph.facts(), comparison=comparison)
    return unregistered_model.without_unregistered_tables(facts)


def _observed(base: str, loaded: tuple[str, ...] = ()) -> Observation:
    paths = [f"{base.replace('.', '/')}.py", *loaded]
    catalogue: Mapping[str, object] = {"tables": {}, "bases": [(base, "Base")], "modules": paths}
    return Observation(databases=({"name": "", "operations": [], "catalogue": catalogue},))


def messages(facts: Facts) -> list[str]:
    rules = (unregistered_model, missing_migration, migration_mismatch)
    return [f"{finding.message} {finding.hint}" for rule in rules for finding in rule.check(facts)]


def test_a_model_in_a_module_that_env_py_imports_is_registered(graph: Graph) -> None:
    graph.write({"app/db.py": BASE + AUDIT.partition("\n\n\n")[2]})
    assert unregistered_model.check(judged(graph)) == []


def test_a_module_that_another_environment_imports_is_registered_there(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    facts = replace(judged(graph), loaded_elsewhere=frozenset({"app/audit.py"}))
    assert unregistered_model.check(facts) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("app/audit.py", "class Audit(Base): ...\n"),
        ("app/audit.py", AUDIT.replace("app.db", "app.other")),
        ("app/audit.txt", AUDIT),
        ("m/versions/0002.py", f"revision, down_revision = '0002', '0001'\n{AUDIT}"),
    ],
    ids=["no table", "another base", "no module", "a migration"],
)
def test_what_makes_no_table_of_the_base_is_no_model(graph: Graph, path: str, text: str) -> None:
    graph.write({path: text})
    assert unregistered_model.check(judged(graph)) == []


def test_a_table_that_stays_as_it_was_is_not_this_commits(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.commit({})
    graph.write({"app/audit.py": f"# Who did it.\n{AUDIT}"})
    assert unregistered_model.check(judged(graph, before="app.db")) == []


def test_without_a_dry_run_nobody_knows_what_is_imported(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    facts = graph.facts()
    assert unregistered_model.check(facts) == []
    failed = replace(_observed("app.db"), error={"type": "KeyError", "message": "no"})
    assert unregistered_model.without_unregistered_tables(facts) is facts
    facts = replace(facts, comparison=Comparison(failed, None, "replay"))
    assert unregistered_model.check(facts) == []


def test_a_file_that_is_deleted_declares_nothing(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.commit({})
    graph.write({"app/audit.py": None})
    assert unregistered_model.check(judged(graph)) == []


def test_a_new_model_is_found_at_its_class(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    (finding,) = unregistered_model.check(judged(graph))
    assert finding.rule == "unregistered-model"
    assert finding.message == (
        "Audit is a new table that m/env.py never imports: autogenerate cannot see it, "
        "and no migration will make it"
    )
    assert finding.hint == (
        "Import app.audit where the other models are imported, then generate the migration."
    )
    assert finding.location == Location("app/audit.py", 4, 7, "class Audit(Base):", len("Audit"))
    assert finding.environment == "alembic.ini"


def test_a_new_model_in_a_file_that_cannot_be_imported_gets_a_name(graph: Graph) -> None:
    graph.write({"app/audit-log.py": AUDIT})
    (finding,) = unregistered_model.check(judged(graph))
    assert finding.hint == (
        "Give app/audit-log.py a name that Python can import, and import it with the other models."
    )


def test_a_new_model_with_its_migration_by_hand_is_to_be_imported_and_not_dropped(
    graph: Graph,
) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.put({"0002": "0001"}, MAKES_AUDITS)
    (message,) = messages(judged(graph, drop("audits"), before="app.db"))
    assert "Audit is a table that m/env.py never imports" in message
    assert message.endswith("would drop it Import app.audit where the other models are imported.")


def test_a_new_model_whose_table_is_made_by_hand_lacks_later_migrations(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.put({"0002": "0001"}, MAKES_AUDITS)
    (message,) = messages(judged(graph, before="app.db"))
    assert "Audit is a new table" in message
    assert message.endswith(
        "nor any later change of it Import app.audit where the other models are imported."
    )


def test_a_model_that_is_moved_to_where_nobody_imports_it_is_not_dropped(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    (message,) = messages(judged(graph, drop("audits"), before="app.db"))
    assert "would drop it" in message
    assert "then generate" not in message


def test_a_drop_of_another_table_is_still_found(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.put({"0002": "0001"}, MAKES_AUDITS)
    others = [drop("audit"), drop("audits", "add_table")]
    assert len(messages(judged(graph, *others, drop("main.audits"), before="app.db"))) == 3


@pytest.mark.parametrize("before", ["app.db", ""], ids=["the base was run", "it was not"])
def test_migrations_by_hand_beside_an_old_missing_import_pass(graph: Graph, before: str) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.commit({})
    graph.write({"app/audit.py": AUDIT + "    who = Column()\n"})
    graph.put({"0002": "0001"}, "def upgrade(): op.add_column('audits', 'who')\n")
    assert messages(judged(graph, before=before)) == []
    graph.write({"app/audit.py": f"{AUDIT}\n\n{ENTRY}"})
    graph.put({"0002": "0001"}, "def upgrade(): op.create_table('entries')\n")
    facts = judged(graph, drop("entries"), before=before)
    assert messages(facts) == []
    assert facts.comparison is not None
    assert facts.comparison.old == (drop("entries"),)


def test_an_old_missing_import_without_a_migration_is_found(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.commit({})
    graph.write({"app/audit.py": AUDIT + "    who = Column()\n"})
    graph.put({"0002": "0001"}, "def upgrade(): op.add_column('others', 'who')\n")
    (message,) = messages(judged(graph, before="app.db"))
    assert "Audit is a changed table" in message
    assert "no migration will change it" in message
    # That autogenerate would drop it is not new.
    assert messages(judged(graph, drop("audits"), before="app.db")) == [message]


def test_an_import_that_this_commit_loses_is_no_old_one(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.commit({})
    graph.write({"app/audit.py": AUDIT + "    who = Column()\n"})
    graph.put({"0002": "0001"}, "def upgrade(): op.add_column('audits', 'who')\n")
    facts = judged(graph, drop("audits"), before="app.db", loaded_before=("app/audit.py",))
    assert len(messages(facts)) == 1


@pytest.mark.parametrize("before", ["app.db", ""], ids=["the base was run", "it was not"])
@pytest.mark.parametrize("is_split", [False, True], ids=["renamed", "split"])
def test_models_are_not_new_because_the_bases_module_is_renamed(
    graph: Graph, before: str, is_split: bool
) -> None:
    graph.write({"app/audit.py": AUDIT, "app/log.py": "x = Table('logs', Base.metadata)\n" + ENTRY})
    graph.commit({})
    moved = "from app.orm import Base\n" if is_split else None
    renamed = {
        f"app/{name}.py": _read(graph, name).replace("app.db", "app.orm")
        for name in ("audit", "log")
    }
    graph.write({**renamed, "app/db.py": moved, "app/orm.py": BASE})
    assert messages(judged(graph, base="app.orm", before=before)) == []


def _read(graph: Graph, name: str) -> str:
    return (graph.root / f"app/{name}.py").read_text()


def test_a_base_that_is_called_otherwise_makes_no_model_a_changed_one(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT})
    graph.commit({})
    graph.write(
        {"app/audit.py": AUDIT.replace("import Base", "import Base as B").replace("(Base)", "(B)")}
    )
    assert messages(judged(graph)) == []
    graph.write({"app/audit.py": AUDIT.replace("(Base)", "(Mixin, Base)")})
    assert len(messages(judged(graph))) == 1


def test_a_model_that_comes_to_a_targeted_base_is_new(graph: Graph) -> None:
    graph.write({"app/audit.py": AUDIT.replace("app.db", "app.other"), "app/other.py": BASE})
    graph.commit({})
    graph.write({"app/audit.py": AUDIT})
    for before in ("", "app.db"):
        (message,) = messages(judged(graph, before=before))
        assert "a new table" in message
    # Nor does another name of the targeted base, or that a library has it, make it an old one.
    graph.write({"app/db.py": None, "app/orm.py": BASE})
    graph.write({"app/audit.py": AUDIT.replace("app.db", "app.orm")})
    (message,) = messages(judged(graph, base="app.orm", before="app.db"))
    assert "a new table" in message
    graph.write({"app/audit.py": AUDIT.replace("app.db", "sqlmodel")})
    (message,) = messages(judged(graph, base="sqlmodel"))
    assert "a new table" in message


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data-server/data_server/models/audit.py", "data_server.models.audit"),
        ("data-server/data_server/audit/__init__.py", "data_server.audit"),
        ("src/shop/audit.py", "shop.audit"),
        ("shop/audit.py", "shop.audit"),
        ("apps/2024/audit.py", "audit"),
        ("shop/audit-log.py", ""),
    ],
)
def test_an_import_is_named_as_python_can_import_it(path: str, name: str) -> None:
    loaded = ["data-server/data_server/base.py", "src/shop/db/__init__.py", "README.py"]
    assert import_name(path, {"data_server.base", "shop.db", "sqlmodel"}, loaded) == name
