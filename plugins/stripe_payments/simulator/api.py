"""The calls of the API: ``ROUTES`` is the table of contents, one function each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marshmallow import Schema

from stripe_payments.simulator import checkout, objects, schemas
from stripe_payments.simulator.errors import StripeError, resource_missing
from stripe_payments.simulator.identifiers import new_id
from stripe_payments.simulator.state import Kind, Record

if TYPE_CHECKING:
    from stripe_payments.simulator.app import Simulator

LARGEST_NUMBER_OF_ENDPOINTS = 16
Document = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A request that is authenticated, of the right version, and has valid ``parameters``."""

    simulator: Simulator
    account: str
    path: dict[str, str]
    parameters: Document
    origin: str
    """The URL of the simulator as the caller reached it."""
    cause: Document
    """``{"id": request id, "idempotency_key": key or None}``, for the events that follow."""

    def find(self, kind: Kind, name: str) -> Record:
        """Return the caller's own object that the path names; raises StripeError (404)."""
        record = self.simulator.books.get(kind, self.path["id"], self.account)
        if record is None:
            raise resource_missing(name, self.path["id"])
        return record


def create_session(call: Call) -> Document:
    """Open a Checkout session."""
    session = call.simulator.checkout.create(call.account, call.parameters, call.origin)
    return _session(call, session)


def retrieve_session(call: Call) -> Document:
    """Return a session."""
    return _session(call, call.find("session", "checkout.session"))


def expire_session(call: Call) -> Document:
    """Close an open session unpaid."""
    session = call.find("session", "checkout.session")
    return _session(call, call.simulator.checkout.expire(session, call.cause))


def list_sessions(call: Call) -> Document:
    """Return sessions, of a status or payment intent if wanted."""
    filters = {name: call.parameters.get(name) for name in ("status", "payment_intent")}
    return _page(call, "session", "/v1/checkout/sessions", checkout.public, **filters)


def _session(call: Call, session: Record) -> Document:
    """Return ``session`` with what the caller wants expanded."""
    shown = checkout.public(session)
    for name in call.parameters.get("expand", []):
        if name == "line_items":
            url = f"/v1/checkout/sessions/{session.id}/line_items"
            shown["line_items"] = _list(session.body["line_items"], url, has_more=False)
        elif name == "payment_intent":
            intent = call.simulator.books.get("payment_intent", shown["payment_intent"] or "")
            shown["payment_intent"] = intent.body if intent else None
        else:
            raise StripeError(f"This property cannot be expanded: {name}.", param="expand")
    return shown


def retrieve_payment_intent(call: Call) -> Document:
    """Return a payment intent."""
    return call.find("payment_intent", "payment_intent").body


def retrieve_event(call: Call) -> Document:
    """Return an event."""
    return _event(call, call.find("event", "event"))


def list_events(call: Call) -> Document:
    """Return events, of one type if wanted."""
    filters = {"type": call.parameters.get("type")}
    return _page(call, "event", "/v1/events", lambda event: _event(call, event), **filters)


def _event(call: Call, event: Record) -> Document:
    return event.body | {"pending_webhooks": call.simulator.events.pending(event)}


def create_endpoint(call: Call) -> Document:
    """Register a webhook endpoint; this answer alone has its secret."""
    if len(call.simulator.books.find("endpoint", call.account)) >= LARGEST_NUMBER_OF_ENDPOINTS:
        raise StripeError(f"An account has at most {LARGEST_NUMBER_OF_ENDPOINTS} webhook endpoints.")
    body = objects.endpoint(call.parameters, new_id("we")) | {"secret": new_id("whsec", 32)}
    return call.simulator.books.put("endpoint", body["id"], call.account, body).body


def retrieve_endpoint(call: Call) -> Document:
    """Return a webhook endpoint."""
    return _endpoint(call.find("endpoint", "webhook endpoint"))


def list_endpoints(call: Call) -> Document:
    """Return webhook endpoints."""
    return _page(call, "endpoint", "/v1/webhook_endpoints", _endpoint)


