"""Events: each is stored once and delivered to every endpoint that subscribes to it."""

from __future__ import annotations

from typing import Any

from stripe_simulator import objects
from stripe_simulator.delivery import Courier
from stripe_simulator.identifiers import derived_id, new_id
from stripe_simulator.listeners import ListenerConnections
from stripe_simulator.state import Ledger, Record

NO_REQUEST = {"id": None, "idempotency_key": None}
"""The cause of an event without an API call: a buyer, a bank or the clock."""

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
"""All event types that the simulator publishes (https://docs.stripe.com/api/events/types)."""


class Events:
    """Publishes events in ``ledger`` and passes them to ``courier``, for endpoints and ``listeners``.

    With a ``seed`` the n-th event of an account has the same id, and so the same fate by chaos, in every run.
    """

    def __init__(
        self, ledger: Ledger, courier: Courier, listeners: ListenerConnections, seed: str | None = None
    ) -> None:
        self._ledger = ledger
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
        """Store that ``kind`` happened to ``subject`` in its current state, and deliver the event.

        ``previous`` contains the former values of the changed members. Call it in the transaction that
        changes ``subject``: an event that is rolled back is not delivered.

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
        event = self._ledger.put("event", body["id"], account, body)
        for endpoint in wanted:
            self._courier.deliver(event, endpoint)
        self.forward(event)

    def forward(self, event: Record) -> None:
        """Send ``event`` to all listeners of its account."""
        for listener in self._listeners.of(event.account):
            self._courier.forward(event, listener)

    def deliver_again(self, event: Record, times: int) -> int:
        """Deliver ``event`` ``times`` more times to all its receivers; return the number of deliveries."""
        with self._ledger.transaction():
            endpoints = self._endpoints(event.account, event.body["type"])
            listeners = self._listeners.of(event.account)
            for endpoint in endpoints * times:
                self._courier.deliver_by_hand(event, endpoint)
            for listener in listeners * times:
                self._courier.forward(event, listener)
        return (len(endpoints) + len(listeners)) * times

    def pending(self, event: Record) -> int:
        """Return the number of endpoints with a pending delivery of ``event``."""
        pending = self._ledger.find("delivery", event=event.id, status="pending")
        return len({delivery.body["endpoint"] for delivery in pending})

    def _next_id(self, account: str) -> str:
        if self._seed is None:
            return new_id("evt")
        before = self._ledger.find("event", account, limit=1)
        return derived_id("evt", self._seed, account, *(event.id for event in before))

    def _endpoints(self, account: str, kind: str) -> list[Record]:
        enabled = self._ledger.find("endpoint", account, status="enabled")
        return [endpoint for endpoint in enabled if {kind, "*"} & set(endpoint.body["enabled_events"])]
