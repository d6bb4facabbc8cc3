"""Shapes of Alembic environments: several databases, several environments, odd places."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .conftest import MakeProject, make_precious
from .harness import SERVER_OF_PRODUCTION, Project, force_postgres, require, server_answers
from .subfolder_project import assert_clean, assert_finding, assert_unjudged, change_and_check

MIGRATION = '''\
"""A migration."""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {down!r}


{functions}
'''
MULTIDB = """\
def upgrade(engine_name):
    globals()["upgrade_%s" % engine_name]()


def {empty}():
    pass


def {function}():
    op.add_column({column})


def downgrade(engine_name):
    raise NotImplementedError
"""


@dataclass(frozen=True)
class Shape:
    """A sample, and the migration that its new column needs.

    Attributes:
        said: What a pass says.
        fix: What the report of a missing migration says.
        revision: The migration's id; its parent's comes second.
        functions: The migration's code.
    """

    sample: str
    said: str
    fix: str
    revision: tuple[str, str]
    functions: str


def upgrade(column: str) -> str:
    down = "def downgrade():\n    raise NotImplementedError\n"
    return f"def upgrade():\n    op.add_column({column})\n\n\n{down}"


SHAPES = [
    Shape(
        "multidb",
        "alembic.ini: 2 revisions run from empty on SQLite",
        "column persons.pen_name (papers) is in the models",
        ("0a2", "0a1"),
        MULTIDB.format(
            empty="upgrade_people",
            function="upgrade_papers",
            column="'persons', sa.Column('pen_name', sa.String(20))",
        ),
    ),
    Shape(
        "flask_binds",
        "migrations/alembic.ini: 2 revisions run from empty on SQLite",
        "def upgrade_archive() -> None:\n        with op.batch_alter_table('old_visit'",
        ("2", "1"),
        MULTIDB.format(
            empty="upgrade_",
            function="upgrade_archive",
            column="'old_visit', sa.Column('ward', sa.Integer())",
        ),
    ),
    Shape(
        "sections",
        "alembic.ini:stock: 1 revision run",
        'alembic -n stock revision --autogenerate -m "add items.shelf"',
        ("stock2", "stock1"),
        upgrade("'items', sa.Column('shelf', sa.Integer())"),
    ),
    Shape(
        "monorepo",
        "billing/alembic.ini: 1 revision run",
        'cd shipping && alembic revision --autogenerate -m "add parcels.weight"',
        ("2", "1"),
        upgrade("'parcels', sa.Column('weight', sa.Integer())"),
    ),
    Shape(
        "per_dialect",
        "not judged: 1 migration in radio/migrations/versions/postgresql",
        "git add :/radio/migrations/versions/sqlite",
        ("sqlite_2", "sqlite_1"),
        upgrade("'programmes', sa.Column('minutes', sa.Integer())"),
    ),
]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.sample)


@every_shape
def test_a_column_is_blocked_at_its_line_and_passes_with_its_migration(
    make_project: MakeProject, shape: Shape
) -> None:
    project = make_project(shape.sample, hook=None)
    make_precious(project.database)
    with project.untouched():
        project.change_no_schema()
        assert_clean(change_and_check(project), shape.said)

        where = project.add_column()
        blocked = change_and_check(project)
        assert_finding(blocked, f"{where}5: missing-migration", shape.fix)
        assert blocked.stdout.count("missing-migration") == 1

        add_migration(project, shape)
        assert_clean(change_and_check(project))


def add_migration(project: Project, shape: Shape) -> None:
    revision, down = shape.revision
    path = f"{project.sample.versions}/{revision}_more.py"
    project.write(path, MIGRATION.format(id=revision, down=down, functions=shape.functions))
    project.stage(path)


def test_a_migration_for_the_wrong_database_is_a_mismatch(make_project: MakeProject) -> None:
    project = make_project("multidb", hook=None)
    where = project.add_column()
    wrong = MULTIDB.format(
        empty="upgrade_papers",
        function="upgrade_people",
        column="'persons', sa.Column('pen_name', sa.String(20))",
    )
    add_migration(project, Shape("multidb", "", "", ("0a2", "0a1"), wrong))
    assert_finding(
        change_and_check(project),
        f"{where}5: migration-mismatch: column persons.pen_name (papers) is in the models",
        "0a2_more.py:18:40: migration-mismatch: after 0a2 the database has column "
        "persons.pen_name (people), which the models lack",
    )


def test_a_shared_mixin_is_missed_in_every_environment(make_project: MakeProject) -> None:
    project = make_project("monorepo", hook=None)
    project.replace(
        "common/mixins.py",
        "    made_at = Column(DateTime)\n",
        "    made_at = Column(DateTime)\n    seen_at = Column(DateTime)\n",
    )
    result = change_and_check(project, "--output-format", "concise")
    line = "common/mixins.py:10:5: missing-migration: column {}.seen_at is in the models"
    assert_finding(result, line.format("bills"), line.format("parcels"))


@pytest.mark.both_ways
def test_only_the_environment_that_a_change_touches_is_run_again(make_project: MakeProject) -> None:
    project = make_project("monorepo", hook=None)
    assert_clean(change_and_check(project))
    project.commit()
    where = project.add_column()
    result = change_and_check(project, "--output-format", "concise")
    assert_finding(result, f"{where}5: missing-migration", "billing/alembic.ini: untouched; ")
    assert result.stderr.count("untouched") == 1
    project.replace("common/mixins.py", "DateTime)", "DateTime, nullable=False)")
    result = change_and_check(project, "--output-format", "concise")
    assert "untouched" not in result.stderr


def test_models_of_another_environment_on_a_shared_base_are_registered_there(
    make_project: MakeProject,
) -> None:
    project = make_project("monorepo", hook=None)
    base = "Base = declarative_base()\n"
    project.write("common/base.py", f"from sqlalchemy.orm import declarative_base\n\n{base}")
    for path in ("billing/app/models.py", "shipping/app/models.py"):
        project.replace(path, "from sqlalchemy.orm import declarative_base\n\n" + base, "")
        project.replace(path, "from mixins", "from base import Base\nfrom mixins")
    project.stage(".")
    project.commit("One base")
    path = "shipping/app/models.py"
    project.write(path, project.read(path) + "    weight = Column(Integer)\n")
    shown = f"{path}:14:5: missing-migration: column parcels.weight is in the models"
    result = change_and_check(project, "--output-format", "concise")
    assert_finding(result, shown)
    assert "unregistered-model" not in result.output


def test_the_same_id_in_two_environments_is_no_parent_of_the_other(
    make_project: MakeProject,
) -> None:
    project = make_project("monorepo", hook=None)
    path = "billing/alembic/versions/3_more.py"
    project.write(path, MIGRATION.format(id="3", down="2", functions="def upgrade(): pass"))
    project.write(
        "shipping/alembic/versions/2_more.py",
        MIGRATION.format(id="2", down="1", functions="def upgrade(): pass"),
    )
    project.stage(".")
    assert_finding(project.check(), f"{path}:6:17: unknown-parent")


def test_a_section_that_is_named_is_the_only_one(make_project: MakeProject) -> None:
    project = make_project("sections", hook=None)
    project.add_column()
    project.stage(".")
    assert_clean(project.check("--config", "alembic.ini:staff"), "alembic.ini:staff: 1 revision")
    assert_unjudged(
        project.check("--config", "alembic.ini:stok"),
        "alembic.ini has no section [stok] with a script_location; did you mean 'stock'?",
    )


def test_a_section_that_is_new_is_judged_whole(make_project: MakeProject) -> None:
    project = make_project("sections", hook=None)
    whole = project.read("alembic.ini")
    without, _, section = whole.partition("[stock]")
    project.write("alembic.ini", without)
    project.stage(".")
    project.git("commit", "--quiet", "-m", "Without stock")
    project.write("alembic.ini", f"{without}[stock]{section}")
    project.add_column()
    project.stage(".")
    assert_finding(project.check(), "column items.shelf is in the models")


def test_each_dialect_is_judged_by_its_own_migrations(make_project: MakeProject) -> None:
    require(server_answers(), "PostgreSQL server")
    project = make_project("per_dialect", hook=None)
    project.environ["RADIO_DATABASE_URL"] = f"postgresql+asyncpg://{SERVER_OF_PRODUCTION}"
    force_postgres(project.environ, "url")
    project.change_no_schema()
    assert_clean(
        change_and_check(project),
        "1 revision run from empty on PostgreSQL",
        "not judged: 1 migration in radio/migrations/versions/sqlite",
    )
    project.add_column()
    (sqlite,) = (shape for shape in SHAPES if shape.sample == "per_dialect")
    add_migration(project, sqlite)
    assert_finding(
        change_and_check(project),
        "missing-migration: column programmes.minutes is in the models, but no migration adds it",
        "git add :/radio/migrations/versions/postgresql",
    )


def test_a_parent_in_a_place_that_env_py_sets_is_known(make_project: MakeProject) -> None:
    project = make_project("per_dialect", hook=None)
    project.replace("alembic.ini", "path_separator = os\n", "path_separator = os\n" + VERSIONS)
    project.stage(".")
    assert_clean(project.check())


VERSIONS = "version_locations = %(here)s/radio/migrations/versions/elsewhere\n"
