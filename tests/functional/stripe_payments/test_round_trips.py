"""The number of round trips to the database of a webhook and a purchase."""

import pytest
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import select

from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments.models import Payment
from autonomy_core.prices.models import OpenPrice, ProductPrice
from autonomy_core.testing.application import chosen_plugins
from customer_auth.sessions.open_logins import OpenLogins
from media_mp3.models import Track
from tests.functional.stripe_payments import shop as shops
from tests.support.logins import cache_logins
from tests.support.round_trips import listening

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

    with_logins_and_recordings = chosen_plugins("customer_auth", "media_mp3").modules
    with_stripe = shops.plugins_with(first=run_chosen, second=run_chosen).modules
    return Plugins({**with_logins_and_recordings, **with_stripe})


@pytest.fixture
def shop(committed, simulator):
    """A shop with three plugins that have a hook."""
    return shops.Shop(committed, simulator, hooks=["first", "second"])


@pytest.fixture
def round_trips(shop):
    """Counts the round trips of what is done."""

    def count(act):
        engine = shop.autonomy.database.engine
        with listening() as wire:

            def listen(connection, *_):
                wire.listen(connection)

            def stop(connection, _):
                connection.pgconn.untrace()

            sqlalchemy_event.listen(engine, "checkout", listen)
            sqlalchemy_event.listen(engine, "checkin", stop)
            try:
                act()
            finally:
                sqlalchemy_event.remove(engine, "checkout", listen)
                sqlalchemy_event.remove(engine, "checkin", stop)
            return wire.round_trips

    return count


def used_to_it(shop):
    """The connection has prepared what it needs."""
    for _ in range(2):
        assert post_new(shop)[1] == "processed"


def post_new(shop):
    shop.product = shop.autonomy.product()
    event = shop.event(shop.payment())
    return event, shop.post(event).json["status"]


@pytest.mark.parametrize(("hook", "most"), [(grants, 2), (works_with_the_session, 7)])
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
    shop.product = shop.autonomy.product()
    with shop.scope() as scope:
        of_product = {"organisation_id": shop.id, "product_id": shop.product.id}
        scope.session.add(OpenPrice(**of_product, suggested_amount=None))
        scope.session.add(ProductPrice(**of_product, currency="usd", amount=1300, suggested_amount=None))
    assert 0 < round_trips(lambda: shop.purchase(201, currency="usd", amount=1400)) <= 3


def test_a_logged_in_purchase_of_a_recording_takes_five(shop, round_trips, monkeypatch):
    """One more asks whether the login goes on, and one whether the recording has tracks."""
    shop.plugins += ("customer_auth", "media_mp3")
    cache_logins(shop.autonomy, monkeypatch, OpenLogins(cached_for_s=0))
    shop.configure()
    path = f"/{shop.id}/api/v1/customers"
    account = {"email": "bob@example.org", "password": "correct horse battery staple", "name": "Bob"}
    answer = shop.autonomy.app.post_json(f"{path}/register", account, status=201)
    headers = {"Authorization": f"Bearer {answer.json['access_token']}"}

    def purchase():
        product = recording(shop)
        url = f"{path}/products/{product.id}/purchase"
        return lambda: shop.autonomy.app.post_json(url, {}, headers=headers, status=201)

    for _ in range(2):
        purchase()()
    assert round_trips(purchase()) == 5


def recording(shop):
    product = shop.autonomy.product(shop.id, kind="mp3")
    numbers = dict.fromkeys(("position", "duration_ms", "bitrate", "size"), 1)
    texts = dict.fromkeys(("title", "sha256", "storage_key", "filename"), "a")
    with shop.scope() as scope:
        track = Track(organisation_id=shop.id, product_id=product.id, peaks=b"", **numbers, **texts)
        scope.session.add(track)
    return product


def test_a_purchase_that_finds_an_open_page_takes_a_few_more(shop, round_trips):
    shop.purchase(201)
    assert 3 < round_trips(lambda: shop.purchase(200)) <= 12
