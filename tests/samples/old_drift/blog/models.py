"""Users and posts have migrations; tags, the audit log and nicknames never got theirs."""

from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class User(Base):
    """Somebody who writes."""

    __tablename__ = "users"

    id = Column(Integer, primary_key=True)
    email = Column(String(200), nullable=False)
    nickname = Column(String(50))

    posts = relationship("Post", back_populates="author")


class Post(Base):
    """Something written."""

    __tablename__ = "posts"

    id = Column(Integer, primary_key=True)
    author_id = Column(Integer, ForeignKey("users.id"), nullable=False)
    title = Column(String(200), nullable=False)
    body = Column(Text)

    author = relationship("User", back_populates="posts")


class Tag(Base):
    """A word for a post."""

    __tablename__ = "tags"

    id = Column(Integer, primary_key=True)
    word = Column(String(40), nullable=False)


class AuditEntry(Base):
    """Who did what."""

    __tablename__ = "audit_log"

    id = Column(Integer, primary_key=True)
    action = Column(String(100), nullable=False)
    happened_at = Column(DateTime, nullable=False)
