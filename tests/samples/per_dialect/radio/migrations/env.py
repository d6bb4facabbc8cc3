import asyncio
import os
from pathlib import Path

from alembic import context
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from radio.models import Base

URL = os.environ.get("RADIO_DATABASE_URL", "sqlite+aiosqlite:///radio.db")
DIALECT = make_url(URL).get_backend_name()

# The dialects' histories differ, so each has its own.
context.script.version_locations = [str(Path(__file__).parent / "versions" / DIALECT)]


def run_migrations(connection):
    batch = connection.dialect.name == "sqlite"
    context.configure(connection, target_metadata=Base.metadata, render_as_batch=batch)
    with context.begin_transaction():
        context.run_migrations()


async def apply():
    async with create_async_engine(URL).connect() as connection:
        await connection.run_sync(run_migrations)


asyncio.run(apply())