def update_endpoint(call: Call) -> Document:
    """Change, disable or enable a webhook endpoint."""
    endpoint = call.find("endpoint", "webhook endpoint")
    changes = dict(call.parameters)
    if "disabled" in changes:
        changes["status"] = "disabled" if changes.pop("disabled") else "enabled"
    if "metadata" in changes:
        changes["metadata"] = _merged(endpoint.body["metadata"], changes["metadata"])
    endpoint.body |= changes
    call.simulator.books.save(endpoint)
    return _endpoint(endpoint)


def _merged(old: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """Return metadata ``old`` updated with ``new``: an empty value removes its key, no keys at all remove all."""
    return {key: value for key, value in (old | new).items() if value} if new else {}


def delete_endpoint(call: Call) -> Document:
    """Delete a webhook endpoint; what is pending for it is given up."""
    endpoint = call.find("endpoint", "webhook endpoint")
    call.simulator.books.remove(endpoint)
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def _endpoint(endpoint: Record) -> Document:
    """Return ``endpoint`` without its secret, which only its creation answers."""
    return {name: value for name, value in endpoint.body.items() if name != "secret"}


def retrieve_account(call: Call) -> Document:
    """Return the caller's account."""
    found = call.simulator.books.get("account", call.account)
    if found is None:
        raise resource_missing("account", call.account)
    return found.body


def _page(call: Call, kind: Kind, url: str, show: Callable[[Record], Document], **filters: Any) -> Document:
    """Return one page of the caller's objects, newest first (https://docs.stripe.com/api/pagination)."""
    books, wanted = call.simulator.books, call.parameters
    cursors: dict[str, Any] = {}
    for parameter, bound in (("starting_after", "older_than"), ("ending_before", "newer_than")):
        if parameter in wanted:
            at = books.get(kind, wanted[parameter], call.account)
            if at is None:
                raise resource_missing(kind, wanted[parameter], param=parameter)
            cursors[bound] = at.position
    found = books.find(kind, call.account, limit=wanted["limit"] + 1, **cursors, **filters)
    has_more = len(found) > wanted["limit"]
    if has_more:
        found.pop(0 if "newer_than" in cursors else -1)
    return _list([show(record) for record in found], url, has_more=has_more)


def _list(items: list[Document], url: str, *, has_more: bool) -> Document:
    return {"object": "list", "data": items, "has_more": has_more, "url": url}


@dataclass(frozen=True)
class Route:
    """One call: where it is, what it takes, what it does."""

    method: str
    pattern: str
    schema: type[Schema]
    handler: Callable[[Call], Document]


ROUTES = (
    Route("POST", "/v1/checkout/sessions", schemas.SessionCreate, create_session),
    Route("GET", "/v1/checkout/sessions", schemas.SessionPage, list_sessions),
    Route("GET", "/v1/checkout/sessions/{id}", schemas.Retrieve, retrieve_session),
    Route("POST", "/v1/checkout/sessions/{id}/expire", schemas.Retrieve, expire_session),
    Route("GET", "/v1/payment_intents/{id}", schemas.Nothing, retrieve_payment_intent),
    Route("GET", "/v1/events", schemas.EventPage, list_events),
    Route("GET", "/v1/events/{id}", schemas.Nothing, retrieve_event),
    Route("POST", "/v1/webhook_endpoints", schemas.EndpointCreate, create_endpoint),
    Route("GET", "/v1/webhook_endpoints", schemas.Page, list_endpoints),
    Route("GET", "/v1/webhook_endpoints/{id}", schemas.Nothing, retrieve_endpoint),
    Route("POST", "/v1/webhook_endpoints/{id}", schemas.EndpointUpdate, update_endpoint),
    Route("DELETE", "/v1/webhook_endpoints/{id}", schemas.Nothing, delete_endpoint),
    Route("GET", "/v1/account", schemas.Nothing, retrieve_account),
)
