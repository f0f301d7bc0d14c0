"""The main flow, over HTTP between real parts: a server, the Stripe simulator that posts to it, a customer.

1. The customer registers, and is logged in.
2. The customer finds a product.
3. The customer buys it, and is sent to Stripe's checkout page.
4. The customer pays there.
5. Stripe tells the server, which completes the payment and grants the product.
6. The customer is sent back to the shop, and owns the product.
"""

import time
from urllib.parse import urljoin

import pytest
import requests
from sqlalchemy import select
from webtest.http import StopableWSGIServer

from autonomy_core.kernel.manager import Plugins
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.testing import simulated_stripe, stripe_settings, webhook_secret
from tests.functional.stripe_payments.shop import granting

PLUGINS = ("customer_auth", "granting", "stripe_payments", stand_ins.NAME)
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def simulator():
    with simulated_stripe() as server:
        yield server


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("customer_auth", "stripe_payments").modules, "granting": granting})


@pytest.fixture(scope="module")
def autonomy_settings(simulator):
    return {"stripe_payments.api_base": simulator.url}


@pytest.fixture
def server(committed, simulator):
    """The application behind a real web server, with two organisations, each with its Stripe account."""
    running = StopableWSGIServer.create(committed.app.app)
    url = running.application_url
    for organisation_id in ("acme", "other"):
        settings = stripe_settings(organisation_id)
        committed.organisation(organisation_id, plugins=PLUGINS, settings={"stripe_payments": settings})
        simulator.simulator.seed_endpoint(
            settings["test_secret_key"],
            urljoin(url, f"/api/webhook/stripe/{organisation_id}"),
            webhook_secret(organisation_id),
        )
    yield running
    running.shutdown()


class Buyer:
    """A customer at a browser."""

    def __init__(self, server, organisation_id):
        self.http = requests.Session()
        self.api = urljoin(server.application_url, f"/{organisation_id}/api/v1/")

    def register(self):
        account = {"email": "ada@example.org", "password": "correct horse battery staple", "name": "Ada"}
        answer = self.call("POST", "customers/register", 201, json=account)
        self.http.headers["Authorization"] = f"Bearer {answer['access_token']}"

    def call(self, method, path, status=200, **options):
        answer = self.http.request(method, urljoin(self.api, path), timeout=TIMEOUT_S, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def owned(self):
        return [product["id"] for product in self.call("GET", "customers/products")["items"]]

    def pay(self, checkout_url, action="pay"):
        """Press a button on the checkout page; gives where the browser ends up, unopened."""
        back = self.http.post(checkout_url, data={"action": action}, allow_redirects=False, timeout=TIMEOUT_S)
        return back.headers.get("Location")

    def follow(self, url):
        return self.http.get(url, allow_redirects=False, timeout=TIMEOUT_S)


@pytest.fixture
def buyer(server):
    made = Buyer(server, "acme")
    with made.http:
        yield made


def until(condition):
    """Wait for what happens in another process or thread, and give it."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def events(autonomy, organisation_id="acme"):
    with autonomy.scope(organisation_id) as scope:
        return list(scope.session.scalars(select(WebhookEvent)))


def test_a_customer_registers_buys_pays_and_owns(committed, buyer):
    product = committed.product("acme", title="Night Train")

    buyer.register()

    (offered,) = buyer.call("GET", "products")["items"]
    assert (offered["id"], offered["amount"]) == (str(product.id), 1200)
    assert buyer.owned() == []

    bought = buyer.call("POST", f"customers/products/{product.id}/purchase", 201, json={})
    payment = f"customers/payments/{bought['payment']['id']}"
    assert bought["payment"]["status"] == "pending"
    assert "Night Train" in buyer.follow(bought["checkout_url"]).text

    return_url = buyer.pay(bought["checkout_url"])

    completed = until(lambda: (found := buyer.call("GET", payment))["status"] == "completed" and found)
    assert completed["completed_at"]
    (event,) = until(lambda: [each for each in events(committed) if each.status == "processed"])
    assert (event.type, event.matched_by) == ("checkout.session.completed", "session_id")

    back = buyer.follow(return_url)
    assert back.status_code == 303
    assert back.headers["Location"].endswith(f"payment_id={bought['payment']['id']}")
    assert buyer.owned() == [str(product.id)]
    problem = buyer.call("POST", f"customers/products/{product.id}/purchase", 409, json={})
    assert problem["code"] == "already_owned"


def test_the_buyer_comes_back_and_the_webhook_arrives_at_the_same_time(committed, buyer):
    product = committed.product("acme")
    buyer.register()
    bought = buyer.call("POST", f"customers/products/{product.id}/purchase", 201, json={})
    assert buyer.follow(buyer.pay(bought["checkout_url"])).status_code == 303
    assert buyer.owned() == [str(product.id)]
    until(lambda: [event.status for event in events(committed)] == ["processed"])
    assert buyer.owned() == [str(product.id)]


def test_a_declined_card_and_an_abandoned_checkout_give_nothing(committed, buyer):
    product = committed.product("acme")
    buyer.register()
    bought = buyer.call("POST", f"customers/products/{product.id}/purchase", 201, json={})
    buyer.pay(bought["checkout_url"], "decline")
    buyer.pay(bought["checkout_url"], "expire")
    payment = f"customers/payments/{bought['payment']['id']}"
    until(lambda: buyer.call("GET", payment)["status"] == "expired")
    assert buyer.owned() == []


def test_a_purchase_is_unknown_to_the_other_organisation(committed, server, buyer):
    product = committed.product("acme")
    buyer.register()
    bought = buyer.call("POST", f"customers/products/{product.id}/purchase", 201, json={})
    buyer.pay(bought["checkout_url"])
    until(lambda: buyer.owned() == [str(product.id)])
    namesake = Buyer(server, "other")
    with namesake.http:
        namesake.register()
        assert namesake.owned() == []
        namesake.call("GET", f"customers/payments/{bought['payment']['id']}", 404)
    assert events(committed, "other") == []
