"""Signed delivery of events to webhook endpoints, with retries.

A delivery is one event for one endpoint. It is retried until the endpoint answers 2xx (a redirect is a
failure, as at Stripe). Each attempt has a new timestamp and signature; the pauses grow. Threads deliver in
parallel, so the order of events is not preserved, which Stripe does not guarantee either. ``stripe listen``
receives an event once, see `listeners`.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from stripe_simulator import versions
from stripe_simulator.chaos import CALM, Chaos
from stripe_simulator.identifiers import new_id
from stripe_simulator.listeners import Listener, ListenerConnections
from stripe_simulator.signing import signed
from stripe_simulator.state import Ledger, Record

log = logging.getLogger(__name__)

TIMEOUT = (3.05, 20)
"""Seconds to connect, and to wait for a response."""


@dataclass(frozen=True)
class RetryPolicy:
    """When to retry: much earlier than Stripe's three days, because developers and tests wait for it."""

    first: float = 0.2
    """Seconds before the second attempt; each further pause is twice as long."""
    longest: float = 30.0
    """The longest pause in seconds."""
    attempts: int = 15
    """The number of attempts after which a delivery fails."""

    def pause_after(self, attempts: int) -> float:
        """Return the seconds to wait after the given number of attempts."""
        return min(self.first * 2.0 ** (attempts - 1), self.longest)


