"""Controls that Stripe does not have: the ledger as JSON, decisions of the bank, and repeated deliveries.

No call here needs a key, and secrets are never shown.
"""

from __future__ import annotations

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config

from stripe_simulator.checkout import public
from stripe_simulator.errors import StripeError, resource_missing
from stripe_simulator.state import Kind, Record

MOST_DELIVERIES = 10_000
OUTCOMES = ("succeeded", "failed")
SHOWN: dict[str, Kind] = {
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "events": "event",
    "deliveries": "delivery",
}


def includeme(config: Configurator) -> None:
    """Register the control endpoints, all below ``/_simulator/``."""
    config.add_route("ledger", "/_simulator/ledger")
    config.add_route("settle", "/_simulator/sessions/{id}/settle", request_method="POST")
    config.add_route("expire", "/_simulator/sessions/{id}/expire", request_method="POST")
    config.add_route("deliver", "/_simulator/events/{id}/deliver", request_method="POST")
    config.scan(__name__)


@view_config(route_name="ledger", renderer="json")
def ledger(request: Request) -> dict[str, Any]:
    """Return all objects, newest first, each with its account."""
    kept = request.simulator.ledger
    with kept.transaction():
        return {
            "accounts": [record.id for record in kept.find("account")],
            "sessions": [with_account(record) for record in kept.find("session")],
            **{name: [with_account(record) for record in kept.find(kind)] for name, kind in SHOWN.items()},
        }


def with_account(record: Record) -> dict[str, Any]:
    """Return an object as the API shows it, with its account."""
    body = public(record) if record.kind == "session" else record.body
    return {"account": record.account, **body}


@view_config(route_name="settle", renderer="json")
def settle(request: Request) -> dict[str, Any]:
    """``outcome=succeeded`` or ``failed``: complete the pending bank debit of a session."""
    outcome = request.POST.get("outcome")
    if outcome not in OUTCOMES:
        raise StripeError("outcome must be succeeded or failed.", param="outcome")
    session = find(request, "session")
    return with_account(request.simulator.checkout.settle(session, outcome))


@view_config(route_name="expire", renderer="json")
def expire(request: Request) -> dict[str, Any]:
    """Expire a session before its time."""
    return with_account(request.simulator.checkout.expire(find(request, "session")))


@view_config(route_name="deliver", renderer="json")
def deliver(request: Request) -> dict[str, int]:
    """``times=N``: deliver an event N more times, in parallel up to the number of the courier's threads."""
    times = request.POST.get("times", "1")
    if not times.isdecimal() or not 1 <= int(times) <= MOST_DELIVERIES:
        raise StripeError(f"times must be from 1 to {MOST_DELIVERIES}.", param="times")
    event = find(request, "event")
    return {"deliveries": request.simulator.events.deliver_again(event, int(times))}


def find(request: Request, kind: Kind) -> Record:
    """Return the object with the id in the path, of any account; raises StripeError (404)."""
    record: Record | None = request.simulator.ledger.get(kind, request.matchdict["id"])
    if record is None:
        raise resource_missing(kind, request.matchdict["id"])
    return record
