"""The application factory."""

import os

from flask import Flask, jsonify
from flask_migrate import Migrate

from backend import feedback  # noqa: F401
from backend.models import Game, db

migrate = Migrate()


def create_app():
    """Make the application; the database is DATABASE_URL, or instance/trivia.db."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///trivia.db")
    db.init_app(app)
    migrate.init_app(app, db)

    @app.get("/games")
    def list_games():
        games = db.session.scalars(db.select(Game).order_by(Game.id))
        return jsonify([game.code for game in games])

    return app
