"""A shop that takes payments through the simulator, as a test handles it."""

from functools import partial
from types import ModuleType
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import requests
from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.kernel.identity import SCOPES
from autonomy_core.kernel.manager import Plugins
from autonomy_core.payments import batches
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.domain import CHECKOUT_EVENTS
from stripe_payments.events import fast_path, handlers
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, signed, stripe_event, stripe_settings, webhook_secret

PATHS = ("at once", "in general")
"""The two ways to handle an ordinary event, which must have the same result."""

PLUGINS = ("stripe_payments", stand_ins.NAME, "granting")

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"


@hookimpl
def on_payment_completed(event):
    for item in event.items:
        event.grant(item.id)


granting = ModuleType("granting.plugin")
"""A plugin that grants what was bought."""
granting.on_payment_completed = on_payment_completed


def plugins_with(**hooks):
    """The plugins of a shop, and one for each hook for completed payments, by its plugin's name."""
    modules = {name: ModuleType(f"{name}.plugin") for name in hooks}
    for name, module in modules.items():
        module.on_payment_completed = hookimpl(hooks[name])
    return Plugins({**chosen_plugins("stripe_payments").modules, "granting": granting, **modules})


def choose_path(monkeypatch, path):
    """Have events handled in one of `PATHS`: all of them in general, or also at once."""
    if path == "in general":
        monkeypatch.setattr(fast_path, "receive_on_fast_path", lambda *_, **__: None)


def instead_of_settling(monkeypatch, replacement):
    """Replace the function that settles the payment of an event, on both paths.

    Args:
        replacement: called with the function that it replaces, and its arguments.
    """
    for module, name in ((handlers, "settle_session"), (batches, "follow")):
        monkeypatch.setattr(module, name, partial(replacement, getattr(module, name)))


