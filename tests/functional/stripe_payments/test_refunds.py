"""Refunds by staff, and refunds made in Stripe's dashboard."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from autonomy_core.errors import Conflict
from autonomy_core.grants.models import Grant
from autonomy_core.jobs.administration import cancel_job, unfinished_jobs
from autonomy_core.payments.models import Payment, PaymentRefund
from autonomy_core.plugin_api.models import utcnow
from stripe_payments.api import client
from stripe_payments.domain import CHARGE_REFUNDED, CHECKOUT_EVENTS, REFUND_EVENTS
from tests.functional.stripe_payments.shop import refunds, session_of

EVENTS = REFUND_EVENTS | {CHARGE_REFUNDED}


@pytest.fixture
def sold(shop):
    """The id of a payment that is completed."""
    return shop.sell()


def test_a_full_refund_by_staff_revokes_the_product(shop, sold):
    answer = shop.refund(sold).json
    assert (answer["amount"], answer["status"], answer["reason"]) == (1200, "succeeded", "a wish")
    assert answer["requested_by"].startswith("staff:")
    payment = shop.present(sold)
    assert (payment.status, payment.refunded_amount) == ("refunded", 1200)
    assert not shop.owns()
    (grant,) = shop.grants()
    assert grant.revoked_because == "refunded"
    (at_stripe,) = shop.ledger("refunds")
    assert (at_stripe["amount"], at_stripe["id"]) == (1200, answer["reference"])


def test_a_partial_refund_keeps_the_product_until_the_rest_follows(shop, sold):
    shop.refund(sold, amount=500)
    assert (shop.status(sold), shop.owns()) == ("partially_refunded", True)
    shop.refund(sold)
    assert (shop.status(sold), shop.owns()) == ("refunded", False)
    assert [refund.amount for refund in refunds(shop)] == [500, 700]


def test_an_organisation_may_let_its_customers_keep_what_was_refunded(shop):
    shop.wishes = {"access_after_refund": "keep"}
    shop.configure()
    sold = shop.sell()
    shop.refund(sold)
    assert (shop.status(sold), shop.owns()) == ("refunded", True)


def test_a_second_purchase_survives_the_refund_of_the_first(shop, sold):
    shop.refund(sold)
    again = shop.sell()
    assert shop.owns()
    shop.post_events(EVENTS)
    assert (shop.status(sold), shop.status(again), shop.owns()) == ("refunded", "completed", True)


def test_a_refund_in_the_dashboard_is_recorded_like_our_own(shop, sold):
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/refund")
    assert set(shop.post_events(EVENTS)) == {"processed"}
    assert (shop.status(sold), shop.owns()) == ("refunded", False)
    (refund,) = refunds(shop)
    assert (refund.requested_by, refund.status) == (None, "succeeded")


def test_our_own_refund_comes_back_as_events_and_counts_once(shop, sold):
    shop.refund(sold, amount=500)
    for _ in range(2):
        assert set(shop.post_events(EVENTS)) == {"processed"}
    assert [refund.amount for refund in refunds(shop)] == [500]
    assert shop.present(sold).refunded_amount == 500


def test_refund_events_before_the_payments_own_event_wait(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    session_id = shop.ledger("sessions")[0]["id"]
    shop.at_stripe(f"sessions/{session_id}/refund")
    assert "received" in shop.post_events(REFUND_EVENTS)
    assert shop.grants() == []
    shop.post_events(CHECKOUT_EVENTS)
    shop.autonomy.run_jobs(shop.id)
    assert shop.status(refunds(shop)[0].payment_id) == "refunded"
    assert not shop.owns()


def test_a_given_up_refund_is_fetched_when_the_payment_completes(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    shop.at_stripe(f"sessions/{shop.ledger('sessions')[0]['id']}/refund")
    with shop.scope() as scope:
        scope.session.scalars(select(Payment)).one().created_at = utcnow() - timedelta(hours=2)
    shop.post_events(CHECKOUT_EVENTS)
    shop.autonomy.run_jobs(shop.id)
    assert shop.status(UUID(answer["payment"]["id"])) == "refunded"


def test_a_refund_that_fails_at_the_bank_restores_the_product(shop, sold):
    reference = shop.refund(sold).json["reference"]
    shop.at_stripe(f"refunds/{reference}/fail")
    shop.post_events(EVENTS)
    assert (shop.status(sold), shop.owns()) == ("completed", True)
    assert shop.present(sold).refunded_amount == 0
    shop.refund(sold)
    assert shop.status(sold) == "refunded"


def test_an_unknown_refund_of_a_charge_is_fetched(shop, sold):
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/refund", amount=300)
    assert shop.post_events({CHARGE_REFUNDED}) == ["processed"]
    assert shop.status(sold) == "completed"
    assert shop.autonomy.run_jobs(shop.id) == []
    assert shop.status(sold) == "partially_refunded"
    assert [refund.amount for refund in refunds(shop)] == [300]


def test_a_refund_above_the_rest_is_refused(shop, sold):
    problem = shop.refund(sold, status=422, amount=1201).json
    assert (problem["code"], problem["refundable"]) == ("refund_too_large", 1200)
    shop.refund(sold)
    assert shop.refund(sold, status=409).json["code"] == "not_refundable"
    assert len(shop.ledger("refunds")) == 1


def test_an_unpaid_payment_cannot_be_refunded(shop):
    assert shop.refund(shop.payment().id, status=409).json["code"] == "not_refundable"


def test_the_scope_to_read_payments_does_not_allow_refunds(shop, sold):
    path = f"payments/{sold}/refunds"
    shop.as_staff("post", path, {"reason": "greed"}, status=403, scopes=["payments.read"])
    assert shop.as_staff("get", path, scopes=["payments.read"]).json == {"items": [], "next": None}


def test_a_refund_is_recorded_first_and_retried_until_an_answer(shop, sold, monkeypatch):
    monkeypatch.setattr(client, "RETRIES", 0)
    shop.at_stripe("faults", status="500", times="2", path="/v1/refunds")
    answer = shop.refund(sold, status=202).json
    assert (answer["status"], shop.status(sold), shop.owns()) == ("requested", "completed", True)
    assert shop.refund(sold, status=409).json["code"] == "not_refundable", "it is as good as given"
    assert shop.autonomy.run_jobs(shop.id) == ["payments.refund"]
    assert shop.autonomy.run_jobs(shop.id) == []
    assert shop.status(sold) == "refunded"
    assert len(shop.ledger("refunds")) == 1


def test_a_crash_after_the_refund_does_not_repeat_it(shop, sold, monkeypatch):
    real = client.create_refund

    def dies_afterwards(*arguments):
        real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(client, "create_refund", dies_afterwards)
        with pytest.raises(KeyboardInterrupt):
            shop.refund(sold)
    assert [refund.status for refund in refunds(shop)] == ["requested"]
    # Long afterwards, when Stripe has forgotten the idempotency key.
    monkeypatch.setattr(client, "create_refund", lambda *_: pytest.fail("asked for it again"))
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.status(sold), len(shop.ledger("refunds"))) == ("refunded", 1)


def test_a_refund_repeated_with_its_key_is_the_same_refund(shop, sold, monkeypatch):
    headers = shop.autonomy.as_staff(shop.id, ["payments.refund"]) | {"Idempotency-Key": "once"}

    def repeat(status):
        path = f"/{shop.id}/api/v1/admin/payments/{sold}/refunds"
        wanted = {"reason": "a wish", "amount": 500}
        return shop.autonomy.app.post_json(path, wanted, headers=headers, status=status).json

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("autonomy_core.payments.refunds.settle_refund", dies)
        with pytest.raises(KeyboardInterrupt):
            repeat(201)
    assert len(shop.ledger("refunds")) == 1
    assert repeat(201)["reference"] == shop.ledger("refunds")[0]["id"]
    assert [refund.amount for refund in refunds(shop)] == [500]
    assert len(shop.ledger("refunds")) == 1


def test_a_refused_refund_is_requested_anew_with_the_same_key(shop, sold):
    dispute = shop.at_stripe(f"sessions/{session_of(shop, sold)}/dispute")
    headers = shop.autonomy.as_staff(shop.id, ["payments.refund"]) | {"Idempotency-Key": "once"}
    path = f"/{shop.id}/api/v1/admin/payments/{sold}/refunds"
    shop.autonomy.app.post_json(path, {"reason": "a wish"}, headers=headers, status=409)
    shop.at_stripe(f"disputes/{dispute['id']}/close", outcome="won")
    shop.autonomy.app.post_json(path, {"reason": "a wish"}, headers=headers, status=201)
    assert sorted(refund.status for refund in refunds(shop)) == ["failed", "succeeded"]


def test_a_refund_that_stripe_refuses_can_be_requested_again(shop, sold):
    dispute = shop.at_stripe(f"sessions/{session_of(shop, sold)}/dispute")
    problem = shop.refund(sold, status=409).json
    assert (problem["code"], "disputed" in problem["detail"]) == ("refund_refused", True)
    assert [refund.status for refund in refunds(shop)] == ["failed"]
    shop.at_stripe(f"disputes/{dispute['id']}/close", outcome="won")
    shop.refund(sold)
    assert shop.status(sold) == "refunded"


@pytest.fixture
def album(shop):
    """The id of a payment for a bundle of two products; the shop's own product is one of them."""
    shop.first, shop.second = shop.product, shop.autonomy.product(shop.id, title="Second", amount=800)
    items = [str(shop.first.id), str(shop.second.id)]
    bundle = {"title": "Both", "kind": "bundle", "amount": 1500, "item_ids": items}
    shop.product = shop.autonomy.product(shop.id)
    shop.product.id = UUID(shop.as_staff("post", "products", bundle, 201).json["id"])
    return shop.sell()


