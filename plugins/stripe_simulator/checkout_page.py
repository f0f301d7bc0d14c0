"""The page on which a buyer pays. A person clicks its buttons; a program posts the same form.

``POST /c/pay/{session}`` with ``action=`` one of ``ACTIONS`` and optionally ``email=``, ``card=`` (to pay by
card) and ``iban=`` (to pay by debit). ``instruments`` lists the test numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from stripe_simulator import instruments
from stripe_simulator.checkout import Checkout
from stripe_simulator.currencies import display
from stripe_simulator.errors import StripeError
from stripe_simulator.instruments import Outcome
from stripe_simulator.state import Record

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} (Stripe simulator)</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 0 auto; padding: 1rem }}
.simulator {{ background: #fde68a; padding: .5rem 1rem; border-radius: .25rem }}
button, input {{
  font: inherit; display: block; width: 100%; box-sizing: border-box; margin: .5rem 0; padding: .5rem
}}
td:last-child {{ text-align: right }} table {{ width: 100% }}
</style>
</head>
<body>
<p class="simulator" role="note">
<strong>Stripe simulator.</strong> For development and tests: no money moves.</p>
<h1>{title}</h1>
{content}
</body>
</html>
"""

ACTIONS: dict[str, str] = {
    "pay": "Pay by card",
    "pay_by_debit": "Pay by bank debit (the bank decides later)",
    "decline": "Pay with a card that is declined",
    "cancel": "Cancel and go back",
    "expire": "Let this session expire",
}
"""The actions on an open session's page, with the labels of their buttons."""

SETTLEMENTS = {"debit_succeeds": "Let the debit succeed", "debit_fails": "Let the debit fail"}
"""The actions while a bank debit is pending."""


def includeme(config: Configurator) -> None:
    """Register the page."""
    config.add_route("pay", "/c/pay/{id}")
    config.scan(__name__)


@view_config(route_name="pay", request_method="GET")
def show(request: Request) -> Response:
    """Show the items and the possible actions."""
    session = _session(request)
    if session is None:
        return _page("No such session", "<p>Check the address.</p>", 404)
    return _state(request, session)


@view_config(route_name="pay", request_method="POST")
def act(request: Request) -> Response:
    """Perform the posted ``action``."""
    session = _session(request)
    if session is None:
        return _page("No such session", "<p>Check the address.</p>", 404)
    action = _HANDLERS.get(request.POST.get("action", ""))
    if action is None:
        return _page("Unknown action", f"<p>action must be one of {', '.join(_HANDLERS)}.</p>", 400)
    try:
        return action(request, session)
    except StripeError as error:
        return _page("Refused", f"<p>{escape(error.message)}</p>", 409)


def _pay(request: Request, session: Record) -> Response:
    card = instruments.card(request.POST.get("card", ""))
    if card.declined:
        return _decline(request, session)
    session = _checkout(request).pay_by_card(session, request.POST.get("email"), card)
    simulator = request.simulator
    if intent := simulator.ledger.get("payment_intent", session.body["payment_intent"] or ""):
        simulator.disputes.follow(intent, card)
    return _succeed(session)


def _pay_by_debit(request: Request, session: Record) -> Response:
    outcome = instruments.debit_outcome(request.POST.get("iban", ""))
    session = _checkout(request).pay_by_debit(session, request.POST.get("email"))
    if outcome:
        _checkout(request).settle(session, outcome)
    return _succeed(session)


def _decline(request: Request, session: Record) -> Response:
    session = _checkout(request).decline(session)
    return _open_page(
        session, "<p><strong>The card was declined.</strong> Nothing was paid; try again.</p>", 402
    )


def _cancel(request: Request, session: Record) -> Response:
    if session.body["cancel_url"] is None:
        raise StripeError("This session has no cancel_url to go back to.")
    return HTTPSeeOther(session.body["cancel_url"])


def _expire(request: Request, session: Record) -> Response:
    return _state(request, _checkout(request).expire(session))


def _settle(request: Request, session: Record) -> Response:
    outcome: Outcome = "succeeded" if request.POST["action"] == "debit_succeeds" else "failed"
    return _state(request, _checkout(request).settle(session, outcome))


_HANDLERS: dict[str, Callable[[Request, Record], Response]] = {
    "pay": _pay,
    "pay_by_debit": _pay_by_debit,
    "decline": _decline,
    "cancel": _cancel,
    "expire": _expire,
    "debit_succeeds": _settle,
    "debit_fails": _settle,
}


def _succeed(session: Record) -> Response:
    return HTTPSeeOther(session.body["success_url"].replace("{CHECKOUT_SESSION_ID}", session.id))


def _state(request: Request, session: Record) -> Response:
    """Return the page for the session's state."""
    body = session.body
    if body["status"] == "open":
        return _open_page(session)
    if body["status"] == "expired":
        return _page("This session has expired", "<p>Nothing was paid. Start again in the shop.</p>", 410)
    if body["payment_status"] != "unpaid":
        return _page("This session is paid", "<p>There is nothing left to do here.</p>")
    intent = request.simulator.ledger.get("payment_intent", body["payment_intent"])
    if intent.body["status"] != "processing":
        return _page("The debit failed", "<p>Nothing was paid.</p>")
    return _page("The debit is on its way", f'<form method="post">{_buttons(SETTLEMENTS)}</form>')


def _open_page(session: Record, note: str = "", status: int = 200) -> Response:
    body = session.body
    hidden = {"pay_by_debit", "decline"} if body["payment_status"] == "no_payment_required" else set()
    hidden |= {"cancel"} if body["cancel_url"] is None else set()
    offered = {action: label for action, label in ACTIONS.items() if action not in hidden}
    rows = "".join(
        f"<tr><td>{item['quantity']} &times; {escape(item['description'])}</td>"
        f"<td>{display(item['amount_total'], item['currency'])}</td></tr>"
        for item in body["line_items"]
    )
    content = (
        f"{note}<table>{rows}</table><form method='post'><label>E-mail"
        f"<input type='email' name='email' value='{escape(body['customer_email'] or '')}'></label>"
        f"{_instruments()}{_buttons(offered)}</form>"
    )
    return _page(f"Pay {display(body['amount_total'], body['currency'])}", content, status)


def _instruments() -> str:
    return "".join(
        f"<label>{label}<input name='{name}' list='{name}s'></label><datalist id='{name}s'>"
        f"{''.join(f'<option>{number}</option>' for number in numbers)}</datalist>"
        for name, label, numbers in (
            ("card", "Test card (4242… if empty)", instruments.CARDS),
            ("iban", "Test bank account (the bank decides later if empty)", instruments.IBANS),
        )
    )


def _buttons(actions: dict[str, str]) -> str:
    return "".join(
        f'<button name="action" value="{name}">{label}</button>' for name, label in actions.items()
    )


def _page(title: str, content: str, status: int = 200) -> Response:
    return Response(PAGE.format(title=escape(title), content=content), status=status)


def _session(request: Request) -> Record | None:
    found: Record | None = request.simulator.ledger.get("session", request.matchdict["id"])
    return found


def _checkout(request: Request) -> Checkout:
    checkout: Checkout = request.simulator.checkout
    return checkout
