"""A transaction at the driver: what it executes, when, and that nothing of it is left when something fails."""

from contextlib import contextmanager
from datetime import UTC, datetime
from types import ModuleType
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import DivisionByZero, QueryCanceled, UniqueViolation
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from autonomy_core.audit.models import AuditEntry
from autonomy_core.catalog.models import ArchivedProduct, Product
from autonomy_core.customers.models import Customer
from autonomy_core.db.base import uuid7
from autonomy_core.db.driver_transaction import NotYourTransaction
from autonomy_core.db.pipeline import Statement
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins

# On a database of the test's own: it is about when things are committed.
pytestmark = pytest.mark.concurrent

REGISTER = Statement(
    "INSERT INTO customers (organisation_id, id, email, name, created_at)"
    " VALUES (%(organisation_id)s, %(id)s, %(email)s, 'Ada', now()) RETURNING email"
)
REGISTER_ALL = Statement(
    "INSERT INTO customers (organisation_id, id, email, name, created_at)"
    " SELECT organisation_id, id, email, 'one of ' || count(*) OVER (), now() FROM unnest("
    "%(organisation_id)s::text[], %(id)s::uuid[], %(email)s::text[]) AS all_of_them(organisation_id, id, email)"
)
COUNT = Statement("SELECT count(*) FROM customers")
PAUSE = Statement("SELECT current_setting('idle_in_transaction_session_timeout')")
FAIL = Statement("SELECT 1 / %(by)s::int")


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({stand_ins.NAME: stand_ins, "nothing": ModuleType("nothing.plugin")})


@pytest.fixture
def acme(committed):
    committed.organisation("acme")
    return committed


@pytest.fixture
def transaction(acme):
    """Begins a transaction."""

    def begin(organisation_id="acme", patience_s=5.0):
        return acme.database.direct_transaction(organisation_id, patience_s=patience_s)

    return begin


def ada(email="ada@example.org", organisation_id="acme"):
    return {"organisation_id": organisation_id, "id": uuid4(), "email": email}


def emails(acme):
    with acme.scope() as scope:
        return sorted(scope.session.scalars(select(Customer.email)))


def test_what_is_executed_is_committed_at_the_end_of_the_block(acme, transaction):
    with transaction() as own:
        assert own.execute_directly(REGISTER, ada()) == [("ada@example.org",)]
        assert emails(acme) == []
    assert emails(acme) == ["ada@example.org"]


def test_an_exception_undoes_all_of_it(acme, transaction):
    def fail(own):
        own.execute_directly(REGISTER, ada())
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
        own.session.add(Customer(organisation_id="acme", email="carl@example.org", name="Carl"))
        own.session.flush()
        raise LookupError

    with pytest.raises(LookupError), transaction() as own:
        fail(own)
    assert emails(acme) == []


