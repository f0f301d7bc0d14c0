"""A transaction at the driver: when its statements are sent, and that a failure undoes all of them."""

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
from autonomy_core.db.commit_guard import NotYourTransaction
from autonomy_core.db.pipeline import Statement
from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins

# Each test has its own database, because it observes when data are committed.
pytestmark = pytest.mark.concurrent

REGISTER = Statement(
    "INSERT INTO customers (organisation_id, id, email, name, created_at)"
    " VALUES (%(organisation_id)s, %(id)s, %(email)s, 'Ada', now()) RETURNING email"
)
REGISTER_ALL = Statement(
    "INSERT INTO customers (organisation_id, id, email, name, created_at)"
    " SELECT organisation_id, id, email, 'one of ' || count(*) OVER (), now() FROM unnest("
    "%(organisation_id)s::text[], %(id)s::uuid[], %(email)s::text[])"
    " AS all_of_them(organisation_id, id, email)"
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
    """Begin a transaction."""

    def begin(organisation_id="acme", statement_timeout_s=60.0):
        return acme.database.driver_transaction(organisation_id, statement_timeout_s=statement_timeout_s)

    return begin


def ada(email="ada@example.org", organisation_id="acme"):
    return {"organisation_id": organisation_id, "id": uuid4(), "email": email}


def emails(acme):
    with acme.scope() as scope:
        return sorted(scope.session.scalars(select(Customer.email)))


def test_statements_are_committed_at_the_end_of_the_block(acme, transaction):
    with transaction() as own:
        assert own.execute_at_driver(REGISTER, ada()) == [("ada@example.org",)]
        assert emails(acme) == []
    assert emails(acme) == ["ada@example.org"]


def test_an_exception_rolls_the_transaction_back(acme, transaction):
    def fail(own):
        own.execute_at_driver(REGISTER, ada())
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
        own.session.add(Customer(organisation_id="acme", email="carl@example.org", name="Carl"))
        own.session.flush()
        raise LookupError

    with pytest.raises(LookupError), transaction() as own:
        fail(own)
    assert emails(acme) == []


def test_deferred_statements_are_sent_with_the_commit(acme, transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
    assert emails(acme) == ["ada@example.org"]


def test_a_deferred_statement_is_sent_once_for_all_rows(acme, transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
    with acme.scope() as scope:
        assert list(scope.session.scalars(select(Customer.name))) == ["one of 2", "one of 2"]


def test_deferred_statements_precede_a_later_query(transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        assert own.execute_at_driver(COUNT, {}) == [(1,)]
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
        assert len(list(own.session.scalars(select(Customer)))) == 2
        own.execute_later(REGISTER_ALL, ada("carl@example.org"))
        assert len(list(own.session.scalars(select(Customer)))) == 3


def test_the_last_statement_is_sent_with_deferred_ones_and_the_commit(acme, transaction):
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        assert own.execute_last(COUNT, {}) == [(1,)]
        assert emails(acme) == ["ada@example.org"]


def test_the_last_statement_is_committed_with_the_sessions_work(acme, transaction):
    with transaction() as own:
        own.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))
        own.session.flush()
        assert own.execute_last(COUNT, {}) == [(1,)]
    assert emails(acme) == ["ada@example.org"]


def test_a_failing_last_statement_rolls_everything_back(acme, transaction):
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


def test_a_new_row_is_visible_to_a_session_requested_later(transaction):
    with transaction() as own:
        own.add(a_product(title="First"))
        assert list(own.session.scalars(select(Product.title))) == ["First"]
        own.add(a_product(title="Second"))
        assert sorted(own.session.scalars(select(Product.title))) == ["First", "Second"]


def test_a_json_value_is_stored_unchanged(acme, transaction):
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


def test_a_failing_deferred_statement_rolls_everything_back(acme, transaction):
    with pytest.raises(UniqueViolation), transaction() as own:
        own.execute_at_driver(REGISTER, ada())
        own.execute_later(REGISTER_ALL, ada())
    assert emails(acme) == []


def test_an_idle_transaction_is_ended_and_its_locks_released(acme, transaction):
    limits = {"statement_timeout_s": 5.0, "idle_timeout_s": 0.05}
    with pytest.raises(psycopg.Error), acme.database.driver_transaction("acme", **limits) as resting:
        resting.execute_at_driver(REGISTER, ada())
        with transaction(statement_timeout_s=30) as other:
            other.execute_at_driver(REGISTER, ada())
    assert emails(acme) == ["ada@example.org"]


def test_without_its_own_limit_the_servers_idle_timeout_applies(transaction):
    with transaction() as own:
        assert own.execute_at_driver(PAUSE, {}) == [("5min",)]


def test_a_transaction_without_statements_is_never_begun(acme, transaction):
    with transaction():
        pass
    with acme.scope() as scope:
        assert scope.session.scalar(text("SELECT 1")) == 1


def test_a_session_shares_the_transaction_and_its_commit(acme, transaction):
    with transaction() as own:
        own.execute_at_driver(REGISTER, ada())
        customer = own.session.scalars(select(Customer)).one()
        customer.name = "Countess"
        own.session.add(Customer(organisation_id="acme", email="bob@example.org", name="Bob"))
        assert emails(acme) == []
    assert emails(acme) == ["ada@example.org", "bob@example.org"]


def test_a_session_requested_first_begins_the_transaction(acme, transaction):
    with transaction() as own:
        own.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))
        own.execute_later(REGISTER_ALL, ada("bob@example.org"))
    assert emails(acme) == ["ada@example.org", "bob@example.org"]


