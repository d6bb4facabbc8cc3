"""Projects on MySQL and MariaDB, where DDL is not transactional and reflection is its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy.engine import create_engine, make_url

from alembic_lockstep.scratch import ScratchServers, mysql_installs

from .conftest import MakeProject
from .harness import Listener, Project, reachable_directory, require
from .subfolder_project import ENV, MODELS, VERSIONS, add_migration, assert_clean, assert_finding

#: What autogenerate writes and reads back on MariaDB in other words: JSON is LONGTEXT with a CHECK,
#: BOOLEAN is TINYINT, a foreign key makes an index, an expression is spelt anew.
RICH = """
import enum
from sqlalchemy import *
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import relationship
from shop.base import Base

class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"

class Team(Base):
    __tablename__ = "teams"
    id = Column(BigInteger, primary_key=True)
    country = Column(String(2), primary_key=True, autoincrement=False)
    name = Column(Unicode(50), nullable=False, unique=True, comment="As they say it")

class Hero(Base):
    __tablename__ = "heroes"
    __table_args__ = (
        ForeignKeyConstraint(["team_id", "team_country"], ["teams.id", "teams.country"]),
        CheckConstraint("age > 3", name="old_enough"),
        Index("heroes_by_story", "story", mysql_length=10),
        {"comment": "Who saves the day", "mysql_charset": "utf8mb4"},
    )
    id = Column(Integer, primary_key=True)
    team_id = Column(BigInteger, nullable=False)
    team_country = Column(String(2), nullable=False)
    mentor_id = Column(Integer, ForeignKey("heroes.id", ondelete="SET NULL"))
    sidekick_id = Column(Integer, ForeignKey("heroes.id"), unique=True)
    rival_id = Column(Integer, ForeignKey("heroes.id"), index=True)
    age = Column(mysql.INTEGER(unsigned=True), server_default="18")
    is_secret = Column(Boolean, nullable=False, server_default=text("0"))
    mood = Column(Enum(Mood), nullable=False, server_default="GOOD")
    powers = Column(JSON)
    story = Column(Text)
    long_story = Column(mysql.LONGTEXT)
    picture = Column(LargeBinary)
    fee = Column(Numeric(10, 2), server_default="0.00")
    speed = Column(Float)
    code = Column(Uuid)
    born = Column(Date)
    wakes = Column(Time)
    made = Column(DateTime, server_default=func.now())
    seen = Column(TIMESTAMP, server_default=text("CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"))
    twice = Column(Integer, Computed("age * 2"))
