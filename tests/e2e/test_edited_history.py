"""Published migrations that a commit edits or deletes, judged by what becomes of databases.

A database that the base's migrations made is taken on by the commit's history, and has to come to
the end of a fresh one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from .harness import Project, run
from .subfolder_project import (
    DOWNGRADES,
    HEAD,
    HEAD_FILE,
    MODELS,
    VERSIONS,
    add_migration,
    assert_clean,
    assert_finding,
)

MIDDLE, LAST = "aaaa11112222", "bbbb33334444"
MIDDLE_FILE, LAST_FILE = f"{VERSIONS}/{MIDDLE}_test.py", f"{VERSIONS}/{LAST}_test.py"
ADD_NOTES = "op.add_column('orders', sa.Column('notes', sa.String(30)))"
ADD_PAID = "op.add_column('orders', sa.Column('paid', sa.Boolean()))"
DROP_NOTES, DROP_PAID = "op.drop_column('orders', 'notes')", DOWNGRADES[ADD_PAID]
NOTES = "    notes: Mapped[Optional[str]] = mapped_column(String(30))\n"
PAID = "    paid: Mapped[Optional[bool]]\n"


def publish(shop: Project) -> Project:
    """Commit two more migrations to main, each with a column."""
    shop.replace(MODELS, shop.sample.after, shop.sample.after + NOTES + PAID)
    add_migration(shop, MIDDLE, HEAD, upgrade=ADD_NOTES)
    add_migration(shop, LAST, MIDDLE, upgrade=ADD_PAID)
    shop.stage(".")
    shop.git("commit", "--quiet", "-m", "Notes, and what is paid")
    return shop


def comment(shop: Project) -> None:
    shop.replace(MIDDLE_FILE, "def upgrade():", "# As the board wants it.\ndef upgrade():")


def downgrade(shop: Project) -> None:
    shop.replace(MIDDLE_FILE, "raise NotImplementedError", DROP_NOTES)


def names(shop: Project) -> None:
    shop.replace(MIDDLE_FILE, ADD_NOTES, f"table = 'orders'\n    {ADD_NOTES}")


def column(shop: Project) -> None:
    for path, old in ((MIDDLE_FILE, "'notes'"), (MODELS, "notes:")):
        shop.replace(path, old, old.replace("notes", "remarks"))


def kind(shop: Project) -> None:
    for path in (MIDDLE_FILE, MODELS):
        shop.replace(path, "String(30)", "String(40)")


def repaired(shop: Project) -> None:
    """Fresh databases get the column by the edited file, others by a new one."""
    column(shop)
    upgrade = (
        "names = [c['name'] for c in sa.inspect(op.get_bind()).get_columns('orders')]\n"
        "    if 'notes' in names:\n"
        "        op.alter_column('orders', 'notes', new_column_name='remarks', "
        "existing_type=sa.String(30))"
    )
    text = upgrade.replace("op.alter_column('orders', 'notes'", "batch.alter_column('notes'")
    text = text.replace(
        "        batch.alter",
        "        with op.batch_alter_table('orders') as batch:\n            batch.alter",
    )
    add_migration(shop, "cccc55556666", LAST, upgrade=text)


def deleted(shop: Project) -> None:
    shop.git("rm", "--quiet", LAST_FILE)
    shop.replace(MODELS, PAID, "")


def renamed(shop: Project) -> None:
    shop.replace(MIDDLE_FILE, f"revision = {MIDDLE!r}", "revision = '0123cafe4567'")
    shop.replace(LAST_FILE, f"down_revision = {MIDDLE!r}", "down_revision = '0123cafe4567'")


def inserted(shop: Project) -> None:
    add_migration(shop, "cccc55556666", MIDDLE, upgrade="pass")
    shop.replace(LAST_FILE, f"down_revision = {MIDDLE!r}", "down_revision = 'cccc55556666'")


def left_out(shop: Project) -> None:
    """The one in the middle is gone, with its column; its child is put on what is below."""
    shop.git("rm", "--quiet", MIDDLE_FILE)
    shop.replace(LAST_FILE, f"down_revision = {MIDDLE!r}", f"down_revision = {HEAD!r}")
    shop.replace(MODELS, NOTES, "")


def squashed(shop: Project) -> None:
    shop.git("rm", "--quiet", MIDDLE_FILE)
    shop.replace(LAST_FILE, f"down_revision = {MIDDLE!r}", f"down_revision = {HEAD!r}")
    shop.replace(LAST_FILE, ADD_PAID, f"{ADD_NOTES}\n    {ADD_PAID}")
    shop.replace(LAST_FILE, DROP_PAID, f"{DROP_PAID}\n    {DROP_NOTES}")


def reordered(shop: Project) -> None:
    """The first becomes the last, and would run once more where it has run."""
    shop.replace(LAST_FILE, f"down_revision = {MIDDLE!r}", f"down_revision = {HEAD!r}")
    shop.replace(MIDDLE_FILE, f"down_revision = {HEAD!r}", f"down_revision = {LAST!r}")


@dataclass(frozen=True)
class Edit:
    """An edit of the published history.

    Attributes:
        rule: The rule that finds it; "" if nothing does.
        said: Words of the report.
        runs: Whether the base's databases are taken on to find out.
    """

    make: Callable[[Project], None]
    rule: str
    said: tuple[str, ...]
    runs: bool = False


EDITS = {
    edit.make.__name__: edit
    for edit in (
        Edit(comment, "", ()),
        Edit(downgrade, "", ()),
        Edit(names, "", (), runs=True),
        Edit(
            column,
            "edited-migration",
            (
                f"{MIDDLE} is in the base, and does something else now: a database that has run it",
                "lacks column orders.remarks",
                "has column orders.notes as well",
            ),
            runs=True,
        ),
        Edit(kind, "edited-migration", ("column orders.notes was ", "40"), runs=True),
        Edit(repaired, "", (), runs=True),
        Edit(deleted, "deleted-migration", (f"Can't locate revision identified by '{LAST}'",)),
        Edit(renamed, "deleted-migration", (f"{MIDDLE} is in the base and is now called",)),
        Edit(inserted, "edited-migration", ("will never run cccc55556666",)),
        Edit(
            left_out,
            "edited-migration",
            ("has column orders.notes as well",),
            runs=True,
        ),
        Edit(squashed, "", (f"{MIDDLE} is gone: upgrade databases",), runs=True),
        Edit(reordered, "edited-migration", ("cannot be upgraded", "notes"), runs=True),
    )
}


def judge(shop: Project, edit: Edit) -> None:
    publish(shop)
    edit.make(shop)
    shop.write("notes.txt", "Something to commit.\n")
    shop.stage(".")
    result = shop.check("-v")
    if edit.rule:
        assert_finding(result, f": {edit.rule}: ", *edit.said)
    else:
        assert_clean(result, *edit.said)
    assert ("retracing" in result.stderr) == edit.runs


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_a_published_migration_is_judged_by_what_it_does(
    shop: Project, name: str
) -> None:
    judge(shop, EDITS[name])


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if edit.runs])
def test_the_same_on_postgresql(shop_on_postgresql: Project, name: str) -> None:
    judge(shop_on_postgresql, EDITS[name])


@pytest.mark.sampled(7)
@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if edit.runs])
def test_the_same_on_mysql_or_mariadb(shop_on_mysql: Project, name: str) -> None:
    judge(shop_on_mysql, EDITS[name])


def test_what_is_printed_puts_the_published_migration_back(shop: Project) -> None:
    publish(shop)
    kind(shop)
    shop.stage(".")
    result = shop.check()
    (command,) = re.findall(r"git checkout \w{12} -- \S+", result.output)
    run(("bash", "-ec", command), cwd=shop.root / "service", environ=shop.environ, check=True)
    assert shop.git("diff", "HEAD", "--name-only") == MODELS


def test_two_heads_of_main_may_be_put_in_a_line(shop: Project) -> None:
    """A database is at one of them, as `upgrade head` refused both."""
    publish(shop)
    shop.replace(LAST_FILE, f"down_revision = {MIDDLE!r}", f"down_revision = {HEAD!r}")
    shop.git("commit", "--quiet", "-a", "-m", "Past the hook")
    shop.replace(LAST_FILE, f"down_revision = {HEAD!r}", f"down_revision = {MIDDLE!r}")
    shop.stage(LAST_FILE)
    result = shop.check("-v")
    assert_clean(result)
    assert "retracing" in result.stderr


def test_a_row_that_a_migration_puts_there_counts(shop: Project) -> None:
    seed = "op.execute(\"INSERT INTO customers (id, email, name) VALUES (1, 'a@b.c', 'Ada')\")"
    path = add_migration(shop, MIDDLE, HEAD, upgrade=seed)
    shop.git("commit", "--quiet", "-m", "A customer")
    shop.replace(path, "'Ada'", "'Grace'")
    shop.stage(".")
    assert_finding(shop.check(), "edited-migration", "lacks rows of customers: (", "Grace")


def test_databases_of_an_older_release_come_to_the_same_end(shop: Project) -> None:
    shop.git("tag", "v1")
    publish(shop)
    said = f"a database of v1 (at {HEAD}) comes to the same end as a fresh one"
    assert_clean(shop.check("--from", "v1"), said)
    for path in (HEAD_FILE, MODELS):
        shop.write(path, shop.read(path).replace("number", "count"))
    shop.git("commit", "--quiet", "-a", "-m", "Past the hook")
    assert_clean(shop.check())
    result = shop.check("--from", "v1")
    assert_finding(
        result, f"{HEAD} is in v1, and does something else now: a database of v1 lacks", "count"
    )
    shop.git("switch", "--quiet", "-c", "release/1", "v1")
    add_migration(shop, "dddd77778888")
    shop.git("commit", "--quiet", "-m", "A backport")
    shop.git("switch", "--quiet", "main")
    said = "dddd77778888 is in release/1 and is gone"
    assert_finding(shop.check("--from", "release/1"), "deleted-migration", said)
