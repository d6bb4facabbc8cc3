"""What `fix` writes for each kind of change goes forward and back again, on each dialect."""

from __future__ import annotations

import random

import pytest
import sqlalchemy as sa

from alembic_lockstep.dryrun.schema_operations import upgrade_functions
from alembic_lockstep.probe.twin.dialects import find_dialect
from alembic_lockstep.probe.twin.opinion import compare_schemas
from alembic_lockstep.probe.twin.schema import DatabaseSchema

from .combined_changes import HardNames, as_one, joined, kinds_with_fix
from .kinds import KINDS, WITHOUT_FIX, Kind
from .twin_bench import Bench, bench, servers

__all__ = ["bench", "servers"]


@pytest.mark.sampled(60)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_each_kind_goes_forward_and_back(bench: Bench, kind: Kind) -> None:
    if bench.dialect in kind.lacks or kind.name in WITHOUT_FIX:
        pytest.skip("nothing to fix")
    assert goes_there_and_back(bench, kind.before(), kind.after())


@pytest.mark.sampled(90)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("seed", range(30))
def test_random_pairs_go_forward_and_back(bench: Bench, seed: int) -> None:
    before, after = HardNames("a:b", "it's {}", "%"), HardNames("c%(d)s", '"\\:e', "::ö")
    choose = random.Random(seed)
    for _ in range(5):
        kinds = as_one(*choose.sample(kinds_with_fix(bench.dialect), 2))
        base = joined(bench.dialect, [kind.before() for kind in kinds], "some games", before)
        models = joined(bench.dialect, [kind.after() for kind in kinds], "some games", after)
        goes_there_and_back(bench, base, models)


def goes_there_and_back(bench: Bench, base: sa.MetaData, models: sa.MetaData) -> bool:
    """Check both functions of a migration; False if the server refuses the models."""
    with bench.empty() as connection:
        try:
            base.create_all(connection)
        except sa.exc.SQLAlchemyError:
            return False
        connection.commit()
        if bench.ask(connection, models).failure:
            return False
        before = read(connection)
        forward, back = bench.ask_both_ways(connection, models)
        bench.migrate(connection, models, upgrade_functions(forward))
        opinions = bench.ask(connection, models)
        assert not opinions.merged + opinions.twin, upgrade_functions(forward)
        bench.migrate(connection, models, upgrade_functions(back))
        after = read(connection)
        dialect = find_dialect(connection.dialect.name)
        assert dialect is not None
        left = compare_schemas(connection.dialect.name, dialect, after, before)["operations"]
        assert not left, upgrade_functions(back)
        assert set(after.tables) == set(before.tables)
    return True


def read(connection: sa.Connection) -> DatabaseSchema:
    dialect = find_dialect(connection.dialect.name)
    assert dialect is not None
    schema = dialect.read(connection)
    connection.rollback()
    return schema