def test_what_waits_is_executed_with_the_commit(acme, transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
    assert emails(acme) == ["ada@example.org"]


def test_what_waits_is_executed_once_for_all_rows(acme, transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
    with acme.scope() as scope:
        assert list(scope.session.scalars(select(Customer.name))) == ["one of 2", "one of 2"]


def test_what_waits_is_executed_before_what_is_asked_for_later(transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        assert own.execute_directly(COUNT, {}) == [(1,)]
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
        assert len(list(own.session.scalars(select(Customer)))) == 2
        own.execute_later(REGISTER_ALL, ada("carl@example.org"))
        assert len(list(own.session.scalars(select(Customer)))) == 3


def test_the_last_statement_is_committed_with_what_waits(acme, transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        assert own.execute_last(COUNT, {}) == [(1,)]
        assert emails(acme) == ["ada@example.org"]


def test_the_last_statement_is_committed_with_what_a_session_has_done(acme, transaction):
    with transaction() as own:
        own.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))
        own.session.flush()
        assert own.execute_last(COUNT, {}) == [(1,)]
    assert emails(acme) == ["ada@example.org"]


def test_a_last_statement_that_fails_undoes_all_of_it(acme, transaction):
    with pytest.raises(DivisionByZero), transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        own.execute_last(FAIL, {"by": 0})
    assert emails(acme) == []


def test_a_new_row_gets_its_defaults_and_is_written_with_the_commit(acme, transaction):
    product = a_product(description='with \\ and " and {', active=False)
    with transaction() as own:
        own.add(product)
        assert product.created_at is not None
    with acme.scope() as scope:
        (found,) = scope.session.scalars(select(Product))
        for name in (column.name for column in Product.__table__.columns):
            assert getattr(found, name) == getattr(product, name)


def test_new_rows_are_written_in_the_order_in_which_they_were_added(acme, transaction):
    product = a_product()
    archived = ArchivedProduct(organisation_id="acme", product_id=product.id, archived_at=datetime.now(UTC))
    with transaction() as own:
        own.add(product)
        own.add(archived)
    with acme.scope() as scope:
        assert len(list(scope.session.scalars(select(ArchivedProduct)))) == 1


def test_a_new_row_is_there_for_a_session_that_is_asked_for_later(transaction):
    with transaction() as own:
        own.add(a_product(title="First"))
        assert list(own.session.scalars(select(Product.title))) == ["First"]
        own.add(a_product(title="Second"))
        assert sorted(own.session.scalars(select(Product.title))) == ["First", "Second"]


def test_a_value_that_is_json_arrives_as_it_is(acme, transaction):
    record = AuditEntry(
        organisation_id="acme", actor="a", action="b", target="c", detail={"what": ["ü", '"', "\\", {}]}
    )
    with transaction() as own:
        own.add(record)
    with acme.scope() as scope:
        assert list(scope.session.scalars(select(AuditEntry.detail))) == [{"what": ["ü", '"', "\\", {}]}]


def a_product(**values):
    defaults = {"title": "A", "description": "", "kind": "thing", "amount": 1, "currency": "eur"}
    return Product(organisation_id="acme", id=uuid7(), **{**defaults, **values})


def test_what_waits_and_fails_undoes_all_of_it(acme, transaction):
    with pytest.raises(UniqueViolation), transaction() as own:
        own.execute_directly(REGISTER, ada())
        own.execute_later(REGISTER_ALL, ada())
    assert emails(acme) == []


def test_a_transaction_that_does_nothing_for_too_long_loses_what_others_wait_for(acme, transaction):
    limits = {"patience_s": 5.0, "longest_pause_s": 0.05}
    with pytest.raises(psycopg.Error), acme.database.direct_transaction("acme", **limits) as resting:
        resting.execute_directly(REGISTER, ada())
        with transaction(patience_s=30) as other:
            other.execute_directly(REGISTER, ada())
    assert emails(acme) == ["ada@example.org"]


def test_without_a_limit_of_its_own_it_may_rest_as_long_as_any(transaction):
    with transaction() as own:
        assert own.execute_directly(PAUSE, {}) == [("5min",)]


def test_a_transaction_in_which_nothing_happens_is_none(acme, transaction):
    with transaction():
        pass
    with acme.scope() as scope:
        assert scope.session.scalar(text("SELECT 1")) == 1


def test_a_session_is_in_the_same_transaction_and_committed_with_it(acme, transaction):
    with transaction() as own:
        own.execute_directly(REGISTER, ada())
        customer = own.session.scalars(select(Customer)).one()
        customer.name = "Countess"
        own.session.add(Customer(organisation_id="acme", email="bob@example.org", name="Bob"))
        assert emails(acme) == []
    assert emails(acme) == ["ada@example.org", "bob@example.org"]


def test_a_session_that_is_asked_for_first_begins_the_transaction(acme, transaction):
    with transaction() as own:
        own.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
    assert emails(acme) == ["ada@example.org", "bob@example.org"]


def test_what_is_executed_within_a_savepoint_of_the_session_is_undone_with_it(acme, transaction):
    with transaction() as own:
        nested = own.session.begin_nested()
        own.execute_later(REGISTER_ALL, ada())
        own.execute_directly(REGISTER, ada("bob@example.org"))
        nested.rollback()
        own.execute_later(REGISTER_ALL, ada("carl@example.org"))
    assert emails(acme) == ["carl@example.org"]


def test_it_sees_its_organisations_rows_only(acme, transaction):
    with transaction() as own:
        own.execute_directly(REGISTER, ada())
    with transaction("other") as own:
        assert own.execute_directly(COUNT, {}) == [(0,)]
        assert list(own.session.scalars(select(Customer))) == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction("other") as own:
        own.execute_directly(REGISTER, ada())


def test_a_statement_may_take_so_long_and_no_longer(transaction):
    with pytest.raises(QueryCanceled), transaction(patience_s=0.05) as own:
        own.execute_directly(Statement("SELECT pg_sleep(%(seconds)s::float)"), {"seconds": 5})
    with transaction() as own:
        assert own.execute_directly(COUNT, {}) == [(0,)]


def test_a_connection_that_has_forgotten_what_was_prepared_is_taught_again(acme, transaction):
    with transaction() as own:
        own.execute_directly(COUNT, {})
    with acme.database.engine.connect() as connection:
        connection.exec_driver_sql("DEALLOCATE ALL")
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        assert own.execute_directly(COUNT, {}) == [(1,)]
    assert emails(acme) == ["ada@example.org"]


@contextmanager
def cut_off(acme, own):
    """The server ends the connection of a transaction."""
    ((pid,),) = own.execute_directly(Statement("SELECT pg_backend_pid()"), {})
    yield
    with acme.scope() as scope:
        scope.session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_connection_that_is_lost_is_an_error_and_the_next_transaction_has_another(acme, transaction):
    with pytest.raises(psycopg.Error), transaction() as own:
        with cut_off(acme, own):
            own.execute_directly(REGISTER, ada())
        own.execute_directly(COUNT, {})
    with pytest.raises(psycopg.Error), transaction() as own, cut_off(acme, own):
        own.execute_later(REGISTER_ALL, ada())
    with transaction() as own:
        assert own.execute_directly(COUNT, {}) == [(0,)]


def commits(own):
    own.session.commit()


def rolls_back(own):
    own.session.rollback()


def closes(own):
    own.session.close()


def commits_the_connection(own):
    own.session.connection().commit()


def commits_in_sql(own):
    own.session.execute(text("commit"))
    own.session.execute(text("SELECT 1"))


def swallows_an_error(own):
    try:
        own.session.execute(text("SELECT 1 / 0"))
    except DBAPIError:
        return


def swallows_an_error_of_the_driver(own):
    try:
        own.execute_directly(FAIL, {"by": 0})
    except DivisionByZero:
        return


@pytest.mark.parametrize(
    "misbehave",
    [
        commits,
        rolls_back,
        closes,
        commits_the_connection,
        commits_in_sql,
        swallows_an_error,
        swallows_an_error_of_the_driver,
    ],
)
@pytest.mark.parametrize("is_made_before", [True, False])
def test_a_guest_may_not_end_it_and_not_spoil_it(acme, transaction, misbehave, is_made_before):
    with pytest.raises(NotYourTransaction), transaction() as own:
        own.execute_directly(REGISTER, ada())
        if is_made_before:
            own.session.flush()
        with own.lent_to_guest():
            misbehave(own)
    assert emails(acme) == []


def test_a_guest_may_work_with_it(acme, transaction):
    with transaction() as own:
        own.execute_directly(COUNT, {})
        with own.lent_to_guest():
            own.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))
            own.execute_later(REGISTER_ALL, ada("bob@example.org"))
    assert emails(acme) == ["ada@example.org", "bob@example.org"]


