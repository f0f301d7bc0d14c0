"""The batched statement is made of the tables that a provider declares."""

from datetime import timedelta

from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from autonomy_core.payments.batch_lookup import BatchLookup, EventTable, is_json, statement_of


class Base(DeclarativeBase):
    """Apart from the models of the application."""


class Invoice(Base):
    __tablename__ = "invoices"

    organisation_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str]
    number: Mapped[str]
    transfer: Mapped[str | None]


class News(Base):
    __tablename__ = "news"

    organisation_id: Mapped[str] = mapped_column(primary_key=True)
    sender: Mapped[str] = mapped_column(primary_key=True)
    environment: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[str] = mapped_column(JSONB)
    state: Mapped[str]
    payment_id: Mapped[str]
    awaits: Mapped[str]
    at: Mapped[str]


NEWS = EventTable(
    model=News,
    values=("name", "body"),
    constants={"sender": "bank", "state": "done"},
    payment="payment_id",
    times=("at",),
    status="state",
    waits_for="awaits",
)
LOOKUP = BatchLookup(
    provider="invoices",
    source="news",
    model=Invoice,
    payment="payment_id",
    reference="number",
    learns="transfer",
    not_older_than=timedelta(hours=1),
    events=NEWS,
)


def statement():
    return " ".join(statement_of(LOOKUP).text.decode().split())


def test_a_payment_is_found_by_the_reference_and_learns_the_other_name():
    assert "named.environment = arrived.environment AND named.number = arrived.reference" in statement()
    assert "UPDATE invoices named SET transfer =" in statement()


def test_an_event_is_stored_with_its_values_and_the_constants():
    columns = "organisation_id, environment, name, body, sender, state, payment_id, at"
    assert f"INSERT INTO news ({columns})" in statement()
    assert "arrived.event_name, %(event_body)s::jsonb -> (place - 1)::int" in statement()
    assert [is_json(NEWS, name) for name in NEWS.values] == [False, True]


def test_a_stored_event_is_known_by_its_whole_key():
    key = (
        "event.organisation_id = %(organisation_id)s::text AND event.sender = %(event_sender)s::VARCHAR"
        " AND event.environment = arrived.environment AND event.name = arrived.event_name"
    )
    assert f"(SELECT state FROM news event WHERE {key})" in statement()


def test_an_event_waits_whatever_its_own_name_is():
    waiting = (
        "waiting.organisation_id = %(organisation_id)s::text AND waiting.sender = %(event_sender)s::VARCHAR"
        " AND waiting.environment = arrived.environment AND waiting.awaits = arrived.learnt"
    )
    assert f"SELECT FROM news waiting WHERE {waiting}" in statement()


def test_a_lookup_has_one_statement():
    assert statement_of(LOOKUP) is statement_of(LOOKUP)
