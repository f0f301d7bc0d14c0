"""Disputes: the buyer's bank withdraws the money and decides."""

from types import SimpleNamespace

import pytest

from autonomy_core.plugin_api.payments import check_later
from stripe_payments.domain import ATTEMPT_FAILED, DISPUTE_EVENTS
from tests.functional.stripe_payments.shop import session_of


@pytest.fixture
def sold(shop):
    """The id of a payment that is completed."""
    return shop.sell()


def dispute(shop, payment_id, **more):
    return shop.at_stripe(f"sessions/{session_of(shop, payment_id)}/dispute", **more)["id"]


def decide(shop, dispute_id, outcome):
    shop.at_stripe(f"disputes/{dispute_id}/close", outcome=outcome)
    assert set(shop.post_events(DISPUTE_EVENTS)) == {"processed"}


@pytest.mark.parametrize(
    ("wish", "outcome", "owned"),
    [
        ("revoke_until_won", "won", (False, True)),
        ("revoke_until_won", "lost", (False, False)),
        ("revoke", "won", (False, False)),
        ("keep", "lost", (True, True)),
    ],
)
def test_the_organisation_decides_what_a_dispute_revokes(shop, wish, outcome, owned):
    shop.wishes = {"access_after_dispute": wish}
    shop.configure()
    sold = shop.sell()
    dispute_id = dispute(shop, sold)
    shop.post_events(DISPUTE_EVENTS)
    assert (shop.status(sold), shop.owns()) == ("disputed", owned[0])
    decide(shop, dispute_id, outcome)
    assert (shop.status(sold), shop.owns()) == (f"dispute_{outcome}", owned[1])


def test_a_dispute_won_on_appeal_restores_the_product(shop, sold):
    dispute_id = dispute(shop, sold)
    decide(shop, dispute_id, "lost")
    assert (shop.status(sold), shop.owns()) == ("dispute_lost", False)
    decide(shop, dispute_id, "won")
    assert (shop.status(sold), shop.owns()) == ("dispute_won", True)
    assert shop.refund(sold).json["status"] == "succeeded"
    assert (shop.status(sold), shop.owns()) == ("refunded", False)


@pytest.mark.parametrize(("outcome", "owned"), [("won", True), ("lost", False)])
def test_a_dispute_stays_lost_until_an_appeal_is_won(shop, sold, outcome, owned):
    dispute_id = dispute(shop, sold)
    decide(shop, dispute_id, "lost")
    shop.at_stripe(f"disputes/{dispute_id}/appeal")
    assert set(shop.post_events(DISPUTE_EVENTS)) == {"processed"}
    assert (shop.status(sold), shop.owns()) == ("dispute_lost", False)
    decide(shop, dispute_id, outcome)
    assert (shop.status(sold), shop.owns()) == (f"dispute_{outcome}", owned)


def test_an_appeal_is_understood_in_the_fetched_state(shop, sold):
    dispute_id = dispute(shop, sold)
    shop.at_stripe(f"disputes/{dispute_id}/close", outcome="lost")
    shop.at_stripe(f"disputes/{dispute_id}/appeal")
    with shop.scope() as scope:
        check_later(scope, sold)
    shop.autonomy.run_jobs(shop.id)
    assert shop.status(sold) == "dispute_lost"


def test_the_events_of_a_dispute_may_come_in_any_order_and_twice(shop, sold):
    dispute_id = dispute(shop, sold)
    shop.at_stripe(f"disputes/{dispute_id}/close", outcome="won")
    for event in [*reversed(shop.events(DISPUTE_EVENTS)), *shop.events(DISPUTE_EVENTS)]:
        shop.post(event)
    assert (shop.status(sold), shop.owns()) == ("dispute_won", True)


def test_an_inquiry_revokes_no_grant(shop, sold):
    dispute(shop, sold, inquiry="true")
    assert set(shop.post_events(DISPUTE_EVENTS)) == {"processed"}
    assert (shop.status(sold), shop.owns()) == ("completed", True)


