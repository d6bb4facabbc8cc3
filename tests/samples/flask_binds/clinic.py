"""A Flask application with a database of its own and an archive."""

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Visit(db.Model):
    """Somebody comes."""

    id = db.Column(db.Integer, primary_key=True)
    reason = db.Column(db.String(100))


class OldVisit(db.Model):
    """Somebody came, long ago."""

    __bind_key__ = "archive"

    id = db.Column(db.Integer, primary_key=True)
    year = db.Column(db.Integer)


def create_app():
    """Make the application."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///clinic.db"
    app.config["SQLALCHEMY_BINDS"] = {"archive": "sqlite:///archive.db"}
    db.init_app(app)
    Migrate(app, db)
    return app
