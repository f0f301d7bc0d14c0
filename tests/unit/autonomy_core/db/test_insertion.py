"""A new row is stored as a session stores it, whatever its model is."""

from datetime import UTC, datetime, timedelta, timezone
from enum import Enum, StrEnum
from uuid import UUID, uuid4

import pytest
from psycopg.errors import StringDataRightTruncation
from sqlalchemy import (
    ARRAY,
    JSON,
    DateTime,
    FetchedValue,
    ForeignKey,
    Identity,
    Sequence,
    String,
    Text,
    Uuid,
    event,
    func,
    inspect,
    null,
    text,
)
from sqlalchemy import Enum as EnumType
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, composite, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

from autonomy_core.db.database import Database
from autonomy_core.db.insertion import insertion
from autonomy_core.models import Payment, PaymentReturn

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
TAKEN = uuid4()


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


class Colour(StrEnum):
    RED = "red"


class Mood(str, Enum):  # noqa: UP042 - of its `str()` is the name of the member
    CALM = "calm"


class Reversed(TypeDecorator):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value and value[::-1]

    def process_result_value(self, value, dialect):
        return value and value[::-1]


class Shouted(String):
    def bind_processor(self, dialect):
        return lambda value: value and value.upper()


class StrangersBase(DeclarativeBase):
    """Of a plugin that the core does not contain."""


class Keyed:
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)


class Plain(Keyed, StrangersBase):
    __tablename__ = "plain"

    words: Mapped[str | None] = mapped_column(default="none")
    number: Mapped[int] = mapped_column(default=lambda: 7)
    at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    is_new: Mapped[bool] = mapped_column(default=True)
    detail: Mapped[dict] = mapped_column(JSONB, default=dict)
    colour: Mapped[str] = mapped_column(default=Colour.RED)


class OddlyNamed(Keyed, StrangersBase):
    __tablename__ = "Order"

    chosen: Mapped[str] = mapped_column("select")
    share: Mapped[int] = mapped_column('100 % of "it"')


class Short(Keyed, StrangersBase):
    __tablename__ = "short"

    code: Mapped[str] = mapped_column(String(3))


class Decorated(Keyed, StrangersBase):
    __tablename__ = "decorated"

    words: Mapped[str] = mapped_column(Reversed)
    loud: Mapped[str | None] = mapped_column(Shouted)


class Varied(Keyed, StrangersBase):
    __tablename__ = "varied"

    detail: Mapped[dict] = mapped_column(String().with_variant(JSONB(), "postgresql"))


class Sized(Keyed, StrangersBase):
    __tablename__ = "sized"

    size: Mapped[Size]
    by_value: Mapped[Size] = mapped_column(
        EnumType(Size, native_enum=False, values_callable=lambda sizes: [each.value for each in sizes])
    )


class Listed(Keyed, StrangersBase):
    __tablename__ = "listed"

    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    address: Mapped[str | None] = mapped_column(INET)
    named: Mapped[str | None] = mapped_column(Uuid(as_uuid=False))
    payload: Mapped[bytes | None]
    share: Mapped[float | None]


class Documented(Keyed, StrangersBase):
    __tablename__ = "documented"

    maybe: Mapped[dict | None] = mapped_column(JSON)
    never_null: Mapped[dict | None] = mapped_column(JSONB(none_as_null=True))


class Served(Keyed, StrangersBase):
    __tablename__ = "served"

    state: Mapped[str] = mapped_column(server_default="new")
    made_by: Mapped[str] = mapped_column(default="a plugin", server_default="the database")
    triggered: Mapped[str | None] = mapped_column(server_default=FetchedValue())


class Numbered(StrangersBase):
    __tablename__ = "numbered"

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str]


class Identified(StrangersBase):
    __tablename__ = "identified"

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    place: Mapped[int] = mapped_column(Sequence("places", metadata=StrangersBase.metadata))


class Derived(Keyed, StrangersBase):
    __tablename__ = "derived"

    words: Mapped[str]
    letters: Mapped[int] = mapped_column(
        default=lambda context: len(context.get_current_parameters()["words"])
    )
    loud: Mapped[str] = mapped_column(default=func.upper("made in SQL"))


