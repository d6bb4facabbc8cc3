"""The application factory."""

import os

from flask import Flask, jsonify
from flask_migrate import Migrate

from gallery.models import Picture, db
from gallery.start import clear_uploads, open_log, write_pid

migrate = Migrate()


def create_app():
    """Make the application; the database is DATABASE_URL, or instance/gallery.db."""
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("DATABASE_URL", "sqlite:///gallery.db")
    open_log()
    clear_uploads()
    write_pid()
    db.init_app(app)
    migrate.init_app(app, db)

    @app.get("/pictures")
    def list_pictures():
        pictures = db.session.scalars(db.select(Picture).order_by(Picture.id))
        return jsonify([picture.file for picture in pictures])

    return app
