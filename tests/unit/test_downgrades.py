"""Downgrades that do nothing, and those that say that there is no way back."""

from __future__ import annotations

import pytest

from alembic_lockstep.pysource.downgrades import changes_only_rows, has_empty_downgrade, is_one_way

UPGRADE = "def upgrade():\n    op.drop_table('a')\n"


@pytest.mark.parametrize(
    "downgrade",
    [
        "def downgrade():\n    pass\n",
        'def downgrade():\n    """Nothing to do."""\n',
        "def downgrade() -> None:\n    ...\n    return\n",
        "",
    ],
)
def test_a_downgrade_that_does_nothing_is_empty(downgrade: str) -> None:
    assert has_empty_downgrade(UPGRADE + downgrade)


@pytest.mark.parametrize(
    "text",
    [
        UPGRADE + "def downgrade():\n    op.create_table('a')\n",
        UPGRADE + "def downgrade():\n    raise NotImplementedError\n",
        UPGRADE + "from helpers import downgrade\n",
        UPGRADE + "from helpers import *\n",
        UPGRADE + "downgrade = upgrade\n",
        "def upgrade():\n    pass\n\ndef downgrade():\n    pass\n",
        "from helpers import upgrade\n\ndef downgrade():\n    pass\n",
        "not python",
    ],
)
def test_others_are_not_empty(text: str) -> None:
    assert not has_empty_downgrade(text)


def test_each_database_has_a_pair_of_functions() -> None:
    both = "def {0}(name):\n    globals()['{0}_' + name]()\n"
    text = (
        both.format("upgrade") + both.format("downgrade") + UPGRADE.replace("upgrade", "upgrade_a")
    )
    assert has_empty_downgrade(text + "def downgrade_a():\n    pass\n")
    assert not has_empty_downgrade(text + "def downgrade_a():\n    op.create_table('a')\n")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("raise NotImplementedError", True),
        ("raise NotImplementedError('the rows are gone')", True),
        ("print('no way back')\n    raise NotImplementedError()", True),
        ("raise ValueError", False),
        ("if online():\n        raise NotImplementedError\n    op.drop_table('a')", False),
        ("pass", False),
    ],
)
def test_a_downgrade_says_that_there_is_no_way_back(body: str, expected: bool) -> None:
    assert is_one_way(f"{UPGRADE}\ndef downgrade():\n    {body}\n") is expected


@pytest.mark.parametrize(
    "upgrade",
    [
        "op.execute('UPDATE a SET b = 1')",
        "op.execute(a.update().values(b=1))",
        "op.bulk_insert(a, [{'b': 1}])",
        "op.execute(\"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'fair'\")",
        '"""Drop old rows."""\n    op.execute(a.delete())',
        "session = Session(bind=op.get_bind())\n    session.add(A())",
        "with op.get_context().autocommit_block():\n        op.execute('DELETE FROM a')",
    ],
)
def test_an_upgrade_that_changes_only_rows(upgrade: str) -> None:
    assert changes_only_rows(f"def upgrade():\n    {upgrade}\n\ndef downgrade():\n    pass\n")


@pytest.mark.parametrize(
    "upgrade",
    [
        "op.add_column('a', b)",
        "with op.batch_alter_table('a') as batch:\n        batch.drop_column('b')",
        "op.execute('create trigger t before update on a …')",
        "op.execute(sa.text('  DROP VIEW v'))",
        "op.create_entity(view)",
        "op.execute('ALTER TYPE mood RENAME TO old_mood')",
        "op.execute(SQL)\n\nSQL = 'CREATE FUNCTION f …'",
    ],
)
def test_an_upgrade_that_may_change_more(upgrade: str) -> None:
    assert not changes_only_rows(f"def upgrade():\n    {upgrade}\n")
