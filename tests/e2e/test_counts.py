"""What a check costs, in numbers that no machine changes: processes, modules, revisions."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from .harness import PLAIN_START, Project, Result, run
from .subfolder_project import (
    ADD_PAID,
    ENV,
    FIRST_FILE,
    HEAD,
    INIT,
    MODELS,
    add_migration,
    assert_finding,
)

#: Processes of git in a check that starts the project.
# Three of them twice: for the answer at once, and in the command when it did not come.
MOST_OF_GIT = 34
AT_ONCE = "Passed: nothing staged touches what the last verdict read.\n"
DUE = "op.add_column('orders', sa.Column('due', sa.Date()))"
#: Run by the project's Python when it starts, twice. The number of a process is its own in a PID
#: namespace only.
NOTE = """\
import os; own = open("/proc/self/stat").read().split()[21], os.readlink("/proc/self/ns/pid"); \
open({log!r}, "a").write("-".join(map(str, (os.getpid(), *own))) + "\\n")
"""


@pytest.fixture
def shop(shop: Project) -> Project:
    """The shop, after a first check and its commit."""
    assert judged(shop) == (0, 2, 0)
    shop.commit("Another")
    return shop


def judged(project: Project, *arguments: str) -> tuple[int, int, int]:
    """Check a commit of what is staged; give exit code, revisions run and those remembered."""
    with (project.root / "notes.txt").open("a") as notes:
        notes.write("More to commit.\n")
    project.stage("notes.txt")
    return counted(project.check("--output-format", "json", *arguments, once=True))


def counted(result: Result) -> tuple[int, int, int]:
    (environment,) = result.json["environments"] or [
        {"revisions_run": 0, "revisions_remembered": 0}
    ]
    return result.returncode, environment["revisions_run"], environment["revisions_remembered"]


def add_column(project: Project, name: str, kind: str) -> None:
    after = project.sample.after
    column = f"    {name}: Mapped[Optional[{kind}]]\n"
    project.replace(MODELS, after, after + column)
    project.stage(MODELS)


def imports(result: Result) -> set[str]:
    """Return the modules that a process with `-X importtime` has imported."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    assert lines, result.output
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.fixture
def starts(shop: Project) -> Path:
    """A file to which the project's Python adds a line whenever it starts."""
    log = shop.root / ".venv" / "starts"
    log.touch()
    shop.allow_write(log)
    (libraries,) = (shop.root / ".venv").glob("lib/python*/site-packages")
    (libraries / "_starts.pth").write_text(NOTE.format(log=str(log)))
    judged(shop)  # what is installed has changed
    log.write_text("")
    return log


