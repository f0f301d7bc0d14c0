"""Checkout sessions, payment intents and the account, through the real SDK."""

from __future__ import annotations

import time

import pytest
import stripe


def test_a_new_session_is_open_unpaid_and_has_a_page(client, order, server):
    session = client.v1.checkout.sessions.create(order())
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert session.url == f"{server.url}/c/pay/{session.id}"
    assert session.livemode is False


def test_a_session_adds_up_its_line_items(client, order):
    item = order()["line_items"][0]
    session = client.v1.checkout.sessions.create(
        order(line_items=[item, {**item, "quantity": 3}], expand=["line_items"])
    )
    assert session.amount_total == session.amount_subtotal == 990 * 4
    assert [line.amount_total for line in session.line_items.data] == [990, 2970]
    assert session.line_items.data[0].price.unit_amount == 990


@pytest.mark.parametrize(("behavior", "total", "tax"), [("inclusive", 3960, 660), ("exclusive", 4752, 792)])
def test_the_tax_is_in_the_price_or_added_to_it(client, order, behavior, total, tax):
    (item,) = order()["line_items"]
    item = {"price_data": {**item["price_data"], "tax_behavior": behavior}, "quantity": 4}
    wanted = order(line_items=[item], automatic_tax={"enabled": True}, expand=["line_items"])
    session = client.v1.checkout.sessions.create(wanted)
    assert (session.amount_total, session.total_details.amount_tax) == (total, tax)
    (line,) = session.line_items.data
    assert (line.amount_subtotal, line.amount_tax, line.amount_total) == (3960, tax, total)
    assert (session.automatic_tax.enabled, session.automatic_tax.status) == (True, "complete")


def test_a_session_keeps_what_it_was_given(client, order):
    given = {
        "client_reference_id": "payment-1",
        "customer_email": "ann@example.com",
        "metadata": {"payment_id": "1"},
        "expires_at": int(time.time()) + 3600,
    }
    session = client.v1.checkout.sessions.create(order(**given))
    found = client.v1.checkout.sessions.retrieve(session.id).to_dict()
    assert found["success_url"].endswith("{CHECKOUT_SESSION_ID}")
    assert {name: found[name] for name in given} == given


def test_a_session_lives_a_day_unless_told_otherwise(session):
    assert session.expires_at - session.created == 24 * 3600


def test_a_free_session_requires_no_payment(client, order, visit):
    session = client.v1.checkout.sessions.create(order(unit_amount=0))
    assert session.payment_status == "no_payment_required"
    visit(session.id, "pay")
    session = client.v1.checkout.sessions.retrieve(session.id)
    assert (session.status, session.payment_intent) == ("complete", None)


def test_sessions_are_listed_newest_first_and_in_pages(client, order):
    made = [client.v1.checkout.sessions.create(order()).id for _ in range(5)]
    first = client.v1.checkout.sessions.list({"limit": 2})
    assert ([session.id for session in first.data], first.has_more) == ([made[4], made[3]], True)
    assert [session.id for session in first.auto_paging_iter()] == made[::-1]
    before = client.v1.checkout.sessions.list({"limit": 2, "ending_before": made[0]})
    assert ([session.id for session in before.data], before.has_more) == ([made[2], made[1]], True)


def test_sessions_are_listed_by_status_and_by_payment_intent(client, order, visit):
    paid, _ = (client.v1.checkout.sessions.create(order()) for _ in range(2))
    visit(paid.id, "pay")
    found = client.v1.checkout.sessions.list({"status": "complete"}).data
    assert [session.id for session in found] == [paid.id]
    intent = found[0].payment_intent
    assert [one.id for one in client.v1.checkout.sessions.list({"payment_intent": intent}).data] == [paid.id]


def test_an_expired_session_has_no_page_and_cannot_expire_again(client, session):
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="open"):
        client.v1.checkout.sessions.expire(session.id)


