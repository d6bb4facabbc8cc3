"""What players thought of a game."""

from backend.models import db


class Feedback(db.Model):
    """One player's word."""

    __tablename__ = "feedback"

    id = db.Column(db.Integer, primary_key=True)
    game_id = db.Column(db.Integer, db.ForeignKey("games.id"), nullable=False)
    words = db.Column(db.Text, nullable=False)
