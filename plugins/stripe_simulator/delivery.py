"""Signed delivery of events to webhook endpoints, with retries.

Every delivery is one event for one endpoint. It is tried until the endpoint answers 2xx (a redirect is a failure, as
at Stripe), each time with a new timestamp and signature, after growing pauses. Threads deliver side by side, so the
order of events is not kept: Stripe does not promise it either. To a ``stripe listen`` it is sent once, see `listeners`.
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
from stripe_simulator.listeners import Listener, Listeners
from stripe_simulator.signing import signed
from stripe_simulator.state import Books, Record

log = logging.getLogger(__name__)

TIMEOUT = (3.05, 20)
"""Seconds to connect and to wait for an answer."""


@dataclass(frozen=True)
class RetryPolicy:
    """When to try again. Far shorter than Stripe's three days, because developers and tests wait for it."""

    first: float = 0.2
    """Seconds before the second attempt; each further pause is twice as long."""
    longest: float = 30.0
    """Seconds that no pause exceeds."""
    attempts: int = 15
    """Attempts after which a delivery has failed."""

    def pause_after(self, attempts: int) -> float:
        """Return the seconds to wait after the given number of attempts."""
        return min(self.first * 2.0 ** (attempts - 1), self.longest)


class Courier:
    """Delivers what is pending in ``books``, in ``threads`` threads, from ``start`` to ``close``.

    ``listeners`` are those who get events by ``stripe listen``.
    """

    def __init__(
        self,
        books: Books,
        listeners: Listeners,
        policy: RetryPolicy | None = None,
        chaos: Chaos | None = None,
        threads: int = 16,
    ) -> None:
        self._books = books
        self._listeners = listeners
        self._policy = policy or RetryPolicy()
        self._chaos = chaos or CALM
        self._due: list[tuple[float, int, str]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]

    def start(self) -> None:
        """Start delivering, first of all what an earlier run left pending."""
        for record in reversed(self._books.find("delivery", status="pending")):
            self.send(record.id)
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop; what is still pending stays so in the books."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def deliver(self, event: Record, endpoint: Record) -> None:
        """Deliver ``event`` to ``endpoint``, as well or as badly as the chaos has it."""
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
        """Deliver ``event`` to ``endpoint`` because somebody wants it: chaos has no say in it."""
        self.send(self._plan(event, endpoint.id, endpoint.body["url"], by_hand=True).id)

    def forward(self, event: Record, listener: Listener) -> None:
        """Deliver ``event`` to somebody who listens: chaos has no say in it."""
        self.send(self._plan(event, listener.id, listener.url, by_hand=True).id)

    def answered(self, delivery: str, status: int | None, error: str | None) -> None:
        """Write down what a listener says became of a ``delivery`` (its id): an HTTP status, or what went wrong."""
        self._note(delivery, status, error, give_up=True)

    def _plan(self, event: Record, endpoint: str, url: str, **members: Any) -> Record:
        """Write down a delivery to an endpoint or listener (its id), pending unless ``members`` say otherwise."""
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
        return self._books.put("delivery", str(body["id"]), event.account, body)

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
        """Wait for the next due delivery; None means that the courier is closed."""
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def _attempt(self, client: requests.Session, identifier: str) -> None:
        with self._books.transaction():
            delivery = self._books.get("delivery", identifier)
            event = delivery and self._books.get("event", delivery.body["event"])
            endpoint = delivery and self._books.get("endpoint", delivery.body["endpoint"])
        if delivery is None or event is None:
            return
        if listener := self._listeners.find(delivery.body["endpoint"]):
            self._forward(listener, delivery, event)
            return
        if endpoint is None or endpoint.body["status"] != "enabled":
            self._note(identifier, status=None, error="the endpoint is disabled, or gone", give_up=True)
            return
        attempt = len(delivery.body["attempts"]) + 1
        if self._fate(delivery).drops(event.id, _name(endpoint.body["url"]), attempt, self._policy.attempts):
            self._note(identifier, status=None, error="dropped, by chaos")
            return
        version = endpoint.body["api_version"] or versions.ACCOUNT_VERSION
        shown = thin(event.body) if endpoint.body.get("thin") else versions.shown(event.body, version)
        self._note(identifier, **_post(client, endpoint.body["url"], shown, endpoint.body["secret"]))

    def _forward(self, listener: Listener, delivery: Record, event: Record) -> None:
        """Send to a listener. Its answer comes by itself; who only looks gives none, and has got the event."""
        shown = versions.shown(event.body, versions.ACCOUNT_VERSION)
        if not self._listeners.forward(listener, delivery.id, shown):
            self.answered(delivery.id, status=None, error="the listener is gone")
        elif not listener.url:
            self.answered(delivery.id, status=None, error=None)

    def _fate(self, delivery: Record) -> Chaos:
        return CALM if delivery.body.get("by_hand") else self._chaos

    def _note(self, identifier: str, status: int | None, error: str | None, *, give_up: bool = False) -> None:
        """Write down an attempt, and plan the next one if it failed."""
        if self._closed:
            return
        with self._books.transaction():
            delivery = self._books.get("delivery", identifier)
            if delivery is None:
                return
            attempts = delivery.body["attempts"]
            attempts.append({"at": time.time(), "status": status, "error": error})
            delivered = error is None and (status is None or 200 <= status < 300)
            failed = give_up or len(attempts) >= self._policy.attempts
            delivery.body["status"] = "delivered" if delivered else "failed" if failed else "pending"
            self._books.save(delivery)
        if delivery.body["status"] == "pending":
            made, body = len(attempts), delivery.body
            delay = self._fate(delivery).delay(body["event"], _name(body["url"]), attempt=made + 1)
            self.send(identifier, after=self._policy.pause_after(made) + delay)


def _name(url: str) -> str:
    """What chaos knows an endpoint by: its path, because a port may be another one in each run."""
    return urlsplit(url).path


def thin(event: dict[str, Any]) -> dict[str, Any]:
    """Return a thin event for the same fact as a snapshot (https://docs.stripe.com/api/v2/core/events/object)."""
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
    """Post ``event`` to ``url``, signed now; return the HTTP status or what went wrong."""
    payload, headers = signed(event, secret)
    try:
        answer = client.post(url, payload.encode(), headers=headers, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        return {"status": None, "error": type(error).__name__}
    return {"status": answer.status_code, "error": None}
