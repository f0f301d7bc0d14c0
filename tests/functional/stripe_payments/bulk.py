"""Open many payments, and post many events at once."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import insert, select
from webob import Request

from autonomy_core.customers.models import Customer
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.models import utcnow, uuid7
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, signed, webhook_secret

THREADS = 16


def open_payments(autonomy, organisation_id, number):
    """Payments that wait for their events, of as many customers, for one product."""
    product = autonomy.product(organisation_id)
    own = {"organisation_id": organisation_id}
    customers = [
        {**own, "id": uuid7(), "email": f"{n}.{product.id}@example.org", "name": "", "created_at": utcnow()}
        for n in range(number)
    ]
    payments = [
        Payment(
            **own,
            id=uuid7(),
            customer_id=customer["id"],
            product_id=product.id,
            provider="stripe_payments",
            environment="test",
            status="pending",
            amount=product.amount,
            currency=product.currency,
        )
        for customer in customers
    ]
    with autonomy.scope(organisation_id) as scope:
        scope.session.execute(insert(Customer), customers)
        scope.session.add_all(payments)
        scope.session.flush()
        scope.session.add_all(
            StripePayment(
                **own,
                payment_id=payment.id,
                environment="test",
                session_id=checkout_session(payment)["id"],
                success_url="https://shop.example/",
            )
            for payment in payments
        )
    return payments


def post_all(autonomy, deliveries):
    """Post events to organisations' webhooks, many at once; gives the statuses of the answers."""

    def post(delivery):
        organisation_id, event = delivery
        body, headers = signed(event, webhook_secret(organisation_id))
        request = Request.blank(
            f"/api/webhook/stripe/{organisation_id}", method="POST", body=body, headers=headers
        )
        return request.get_response(autonomy.app.app).status_int

    with ThreadPoolExecutor(THREADS) as threads:
        return set(threads.map(post, deliveries))


def rows(autonomy, organisation_id, model):
    with autonomy.scope(organisation_id) as scope:
        return list(scope.session.scalars(select(model)))
