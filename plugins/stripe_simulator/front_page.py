"""The simulator's start page: what it is, and its control calls."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from stripe_simulator import API_VERSION
from stripe_simulator.checkout_page import PAGE

CALLS = (
    ("sessions/{id}/settle", "outcome=succeeded|failed", "end a bank debit"),
    ("sessions/{id}/expire", "", "expire a session"),
    ("sessions/{id}/refund", "amount= reason= status=", "refund in the dashboard"),
    ("refunds/{id}/fail, refunds/{id}/succeed", "", "the bank's result of a refund"),
    ("sessions/{id}/dispute", "amount= reason= inquiry=true", "a buyer disputes, or the bank inquires"),
    ("disputes/{id}/escalate", "", "turn an inquiry into a chargeback"),
    ("disputes/{id}/close", "outcome=won|lost", "close a dispute; a lost one can still be won"),
    ("disputes/{id}/appeal", "", "appeal the decision about a lost dispute"),
    ("events/{id}/deliver", "times=", "deliver an event again"),
    (
        "faults",
        "status=500|503|429|409|close|stall times= path= method= after=true seconds=",
        "make API calls fail",
    ),
)
"""The control calls below ``/_simulator/``: path, parameters, purpose."""


def _definitions() -> str:
    return "".join(
        f"<dt><code>{path} {fields}</code></dt><dd>{purpose}</dd>" for path, fields, purpose in CALLS
    )


CONTENT = f"""<p>This is a simulator of Stripe's API, version {API_VERSION}, its checkout page and its
webhooks.</p>
<p><a href="/_simulator/ledger">The ledger</a> shows sessions, charges, refunds, disputes, events, and the
result of each delivery. To pay, follow the <code>checkout_url</code> of a purchase.</p>
<p>To simulate the bank, the dashboard or the network, post to <code>/_simulator/…</code>:</p>
<dl>{_definitions()}</dl>
<p>The official Stripe CLI can listen to, trigger and resend events with <code>--api-base</code> and this
address.</p>
<p>Started with <code>--chaos SEED</code>, it loses, drops, delays, duplicates and reorders deliveries as the
seed determines; <code>--rate-limit</code> and <code>--lock-timeouts</code> answer 429 as Stripe does.</p>"""


def includeme(config: Configurator) -> None:
    """Register the page."""
    config.add_route("front", "/")
    config.scan(__name__)


@view_config(route_name="front", request_method="GET")
def show(request: Request) -> Response:
    """Show the page."""
    return Response(PAGE.format(title="What this is", content=CONTENT))