class Naive(Keyed, StrangersBase):
    __tablename__ = "naive"

    at: Mapped[datetime] = mapped_column(DateTime)


class Versioned(Keyed, StrangersBase):
    __tablename__ = "versioned"

    version: Mapped[int] = mapped_column()
    __mapper_args__ = {"version_id_col": version}


class Kept(Keyed, StrangersBase):
    __tablename__ = "kept"

    kind: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "kept"}


class KeptLonger(Kept):
    __tablename__ = "kept_longer"

    id: Mapped[UUID] = mapped_column(ForeignKey("kept.id"), primary_key=True)
    until: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "longer"}


class Parent(Keyed, StrangersBase):
    __tablename__ = "parents"

    children: Mapped[list["Child"]] = relationship()


class Child(Keyed, StrangersBase):
    __tablename__ = "children"

    parent_id: Mapped[UUID] = mapped_column(ForeignKey("parents.id"))


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __composite_values__(self):
        return self.x, self.y


class Placed(Keyed, StrangersBase):
    __tablename__ = "placed"

    x: Mapped[int]
    y: Mapped[int]
    point: Mapped[Point] = composite("x", "y")


class Heard(Keyed, StrangersBase):
    __tablename__ = "heard"

    words: Mapped[str]


@event.listens_for(Heard, "before_insert")
def hear(_mapper, _connection, row):
    row.words += ", as was heard"


ROWS = {
    "defaults": lambda: Plain(id=TAKEN),
    "every value": lambda: Plain(
        id=TAKEN, words='\\ " {', number=-1, at=NOW, is_new=False, detail={"a": ["ü", None]}, colour="blue"
    ),
    "None where there is a default": lambda: Plain(id=TAKEN, words=None, number=None, detail=None),
    "a time of another zone": lambda: Plain(id=TAKEN, at=NOW.astimezone(timezone(timedelta(hours=5)))),
    "an enumeration of texts": lambda: Plain(id=TAKEN, words=Mood.CALM, colour=Colour.RED),
    "a number that is a text": lambda: Plain(id=TAKEN, number="12"),
    "an expression": lambda: Plain(id=TAKEN, words=func.lower("ABC")),
    "JSON's own null": lambda: Plain(id=TAKEN, detail=JSON.NULL),
    "NULL for JSON": lambda: Documented(id=TAKEN, maybe=null()),
    "quoted names": lambda: OddlyNamed(id=TAKEN, chosen="all", share=3),
    "a limited text": lambda: Short(id=TAKEN, code="abc"),
    "a type decorator": lambda: Decorated(id=TAKEN, words="abc", loud="def"),
    "a variant": lambda: Varied(id=TAKEN, detail={"a": 1}),
    "enumerations": lambda: Sized(id=TAKEN, size=Size.SMALL, by_value=Size.LARGE),
    "arrays and other types": lambda: Listed(
        id=TAKEN, tags=["a", 'b"'], address="::1", named=str(TAKEN), payload=b"\0\xff", share=0.5
    ),
    "JSON that is None": lambda: Documented(id=TAKEN, maybe=None, never_null=None),
    "JSON that is not set": lambda: Documented(id=TAKEN),
    "defaults of the database": lambda: Served(id=TAKEN),
    "instead of the database's defaults": lambda: Served(id=TAKEN, state="old", triggered="by hand"),
    "a number of the database's": lambda: Numbered(words="a"),
    "an identity and a sequence": Identified,
    "defaults of other values": lambda: Derived(id=TAKEN, words="four"),
    "an aware time without a zone": lambda: Naive(id=TAKEN, at=NOW.astimezone(timezone(timedelta(hours=5)))),
    "a version": lambda: Versioned(id=TAKEN),
    "inheritance": lambda: KeptLonger(id=TAKEN, until="later"),
    "a base of others": lambda: Kept(id=TAKEN),
    "children": lambda: Parent(id=TAKEN, children=[Child(id=TAKEN)]),
    "a composite": lambda: Placed(id=TAKEN, point=Point(1, 2)),
    "a listener": lambda: Heard(id=TAKEN, words="a"),
}


