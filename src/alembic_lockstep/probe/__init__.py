"""Program that the project's own Python runs inside the checkout.

Nothing here imports the rest of alembic-lockstep, nor anything but the standard library,
alembic and sqlalchemy (and flask, where the project is a Flask-Migrate one). It runs on
Python 3.9 and later, alembic 1.9 and later, SQLAlchemy 1.4 to 2.1.

It upgrades a scratch database, compares it with the models and reports its observations as JSON
lines (`protocol.py`). The host judges.
"""