def test_the_answer_at_once_starts_no_project(shop: Project, starts: Path) -> None:
    shop.write("notes.txt", "Something else.\n")
    shop.stage("notes.txt")
    result = shop.check(once=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", AT_ONCE)
    assert starts.read_text() == ""


def test_a_comment_is_answered_at_once(shop: Project, starts: Path) -> None:
    shop.replace(MODELS, '"""One thing bought."""', '"""One thing bought."""  # at the counter')
    shop.stage(MODELS)
    assert shop.check(once=True).stderr == AT_ONCE
    assert starts.read_text() == ""


def test_the_answer_at_once_imports_and_starts_little(shop: Project, tmp_path: Path) -> None:
    shop.write("notes.txt", "Something else.\n")
    shop.stage("notes.txt")
    trace = tmp_path / "git.log"
    command = (sys.executable, "-X", "importtime", "-m", "alembic_lockstep", "check")
    environ = {**shop.environ, "GIT_TRACE": str(trace)}
    # What git is told to trace is of the environment, too.
    run(command, cwd=shop.root, environ=environ)
    trace.unlink()
    result = run(command, cwd=shop.root, environ=environ)
    assert result.stderr.endswith(AT_ONCE), result.stderr
    asked = [line.split("built-in: ")[1] for line in trace.read_text().splitlines()]
    assert [line.split()[1] for line in asked] == ["diff-index"]
    imported = imports(result)
    ours = {name for name in imported if name.startswith("alembic_lockstep")}
    assert len(ours) <= 22, sorted(ours)
    # What the least hook imports, dataclasses, and small modules.
    bare = (sys.executable, "-X", "importtime", "-c", "import dataclasses, json, runpy, subprocess")
    needed = run(bare, cwd=tmp_path, environ=environ).stderr
    others = {name for name in imported - ours if f" {name}\n" not in needed}
    small = {"__future__", "_blake2", "_contextvars", "contextvars", "fnmatch", "gc", "zlib"}
    assert others <= small, others


def test_commit_after_commit_is_answered_by_one_process_of_git(
    shop: Project, tmp_path: Path
) -> None:
    """HEAD's tree is neither the judged one nor its base any more; and some files are ignored."""
    shop.write(".gitignore", f"{shop.read('.gitignore')}spool/\n")
    shop.write("spool/file", "")
    shop.write(
        ENV, f"import os; assert os.path.isdir({str(shop.root / 'spool')!r})\n{shop.read(ENV)}"
    )
    trace = tmp_path / "git.log"
    shop.environ["GIT_TRACE"] = str(trace)
    shop.stage(".gitignore", ENV)
    assert judged(shop)[0] == 0
    for _ in range(3):
        shop.commit("Another", "--no-verify")
        shop.write("service/notes.txt", f"More than {trace.stat().st_size}.\n")
        shop.stage("service/notes.txt")
        trace.unlink()
        assert shop.check(once=True).stderr == AT_ONCE
        assert [line.split("git ")[1].split()[0] for line in trace.read_text().splitlines()] == [
            "diff-index"
        ]


def test_one_new_revision_runs_one_revision_and_starts_one_process(
    shop: Project, starts: Path
) -> None:
    add_column(shop, "paid", "bool")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert judged(shop) == (0, 1, 2)
    assert len(set(starts.read_text().split())) == 1


def test_a_dry_run_asks_git_little_and_imports_no_sqlalchemy(shop: Project, tmp_path: Path) -> None:
    trace = tmp_path / "git.log"
    add_column(shop, "paid", "bool")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    shop.environ["GIT_TRACE"] = str(trace)
    judged(shop)  # what git is told to trace is of the environment, too
    add_column(shop, "due", "int")
    trace.unlink()
    shop.start_check = ("-X", "importtime", *PLAIN_START)
    result = shop.check(once=True)
    assert result.returncode == 1, result.output
    assert not imports(result).intersection({"alembic", "asyncio", "sqlalchemy"})
    # `-c name=value` of git itself comes first.
    words = [line.split("built-in: git ")[1].split() for line in trace.read_text().splitlines()]
    asked = Counter(line[0] for line in words)
    # For the checkout: read-tree, config, for-each-ref, and ls-files for what is ignored.
    assert (asked["config"], asked["for-each-ref"], asked["clean"]) == (1, 1, 0), asked
    assert sum(asked.values()) <= MOST_OF_GIT, "\n".join(map(" ".join, words))


LOADED = """\
def run_migrations_online() -> None:
    with open({log!r}, "w") as log:
        for script in context.script.walk_revisions():
            print(script.revision, type(script.module).__name__, script.doc, file=log)
            assert callable(script.module.upgrade) and not hasattr(script.module, "nothing")
"""


def test_a_migration_that_has_run_is_loaded_only_if_that_may_do_something(
    shop: Project, tmp_path: Path
) -> None:
    log = tmp_path / "modules"
    log.touch()
    shop.allow_write(log)
    loaded = LOADED.format(log=str(log))
    shop.replace(ENV, "def run_migrations_online() -> None:\n", loaded)
    shop.write("service/rare.py", "LENGTH = 3\n")
    for number, line in enumerate(("class Helper: pass", "import rare", "import rare", "HERE = 1")):
        path = add_migration(shop, str(number) * 12, str(number - 1) * 12 if number else HEAD)
        shop.write(path, shop.read(path).replace("import sqlalchemy as sa", line))
    shop.stage(ENV, "service/alembic", "service/rare.py")

    def modules() -> list[str]:
        return [line.split()[1] for line in log.read_text().splitlines()]

    assert judged(shop) == (0, 6, 0)
    assert Counter(modules()) == {"module": 4, "Inert": 2}  # the base's two ran before
    shop.commit("Four more")
    add_migration(shop, "aaaaaaaaaaaa", "3" * 12)
    assert judged(shop) == (0, 1, 6)
    # The new one, that with a class, and the first of the two that import what nobody else does.
    assert Counter(modules()) == {"module": 3, "Inert": 4}
    assert log.read_text().count("A migration.") == 5  # what the files say of themselves


def test_an_edited_new_revision_runs_alone_again(shop: Project) -> None:
    add_column(shop, "paid", "bool")
    path = add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID.replace("Boolean", "Integer"))
    assert judged(shop) == (1, 1, 2)
    shop.replace(path, "Integer", "Boolean")
    shop.stage(path)
    assert judged(shop) == (0, 1, 2)