def test_a_rolled_back_savepoint_undoes_driver_statements_too(acme, transaction):
    with transaction() as own:
        nested = own.session.begin_nested()
        own.execute_later(REGISTER_ALL, ada())
        own.execute_at_driver(REGISTER, ada("bob@example.org"))
        nested.rollback()
        own.execute_later(REGISTER_ALL, ada("carl@example.org"))
    assert emails(acme) == ["carl@example.org"]


def test_a_transaction_sees_the_rows_of_its_organisation_only(acme, transaction):
    with transaction() as own:
        own.execute_at_driver(REGISTER, ada())
    with transaction("other") as own:
        assert own.execute_at_driver(COUNT, {}) == [(0,)]
        assert list(own.session.scalars(select(Customer))) == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege), transaction("other") as own:
        own.execute_at_driver(REGISTER, ada())


def test_a_statement_is_ended_after_its_timeout(transaction):
    with pytest.raises(QueryCanceled), transaction(statement_timeout_s=0.05) as own:
        own.execute_at_driver(Statement("SELECT pg_sleep(%(seconds)s::float)"), {"seconds": 5})
    with transaction() as own:
        assert own.execute_at_driver(COUNT, {}) == [(0,)]


def test_lost_prepared_statements_are_prepared_again(acme, transaction):
    with transaction() as own:
        own.execute_at_driver(COUNT, {})
    with acme.database.engine.connect() as connection:
        connection.exec_driver_sql("DEALLOCATE ALL")
    with transaction() as own:
        own.execute_later(REGISTER_ALL, ada())
        assert own.execute_at_driver(COUNT, {}) == [(1,)]
    assert emails(acme) == ["ada@example.org"]


@contextmanager
def cut_off(acme, own):
    """Let the server end the connection of a transaction."""
    ((pid,),) = own.execute_at_driver(Statement("SELECT pg_backend_pid()"), {})
    yield
    with acme.scope() as scope:
        scope.session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def test_a_lost_connection_is_an_error_and_is_replaced(acme, transaction):
    with pytest.raises(psycopg.Error), transaction() as own:
        with cut_off(acme, own):
            own.execute_at_driver(REGISTER, ada())
        own.execute_at_driver(COUNT, {})
    with pytest.raises(psycopg.Error), transaction() as own, cut_off(acme, own):
        own.execute_later(REGISTER_ALL, ada())
    with transaction() as own:
        assert own.execute_at_driver(COUNT, {}) == [(0,)]


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


def commits_in_sql_after_something_else(own):
    own.session.execute(text("SELECT 1; /* and */ COMMIT"))
    own.session.execute(text("SELECT 1"))


def commits_at_the_driver(own):
    own.execute_at_driver(Statement("COMMIT"), {})


def commits_with_what_waits(own):
    own.execute_later(Statement("COMMIT"), {})
    own.execute_at_driver(COUNT, {})


def commits_the_transaction_itself(own):
    own.commit()


def rolls_back_in_sql(own):
    own.session.execute(text("ROLLBACK"))
    own.session.execute(text("SELECT 1"))


