"""Expressions that are compiled once and executed past SQLAlchemy."""

from enum import Enum, StrEnum
from uuid import UUID

import pytest
from sqlalchemy import ARRAY, ForeignKey, Integer, Text, Uuid, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from autonomy_core.db.statements import compiled, parameter


class Size(Enum):
    SMALL = "s"


class Colour(StrEnum):
    RED = "red"


class Mood(str, Enum):  # noqa: UP042 - of its `str()` is the name of the member
    CALM = "calm"


class Reversed(TypeDecorator):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value[::-1]

    def process_result_value(self, value, dialect):
        return value[::-1]


class OtherBase(DeclarativeBase):
    """Of tables that no database has."""


class Thing(OtherBase):
    __tablename__ = "things"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    colour: Mapped[str]
    size: Mapped[Size]
    secret: Mapped[str] = mapped_column(Reversed)
    detail: Mapped[dict] = mapped_column(JSONB)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    is_new: Mapped[bool]


class Referring(OtherBase):
    __tablename__ = "referring"

    id: Mapped[UUID] = mapped_column(ForeignKey("not_imported_yet.id"), primary_key=True)


def test_a_statement_may_be_older_than_its_models():
    statement = compiled(select(Referring.id).join(Thing, Thing.id == Referring.id))

    class NotImportedYet(OtherBase):
        __tablename__ = "not_imported_yet"

        id: Mapped[UUID] = mapped_column(primary_key=True)

    assert b"JOIN things" in statement.text


def test_a_statement_is_compiled_once(monkeypatch):
    expression = select(literal(1))
    compilations = []
    compile_ = type(expression).compile

    def count(*arguments, **options):
        compilations.append(1)
        return compile_(*arguments, **options)

    monkeypatch.setattr(type(expression), "compile", count)
    statement = compiled(expression)
    assert compilations == []
    for _ in range(2):
        statement.with_values({})
        assert statement.text
        assert statement.numbered
    assert compilations == [1]


@pytest.mark.parametrize("words", [Colour.RED, Mood.CALM], ids=["StrEnum", "str and Enum"])
def test_a_constant_of_an_enumeration_of_texts_is_its_value(words):
    statement = compiled(select(Thing.id).where(Thing.colour == words))
    assert list(statement.complete({}).values()) == [words.value]
    assert statement.with_values({})[1] == [words.value.encode()]


@pytest.mark.parametrize(
    "expression",
    [
        select(Thing.id).where(Thing.secret == parameter("secret", Reversed())),
        select(Thing.id).where(Thing.secret == "abc"),
        select(Thing.secret),
        select(Thing.size),
        select(Thing.id).where(Thing.size.in_([Size.SMALL])),
        select(Thing.id).where(Thing.detail == parameter("detail", JSONB())),
        update(Thing).values(is_new=False).returning(Thing.secret),
        select(Thing.id).where(Thing.tags == parameter("tags", ARRAY(Reversed()))),
    ],
    ids=str,
)
def test_what_sqlalchemy_would_convert_is_refused(expression):
    with pytest.raises(
        TypeError, match=r"is converted by SQLAlchemy: execute the expression with scope\.session"
    ):
        compiled(expression).with_values({})


@pytest.mark.parametrize(
    "expression",
    [
        select(Thing.id, Thing.colour, Thing.detail, Thing.tags, Thing.is_new),
        select(Thing.id).where(Thing.tags == parameter("tags", ARRAY(Text))),
        select(Thing.id).where(
            Thing.id == parameter("id", Uuid()), Thing.is_new == parameter("new", Integer())
        ),
        update(Thing).where(Thing.id == parameter("id", Uuid())).values(is_new=True),
    ],
    ids=str,
)
def test_what_the_driver_sends_unchanged_can_be_compiled(expression):
    assert compiled(expression).numbered
