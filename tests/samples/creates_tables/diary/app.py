"""The application: importing it makes the tables and the first row."""

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from diary.models import Base, Mood

DATABASE_URL = "sqlite:///diary.db"

engine = create_engine(DATABASE_URL)
Base.metadata.create_all(engine)

with Session(engine) as session:
    if session.scalar(select(Mood).where(Mood.name == "fine")) is None:
        session.add(Mood(name="fine"))
        session.commit()