def test_a_transaction_that_has_failed_before_is_not_committed(transaction):
    with pytest.raises(psycopg.InternalError, match="failed before"), transaction() as own:
        own.execute_directly(COUNT, {})
        swallows_an_error_of_the_driver(own)


def test_a_large_value_and_a_large_answer_pass(transaction):
    large = "x" * (4 * 1024 * 1024)
    with transaction() as own:
        assert own.execute_directly(Statement("SELECT %(large)s::text"), {"large": large}) == [(large,)]


@pytest.mark.parametrize(
    ("value", "error"), [(b"bytes", TypeError), (1.5, TypeError), ("\x00", psycopg.DataError)]
)
def test_what_would_be_written_as_something_else_is_refused(acme, transaction, value, error):
    with pytest.raises(error), transaction() as own:
        own.execute_directly(REGISTER, ada())
        own.execute_directly(Statement("SELECT %(value)s::text"), {"value": value})
    assert emails(acme) == []


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    a_text=st.none() | TEXT,
    number=st.none() | st.integers(-(2**63), 2**63 - 1),
    at=st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 1), max_value=datetime(9999, 1, 1)),
    texts=st.lists(st.none() | TEXT, max_size=3),
    numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=3),
    identifier=st.uuids(),
    truth=st.booleans(),
)
def test_values_arrive_as_they_are(transaction, a_text, number, at, texts, numbers, identifier, truth):
    echo = Statement(
        "SELECT %(text)s::text, %(number)s::bigint, %(at)s::timestamptz, %(texts)s::text[], %(numbers)s::bigint[],"
        " %(times)s::timestamptz[], %(id)s::uuid, %(ids)s::uuid[], '100 %%',"
        " %(truth)s::boolean, %(truths)s::boolean[]"
    )
    one = {"text": a_text, "number": number, "at": at, "id": identifier}
    one["truth"] = truth
    values = {
        **one,
        "truths": [truth, None],
        "texts": texts,
        "numbers": numbers,
        "times": [at],
        "ids": [identifier, None],
    }
    with transaction() as own:
        echoed = own.execute_directly(echo, values)
        through_the_session = own.session.execute_directly(echo, values)
    known = UUID(int=identifier.int)
    assert echoed == [
        (a_text, number, at, texts, numbers, [at], known, [known, None], "100 %", truth, [truth, None])
    ]
    assert through_the_session == echoed
