"""What a gallery remembers of its pictures."""

from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Picture(db.Model):
    """An uploaded picture."""

    __tablename__ = "pictures"

    id = db.Column(db.Integer, primary_key=True)
    file = db.Column(db.String(80), nullable=False, unique=True)
    title = db.Column(db.String(120), nullable=True)
