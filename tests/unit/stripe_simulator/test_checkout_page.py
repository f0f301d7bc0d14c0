"""The page where a buyer pays, used as a program uses it: by posting its form."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.unit.stripe_simulator.support import TIMEOUT_S


def states(client, session):
    """Return status, payment status and the payment intent's status of ``session`` as the API tells them."""
    session = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    return session.status, session.payment_status, session.payment_intent and session.payment_intent.status


def test_the_page_shows_what_is_sold_and_offers_every_action(http, session):
    page = http.get(session.url).text
    assert "Night Train" in page
    assert "9.90 EUR" in page
    offered = re.findall(r'name="action" value="(\w+)"', page)
    assert offered == ["pay", "pay_by_debit", "decline", "cancel", "expire"]


def test_text_of_the_seller_is_escaped(http, client, order):
    item = order()["line_items"][0]
    item["price_data"]["product_data"]["name"] = "<script>alert(1)</script>"
    page = http.get(client.v1.checkout.sessions.create(order(line_items=[item])).url).text
    assert "<script>" not in page


@pytest.mark.parametrize("path", ["/c/pay/cs_test_nothing", "/c/pay/{open}", "/c/pay/{expired}"])
def test_every_page_says_that_it_is_a_simulator(http, client, order, server, path):
    sessions = {name: client.v1.checkout.sessions.create(order()).id for name in ("open", "expired")}
    client.v1.checkout.sessions.expire(sessions["expired"])
    answer = http.get(server.url + path.format(**sessions))
    assert "Stripe simulator.</strong> For development and tests" in answer.text
    assert answer.headers["X-Stripe-Simulator"] == "true"


def test_a_card_payment_redirects_to_the_success_url_with_the_session(client, session, visit):
    answer = visit(session.id, "pay")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"https://shop.example/paid?session={session.id}"
    assert states(client, session) == ("complete", "paid", "succeeded")


def test_a_paid_session_has_a_buyer_and_no_address(client, session, visit):
    visit(session.id, "pay", email="ann@example.com")
    paid = client.v1.checkout.sessions.retrieve(session.id)
    assert (paid.customer_details.email, paid.url) == ("ann@example.com", None)


def test_cancelling_leads_back_and_leaves_the_session_open(client, session, visit):
    answer = visit(session.id, "cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://shop.example/cancelled")
    assert states(client, session) == ("open", "unpaid", None)


def test_a_declined_card_leaves_the_session_open_for_another_try(client, session, visit):
    assert visit(session.id, "decline").status_code == 402
    assert states(client, session) == ("open", "unpaid", "requires_payment_method")
    intent = client.v1.checkout.sessions.retrieve(session.id).payment_intent
    assert client.v1.payment_intents.retrieve(intent).last_payment_error.code == "card_declined"
    assert visit(session.id, "pay").status_code == 303
    assert states(client, session) == ("complete", "paid", "succeeded")
    assert client.v1.checkout.sessions.retrieve(session.id).payment_intent == intent


def test_a_bank_debit_completes_the_session_unpaid(client, session, visit):
    assert visit(session.id, "pay_by_debit").status_code == 303
    assert states(client, session) == ("complete", "unpaid", "processing")


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("debit_succeeds", ("complete", "paid", "succeeded")),
        ("debit_fails", ("complete", "unpaid", "requires_payment_method")),
    ],
)
def test_the_page_of_a_debit_on_its_way_lets_it_succeed_or_fail(
    client, session, visit, http, action, expected
):
    visit(session.id, "pay_by_debit")
    assert f'value="{action}"' in http.get(session.url).text
    visit(session.id, action)
    assert states(client, session) == expected
    assert 'name="action"' not in http.get(session.url).text
    assert visit(session.id, action).status_code == 409


def test_a_session_cannot_be_paid_twice(client, session, visit, ledger):
    visit(session.id, "pay")
    for action in ("pay", "pay_by_debit", "decline", "expire"):
        answer = visit(session.id, action)
        assert (answer.status_code, "open" in answer.text) == (409, True)
    assert len(ledger()["payment_intents"]) == 1
    assert states(client, session) == ("complete", "paid", "succeeded")


def test_concurrent_payments_of_one_session_succeed_once(session, server, ledger):
    def pay(_):
        data = {"action": "pay"}
        page = f"{server.url}/c/pay/{session.id}"
        return requests.post(page, data=data, allow_redirects=False, timeout=TIMEOUT_S).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(pay, range(8))) == [303] + [409] * 7
    assert len(ledger()["payment_intents"]) == 1


def test_an_expired_session_cannot_be_paid(client, session, visit, http):
    assert visit(session.id, "expire").status_code == 410
    assert http.get(session.url).status_code == 410
    assert visit(session.id, "pay").status_code == 409
    assert states(client, session) == ("expired", "unpaid", None)


def test_an_unknown_action_or_session_is_refused(session, visit):
    assert visit(session.id, "steal").status_code == 400
    assert visit("cs_test_nothing", "pay").status_code == 404
