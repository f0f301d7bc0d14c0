"""How often a webhook and a purchase go to the database and back."""

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select

from autonomy_core.payments.models import Payment
from tests import wire
from tests.functional.stripe_payments import shop as shops

pytestmark = pytest.mark.concurrent


def grants(event):
    event.grant(event.payment.product_id)


def works_with_the_session(event):
    event.scope.session.scalars(select(Payment).where(Payment.id == event.payment.id)).one()


@pytest.fixture(scope="module")
def chosen():
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(chosen):
    def run_chosen(event):
        for hook in chosen:
            hook(event)

    return shops.plugins_with(first=run_chosen, second=run_chosen)


@pytest.fixture
def shop(committed, simulator, monkeypatch):
    """A shop with three plugins that have a hook."""
    monkeypatch.setattr(shops, "PLUGINS", (*shops.PLUGINS, "first", "second"))
    return shops.Shop(committed, simulator)


@pytest.fixture
def round_trips(shop):
    """Counts the round trips of what is done."""

    def count(act):
        engine = shop.autonomy.database.engine
        with wire.listening() as listening:

            def listen(connection, *_):
                listening.listen(connection)

            def stop(connection, _):
                connection.pgconn.untrace()

            sqlalchemy_event.listen(engine, "checkout", listen)
            sqlalchemy_event.listen(engine, "checkin", stop)
            try:
                act()
            finally:
                sqlalchemy_event.remove(engine, "checkout", listen)
                sqlalchemy_event.remove(engine, "checkin", stop)
            return listening.round_trips

    return count


def used_to_it(shop):
    """The connection has prepared what it needs."""
    for _ in range(2):
        assert post_new(shop)[1] == "processed"


def post_new(shop):
    shop.product = shop.autonomy.product()
    event = shop.event(shop.payment())
    return event, shop.post(event).json["status"]


@pytest.mark.parametrize(("hook", "most"), [(grants, 2), (works_with_the_session, 6)])
def test_an_event_with_three_hooks_takes_few_round_trips(shop, chosen, round_trips, hook, most):
    chosen[:] = [hook]
    used_to_it(shop)
    shop.product = shop.autonomy.product()
    event = shop.event(shop.payment())
    assert 0 < round_trips(lambda: shop.post(event)) <= most
    assert shop.stored(event).status == "processed"
    assert len(shop.grants()) == 3


def test_a_duplicate_takes_no_more_than_three(shop, chosen, round_trips):
    chosen[:] = [grants]
    used_to_it(shop)
    event, _ = post_new(shop)
    assert 0 < round_trips(lambda: shop.post(event)) <= 3
    assert shop.stored(event).attempts == 1


def test_an_ordinary_purchase_takes_three_round_trips(shop, round_trips):
    """One reads, one writes and commits; after Stripe has answered, one records the page and commits."""
    for _ in range(2):
        shop.purchase(201)
        shop.product = shop.autonomy.product()
    assert 0 < round_trips(lambda: shop.purchase(201)) <= 3


def test_a_purchase_that_finds_an_open_page_takes_a_few_more(shop, round_trips):
    shop.purchase(201)
    assert 3 < round_trips(lambda: shop.purchase(200)) <= 12