@pytest.fixture(scope="module")
def database_of_strangers(postgresql):
    """A database with the plugin's tables."""
    postgresql.create_database("strangers")
    made = Database(postgresql.url("strangers", "postgres"), pool_size=2)
    StrangersBase.metadata.create_all(made.engine)
    yield made
    made.dispose()
    postgresql.drop_database("strangers")


@pytest.fixture
def strangers(database_of_strangers):
    """The same, with no rows."""
    all_rows(database_of_strangers)
    return database_of_strangers


def driver_transaction(database):
    return database.driver_transaction("acme", statement_timeout_s=30)


def all_rows(database):
    """Every row of every table, as PostgreSQL writes it; and empty again, numbers included."""
    names = [table.name for table in StrangersBase.metadata.sorted_tables]
    with database.transaction(None) as session:
        found = {
            name: session.scalars(text(f'SELECT to_jsonb(each) FROM "{name}" AS each')).all()
            for name in names
        }
        quoted = ", ".join(f'"{name}"' for name in names)
        session.execute(text(f"TRUNCATE {quoted} RESTART IDENTITY"))
        session.execute(text("ALTER SEQUENCE places RESTART"))
    return {name: rows for name, rows in found.items() if rows}


@pytest.mark.parametrize("what", ROWS)
def test_a_row_is_stored_as_a_session_stores_it(strangers, what):
    with strangers.transaction("acme") as session:
        session.add(ROWS[what]())
    expected = all_rows(strangers)
    with driver_transaction(strangers) as own:
        own.add(ROWS[what]())
    assert expected
    assert all_rows(strangers) == expected


@pytest.mark.parametrize("what", ROWS)
def test_a_row_has_the_values_that_a_session_gives_it(strangers, what):
    with strangers.transaction("acme") as session:
        expected = ROWS[what]()
        session.add(expected)
        session.flush()
        names = [column.key for column in inspect(type(expected)).column_attrs]
        values = {name: getattr(expected, name) for name in names}
        session.rollback()
    all_rows(strangers)
    with driver_transaction(strangers) as own:
        row = ROWS[what]()
        own.add(row)
        own.commit()
        assert {name: getattr(row, name) for name in names} == values


def test_a_text_too_long_for_its_column_is_refused(strangers):
    with pytest.raises(StringDataRightTruncation), driver_transaction(strangers) as own:
        own.add(Short(id=TAKEN, code="abcd"))
    assert all_rows(strangers) == {}


def test_rows_of_both_sorts_are_stored_in_one_transaction(strangers):
    with driver_transaction(strangers) as own:
        own.add(Plain(words="first"))
        own.add(Decorated(words="second"))
        own.add(Plain(words="third"))
    assert {name: len(rows) for name, rows in all_rows(strangers).items()} == {"plain": 2, "decorated": 1}


def test_the_next_statement_sees_a_row_of_the_session(strangers):
    from autonomy_core.db.pipeline import Statement

    with driver_transaction(strangers) as own:
        own.add(Decorated(words="abc"))
        assert own.execute_at_driver(Statement("SELECT words FROM decorated"), {}) == [("cba",)]


def test_a_row_of_a_session_is_not_inserted_again(strangers):
    with strangers.transaction("acme") as session:
        row = Plain(id=TAKEN)
        session.add(row)
    row.words = "changed"
    with driver_transaction(strangers) as own:
        own.add(row)
    assert [each["words"] for each in all_rows(strangers)["plain"]] == ["changed"]


@pytest.mark.parametrize(
    "row",
    [
        Payment(amount=1, status="pending"),
        PaymentReturn(success_url="a", cancel_url="b"),
        Plain(words="a"),
        OddlyNamed(chosen="a", share=1),
    ],
    ids=lambda row: type(row).__name__,
)
def test_a_plain_row_needs_no_session(row):
    assert insertion(row) is not None