def test_an_open_session_expires_when_its_time_has_come(client, session, server):
    record = server.simulator.ledger.get("session", session.id)
    record.body["expires_at"] = int(time.time())
    server.simulator.ledger.save(record)
    server.simulator.checkout.expire_overdue()
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_the_payment_intent_has_metadata_of_its_own(client, order, visit):
    session = client.v1.checkout.sessions.create(
        order(metadata={"on": "session"}, payment_intent_data={"metadata": {"on": "intent"}})
    )
    visit(session.id, "pay")
    session = client.v1.checkout.sessions.retrieve(session.id)
    intent = client.v1.payment_intents.retrieve(session.payment_intent)
    assert (session.metadata.to_dict(), intent.metadata.to_dict()) == ({"on": "session"}, {"on": "intent"})
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 990, "eur")


def test_a_payment_intent_can_be_expanded_and_nothing_unknown_can(client, session, visit):
    visit(session.id, "pay")
    expanded = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert expanded.payment_intent.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="expanded"):
        client.v1.checkout.sessions.retrieve(session.id, {"expand": ["shop"]})


def test_a_key_opens_one_account(client, client_for):
    account = client.v1.accounts.retrieve_current()
    assert account.id.startswith("acct_")
    assert client_for("sk_test_acme").v1.accounts.retrieve_current().id == account.id
    assert client_for("sk_test_other").v1.accounts.retrieve_current().id != account.id


def test_a_country_says_in_which_currencies_its_accounts_take_payments(client):
    own = client.v1.country_specs.retrieve(client.v1.accounts.retrieve_current().country)
    assert {"eur", "kwd", "xcg"} < set(own.supported_payment_currencies)
    assert not {"clf", "cup", "kpw", "lyd", "sdg"} & set(own.supported_payment_currencies)
    assert client.v1.country_specs.retrieve("BR").supported_payment_currencies == ["brl"]
    with pytest.raises(stripe.InvalidRequestError, match="No such country"):
        client.v1.country_specs.retrieve("XX")


def test_one_account_never_sees_another_accounts_objects(client_for, client, paid, control, listener):
    session, intent, charge = paid, paid.payment_intent.id, paid.payment_intent.latest_charge.id
    refund = control(f"sessions/{paid.id}/refund", amount="100").json()["id"]
    dispute = control(f"sessions/{paid.id}/dispute").json()["id"]
    event = client.v1.events.list().data[0].id
    endpoint = client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]}).id
    stranger = client_for("sk_test_stranger").v1
    attempts = [
        lambda: stranger.checkout.sessions.retrieve(session.id),
        lambda: stranger.checkout.sessions.expire(session.id),
        lambda: stranger.checkout.sessions.list({"starting_after": session.id}),
        lambda: stranger.payment_intents.retrieve(intent),
        lambda: stranger.charges.retrieve(charge),
        lambda: stranger.refunds.create({"payment_intent": intent}),
        lambda: stranger.refunds.create({"charge": charge}),
        lambda: stranger.refunds.list({"payment_intent": intent}),
        lambda: stranger.refunds.retrieve(refund),
        lambda: stranger.refunds.update(refund, {"metadata": {"a": "1"}}),
        lambda: stranger.refunds.cancel(refund),
        lambda: stranger.disputes.retrieve(dispute),
        lambda: stranger.disputes.list({"charge": charge}),
        lambda: stranger.disputes.close(dispute),
        lambda: stranger.events.retrieve(event),
        lambda: stranger.webhook_endpoints.retrieve(endpoint),
        lambda: stranger.webhook_endpoints.update(endpoint, {"disabled": True}),
        lambda: stranger.webhook_endpoints.delete(endpoint),
    ]
    for attempt in attempts:
        with pytest.raises(stripe.InvalidRequestError) as caught:
            attempt()
        assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")
    assert stranger.checkout.sessions.list().data == stranger.events.list().data == []
    assert stranger.webhook_endpoints.list().data == stranger.payment_intents.list().data == []
    assert stranger.charges.list().data == stranger.refunds.list().data == stranger.disputes.list().data == []