"""


def by_socket(url: str) -> str:
    """Give the URL by which a private server is reached through its Unix socket."""
    parsed = make_url(url)
    engine = create_engine(parsed.set(drivername="mysql+pymysql"))
    with engine.connect() as connection:
        row = connection.exec_driver_sql("SELECT @@datadir, @@socket").one()
    engine.dispose()
    password = Path(row[0], "lockstep.password").read_text()
    return f"mysql://root:{password}@/?unix_socket={row[0]}{row[1]}"


class Make(Protocol):
    """Makes sample projects on MySQL."""

    def __call__(self, sample: str, query: str = "") -> Project: ...


@pytest.fixture(scope="module")
def servers() -> Iterator[ScratchServers]:
    require(any(mysql_installs._servers()), "server binaries of MySQL or MariaDB")
    with (
        reachable_directory() as directory,
        ScratchServers(urls=[], setup=[], directory=directory / "run", cache=directory) as servers,
    ):
        yield servers


@pytest.fixture
def guarded(make_project: MakeProject, servers: ScratchServers, listener: Listener) -> Make:
    """Makes projects whose configured server counts visitors."""

    def make(sample: str, query: str = "") -> Project:
        url = f"mysql+pymysql://{listener.address()}{query}"
        project = make_project(sample, config_url=url, hook=None)
        project.listener = listener
        project.environ["ALEMBIC_LOCKSTEP_SCRATCH"] = by_socket(servers.create("mysql"))
        return project

    return make


def test_a_migration_that_autogenerate_wrote_passes_on_the_machines_own_server(
    make_project: MakeProject, servers: ScratchServers
) -> None:
    require("MariaDB" in servers.description("mysql"), "MariaDB")
    url = servers.create("mysql").replace("mysql:", "mariadb+pymysql:")
    project = make_project("subfolder", config_url=url, hook=None)
    autogenerate(project, RICH)
    assert_finding(project.check(), "1 broken-downgrade", "leave this line out")
    (path,) = project.git("diff", "--cached", "--name-only", "--diff-filter=A").splitlines()
    lines = project.read(path).splitlines(keepends=True)
    project.write(path, "".join(line for line in lines if "op.drop_index(" not in line))
    project.stage(path)
    assert_clean(project.check(), "3 revisions run from empty on MariaDB", " (/")


def autogenerate(project: Project, models: str) -> None:
    """Have Alembic itself bring the models, with these added, into a migration; stage all."""
    assert project.alembic("upgrade", "head").returncode == 0
    project.write(MODELS, project.read(MODELS) + models)
    done = project.alembic("revision", "--autogenerate", "-m", "heroes")
    assert done.returncode == 0, done.output
    project.stage(MODELS, VERSIONS)


def test_a_broken_migration_is_blamed_although_half_of_it_stays(guarded: Make) -> None:
    project = guarded("subfolder")
    upgrade = "op.drop_index('ix_orders_status_number', 'orders')\n    op.drop_table('nonesuch')"
    path = add_migration(project, "dddddddddddd", upgrade=upgrade)
    line = project.line(path, "nonesuch")
    with project.untouched():
        # MariaDB's message has the scratch database's name in it.
        result = project.check(once=True)
    assert_finding(result, f"{path}:{line}", "broken-upgrade", "nonesuch")


def test_a_history_that_does_not_replay_starts_from_a_copy_of_the_bases_models(
    guarded: Make,
) -> None:
    project = guarded("no_replay")
    with project.untouched():
        where = project.add_column()
        project.git("add", "--update")
        result = project.check()
        assert_finding(result, where, "missing-migration", "from the base's models on MariaDB")


#: What mariadb-dump writes of a table with a trigger.
DUMP = r"""/*M!999999\- enable the sandbox mode */
-- MariaDB dump 10.19; nothing of it is lost; Distrib 10.11
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
DROP TABLE IF EXISTS `notes`;
CREATE TABLE `notes` (
  `id` int(11) NOT NULL COMMENT 'it\'s; a "number"',
  `a;b` varchar(20) DEFAULT '100%;'
) ENGINE=InnoDB;
INSERT INTO `notes` VALUES (1,'semi;colon \'quoted\' -- no comment');
DELIMITER ;;
/*!50003 CREATE TRIGGER `t` BEFORE INSERT ON `notes` FOR EACH ROW BEGIN
  SET NEW.`a;b` = 'x'; SET NEW.`id` = 2;
END */;;
DELIMITER ;
/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
# Dump completed; on 2026-11-23
"""


#: A migration that fails unless the row and the trigger are there.
COUNT = (
    "op.execute('INSERT INTO notes (id) VALUES (0)')\n"
    "    op.execute('ALTER TABLE notes ADD CHECK (id IN (1, 2))')\n"
    "    assert op.get_bind().exec_driver_sql('SELECT count(*) FROM notes').scalar() == 2\n"
    "    op.drop_table('notes')"
)


def test_a_start_file_as_the_dump_program_writes_it_is_run(guarded: Make) -> None:
    project = guarded("subfolder")
    add_migration(project, "ffffffffffff", upgrade=COUNT)
    project.write("start.sql", DUMP)
    project.stage("start.sql")
    project.environ["ALEMBIC_LOCKSTEP_START"] = "start.sql"
    project.environ["ALEMBIC_LOCKSTEP_ROWS"] = "false"  # it counts those of the file
    with project.untouched():
        assert_clean(project.check(), "3 revisions run from start.sql on MariaDB")


def test_arguments_that_name_no_target_are_kept(guarded: Make) -> None:
    # 65536 is MULTI_STATEMENTS; SQLAlchemy adds a flag of its own to both URLs.
    project = guarded("subfolder", "?client_flag=65536&local_infile=1")
    add_migration(project, "eeeeeeeeeeee", upgrade="op.execute('SELECT 1; SELECT 2')")
    with project.untouched():
        assert_clean(project.check(), "3 revisions")


SEEN = "    seen_at = mapped_column(DateTime, server_default=func.now())\n"


def test_a_default_that_autogenerate_misreads_is_no_difference_but_a_missing_one_is(
    guarded: Make,
) -> None:
    project = guarded("subfolder")
    project.replace(
        ENV, "=target_metadata\n        )", "=target_metadata, compare_server_default=True)"
    )
    project.replace(
        MODELS, "import ForeignKeyConstraint", "import DateTime, func, ForeignKeyConstraint"
    )
    after = project.sample.after
    project.replace(MODELS, after, after + SEEN)
    project.stage(ENV, MODELS)
    column = "sa.Column('seen_at', sa.DateTime(){})"
    right = f"op.add_column('orders', {column.format(', server_default=sa.func.now()')})"
    wrong = f"op.add_column('orders', {column.format('')})"
    with project.untouched():
        add_migration(project, "abababababab", upgrade=right)
        assert_clean(project.check())
        add_migration(project, "abababababab", upgrade=wrong)
        assert_finding(project.check(), "migration-mismatch: server default of column orders.seen")