class Shop:
    """An organisation with a Stripe account of its own in the simulator, a customer and a product.

    Args:
        autonomy: the application.
        simulator: the server of the simulator.
        organisation_id: the id of the organisation.
        hooks: the names of the further plugins that it enables; see `plugins_with`.
        product: values of the product.
    """

    def __init__(self, autonomy, simulator, organisation_id="acme", hooks=(), **product):
        self.autonomy = autonomy
        self.simulator = simulator
        self.id = organisation_id
        self.plugins = (*PLUGINS, *hooks)
        # The simulator outlives a test, so each shop has a new account.
        self.key = f"sk_test_{uuid4().hex}"
        self.wishes = {}
        self.configure()
        self.customer = autonomy.customer(organisation_id)
        self.product = autonomy.product(organisation_id, **product)

    def configure(self, **changes):
        settings = stripe_settings(self.id, test_secret_key=self.key) | changes
        sections = {"stripe_payments": settings}
        self.autonomy.organisation(self.id, plugins=self.plugins, settings=sections, **self.wishes)

    def purchase(self, status=201, **body):
        """Buy the product over HTTP, up to the checkout page."""
        path = f"/{self.id}/api/v1/customers/products/{self.product.id}/purchase"
        headers = self.autonomy.as_customer(self.customer)
        return self.autonomy.app.post_json(path, body, headers=headers, status=status)

    def payment(self):
        """A pending payment with a session that does not exist at Stripe."""
        payment = self.autonomy.payment(self.customer, self.product)
        with self.scope() as scope:
            row = scope.session.get_one(StripePayment, (self.id, payment.id))
            row.session_id = checkout_session(payment)["id"]
        return payment

    def event(self, payment, event_type=COMPLETED, **changes):
        """An event about a payment's session."""
        return stripe_event(event_type, checkout_session(payment, **changes))

    def payment_and_event(self, *, forgotten=False, known_intent=False, **changes):
        """A pending payment and its event; its session may be unrecorded, or its intent recorded."""
        payment = self.payment()
        with self.scope() as scope:
            row = scope.session.get_one(StripePayment, (self.id, payment.id))
            if forgotten:
                row.session_id = None
            if known_intent:
                row.payment_intent_id = f"pi_{payment.id.hex}"
        return payment, self.event(payment, **changes)

    def post(self, event, secret=None, status=200, organisation_id=None):
        """Post an event to the webhook, signed."""
        body, headers = signed(event, secret or webhook_secret(self.id))
        return self.post_raw(body, headers, status, organisation_id)

    def post_raw(self, body, headers, status=200, organisation_id=None):
        path = f"/api/webhook/stripe/{organisation_id or self.id}"
        return self.autonomy.app.post(path, body, headers=headers, status=status)

    def visit(self, checkout_url, action):
        """Act on the simulator's checkout page; return the URL to which it redirects the buyer."""
        answer = requests.post(checkout_url, data={"action": action}, allow_redirects=False, timeout=120)
        return answer.headers.get("Location")

    def events(self, of_types=CHECKOUT_EVENTS):
        """The events that the simulator has of this shop's account, oldest first."""
        return [event for event in reversed(self.ledger("events")) if event["type"] in of_types]

    def post_events(self, of_types=CHECKOUT_EVENTS):
        """Post the events that the simulator has of this shop's account, oldest first."""
        return [self.post(event).json["status"] for event in self.events(of_types)]

    def sell(self):
        """A completed payment, paid on the simulator's checkout page."""
        answer = self.purchase().json
        self.visit(answer["checkout_url"], "pay")
        self.post_events()
        return UUID(answer["payment"]["id"])

    def at_stripe(self, path, /, **data):
        """Act in the simulator as people do in Stripe's dashboard, or as banks do."""
        answer = requests.post(f"{self.simulator.url}/_simulator/{path}", data=data, timeout=120)
        assert answer.ok, answer.text
        return answer.json()

    def owns(self):
        """Whether the customer owns the product, by what the API says."""
        path = f"/{self.id}/api/v1/customers/products/{self.product.id}"
        headers = self.autonomy.as_customer(self.customer)
        return self.autonomy.app.get(path, headers=headers, status="*").status_int == 200

    def as_staff(self, method, path, body=None, status=None, scopes=tuple(SCOPES)):
        """Call the staff's API."""
        call = getattr(self.autonomy.app, f"{method}_json" if body is not None else method)
        arguments = {} if body is None else {"params": body}
        headers = self.autonomy.as_staff(self.id, scopes)
        return call(f"/{self.id}/api/v1/admin/{path}", headers=headers, status=status, **arguments)

    def refund(self, payment_id, status=201, reason="a wish", **body):
        """Refund a payment as staff do."""
        return self.as_staff("post", f"payments/{payment_id}/refunds", {"reason": reason, **body}, status)

    def ledger(self, kind):
        """The simulator's objects of one kind of this shop's account, newest first."""
        with requests.Session() as http:
            ledger = http.get(f"{self.simulator.url}/_simulator/ledger", timeout=120).json()
        return [each for each in ledger[kind] if each["account"] == self.account()]

    def account(self):
        from stripe_simulator.identifiers import account_of

        return account_of(self.key)

    def scope(self):
        return self.autonomy.scope(self.id)

    def rows(self, model):
        with self.scope() as scope:
            return list(scope.session.scalars(select(model)))

    def stored(self, event):
        """The stored row of an event, or None."""
        return next((row for row in self.rows(WebhookEvent) if row.event_id == event["id"]), None)

    def present(self, payment):
        """A payment as it is now; its id will do."""
        payment_id = payment if isinstance(payment, UUID) else payment.id
        with self.scope() as scope:
            return scope.session.get_one(Payment, (self.id, payment_id))

    def status(self, payment):
        return self.present(payment).status

    def grants(self):
        return self.rows(Grant)


def session_of(shop, payment_id):
    """The id of the checkout session of a payment."""
    with shop.scope() as scope:
        return scope.session.get_one(StripePayment, (shop.id, payment_id)).session_id


def refunds(shop):
    """The refunds of a shop, oldest first."""
    with shop.scope() as scope:
        return list(scope.session.scalars(select(PaymentRefund).order_by(PaymentRefund.created_at)))


def come_back(shop, location, status=303):
    """Open the return page as the buyer's browser does when Stripe redirects it to `location`."""
    parts = urlsplit(location)
    return shop.autonomy.app.get(f"{parts.path}?{parts.query}", status=status)