def owned(shop):
    headers = shop.autonomy.as_customer(shop.customer)
    found = shop.autonomy.app.get(f"/{shop.id}/api/v1/customers/products", headers=headers).json["items"]
    return {UUID(product["id"]) for product in found}


def test_a_refund_of_one_product_names_it_at_stripe(shop, album):
    answer = shop.refund(album, items=[str(shop.second.id)]).json
    assert (answer["amount"], answer["items"]) == (600, [str(shop.second.id)])
    assert owned(shop) == {shop.first.id}
    (at_stripe,) = shop.ledger("refunds")
    assert (at_stripe["amount"], at_stripe["metadata"]["items_1"]) == (600, str(shop.second.id))
    for event in [*reversed(shop.events(EVENTS)), *shop.events(EVENTS)]:
        shop.post(event)
    assert (owned(shop), shop.status(album)) == ({shop.first.id}, "partially_refunded")
    assert [refund.amount for refund in refunds(shop)] == [600]


def test_a_failed_refund_of_one_product_restores_it(shop, album):
    reference = shop.refund(album, items=[str(shop.second.id)]).json["reference"]
    shop.at_stripe(f"refunds/{reference}/fail")
    for event in [*reversed(shop.events(EVENTS)), *shop.events(EVENTS)]:
        shop.post(event)
    assert (owned(shop), shop.status(album)) == ({shop.first.id, shop.second.id}, "completed")