@pytest.mark.parametrize("wish", ["no", "yes"])
def test_the_organisation_decides_on_purchases_during_a_dispute(shop, wish):
    shop.wishes = {"purchase_during_dispute": wish}
    shop.configure()
    sold = shop.sell()
    dispute_id = dispute(shop, sold)
    shop.post_events(DISPUTE_EVENTS)
    if wish == "yes":
        shop.purchase(201)
        return
    problem = shop.purchase(409).json
    assert (problem["code"], problem["payment_id"]) == ("purchase_disputed", str(sold))
    decide(shop, dispute_id, "lost")
    shop.purchase(201)


def test_a_disputed_bundle_blocks_the_purchase_of_its_products(shop):
    single = shop.product
    body = {"title": "Both", "kind": "bundle", "amount": 2000, "item_ids": [str(single.id)]}
    shop.product = SimpleNamespace(id=shop.as_staff("post", "products", body, 201).json["id"])
    sold = shop.sell()
    dispute(shop, sold)
    shop.post_events(DISPUTE_EVENTS)
    assert (shop.status(sold), shop.purchase(409).json["code"]) == ("disputed", "purchase_disputed")
    shop.product = single
    assert shop.purchase(409).json["code"] == "purchase_disputed"


def test_another_product_may_be_bought_while_a_payment_is_disputed(shop, sold):
    dispute(shop, sold)
    shop.post_events(DISPUTE_EVENTS)
    shop.product = shop.autonomy.product()
    shop.purchase(201)


def test_a_refund_of_a_disputed_payment_is_refused_with_the_remedy(shop, sold):
    dispute(shop, sold)
    shop.post_events(DISPUTE_EVENTS)
    problem = shop.refund(sold, status=409).json
    assert (problem["code"], problem["detail"]) == (
        "payment_disputed",
        "Answer the dispute at the payment provider.",
    )


def test_a_refund_with_an_unknown_dispute_is_refused_too(shop, sold):
    dispute(shop, sold)
    problem = shop.refund(sold, status=409).json
    assert (problem["code"], "dashboard" in problem["detail"]) == ("refund_refused", True)


def test_disputes_are_part_of_the_fetched_state(shop, sold):
    dispute(shop, sold)
    shop.refund(sold, status=409)
    with shop.scope() as scope:
        check_later(scope, sold)
    shop.autonomy.run_jobs(shop.id)
    assert shop.status(sold) == "disputed"


def test_a_declined_card_is_recorded_and_another_may_be_tried(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "decline")
    assert shop.post_events({ATTEMPT_FAILED}) == ["processed"]
    payment_id = answer["payment"]["id"]
    timeline = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
    (attempt,) = [entry for entry in timeline if entry["kind"] == "attempt_failed"]
    assert attempt["detail"]["code"] == "card_declined"
    shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    assert shop.owns()


def test_the_timeline_of_a_dispute_is_in_order(shop, sold):
    shop.refund(sold, amount=500, reason="the sleeve was torn")
    dispute_id = dispute(shop, sold)
    shop.post_events(DISPUTE_EVENTS)
    decide(shop, dispute_id, "won")
    timeline = shop.as_staff("get", f"payments/{sold}/timeline", scopes=["payments.read"]).json["items"]
    assert timeline == sorted(timeline, key=lambda entry: entry["at"])
    kinds = [entry["kind"] for entry in timeline if entry["kind"] != "event_received"]
    assert kinds[:2] == ["opened", "checkout_prepared"]
    assert set(kinds[2:5]) == {"settled", "granted", "hook_succeeded"}
    assert kinds[5:] == [
        "refund_requested",
        "refund",
        "settled",
        "dispute",
        "settled",
        "access_revoked",
        "dispute",
        "settled",
        "access_restored",
    ]
    events = [entry["detail"] for entry in timeline if entry["kind"] == "event_received"]
    assert {event["signature"] for event in events} == {"verified by the test secret"}
    assert events[0]["matched_by"] == "session_id"