class Courier:
    """Delivers the pending deliveries in ``ledger``, in ``threads`` threads, from ``start`` to ``close``.

    ``listeners`` are the connected ``stripe listen`` clients.
    """

    def __init__(
        self,
        ledger: Ledger,
        listeners: ListenerConnections,
        policy: RetryPolicy | None = None,
        chaos: Chaos | None = None,
        threads: int = 16,
    ) -> None:
        self._ledger = ledger
        self._listeners = listeners
        self._policy = policy or RetryPolicy()
        self._chaos = chaos or CALM
        self._due: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Start the threads, beginning with the deliveries that an earlier run left pending."""
        for record in reversed(self._ledger.find("delivery", status="pending")):
            self.send(record.id)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop; pending deliveries stay in the ledger."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def deliver(self, event: Record, endpoint: Record) -> None:
        """Deliver ``event`` to ``endpoint``, with the failures that chaos determines."""
        name = _name(endpoint.body["url"])
        if self._chaos.loses(event.id, name):
            self._plan(
                event, endpoint.id, endpoint.body["url"], status="failed", error="lost for good, by chaos"
            )
            return
        for _ in range(self._chaos.copies(event.id, name)):
            planned = self._plan(event, endpoint.id, endpoint.body["url"])
            self.send(planned.id, after=self._chaos.delay(event.id, name, attempt=1))

    def deliver_by_hand(self, event: Record, endpoint: Record) -> None:
        """Deliver ``event`` to ``endpoint`` on request, without chaos."""
        self.send(self._plan(event, endpoint.id, endpoint.body["url"], by_hand=True).id)

    def forward(self, event: Record, listener: Listener) -> None:
        """Deliver ``event`` to a listener, without chaos."""
        self.send(self._plan(event, listener.id, listener.url, by_hand=True).id)

    def answered(self, delivery: str, status: int | None, error: str | None) -> None:
        """Record a listener's result of a ``delivery`` (its id): an HTTP status, or an error."""
        self._record_attempt(delivery, status, error, give_up=True)

    def _plan(self, event: Record, endpoint: str, url: str, **members: Any) -> Record:
        """Create a delivery to an endpoint or listener (its id), pending by default."""
        body = {
            "id": new_id("dlv"),
            "event": event.id,
            "type": event.body["type"],
            "endpoint": endpoint,
            "url": url,
            "status": "pending",
            "attempts": [],
            "by_hand": False,
            **members,
        }
        return self._ledger.put("delivery", str(body["id"]), event.account, body)

    def send(self, delivery: str, after: float = 0.0) -> None:
        """Attempt ``delivery`` (an id) in ``after`` seconds."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + after, next(self._order), delivery))
            self._changed.notify()

    def _work(self) -> None:
        with requests.Session() as client:
            client.trust_env = False
            while (delivery := self._next()) is not None:
                try:
                    self._attempt(client, delivery)
                except Exception:
                    log.exception("Delivery %s could not be attempted", delivery)

    def _next(self) -> str | None:
        """Wait for the next due delivery; return None after ``close``."""
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _attempt(self, client: requests.Session, identifier: str) -> None:
        with self._ledger.transaction():
            delivery = self._ledger.get("delivery", identifier)
            event = delivery and self._ledger.get("event", delivery.body["event"])
            endpoint = delivery and self._ledger.get("endpoint", delivery.body["endpoint"])
        if delivery is None or event is None:
            return
        if listener := self._listeners.find(delivery.body["endpoint"]):
            self._forward(listener, delivery, event)
            return
        if endpoint is None or endpoint.body["status"] != "enabled":
            self._record_attempt(
                identifier, status=None, error="the endpoint is disabled, or gone", give_up=True
            )
            return
        attempt = len(delivery.body["attempts"]) + 1
        if self._fate(delivery).drops(event.id, _name(endpoint.body["url"]), attempt, self._policy.attempts):
            self._record_attempt(identifier, status=None, error="dropped, by chaos")
            return
        version = endpoint.body["api_version"] or versions.ACCOUNT_VERSION
        shown = thin(event.body) if endpoint.body.get("thin") else versions.shown(event.body, version)
        self._record_attempt(
            identifier, **_post(client, endpoint.body["url"], shown, endpoint.body["secret"])
        )

    def _forward(self, listener: Listener, delivery: Record, event: Record) -> None:
        """Send to a listener.

        Its result arrives later; a listener without a URL sends none, so the event is delivered.
        """
        shown = versions.shown(event.body, versions.ACCOUNT_VERSION)
        if not self._listeners.forward(listener, delivery.id, shown):
            self.answered(delivery.id, status=None, error="the listener is gone")
        elif not listener.url:
            self.answered(delivery.id, status=None, error=None)

    def _fate(self, delivery: Record) -> Chaos:
        return CALM if delivery.body.get("by_hand") else self._chaos

    def _record_attempt(
        self, identifier: str, status: int | None, error: str | None, *, give_up: bool = False
    ) -> None:
        """Record an attempt, and schedule the next one if it failed."""
        if self._closed:
            return
        with self._ledger.transaction():
            delivery = self._ledger.get("delivery", identifier)
            if delivery is None:
                return
            attempts = delivery.body["attempts"]
            attempts.append({"at": time.time(), "status": status, "error": error})
            delivered = error is None and (status is None or 200 <= status < 300)
            failed = give_up or len(attempts) >= self._policy.attempts
            delivery.body["status"] = "delivered" if delivered else "failed" if failed else "pending"
            self._ledger.save(delivery)
        if delivery.body["status"] == "pending":
            made, body = len(attempts), delivery.body
            delay = self._fate(delivery).delay(body["event"], _name(body["url"]), attempt=made + 1)
            self.send(identifier, after=self._policy.pause_after(made) + delay)


def _name(url: str) -> str:
    """Return the name of an endpoint for chaos: its path, because the port may differ between runs."""
    return urlsplit(url).path


def thin(event: dict[str, Any]) -> dict[str, Any]:
    """Return the thin event for a snapshot event (https://docs.stripe.com/api/v2/core/events/object)."""
    about = event["data"]["object"]
    path = {"checkout.session": "checkout/sessions"}.get(about["object"], f"{about['object']}s")
    return {
        "id": f"evt_test_{event['id'].removeprefix('evt_')}",
        "object": "v2.core.event",
        "type": f"v1.{event['type']}",
        "created": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(event["created"])),
        "livemode": event["livemode"],
        "context": None,
        "changes": None,
        "reason": None,
        "snapshot_event": event["id"],
        "related_object": {"id": about["id"], "type": about["object"], "url": f"/v1/{path}/{about['id']}"},
    }


def _post(client: requests.Session, url: str, event: dict[str, Any], secret: str) -> dict[str, Any]:
    """Sign and post ``event`` to ``url``; return the HTTP status, or the error."""
    payload, headers = signed(event, secret)
    try:
        answer = client.post(url, payload.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        return {"status": None, "error": type(error).__name__}
    return {"status": answer.status_code, "error": None}
