"""Heroes, teams, and who belongs where."""

from typing import List, Optional

from sqlmodel import Field, Relationship, SQLModel


class Membership(SQLModel, table=True):
    """A hero in a team."""

    team_id: Optional[int] = Field(default=None, foreign_key="team.id", primary_key=True)
    hero_id: Optional[int] = Field(default=None, foreign_key="hero.id", primary_key=True)


class Team(SQLModel, table=True):
    """Several heroes."""

    id: Optional[int] = Field(default=None, primary_key=True)
    name: str = Field(index=True, unique=True)
    headquarters: str

    heroes: List["Hero"] = Relationship(back_populates="teams", link_model=Membership)


class HeroBase(SQLModel):
    """What both the table and the API say of a hero."""

    name: str = Field(max_length=80)
    age: Optional[int] = Field(default=None, index=True)


class Hero(HeroBase, table=True):
    """One hero."""

    id: Optional[int] = Field(default=None, primary_key=True)
    secret_name: str

    teams: List[Team] = Relationship(back_populates="heroes", link_model=Membership)


class HeroPublic(HeroBase):
    """What the API shows: no table."""

    id: int