def test_a_model_alone_runs_no_revision(shop: Project, starts: Path) -> None:
    add_column(shop, "paid", "bool")
    assert judged(shop) == (1, 0, 2)
    # Neither for the tree nor, because it is remembered, for the base.
    assert len(set(starts.read_text().split())) == 1


def test_an_old_difference_starts_the_base_once_only(shop: Project, starts: Path) -> None:
    add_column(shop, "paid", "bool")
    shop.commit("Forgotten", "--no-verify")
    add_column(shop, "due", "int")
    starts.write_text("")
    assert judged(shop)[0] == 1
    assert len(set(starts.read_text().split())) == 2  # that commit was never judged
    shop.replace(MODELS, "due: Mapped[Optional[int]]", "due: Mapped[Optional[str]]")
    shop.stage(MODELS)
    starts.write_text("")
    assert judged(shop)[0] == 1
    assert len(set(starts.read_text().split())) == 1


def test_a_history_that_does_not_replay_is_not_tried_again(shop: Project, starts: Path) -> None:
    shop.replace(FIRST_FILE, "op.create_table(", "op.drop_table('made_by_hand'); op.create_table(")
    shop.git("commit", "--quiet", "--all", "-m", "As production has it")
    shop.write(INIT, "LIMIT = 1\n")
    shop.stage(INIT)
    starts.write_text("")
    assert judged(shop)[0] == 0
    assert len(set(starts.read_text().split())) == 4  # neither replays; then from the base's models
    for limit in (2, 3):
        shop.git("commit", "--quiet", "-m", "A change")
        starts.write_text("")
        assert judged(shop)[0] == 0  # of what nobody reads
        assert starts.read_text() == ""
        shop.write(INIT, f"LIMIT = {limit}\n")
        shop.stage(INIT)
        assert judged(shop)[0] == 0
        assert len(set(starts.read_text().split())) == 2


def test_a_new_migration_that_cannot_be_imported_is_found_from_the_base_models_too(
    shop: Project,
) -> None:
    """What is remembered of the base decided between a finding and no verdict."""
    shop.replace(FIRST_FILE, "op.create_table(", "op.drop_table('made_by_hand'); op.create_table(")
    shop.git("commit", "--quiet", "--all", "-m", "As production has it")
    shop.write(INIT, "LIMIT = 1\n")
    shop.stage(INIT)
    assert judged(shop)[0] == 0
    shop.git("commit", "--quiet", "-m", "A change")
    path = add_migration(shop, "aaaaaaaaaaaa")
    shop.replace(
        path, "from alembic import op\n", "from alembic import op\nraise ValueError('no')\n"
    )
    shop.stage(path)
    for arguments in ((), ("--no-cache",)):
        result = shop.check(*arguments, once=True)
        assert_finding(result, f"{path}:3:1: broken-upgrade: importing this migration fails")


def test_a_history_that_is_mended_is_replayed(shop: Project) -> None:
    text = shop.read(FIRST_FILE)
    shop.replace(FIRST_FILE, "op.create_table(", "op.drop_table('made_by_hand'); op.create_table(")
    shop.git("commit", "--quiet", "--all", "-m", "Broken")
    shop.write(INIT, "LIMIT = 1\n")
    shop.stage(INIT)
    assert judged(shop) == (0, 0, 0)
    shop.git("commit", "--quiet", "-m", "A change")
    shop.write(FIRST_FILE, text)
    shop.stage(FIRST_FILE)
    assert judged(shop) == (0, 0, 2)  # from the snapshot that it once had


def test_an_old_difference_starts_the_base_once_also_beside_a_new_file(
    shop: Project, starts: Path
) -> None:
    add_column(shop, "paid", "bool")
    shop.commit("Forgotten", "--no-verify")
    add_column(shop, "due", "int")
    path = add_migration(shop, "aaaaaaaaaaaa", upgrade=DUE.replace("Date", "Integer"))
    assert judged(shop)[0] == 0
    starts.write_text("")
    for number in range(2):
        shop.replace(path, "op.add_column(", f"assert {number} < 2; op.add_column(")
        shop.stage(path)
        assert judged(shop)[0] == 0
    assert len(set(starts.read_text().split())) == 2  # one for each


