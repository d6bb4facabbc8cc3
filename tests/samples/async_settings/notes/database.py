"""The engine that the application and its migrations share."""

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from notes.settings import settings

engine = create_async_engine(settings.database_url)
session = async_sessionmaker(engine, expire_on_commit=False)
