"""Old migrations that take something from the project: they run as they did on people's databases.

A baseline with `create_all()` made every later column in the dry run, so that a model change alone
passed, and the right migration was blocked for a duplicate column.
"""

from __future__ import annotations

import pytest

from .harness import Project
from .subfolder_project import (
    ADD_PAID,
    FIRST_FILE,
    HEAD_FILE,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
    change_and_check,
)

BASELINE, NEW = "aaaaaaaaaaaa", "bbbbbbbbbbbb"
CREATE_ALL = "import shop.models as m; m.Base.metadata.create_all(op.get_bind())"
OF_ENV = "op.get_context().opts['target_metadata'].create_all(op.get_bind())"
EACH = "import shop.models as m; [table.create(op.get_bind()) for table in m.TABLES]"
FROM_FILE = (
    "import pathlib; names = (pathlib.Path(__file__).parents[2] / 'names.txt').read_text(); "
    "[op.add_column('customers', sa.Column(name, sa.String(9))) for name in names.split()]"
)
LIMITED = "import shop.limits as m; op.add_column('orders', sa.Column('code', sa.String(m.CODE)))"
BY_CURSOR = (
    "import shop.limits as m; op.get_bind().connection.cursor()"
    ".execute(f'ALTER TABLE orders ADD code VARCHAR({m.CODE})')"
)
NAME = "    name: Mapped[Optional[str]] = mapped_column(String(100))\n"
NOTE = "the base's migrations take from service/shop/models.py, which this commit changes"


def begin(project: Project, upgrade: str) -> Project:
    """Have one migration make all the tables, and commit it."""
    project.git("rm", "--quiet", FIRST_FILE, HEAD_FILE)
    tables = "\n\nTABLES = [Base.metadata.tables[name] for name in ('customers', 'orders')]\n"
    project.write(MODELS, project.read(MODELS) + tables)
    add_migration(project, BASELINE, None, upgrade=upgrade)
    project.stage(".")
    project.git("commit", "--quiet", "-m", "A baseline")
    return project


@pytest.mark.both_ways
@pytest.mark.parametrize("upgrade", [CREATE_ALL, OF_ENV, EACH], ids=["models", "env.py", "tables"])
def test_a_column_alone_is_blocked_and_passes_with_its_migration(
    shop: Project, upgrade: str
) -> None:
    begin(shop, upgrade)
    assert_clean(change_and_check(shop))
    where = shop.add_column()
    assert_finding(change_and_check(shop), where, "missing-migration", NOTE)
    add_migration(shop, NEW, BASELINE, upgrade=ADD_PAID)
    assert_clean(change_and_check(shop), "2 revisions run", NOTE)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("upgrade", [LIMITED, BY_CURSOR], ids=["by op", "by the driver's cursor"])
def test_a_length_that_an_old_migration_takes_from_the_project_is_the_bases(
    shop: Project, upgrade: str
) -> None:
    shop.write("service/shop/limits.py", "CODE = 8\n")
    add_migration(shop, BASELINE, upgrade=upgrade)
    column = "    code: Mapped[Optional[str]] = mapped_column(String(CODE))\n"
    shop.replace(MODELS, "    number: Mapped[int]\n", f"    number: Mapped[int]\n{column}")
    shop.replace(MODELS, "from shop.base", "from shop.limits import CODE\nfrom shop.base")
    shop.stage(".")
    assert_clean(shop.check())
    shop.git("commit", "--quiet", "-m", "A code")
    shop.write("service/shop/limits.py", "CODE = 9\n")
    assert_finding(change_and_check(shop), "limits.py, which this commit changes", "orders.code")
    add_migration(
        shop,
        NEW,
        BASELINE,
        upgrade="with op.batch_alter_table('orders') as batch:\n"
        "        batch.alter_column('code', type_=sa.String(9))",
    )
    assert_clean(change_and_check(shop))


def test_a_file_that_an_old_migration_reads_is_the_bases(shop: Project) -> None:
    shop.write("service/names.txt", "nick\n")
    column = "    {}: Mapped[Optional[str]] = mapped_column(String(9))\n"
    shop.replace(MODELS, NAME, NAME + column.format("nick"))
    add_migration(shop, BASELINE, upgrade=FROM_FILE)
    shop.stage(".")
    assert_clean(shop.check())
    shop.git("commit", "--quiet", "-m", "Names")
    shop.write("service/names.txt", "nick\nsurname\n")
    shop.replace(MODELS, NAME, NAME + column.format("surname"))
    result = change_and_check(shop)
    assert_finding(result, "customers.surname is in the models", "names.txt, which this commit")


def test_what_an_old_migration_takes_may_change_if_it_does_the_same(shop: Project) -> None:
    begin(shop, CREATE_ALL)
    assert_clean(change_and_check(shop))
    shop.git("commit", "--quiet", "-m", "Judged")
    shop.write(MODELS, shop.read(MODELS) + "\n\ndef largest():\n    return 10\n")
    result = change_and_check(shop)
    assert_clean(result)
    assert NOTE not in result.output


def test_an_old_migration_that_is_edited_runs_as_it_is_staged(shop: Project) -> None:
    """It may be of this very branch; whether others have run it is another question."""
    begin(shop, CREATE_ALL)
    path = add_migration(shop, NEW, BASELINE, upgrade="pass")
    shop.git("commit", "--quiet", "-m", "Begun")
    shop.add_column()
    shop.replace(path, "    pass\n\n\ndef down", f"    {ADD_PAID}\n\n\ndef down")
    assert path.startswith(VERSIONS)
    assert_clean(change_and_check(shop), NOTE)


def test_a_new_migration_is_not_what_an_old_one_takes(shop: Project) -> None:
    add_migration(shop, BASELINE, upgrade="import sys; assert sys.modules['shop.models']")
    shop.git("commit", "--quiet", "-m", "What reaches for anything")
    add_migration(shop, NEW, BASELINE)
    result = change_and_check(shop)
    assert_clean(result)
    assert "take from" not in result.output


def test_where_the_base_does_not_start_what_may_be_hidden_is_said(shop: Project) -> None:
    begin(shop, CREATE_ALL)
    text = shop.read(MODELS)
    shop.write(MODELS, text + "raise RuntimeError('no settings')\n")
    shop.stage(".")
    shop.git("commit", "--quiet", "-m", "Broken")
    shop.write(MODELS, text)
    assert_clean(change_and_check(shop), NOTE, "a difference may be hidden")
