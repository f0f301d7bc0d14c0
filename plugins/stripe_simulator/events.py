"""Events: what happened, written down once and sent to every endpoint that wants it."""

from __future__ import annotations

from typing import Any

from stripe_simulator import objects
from stripe_simulator.delivery import Courier
from stripe_simulator.identifiers import derived_id, new_id
from stripe_simulator.listeners import Listeners
from stripe_simulator.state import Books, Record

NO_REQUEST = {"id": None, "idempotency_key": None}
"""The cause of an event that no API call led to, but a buyer, a bank or the clock."""

TYPES = frozenset(
    {
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.updated",
        "charge.failed",
        "charge.pending",
        "charge.refund.updated",
        "charge.refunded",
        "charge.succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.completed",
        "checkout.session.expired",
        "payment_intent.created",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.succeeded",
        "price.created",
        "product.created",
        "refund.created",
        "refund.failed",
        "refund.updated",
    }
)
"""All that the simulator makes (https://docs.stripe.com/api/events/types)."""


class Events:
    """Publishes events in ``books`` and hands them to ``courier``, also for ``listeners``.

    With a ``seed`` the n-th event of an account has the same id in every run, and so, by chaos, the same fate.
    """

    def __init__(self, books: Books, courier: Courier, listeners: Listeners, seed: str | None = None) -> None:
        self._books = books
        self._courier = courier
        self._listeners = listeners
        self._seed = seed

    def publish(
        self,
        account: str,
        kind: str,
        subject: dict[str, Any],
        cause: dict[str, Any] | None = None,
        *,
        previous: dict[str, Any] | None = None,
    ) -> None:
        """Record that ``kind`` happened to ``subject`` as it is now, and deliver it.

        ``previous`` has the members that changed, as they were. Call it inside the transaction that changed
        ``subject``: an event that is rolled back is not delivered.

        Raises:
            ValueError: ``kind`` is not one of `TYPES`.
        """
        if kind not in TYPES:
            raise ValueError(f"{kind} is not among the events that the simulator makes")
        wanted = self._endpoints(account, kind)
        pending = len(wanted) + len(self._listeners.of(account))
        identifier = self._next_id(account)
        body = objects.event(
            identifier, kind, subject, cause or NO_REQUEST, previous=previous, pending=pending
        )
        event = self._books.put("event", body["id"], account, body)
        for endpoint in wanted:
            self._courier.deliver(event, endpoint)
        self.forward(event)

    def forward(self, event: Record) -> None:
        """Send ``event`` to everybody who listens."""
        for listener in self._listeners.of(event.account):
            self._courier.forward(event, listener)

    def deliver_again(self, event: Record, times: int) -> int:
        """Deliver ``event`` ``times`` more times to all who want it; return the number of deliveries."""
        with self._books.transaction():
            endpoints = self._endpoints(event.account, event.body["type"])
            listeners = self._listeners.of(event.account)
            for endpoint in endpoints * times:
                self._courier.deliver_by_hand(event, endpoint)
            for listener in listeners * times:
                self._courier.forward(event, listener)
        return (len(endpoints) + len(listeners)) * times

    def pending(self, event: Record) -> int:
        """Return how many endpoints have neither got ``event`` nor been given up."""
        pending = self._books.find("delivery", event=event.id, status="pending")
        return len({delivery.body["endpoint"] for delivery in pending})

    def _next_id(self, account: str) -> str:
        if self._seed is None:
            return new_id("evt")
        before = self._books.find("event", account, limit=1)
        return derived_id("evt", self._seed, account, *(event.id for event in before))

    def _endpoints(self, account: str, kind: str) -> list[Record]:
        enabled = self._books.find("endpoint", account, status="enabled")
        return [endpoint for endpoint in enabled if {kind, "*"} & set(endpoint.body["enabled_events"])]
