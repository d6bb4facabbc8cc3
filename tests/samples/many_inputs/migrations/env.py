import os

from alembic import context
from sqlalchemy import engine_from_config, pool

from farm.models import Base

config = context.config
SKIPPED = config.get_main_option("skip_tables").split()
SKIPPED += os.environ.get("FARM_SKIP_TABLES", "").split()


def include_name(name, type_, parent_names):
    return type_ != "table" or name not in SKIPPED


def include_object(object, name, type_, reflected, compare_to):
    return type_ != "table" or name not in SKIPPED


connectable = engine_from_config(
    config.get_section(config.config_ini_section, {}),
    prefix="sqlalchemy.",
    poolclass=pool.NullPool,
)
with connectable.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=include_name,
        include_object=include_object,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
