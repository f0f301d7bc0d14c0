"""Payment providers: one that keeps the contract, and others that each break one rule of it."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import text

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.payments import PaymentStatus, RefundReport, RefundStatus, Settlement
from autonomy_core.plugin_api.protocols import Checkout, TimelineEntry


@dataclass
class Server:
    """The state on the provider's own server."""

    pages: dict = field(default_factory=dict)
    refunds: dict = field(default_factory=dict)
    paid: set = field(default_factory=set)
    closed: set = field(default_factory=set)

    def pay(self, payment_id):
        if payment_id in self.closed:
            raise Unavailable("the page is closed")
        self.paid.add(payment_id)


class Sound:
    name = "toy"

    def __init__(self):
        self.server, self.orders, self.recorded = Server(), {}, {}

    def environment(self, organisation):
        return organisation.settings["toy"]["environment"]

    def price_problem(self, organisation, amount, currency):
        return None

    def prepare(self, scope, order):
        self.orders[order.payment_id] = order

    def begin_checkout(self, scope, payment_id, prepared=None):
        reference = self.server.pages.setdefault(payment_id, f"page_{payment_id}")
        return Checkout(reference, "https://pay.invalid/")

    def attach(self, scope, payment_id, checkout):
        self.recorded[payment_id] = checkout.reference

    def can_be_paid(self, scope, payment_id):
        return True

    def has_checkout(self, scope, payment_id):
        return payment_id in self.recorded

    def expire(self, scope, payment_id):
        self.server.closed.add(payment_id)

    def fetch_state(self, scope, payment_id):
        if payment_id not in self.server.paid:
            return None
        order = self.orders[payment_id]
        return Settlement(
            payment_id=payment_id,
            status=PaymentStatus.COMPLETED,
            environment=order.environment,
            amount=order.amount,
            currency=order.currency,
            source="toy",
        )

    def refund(self, scope, order):
        return self.report(order, self.server.refunds.setdefault(order.refund_id, f"re_{order.refund_id}"))

    def report(self, order, reference):
        return RefundReport(
            reference=reference,
            amount=order.amount,
            currency=order.currency,
            status=RefundStatus.SUCCEEDED,
            refund_id=order.refund_id,
        )

    def timeline(self, scope, payment_id):
        return [TimelineEntry(datetime.now(UTC), "paid")]


class OpensTwice(Sound):
    def begin_checkout(self, scope, payment_id, prepared=None):
        return Checkout(f"page_{uuid4()}", "https://pay.invalid/")


class RefundsTwice(Sound):
    def refund(self, scope, order):
        return self.report(order, f"re_{uuid4()}")


class RefundsOnce(Sound):
    def refund(self, scope, order):
        return self.report(order, f"re_{order.payment_id}")


class ClosesNothing(Sound):
    def expire(self, scope, payment_id): ...


class ForgetsThePage(Sound):
    def attach(self, scope, payment_id, checkout): ...


class IsAlwaysPaid(Sound):
    def fetch_state(self, scope, payment_id):
        self.server.paid.add(payment_id)
        return super().fetch_state(scope, payment_id)


class IsLive(Sound):
    def environment(self, organisation):
        return "live"


class AsksInTest(Sound):
    def fetch_state(self, scope, payment_id):
        found = super().fetch_state(scope, payment_id)
        return found and replace(found, environment="test")


class AsksWhereItSellsNow(Sound):
    def fetch_state(self, scope, payment_id):
        found = super().fetch_state(scope, payment_id)
        return found and replace(found, environment=self.environment(scope.organisation))


class RefundsTwiceInLive(Sound):
    def refund(self, scope, order):
        is_live = order.environment == "live"
        return self.report(order, f"re_{uuid4()}") if is_live else super().refund(scope, order)


class ClosesNothingInLive(Sound):
    def expire(self, scope, payment_id):
        if self.orders[payment_id].environment == "test":
            super().expire(scope, payment_id)


class CommitsWhatItPrepares(Sound):
    def prepare(self, scope, order):
        super().prepare(scope, order)
        scope.session.commit()


class RollsBackWhatItAttaches(Sound):
    def attach(self, scope, payment_id, checkout):
        super().attach(scope, payment_id, checkout)
        scope.session.execute(text("ROLLBACK"))


class CommitsWhenItLooks(Sound):
    def can_be_paid(self, scope, payment_id):
        with scope.begin():
            return True


class RaisesInItsTimeline(Sound):
    def timeline(self, scope, payment_id):
        raise LookupError("a fault of the provider's")


class RaisesWhenAsked(Sound):
    def price_problem(self, organisation, amount, currency):
        raise LookupError("a fault of the provider's")


PROVIDERS = {
    provider.__name__: provider
    for provider in (
        Sound,
        OpensTwice,
        RefundsTwice,
        RefundsOnce,
        ClosesNothing,
        ForgetsThePage,
        IsAlwaysPaid,
        IsLive,
        AsksInTest,
        AsksWhereItSellsNow,
        RefundsTwiceInLive,
        ClosesNothingInLive,
        CommitsWhatItPrepares,
        RollsBackWhatItAttaches,
        CommitsWhenItLooks,
        RaisesInItsTimeline,
        RaisesWhenAsked,
    )
}
