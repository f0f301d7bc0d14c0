"""A shop that takes payments through the simulator, as a test handles it."""

from types import ModuleType
from uuid import UUID, uuid4

import requests
from sqlalchemy import select

from autonomy_core.grants.models import Grant
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.hooks import hookimpl
from autonomy_core.testing import stand_ins
from stripe_payments.models import StripeEvent, StripePayment
from stripe_payments.testing import checkout_session, signed, stripe_event, stripe_settings, webhook_secret

PLUGINS = ("stripe_payments", stand_ins.NAME, "granting")

COMPLETED = "checkout.session.completed"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"
EXPIRED = "checkout.session.expired"


@hookimpl
def on_payment_completed(event):
    event.grant(event.payment.product_id)


granting = ModuleType("granting.plugin")
"""A plugin that grants what was bought."""
granting.on_payment_completed = on_payment_completed


class Shop:
    """An organisation with a Stripe account of its own in the simulator, a customer and a product."""

    def __init__(self, autonomy, simulator, organisation_id="acme", **product):
        self.autonomy = autonomy
        self.simulator = simulator
        self.id = organisation_id
        # The simulator lives longer than a test, so each shop has an account that nobody else has used.
        self.key = f"sk_test_{uuid4().hex}"
        self.configure()
        self.customer = autonomy.customer(organisation_id)
        self.product = autonomy.product(organisation_id, **product)

    def configure(self, **changes):
        settings = stripe_settings(self.id, test_secret_key=self.key) | changes
        self.autonomy.organisation(self.id, plugins=PLUGINS, settings={"stripe_payments": settings})

    def purchase(self, status=201, **body):
        """Buy the product over HTTP, up to the checkout page."""
        path = f"/{self.id}/api/v1/customers/products/{self.product.id}/purchase"
        headers = self.autonomy.as_customer(self.customer)
        return self.autonomy.app.post_json(path, body, headers=headers, status=status)

    def payment(self):
        """A pending payment with a session that Stripe never heard of."""
        payment = self.autonomy.payment(self.customer, self.product)
        with self.scope() as scope:
            row = scope.session.get_one(StripePayment, (self.id, payment.id))
            row.session_id = checkout_session(payment)["id"]
        return payment

    def event(self, payment, event_type=COMPLETED, **changes):
        """An event about a payment's session."""
        return stripe_event(event_type, checkout_session(payment, **changes))

    def post(self, event, secret=None, status=200, organisation_id=None):
        """Post an event to the webhook, signed."""
        body, headers = signed(event, secret or webhook_secret(self.id))
        return self.post_raw(body, headers, status, organisation_id)

    def post_raw(self, body, headers, status=200, organisation_id=None):
        path = f"/api/webhook/stripe/{organisation_id or self.id}"
        return self.autonomy.app.post(path, body, headers=headers, status=status)

    def visit(self, checkout_url, action):
        """Do something on the simulator's checkout page; gives where it sends the buyer."""
        answer = requests.post(checkout_url, data={"action": action}, allow_redirects=False, timeout=10)
        return answer.headers.get("Location")

    def post_events(self):
        """Post every event that the simulator has of this shop's account, oldest first."""
        events = [event for event in self.books("events") if event["type"].startswith("checkout.")]
        return [self.post(event).json["status"] for event in reversed(events)]

    def books(self, kind):
        """What the simulator has of this shop's account, newest first."""
        with requests.Session() as http:
            books = http.get(f"{self.simulator.url}/_simulator/books", timeout=10).json()
        return [each for each in books[kind] if each["account"] == self.account()]

    def account(self):
        from stripe_payments.simulator.identifiers import account_of

        return account_of(self.key)

    def scope(self):
        return self.autonomy.scope(self.id)

    def rows(self, model):
        with self.scope() as scope:
            return list(scope.session.scalars(select(model)))

    def stored(self, event):
        """What the inbox has of an event, or None."""
        return next((row for row in self.rows(StripeEvent) if row.event_id == event["id"]), None)

    def present(self, payment):
        """A payment as it is now; its id will do."""
        payment_id = payment if isinstance(payment, UUID) else payment.id
        with self.scope() as scope:
            return scope.session.get_one(Payment, (self.id, payment_id))

    def status(self, payment):
        return self.present(payment).status

    def grants(self):
        return self.rows(Grant)
