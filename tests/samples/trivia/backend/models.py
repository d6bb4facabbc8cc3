"""What a trivia game remembers."""

import enum

from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()


class Difficulty(enum.Enum):
    """How hard a question is."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


game_questions = db.Table(
    "game_questions",
    db.Column("game_id", db.Integer, db.ForeignKey("games.id"), primary_key=True),
    db.Column("question_id", db.Integer, db.ForeignKey("questions.id"), primary_key=True),
)


class Game(db.Model):
    """One evening of questions."""

    __tablename__ = "games"

    id = db.Column(db.Integer, primary_key=True)
    code = db.Column(db.String(8), nullable=False, unique=True)
    host = db.Column(db.String(80), nullable=False)
    started_at = db.Column(db.DateTime, nullable=False)
    rounds = db.Column(db.Integer, nullable=True)

    questions = db.relationship("Question", secondary=game_questions, back_populates="games")

    def __repr__(self):
        return f"<Game {self.code}>"


class Question(db.Model):
    """A question and its one right answer."""

    __tablename__ = "questions"

    id = db.Column(db.Integer, primary_key=True)
    text = db.Column(db.String(500), nullable=False)
    answer = db.Column(db.String(200), nullable=False)
    difficulty = db.Column(db.Enum(Difficulty, name="difficulty"), nullable=False)
    category = db.Column(db.String(50), nullable=True, index=True)

    games = db.relationship("Game", secondary=game_questions, back_populates="questions")
