"""The public projects, from a package registry or from their repositories.

Of their sources nothing is kept here but where the models are, and the line after which a column
goes.
"""

from __future__ import annotations

from .public_project import PublicProject

_TEMPLATE = """\
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    ${upgrades if upgrades else "pass"}


def downgrade():
    ${downgrades if downgrades else "pass"}
"""

PROJECTS = (
    *(
        PublicProject(
            "argilla-server",
            "argilla-server==2.8.0",
            kind="async application, settings object",
            python="3.11",
            dialect=dialect,
            driver=driver,
            install=("asyncpg", "psycopg2-binary"),
            models="argilla_server/models/database.py",
            after="    agent: Mapped[Optional[str]] = mapped_column(nullable=True)",
            column="    note: Mapped[Optional[str]] = mapped_column(nullable=True)",
            versions="argilla_server/alembic/versions",
            command=("alembic", "-c", "argilla_server/alembic.ini"),
            environ={"ARGILLA_DATABASE_URL": "{url}"},
        )
        for dialect, driver in (("sqlite", "+aiosqlite"), ("postgresql", "+asyncpg"))
    ),
    PublicProject(
        "optuna",
        "optuna==5.0.0",
        kind="alembic in a folder of its own",
        models="optuna/storages/_rdb/models.py",
        after='    _datetime_complete_utc = _Column("datetime_complete", DateTime)',
        column="    note = _Column(Text)",
        versions="optuna/storages/_rdb/alembic/versions",
        directory="optuna/storages/_rdb",
        replace={"optuna/storages/_rdb/alembic.ini": ("sqlite:///alembic.db", "{url}")},
    ),
    PublicProject(
        "apache-airflow",
        "apache-airflow-core==3.3.2",
        kind="engine of the application's own, include_object",
        dialect="postgresql",
        driver="+psycopg2",
        install=("asyncpg", "psycopg2-binary"),
        models="airflow/models/dagrun.py",
        after="    creating_job_id: Mapped[int | None] = mapped_column(Integer, nullable=True)",
        column="    note_of_ours: Mapped[str | None] = mapped_column(StringID(), nullable=True)",
        versions="airflow/migrations/versions",
        command=("alembic", "-c", "airflow/alembic.ini"),
        environ={"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "{url}"},
    ),
    *(
        PublicProject(
            "prefect",
            "prefect==3.8.8",
            kind="a version tree for each dialect, set in env.py; async in a thread",
            dialect=dialect,
            driver=driver,
            models="prefect/server/database/orm_models.py",
            after="    message: Mapped[str] = mapped_column(sa.Text)",
            column="    note: Mapped[Optional[str]]",
            versions=f"prefect/server/database/_migrations/versions/{dialect}",
            command=("prefect", "server", "database"),
            upgrade=("upgrade", "-y", "--revision", "heads"),
            environ={
                "PREFECT_HOME": "{home}/.prefect",
                "PREFECT_SERVER_DATABASE_CONNECTION_URL": "{url}",
            },
        )
        for dialect, driver in (("sqlite", "+aiosqlite"), ("postgresql", "+asyncpg"))
    ),
    PublicProject(
        "ihatemoney",
        "ihatemoney==7.2.1",
        kind="Flask-Migrate; upgrades its database at every start",
        models="ihatemoney/models.py",
        after="    weight = db.Column(db.Float, default=1)",
        column="    height = db.Column(db.Float)",
        versions="ihatemoney/migrations/versions",
        command=("flask", "--app", "ihatemoney.run:create_app", "db"),
        options=("-d", "ihatemoney/migrations"),
        revise=("migrate", "-m"),
        replace={"ihatemoney/default_settings.py": ("sqlite:////tmp/ihatemoney.db", "{url}")},
    ),
    PublicProject(
        "privacyidea",
        "privacyidea==3.14",
        kind="Flask-Migrate; does not replay",
        create="from privacyidea.app import create_app; from privacyidea.models import db;"
        "app = create_app(); app.app_context().push(); db.create_all()",
        models="privacyidea/models/audit.py",
        after="    startdate: Mapped[datetime | None]",
        column="    checked: Mapped[datetime | None]",
        versions="privacyidea/migrations/versions",
        command=("flask", "--app", "privacyidea.app:create_app", "db"),
        options=("-d", "privacyidea/migrations"),
        revise=("migrate", "-m"),
        environ={"PRIVACYIDEA_SQLALCHEMY_DATABASE_URI": "{url}"},
    ),
    PublicProject(
        "apache-superset",
        "apache-superset==6.1.0",
        kind="Flask-Migrate, migrations that use the application",
        python="3.11",
        install=("flask-caching<2.4",),
        models="superset/models/annotations.py",
        after="    long_descr = Column(Text)",
        column="    short_note = Column(Text)",
        versions="superset/migrations/versions",
        command=("flask", "--app", "superset.app:create_app", "db"),
        revise=("migrate", "-m"),
        environ={
            "SUPERSET_HOME": "{home}/.superset",
            "SUPERSET_SECRET_KEY": "not the real one",
            "SUPERSET__SQLALCHEMY_DATABASE_URI": "{url}",
        },
    ),
    PublicProject(
        "mlflow",
        "mlflow==3.17.2",
        kind="two environments; does not replay, and create_all() fails",
        models="mlflow/store/tracking/dbmodels/models.py",
        after="    artifact_location = Column(String(256), nullable=True)",
        column="    artifact_note = Column(String(256))",
        versions="mlflow/store/db_migrations/versions",
        command=("alembic", "-c", "mlflow/store/db_migrations/alembic.ini"),
        install=("mlflow[auth]==3.17.2", "sqlalchemy<2.1"),
        settings='config = ["mlflow/store/db_migrations/alembic.ini"]\nstart = "start.sql"',
        start="import sqlalchemy as sa\n"
        "from mlflow.store.tracking.dbmodels.initial_models import Base\n"
        "def show(sql, *_): print(sql.compile(dialect=engine.dialect), end=';')\n"
        "engine = sa.create_mock_engine('sqlite://', show)\n"
        "Base.metadata.create_all(engine, checkfirst=False)",
        create="import sys, sqlalchemy as sa; from mlflow.store.db.utils import _initialize_tables;"
        "_initialize_tables(sa.create_engine(sys.argv[1]))",
        files={"mlflow/store/db_migrations/script.py.mako": _TEMPLATE},
        replace={
            "mlflow/store/db_migrations/alembic.ini": ('url = ""', "url = {url}"),
        },
    ),
    *(
        PublicProject(
            "arize-phoenix",
            "arize-phoenix==20.26.1",
            kind="async",
            dialect=dialect,
            install=("asyncpg", "psycopg[binary]"),
            models="phoenix/db/models.py",
            after="    rule: Mapped[TraceRetentionRule]"
            " = mapped_column(_TraceRetentionRule, nullable=False)",
            column="    note: Mapped[Optional[str]]",
            versions="phoenix/db/migrations/versions",
            directory="phoenix/db",
            environ={"PHOENIX_SQL_DATABASE_URL": "{url}", "PHOENIX_WORKING_DIR": "{home}/.phoenix"},
        )
        for dialect in ("sqlite", "postgresql")
    ),
    PublicProject(
        "langflow",
        "langflow-base==1.13.0",
        kind="SQLModel, async",
        models="langflow/services/database/models/folder/model.py",
        after="    workspace_id: UUID | None = Field(default=None, nullable=True, index=True)",
        column="    note_of_ours: str | None = Field(default=None)",
        versions="langflow/alembic/versions",
        directory="langflow",
        driver="+aiosqlite",
        replace={"langflow/alembic.ini": ("sqlite+aiosqlite:///./langflow.db", "{url}")},
    ),
    PublicProject(
        "zenml",
        "zenml==0.98.0",
        kind="SQLModel, engine of the application's own; does not replay on SQLite",
        install=("zenml[server]==0.98.0",),
        models="zenml/zen_stores/schemas/project_schemas.py",
        after="    display_name: str",
        column="    note: Optional[str]",
        versions="zenml/zen_stores/migrations/versions",
        files={"alembic.ini": "[alembic]\nscript_location = zenml/zen_stores/migrations\n"},
        create="import sys, sqlalchemy as sa, sqlmodel; from zenml.zen_stores import schemas;"
        "sqlmodel.SQLModel.metadata.create_all(sa.create_engine(sys.argv[1]))",
        environ={"ZENML_STORE_URL": "{url}", "ZENML_CONFIG_PATH": "{home}/.zenml"},
    ),
    PublicProject(
        "ethyca-fides",
        "ethyca-fides==2.78.2",
        kind="settings from parts, migrations that use the application",
        dialect="postgresql",
        driver="+psycopg2",
        install=("setuptools<81",),
        models="fides/api/models/sql_models.py",
        after="    instance_id = Column(String(255))",
        column="    note_of_ours = Column(Text)",
        versions="fides/api/alembic/migrations/versions",
        directory="fides/api/alembic",
        files={"fides/api/alembic/migrations/script.py.mako": _TEMPLATE},
        environ={
            "FIDES__DATABASE__SERVER": "127.0.0.1",
            "FIDES__DATABASE__PORT": "{port}",
            "FIDES__DATABASE__USER": "{user}",
            "FIDES__DATABASE__PASSWORD": "{password}",
            "FIDES__DATABASE__DB": "{database}",
            "FIDES__SECURITY__APP_ENCRYPTION_KEY": "32 letters, but not the real one",
            "FIDES__SECURITY__OAUTH_ROOT_CLIENT_ID": "nobody",
            "FIDES__SECURITY__OAUTH_ROOT_CLIENT_SECRET": "not the real one",
            "FIDES__USER__ANALYTICS_OPT_OUT": "true",
        },
    ),
    PublicProject(
        "buildbot",
        "buildbot==4.3.0",
        kind="Table objects; does not replay",
        create="import sys, sqlalchemy as sa; from buildbot.db import model;"
        "model.Model.metadata.create_all(sa.create_engine(sys.argv[1]))",
        models="buildbot/db/model.py",
        after="        sa.Column('active', sa.Integer, nullable=False),",
        column="        sa.Column('note', sa.Text),",
        versions="buildbot/db/migrations/versions",
        command=("alembic", "-c", "buildbot/db/migrations/alembic.ini"),
        files={"buildbot/db/migrations/script.py.mako": _TEMPLATE},
        replace={
            "buildbot/db/migrations/alembic.ini": ("driver://user:pass@localhost/dbname", "{url}")
        },
    ),
    PublicProject(
        "pgadmin4",
        "https://github.com/pgadmin-org/pgadmin4@bc58657d3d3ab4209cdadea6d191b632cf1572cc",
        leave_out=("docs", "pkg", "runtime"),
        kind="Flask-Migrate in a subfolder; at start: upgrades its database, renames it if tables"
        " are missing, logs, starts a child",
        install=("-r", "requirements.txt"),
        override=("psycopg[binary]==3.3.4", "gssapi; sys_platform == 'never'"),
        path="web",
        models="web/pgadmin/model/__init__.py",
        after="    last_updated_flag = db.Column(db.String(), nullable=False)",
        column="    note = db.Column(db.String(80))",
        table="class Note(db.Model):\n    __tablename__ = 'note'\n"
        "    id = db.Column(db.Integer, primary_key=True)\n",
        versions="web/migrations/versions",
        directory="web",
        command=("flask", "db"),
        revise=("migrate", "-m"),
        environ={"FLASK_APP": "pgAdmin4.py", "PGADMIN_SERVER_MODE": "OFF"},
        files={
            "web/config_local.py": "DATA_DIR = '{folder}'\nUPGRADE_CHECK_ENABLED = False\n",
            "web/migrations/script.py.mako": _TEMPLATE,
        },
        database=".pgadmin/pgadmin4.db",
    ),
    PublicProject(
        "insights-host-inventory",
        "https://github.com/RedHatInsights/insights-host-inventory"
        "@698d569f544cffab99b08fb93623ecbe5d2ffc5a",
        leave_out=("iqe-host-inventory-plugin", "librdkafka"),
        kind="Flask-Migrate; env.py creates a schema and holds a lock in an open transaction",
        dialect="postgresql",
        install=("-r", "pyproject.toml", "psycopg2-binary", "sqlalchemy<2.1"),
        override=("psycopg2; sys_platform == 'never'",),
        models="app/models/group.py",
        after="    ungrouped = db.Column(db.Boolean, default=False, nullable=False)",
        column="    note = db.Column(db.String(80))",
        versions="migrations/versions",
        command=("flask", "db"),
        revise=("migrate", "-m"),
        environ={
            "FLASK_APP": "manage.py",
            "INVENTORY_DB_HOST": "127.0.0.1",
            "INVENTORY_DB_PORT": "{port}",
            "INVENTORY_DB_USER": "{user}",
            "INVENTORY_DB_PASS": "{password}",
            "INVENTORY_DB_NAME": "{database}",
        },
    ),
    PublicProject(
        "CTFd",
        "https://github.com/CTFd/CTFd@91ced62d44d3ec3142a0948ee96ed19947cfc979",
        leave_out=("CTFd/themes/admin/assets", "CTFd/themes/core/assets"),
        kind="Flask-Migrate; at start: create_all() and stamp, logs, a secret key, a cache",
        python="3.11",
        install=("-r", "requirements.txt", "ruff"),
        models="CTFd/models/__init__.py",
        after="    icon = db.Column(db.Text)",
        column="    note = db.Column(db.Text)",
        versions="migrations/versions",
        command=("flask", "db"),
        revise=("migrate", "-m"),
        create="import CTFd; CTFd.create_app()",
        environ={"DATABASE_URL": "{url}"},
        own_files={
            "CTFd/uploads/ab12/flag.txt": "Not the flag.\n",
            "CTFd/logs/logins.log": "[11/02/2026 09:14:07] 127.0.0.1 - ada logged in\n",
        },
        database="ctf/ctfd.db",
    ),
    PublicProject(
        "mealie",
        "https://github.com/mealie-recipes/mealie@b5643a9399465d8b4ea339e7a6639df2d697741b",
        leave_out=("tests/data", "docs", "frontend"),
        kind="settings object; at import: folders, a template and a rotating log below its data",
        install=("-r", "pyproject.toml"),
        override=("python-ldap; sys_platform == 'never'",),
        models="mealie/db/models/labels.py",
        after='    color: Mapped[str] = mapped_column(String(10), nullable=False, default="")',
        column="    note: Mapped[str | None] = mapped_column(String(80))",
        versions="alembic/versions",
        environ={"DATA_DIR": "{folder}", "PRODUCTION": "true"},
        database="mealie/mealie.db",
    ),
    PublicProject(
        "microblog",
        "https://github.com/miguelgrinberg/microblog@a975ef64864354867c88e0ed3a17ba7d17dca752",
        kind="Flask-Migrate",
        python="3.11",
        install=("-r", "requirements.txt"),
        models="app/models.py",
        after="    token_expiration: so.Mapped[Optional[datetime]]",
        column="    note: so.Mapped[Optional[str]] = so.mapped_column(sa.String(80))",
        versions="migrations/versions",
        command=("flask", "db"),
        revise=("migrate", "-m"),
        environ={"DATABASE_URL": "{url}"},
    ),
    PublicProject(
        "full-stack-fastapi-template",
        "https://github.com/fastapi/full-stack-fastapi-template"
        "@a727535488542228dc19b13f217a104ad317c122",
        leave_out=("frontend",),
        kind="SQLModel, settings from a tracked .env",
        python="3.11",
        dialect="postgresql",
        install=("-r", "backend/pyproject.toml"),
        path="backend",
        models="backend/app/models.py",
        after="    hashed_password: str",
        column="    note: str | None = Field(default=None, max_length=80)",
        versions="backend/app/alembic/versions",
        directory="backend",
        environ={
            "POSTGRES_SERVER": "127.0.0.1",
            "POSTGRES_PORT": "{port}",
            "POSTGRES_USER": "{user}",
            "POSTGRES_PASSWORD": "{password}",
            "POSTGRES_DB": "{database}",
        },
    ),
)