def test_a_requested_refund_keeps_the_product_and_is_not_repeated(shop, album, monkeypatch):
    monkeypatch.setattr(client, "RETRIES", 0)
    shop.at_stripe("faults", status="500", times="2", path="/v1/refunds")
    item = str(shop.second.id)
    assert shop.refund(album, status=202, items=[item]).json["items"] == [item]
    assert owned(shop) == {shop.first.id, shop.second.id}
    assert shop.refund(album, status=409, items=[item]).json["code"] == "item_already_refunded"
    for _ in range(2):
        shop.autonomy.run_jobs(shop.id)
    assert (owned(shop), len(shop.ledger("refunds"))) == ({shop.first.id}, 1)


def test_a_forgotten_refund_of_one_product_is_known_from_its_event(shop, album):
    shop.refund(album, items=[str(shop.second.id)])
    with shop.scope() as scope:
        # As in a database that was restored from before the refund.
        scope.session.execute(delete(PaymentRefund))
        scope.session.execute(update(Payment).values(status="completed", refunded_amount=0))
        scope.session.execute(update(Grant).values(revoked_at=None, revoked_because=None))
    assert owned(shop) == {shop.first.id, shop.second.id}
    shop.post_events(REFUND_EVENTS)
    assert (owned(shop), shop.status(album)) == ({shop.first.id}, "partially_refunded")
    assert [refund.items for refund in refunds(shop)] == [[shop.second.id]]
    assert shop.refund(album).json["amount"] == 900


def test_a_charge_of_another_system_on_the_account_is_ignored(shop, sold):
    event = shop.events(CHECKOUT_EVENTS)[0]
    refund = {"object": "refund", "id": "re_1", "amount": 5, "currency": "eur", "status": "succeeded"}
    foreign = event | {
        "id": "evt_foreign",
        "type": "refund.created",
        "data": {"object": refund | {"payment_intent": "pi_foreign"}},
    }
    assert shop.post(foreign).json["status"] == "received"
    for _ in range(12):
        shop.autonomy.run_jobs(shop.id)
    stored = shop.stored(foreign)
    assert (stored.status, stored.reason) == (
        "set_aside",
        "no payment of this organisation is known to belong to it",
    )
    assert shop.status(sold) == "completed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"currency": "usd"}, "currency"),
        ({"amount": 1201}, "1201 of 1200"),
        ({"metadata": {"organisation_id": "beacon"}}, "organisation"),
        ({"status": "lost_in_the_post"}, "lost_in_the_post"),
    ],
)
def test_a_refund_that_differs_from_the_payment_changes_nothing(shop, sold, change, reason):
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/refund", amount=300)
    event = shop.events({"refund.created"})[0]
    event["data"]["object"] |= change
    assert shop.post(event).json["status"] == "set_aside"
    assert reason in shop.stored(event).reason
    assert (shop.status(sold), refunds(shop)) == ("completed", [])


def test_a_requested_refund_cannot_be_cancelled_and_is_made_once(shop, sold, monkeypatch):
    monkeypatch.setattr(client, "RETRIES", 0)
    shop.at_stripe("faults", status="500", times="2", path="/v1/refunds")
    shop.refund(sold, status=202)
    with shop.scope() as scope:
        (waiting,) = [job for job in unfinished_jobs(scope, 10) if job.job == "payments.refund"]
    with pytest.raises(Conflict, match=f"autonomy jobs retry {shop.id} {waiting.id}"), shop.scope() as scope:
        cancel_job(scope, waiting.id, actor="cli:ada")
    for _ in range(2):
        shop.autonomy.run_jobs(shop.id)
    assert (shop.status(sold), len(shop.ledger("refunds"))) == ("refunded", 1)
