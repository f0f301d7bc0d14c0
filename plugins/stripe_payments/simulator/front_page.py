"""What a browser sees at the simulator's address: what this is, and where to look."""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from stripe_payments.simulator import API_VERSION
from stripe_payments.simulator.checkout_page import PAGE

CONTENT = f"""<p>This stands in for Stripe's API, version {API_VERSION}, its checkout page and its webhooks.</p>
<p>All that has happened is in <a href="/_simulator/books">the books</a>: sessions, events, and how each
delivery was answered. To pay, follow the <code>checkout_url</code> of a purchase.</p>"""


def includeme(config: Configurator) -> None:
    """Register the page."""
    config.add_route("front", "/")
    config.scan(__name__)


@view_config(route_name="front", request_method="GET")
def show(request: Request) -> Response:
    """Show it."""
    return Response(PAGE.format(title="What this is", content=CONTENT))
