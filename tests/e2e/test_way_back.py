"""What `fix` writes for each kind of change goes forward and back again, on each dialect."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from alembic_lockstep.dryrun.schema_operations import upgrade_functions
from alembic_lockstep.probe.twin.dialects import find_dialect
from alembic_lockstep.probe.twin.opinion import compare_schemas
from alembic_lockstep.probe.twin.schema import DatabaseSchema

from .kinds import KINDS, WITHOUT_FIX, Kind
from .twin_bench import Bench, bench, servers

__all__ = ["bench", "servers"]


@pytest.mark.sampled(60)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::sqlalchemy.exc.SAWarning")
@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_each_kind_goes_forward_and_back(bench: Bench, kind: Kind) -> None:
    if bench.dialect in kind.lacks or kind.name in WITHOUT_FIX:
        pytest.skip("nothing to fix")
    with bench.empty() as connection:
        kind.before().create_all(connection)
        connection.commit()
        before, models = read(connection), kind.after()
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


def read(connection: sa.Connection) -> DatabaseSchema:
    dialect = find_dialect(connection.dialect.name)
    assert dialect is not None
    schema = dialect.read(connection)
    connection.rollback()
    return schema
