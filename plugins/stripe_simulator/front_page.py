"""What a browser sees at the simulator's address: what this is, and where to look."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from stripe_simulator import API_VERSION
from stripe_simulator.checkout_page import PAGE

CALLS = (
    ("sessions/{id}/settle", "outcome=succeeded|failed", "end a bank debit"),
    ("sessions/{id}/expire", "", "end a session's time"),
    ("sessions/{id}/refund", "amount= reason= status=", "refund in the dashboard"),
    ("refunds/{id}/fail, refunds/{id}/succeed", "", "what the bank does with a refund"),
    ("sessions/{id}/dispute", "amount= reason= inquiry=true", "a buyer disputes, or the bank inquires"),
    ("disputes/{id}/escalate", "", "turn an inquiry into a chargeback"),
    ("disputes/{id}/close", "outcome=won|lost", "end a dispute; a lost one can be won after all"),
    ("disputes/{id}/appeal", "", "let the decision about a lost dispute be appealed"),
    ("events/{id}/deliver", "times=", "deliver an event again"),
    (
        "faults",
        "status=500|503|429|409|close|stall times= path= method= after=true seconds=",
        "spoil API calls",
    ),
)
"""What can be posted below ``/_simulator/``: where, with what, to what end."""

CONTENT = f"""<p>This stands in for Stripe's API, version {API_VERSION}, its checkout page and its webhooks.</p>
<p>All that has happened is in <a href="/_simulator/books">the books</a>: sessions, charges, refunds, disputes, events,
and how each delivery was answered. To pay, follow the <code>checkout_url</code> of a purchase.</p>
<p>To play the bank, the dashboard or the network, post to <code>/_simulator/…</code>:</p>
<dl>{"".join(f"<dt><code>{where} {fields}</code></dt><dd>{what}</dd>" for where, fields, what in CALLS)}</dl>
<p>The official Stripe CLI can listen to, trigger and resend events with <code>--api-base</code> and this address.</p>
<p>Started with <code>--chaos SEED</code>, deliveries are lost, dropped, delayed, doubled and overtaken as the seed has
it; <code>--rate-limit</code> and <code>--lock-timeouts</code> answer 429 as Stripe does.</p>"""


def includeme(config: Configurator) -> None:
    """Register the page."""
    config.add_route("front", "/")
    config.scan(__name__)


@view_config(route_name="front", request_method="GET")
def show(request: Request) -> Response:
    """Show it."""
    return Response(PAGE.format(title="What this is", content=CONTENT))