def rolls_back_at_the_driver(own):
    own.execute_at_driver(Statement("ROLLBACK"), {})


def rolls_back_the_transaction_itself(own):
    own.roll_back()


def rolls_back_the_connection(own):
    own.session.connection().rollback()


def swallows_an_error(own):
    try:
        own.session.execute(text("SELECT 1 / 0"))
    except DBAPIError:
        return


def swallows_an_error_of_the_driver(own):
    try:
        own.execute_at_driver(FAIL, {"by": 0})
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
        commits_in_sql_after_something_else,
        commits_at_the_driver,
        commits_with_what_waits,
        commits_the_transaction_itself,
        rolls_back_in_sql,
        rolls_back_at_the_driver,
        rolls_back_the_transaction_itself,
        rolls_back_the_connection,
        swallows_an_error,
        swallows_an_error_of_the_driver,
    ],
)
@pytest.mark.parametrize("is_made_before", [True, False])
def test_a_borrower_can_neither_end_nor_break_the_transaction(acme, transaction, misbehave, is_made_before):
    with pytest.raises(NotYourTransaction), transaction() as own:
        own.execute_at_driver(REGISTER, ada())
        if is_made_before:
            own.session.flush()
        with own.forbid_commit():
            misbehave(own)
    assert emails(acme) == []


def test_what_a_borrower_executes_last_is_not_committed(acme, transaction):
    def borrower(own):
        with own.forbid_commit():
            assert own.execute_last(REGISTER, ada()) == [("ada@example.org",)]
            assert emails(acme) == []
        raise LookupError

    with pytest.raises(LookupError), transaction() as own:
        borrower(own)
    assert emails(acme) == []


def test_a_borrower_within_a_borrower_frees_neither(acme, transaction):
    with pytest.raises(NotYourTransaction), transaction() as own, own.forbid_commit():
        own.execute_at_driver(REGISTER, ada())
        with own.forbid_commit():
            own.session.flush()
        own.session.commit()
    assert emails(acme) == []


def test_a_borrower_may_leave_a_transaction_unbegun(acme, transaction):
    with transaction() as own:
        with own.forbid_commit():
            own.execute_later(REGISTER_ALL, ada())
        own.execute_last(COUNT, {})
    assert emails(acme) == ["ada@example.org"]


def test_a_borrower_may_use_the_transaction(acme, transaction):
    with transaction() as own:
        own.execute_at_driver(COUNT, {})
        with own.forbid_commit():
            own.session.add(Customer(organisation_id="acme", email="ada@example.org", name="Ada"))
            own.execute_later(REGISTER_ALL, ada("bob@example.org"))
    assert emails(acme) == ["ada@example.org", "bob@example.org"]


def test_a_failed_transaction_is_not_committed(transaction):
    with pytest.raises(psycopg.InternalError, match="failed before"), transaction() as own:
        own.execute_at_driver(COUNT, {})
        swallows_an_error_of_the_driver(own)


def test_large_values_and_large_results_are_transferred(transaction):
    large = "x" * (4 * 1024 * 1024)
    with transaction() as own:
        assert own.execute_at_driver(Statement("SELECT %(large)s::text"), {"large": large}) == [(large,)]


@pytest.mark.parametrize(
    ("value", "error"), [(b"bytes", TypeError), (1.5, TypeError), ("\x00", psycopg.DataError)]
)
def test_a_value_that_would_be_changed_by_its_type_is_refused(acme, transaction, value, error):
    with pytest.raises(error), transaction() as own:
        own.execute_at_driver(REGISTER, ada())
        own.execute_at_driver(Statement("SELECT %(value)s::text"), {"value": value})
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
def test_values_are_stored_unchanged(transaction, a_text, number, at, texts, numbers, identifier, truth):
    echo = Statement(
        "SELECT %(text)s::text, %(number)s::bigint, %(at)s::timestamptz, %(texts)s::text[], "
        "%(numbers)s::bigint[], %(times)s::timestamptz[], %(id)s::uuid, %(ids)s::uuid[], '100 %%',"
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
        echoed = own.execute_at_driver(echo, values)
        through_the_session = own.session.execute_at_driver(echo, values)
    known = UUID(int=identifier.int)
    assert echoed == [
        (a_text, number, at, texts, numbers, [at], known, [known, None], "100 %", truth, [truth, None])
    ]
    assert through_the_session == echoed
