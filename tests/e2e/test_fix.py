"""`fix`: what a developer types after a blocked commit, and what is then in the working tree."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from .conftest import MakeProject
from .harness import PLAIN_START, Project, Result, run
from .samples import SAMPLES
from .subfolder_project import ENV, INI, INIT, MODELS, VERSIONS, add_migration, assert_clean

AFTER = "    total: Mapped[Decimal] = mapped_column(Numeric(10, 2))\n"
CHECK = '    __table_args__ = (CheckConstraint("number IS NOT NULL", name="numbered"),)\n'
TEMPLATE = "service/alembic/script.py.mako"


def new_files(project: Project) -> list[str]:
    return project.git("ls-files", "--others", "--exclude-standard").splitlines()


def add_paid(project: Project) -> None:
    project.add_column()
    project.stage(MODELS)


def add_check(project: Project) -> None:
    """Add what autogenerate does not see."""
    project.replace(MODELS, AFTER, AFTER + CHECK)
    project.replace(MODELS, "from sqlalchemy import ", "from sqlalchemy import CheckConstraint, ")
    project.stage(MODELS)


def test_blocked_then_fixed_then_committed(trivia: Project) -> None:
    trivia.add_column()
    trivia.stage(trivia.sample.models)
    assert trivia.commit().returncode == 1
    result = trivia.lockstep("fix")
    assert result.returncode == 1, result.output  # it is not staged yet
    (path,) = new_files(trivia)
    assert path.endswith("_add_games_completed_at.py")
    assert f"git add :/{path}" in result.stdout
    trivia.stage(path)
    result = trivia.commit()
    assert result.returncode == 0, result.output


def test_the_hook_writes_and_the_second_commit_passes(make_project: MakeProject) -> None:
    trivia = make_project("trivia", hook="alembic-lockstep-fix")
    trivia.add_column()
    trivia.stage(trivia.sample.models)
    result = trivia.commit()
    assert result.returncode == 1, result.output
    assert "- exit code: 1\n" in result.output
    (path,) = new_files(trivia)
    assert path in result.output
    trivia.stage(path)
    assert trivia.commit().returncode == 0


@pytest.mark.sampled(5)
@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_takes_what_is_written(make_project: MakeProject, name: str) -> None:
    project = make_project(name, hook=None)
    project.add_column()
    project.stage(project.sample.models)
    with project.untouched():
        result = project.lockstep("fix", "--stage", "-m", "what I say")
    assert result.returncode == 0, result.output
    (path,) = project.git("diff", "--cached", "--name-only", "--diff-filter=A").splitlines()
    assert "what_i_say" in path
    assert_clean(project.check("--no-cache"))
    if project.sample.replays:
        upgraded = project.alembic("upgrade", "head" if name != "per_dialect" else "heads")
        assert upgraded.returncode == 0, upgraded.output


def test_what_only_the_twin_sees_is_written_both_ways(shop_by_dialect: Project) -> None:
    add_check(shop_by_dialect)
    result = shop_by_dialect.lockstep("fix", "--stage")
    text = shop_by_dialect.git("diff", "--cached", "HEAD", "--", VERSIONS)
    assert "numbered" in text, result.output
    assert "+def downgrade() -> None:" in text
    assert "+    pass" not in text
    assert_clean(shop_by_dialect.check("--no-cache"))


def test_the_difference_is_only_shown(shop: Project) -> None:
    add_paid(shop)
    result = shop.lockstep("fix", "--diff")
    assert result.returncode == 1, result.output
    assert "+    op.add_column('orders', sa.Column('paid'" in result.stdout
    assert "+    op.drop_column('orders', 'paid')" in result.stdout
    assert new_files(shop) == []


def test_nothing_is_written_twice(shop: Project) -> None:
    add_paid(shop)
    processes = [start(shop, "fix") for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    (path,) = new_files(shop)
    assert sorted("is on disk already" in output for output in outputs) == [False, True]
    assert all(f"git add :/{path}" in output for output in outputs)
    assert shop.lockstep("fix", "--stage").returncode == 0
    assert new_files(shop) == []
    result = shop.lockstep("fix")
    assert (result.returncode, result.stdout) == (0, "")


def test_what_is_not_staged_does_not_count(shop: Project) -> None:
    shop.add_column()
    result = shop.lockstep("fix")
    assert result.returncode == 0
    assert f"Not staged: {MODELS}" in result.stderr


def test_a_file_of_the_new_name_is_left_and_moved_by_the_command(shop: Project) -> None:
    shop.replace(INI, "script_location =", "file_template = next\nscript_location =")
    add_paid(shop)
    shop.stage(INI)
    path = f"{VERSIONS}/next.py"
    shop.write(path, "# Mine.\n")
    type_advice(shop, shop.lockstep("fix"), "exists: nothing was written")
    assert shop.read(f"{path}.mine") == "# Mine.\n"
    shop.stage(path)
    assert_clean(shop.check())


def test_a_file_with_edits_that_are_not_staged_is_staged_by_the_command(shop: Project) -> None:
    add_audit(shop)
    for path in (ENV, INIT):
        shop.write(path, shop.read(path) + "# An edit.\n")
    said = "has changes that are not staged: nothing was written"
    type_advice(shop, shop.lockstep("fix"), said)
    assert "# An edit." in shop.git("diff", "--cached")


def test_a_folder_outside_of_the_repository_is_not_written_to(
    shop: Project, tmp_path: Path
) -> None:
    folders = f"%(here)s/alembic/versions:{tmp_path}"
    setting = f"version_path_separator = os\nversion_locations = {folders}\nscript_location ="
    shop.replace(INI, "script_location =", setting)
    usual = "connection=connection, target_metadata=target_metadata"
    hook = f"lambda *args: setattr(args[2][0], 'version_path', '{tmp_path}')"
    outside = f"{usual}, process_revision_directives={hook}"
    shop.replace(ENV, usual, outside)
    shop.stage(ENV, INI)
    add_paid(shop)
    result = shop.lockstep("fix")
    assert result.returncode == 2, result.output
    assert "outside of the repository" in result.stderr
    shop.replace(ENV, outside, usual)
    shop.stage(ENV)
    assert shop.lockstep("fix", "--stage").returncode == 0


def type_advice(project: Project, result: Result, said: str) -> None:
    """Type what a run prints that could not write."""
    assert result.returncode == 2, result.output
    assert said in result.stderr
    commands = [line[4:] for line in result.stderr.splitlines() if line.startswith("    ")]
    assert commands.pop() == "alembic-lockstep fix"
    run(("bash", "-ec", *commands), cwd=project.root, environ=project.environ, check=True)
    assert project.lockstep("fix").returncode == 1


def test_a_broken_template_leaves_nothing(shop: Project) -> None:
    shop.write(TEMPLATE, "${nobody.knows.this}\n")
    shop.stage(TEMPLATE)
    add_paid(shop)
    result = shop.lockstep("fix")
    assert result.returncode == 2, result.output
    assert result.stderr.count("could not judge: ") == 1
    assert new_files(shop) == []


def test_an_interrupted_run_leaves_nothing(shop: Project) -> None:
    text = shop.read(TEMPLATE)
    shop.write(TEMPLATE, f"<% import time; time.sleep(600) %>{text}")
    shop.stage(TEMPLATE)
    add_paid(shop)
    process = start(shop, "fix")
    lock = shop.root / ".git/alembic-lockstep/fix.lock"
    while not lock.exists() and process.poll() is None:
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    output = process.communicate()[0]
    assert process.returncode == 130, output
    assert new_files(shop) == []


def test_values_of_rows_are_marked_without_a_terminal(shop: Project) -> None:
    shop.replace(MODELS, AFTER, f"{AFTER}    weight: Mapped[int]\n")
    shop.stage(MODELS)
    result = shop.lockstep("fix")
    assert "Look at this before you commit it:" in result.stdout, result.output
    assert "# choose the value for rows that exist" in result.stdout


def test_a_person_is_asked(shop: Project) -> None:
    """Renamed: no. And values for rows that exist."""
    shop.replace(MODELS, AFTER, AFTER.replace("total:", "amount:") + "    weight: Mapped[int]\n")
    shop.stage(MODELS)
    output = on_terminal(shop, ["fix", "--diff"], ["n", "5", "7"])
    assert "orders.total goes and orders.amount comes: was it renamed? [Y/n]" in output
    assert "orders.weight is NOT NULL" in output
    assert "op.drop_column('orders', 'total')" in output
    assert "SET amount = 5 WHERE" in output
    assert "SET weight = 7 WHERE" in output
    assert "choose the value" not in output.partition("weight = 7")[2].partition("\n")[0]


def test_a_migration_that_falls_short_is_completed_if_a_person_says_so(shop: Project) -> None:
    add_paid(shop)
    path = add_migration(shop, "abababababab")
    second = shop.lockstep("fix", "--diff")
    assert "Revises: abababababab" in second.stdout
    output = on_terminal(shop, ["fix", "--stage"], ["y"])
    assert f"{path} falls short. Complete it, in place of a second one? [y/N]" in output
    assert "    op.add_column('orders', sa.Column('paid'" in shop.read(path)
    assert_clean(shop.check())


def add_audit(shop: Project) -> None:
    """Add models in a module that env.py does not import."""
    shop.write(
        "service/shop/audit.py",
        "from sqlalchemy.orm import Mapped, mapped_column\n\nfrom shop.models import Base\n\n\n"
        'class Audit(Base):\n    __tablename__ = "audits"\n\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n",
    )
    shop.stage("service/shop/audit.py")


def test_an_import_that_is_missing_is_added_where_the_others_are(shop: Project) -> None:
    add_audit(shop)
    result = shop.lockstep("fix", "--stage")
    assert result.returncode == 0, result.output
    changed = shop.git("diff", "--cached", "--name-only", "HEAD").splitlines()
    assert any(path in (ENV, INIT) for path in changed), changed
    assert "create_table('audits'" in shop.git("diff", "--cached", "HEAD")
    assert_clean(shop.check())


def start(project: Project, *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *PLAIN_START, *args],
        cwd=project.root,
        env={**project.environ, **project.url_environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def on_terminal(project: Project, args: Sequence[str], answers: Sequence[str]) -> str:
    """Run the tool on a terminal, and answer its questions in turn; return what it showed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *PLAIN_START, *args],
        cwd=project.root,
        env={**project.environ, **project.url_environ, "COLUMNS": "200"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown, left = "", list(answers)
    try:
        while text := _read(ours):
            shown += text
            if shown.rstrip().endswith("]:") and "?" in shown.splitlines()[-1]:
                os.write(ours, f"{left.pop(0)}\n".encode())  # one question too many fails here
                shown += "\n"
        process.wait()
    finally:
        process.kill()
        os.close(ours)
    return shown.replace("\r\n", "\n")


def _read(terminal: int) -> str:
    try:
        return os.read(terminal, 4096).decode()
    except OSError:  # it has ended
        return ""