def test_a_branch_switch_finds_its_snapshot_again(shop: Project) -> None:
    shop.git("checkout", "-q", "-b", "paid")
    add_column(shop, "paid", "bool")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert judged(shop) == (0, 1, 2)
    shop.commit("Paid")
    shop.git("checkout", "-q", "-b", "due", "main")
    add_column(shop, "due", "int")
    add_migration(shop, "bbbbbbbbbbbb", upgrade=DUE.replace("Date", "Integer"))
    assert judged(shop) == (0, 1, 2)
    shop.commit("Due")
    shop.git("checkout", "-q", "paid")
    add_column(shop, "more", "int")
    assert judged(shop) == (1, 0, 3)


def test_a_linked_worktree_shares_what_is_remembered(shop: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shop.git("worktree", "add", "-q", "-b", "other", str(other))
    linked = Project(shop.sample, other, shop.environ)
    add_column(linked, "paid", "bool")
    assert judged(linked) == (1, 0, 2)


def test_without_the_cache_all_runs_and_nothing_is_kept(shop: Project) -> None:
    cache = Path(shop.environ["XDG_CACHE_HOME"]) / "alembic-lockstep" / "entries"
    before = sorted(cache.rglob("*"))
    add_column(shop, "paid", "bool")
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert judged(shop, "--no-cache") == (0, 3, 0)
    assert sorted(cache.rglob("*")) == before


#: Of a project that is started only once at a time.
LOCK = """import fcntl, sys
lock = open(sys.prefix + "/lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    open(sys.prefix + "/starts", "a").write("refused\\n")
    raise
"""
#: Of a revision that takes until others have started: `{}` lines of that file.
WAIT = """import sys, time
    for _ in range(3000):
        if len(set(open(sys.prefix + "/starts").read().split())) >= {}:
            break
        time.sleep(0.01)
    """


def test_what_is_new_starts_while_the_base_runs(shop: Project, starts: Path) -> None:
    lock = starts.with_name("lock")
    lock.touch()
    shop.allow_write(starts, lock)
    shop.write("service/shop/__init__.py", LOCK)
    add_migration(shop, "aaaaaaaaaaaa", upgrade=WAIT.format(3))
    shop.stage("service")
    shop.commit("Once at a time", "--no-verify")
    add_column(shop, "paid", "bool")
    add_migration(shop, "bbbbbbbbbbbb", down="aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert judged(shop, "--no-cache") == (0, 4, 0)
    # The third process is the second one, when the first had ended.
    assert len(set(starts.read_text().split()) - {"refused"}) == 3
    assert "refused" in starts.read_text()


def test_what_is_new_does_not_outlive_a_base_that_fails(shop: Project, starts: Path) -> None:
    add_migration(shop, "aaaaaaaaaaaa", upgrade=WAIT.format(2) + "raise RuntimeError")
    shop.commit("Broken", "--no-verify")
    add_column(shop, "paid", "bool")
    add_migration(shop, "bbbbbbbbbbbb", down="aaaaaaaaaaaa", upgrade=ADD_PAID)
    shop.environ["ALEMBIC_LOCKSTEP_NO_CACHE"] = "1"
    result = shop.check(once=True)
    assert "aaaaaaaaaaaa fails in the base too" in result.output
    # Both of the tree, the base, from its models; that none stays is watched for each check.
    assert len(set(starts.read_text().split())) >= 4


#: Reads what is written meanwhile, so no snapshot is kept.
UNSTEADY = f"""import sys
    open(sys.prefix + "/note", "w").write("now")
    open(sys.prefix + "/note").read()
    {ADD_PAID}"""


def test_nothing_is_kept_on_top_of_what_was_not(shop: Project) -> None:
    add_column(shop, "paid", "bool")
    path = add_migration(shop, "aaaaaaaaaaaa", upgrade=UNSTEADY)
    shop.commit("Paid", "--no-verify")
    add_column(shop, "due", "int")
    add_migration(shop, "bbbbbbbbbbbb", down="aaaaaaaaaaaa", upgrade=DUE.replace("Date", "Integer"))
    add_migration(shop, "cccccccccccc", down="bbbbbbbbbbbb")
    add_migration(shop, "dddddddddddd", down="cccccccccccc")
    assert judged(shop) == (0, 4, 2)
    shop.commit("Due")
    shop.replace(path, ADD_PAID, "pass")
    shop.stage(path)
    assert judged(shop)[0] == 1


@pytest.mark.parametrize(
    ("kinds", "harm"),
    [
        (["snapshots", "sqlite-snapshots", "observations", "verdicts"], "emptied"),
        (["snapshots", "observations", "verdicts"], "cut"),
        (["sqlite-snapshots"], "altered"),
        (["sqlite-snapshots"], "lost"),
        (["snapshots"], "altered"),
    ],
)
def test_a_damaged_entry_is_made_anew(shop: Project, kinds: list[str], harm: str) -> None:
    folder = Path(shop.environ["XDG_CACHE_HOME"]) / "alembic-lockstep" / "entries"
    entries = [file for kind in kinds for file in (folder / kind).iterdir() if file.is_file()]
    assert len(entries) >= len(kinds)
    for file in entries:
        content = file.read_bytes()
        if harm == "lost":
            file.unlink()
        else:
            middle = len(content) // 2
            other = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
            file.write_bytes({"emptied": b"", "cut": content[:middle], "altered": other}[harm])
    assert judged(shop)[0] == 0
    add_column(shop, "paid", "bool")
    assert judged(shop)[0] == 1
    add_migration(shop, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert judged(shop) == (0, 1, 2)


def test_what_migrations_import_is_of_the_snapshot(shop: Project) -> None:
    shop.write("service/shop/kinds.py", "from shop import sizes\nSIZE = sizes.NAME\n")
    shop.write("service/shop/sizes.py", "NAME = 20\n")
    imports = "from shop.kinds import SIZE\n    "
    path = add_migration(
        shop,
        "aaaaaaaaaaaa",
        upgrade=f"{imports}op.add_column('orders', sa.Column('paid', sa.String(SIZE)))",
    )
    shop.stage("service")
    add_column(shop, "paid", "str")
    shop.replace(
        MODELS,
        "paid: Mapped[Optional[str]]",
        "paid: Mapped[Optional[str]] = mapped_column(String(20))",
    )
    shop.stage(MODELS)
    assert judged(shop) == (0, 1, 2)
    shop.commit("Paid")
    add_column(shop, "due", "int")
    assert judged(shop) == (1, 0, 3)
    # Not by the migration, but by what it imports: it runs anew here, and the database that is
    # judged is the one that the base has made.
    shop.replace("service/shop/sizes.py", "20", "30")
    shop.stage("service/shop/sizes.py")
    result = shop.check()
    assert_finding(result, "column orders.due", "sizes.py, which this commit changes")
    assert "orders.paid" not in result.output, path
    assert judged(shop) == (1, 0, 3)


CONFIGURE = """\
        context.configure(
            connection=connection, target_metadata=target_metadata
        )
"""
WRAPPED = """\
        try:
            context.configure(connection=connection, target_metadata=target_metadata)
        except Exception:
            raise SystemExit("cannot configure") from None
"""


@pytest.mark.sampled(1)
@pytest.mark.parametrize("configure", [CONFIGURE, WRAPPED], ids=["plain", "wrapped"])
def test_a_snapshot_of_another_naming_convention_is_not_used(shop: Project, configure: str) -> None:
    shop.replace(ENV, CONFIGURE, configure)
    shop.stage(ENV)
    assert judged(shop)[0] == 0
    shop.commit("Configure")
    shop.replace(
        "service/shop/base.py", '    "pk"', '    "ck": "ck_%(constraint_name)s",\n    "pk"'
    )
    shop.stage("service/shop/base.py")
    assert judged(shop) == (0, 2, 0)


def test_one_new_revision_on_postgresql(shop_on_postgresql: Project) -> None:
    project = shop_on_postgresql
    assert judged(project) == (0, 2, 0)
    project.commit("Another")
    add_column(project, "paid", "bool")
    add_migration(project, "aaaaaaaaaaaa", upgrade=ADD_PAID)
    assert judged(project) == (0, 1, 2)
