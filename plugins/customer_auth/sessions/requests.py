"""What views read of a request for services."""

from __future__ import annotations

from pyramid.request import Request

from customer_auth.passkeys.domain import Page
from customer_auth.sessions.clients import Client


def client_of(request: Request) -> Client:
    """Return the client of a request."""
    return Client(request.remote_addr, request.user_agent)


def page_of_request(request: Request) -> Page:
    """Return the page that sends a request."""
    return Page(request.headers.get("Origin"), request.host)
