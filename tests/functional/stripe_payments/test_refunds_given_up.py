"""An operator gives a refund up, so that its amount can be refunded again."""

import json
from uuid import UUID

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.kernel.settlements import RefundReport, RefundStatus, Settlement
from autonomy_core.payments.settlement import settle
from stripe_payments.api import client
from tests.functional.stripe_payments.command_line import Site

PAID = "--provider-has-not-paid"


@pytest.fixture
def site(shop):
    return Site(shop.autonomy, shop.simulator)


@pytest.fixture
def sold(shop):
    return shop.sell()


@pytest.fixture
def waiting(shop, sold, monkeypatch):
    """The id of a refund that Stripe has not taken."""
    monkeypatch.setattr(client, "RETRIES", 0)
    shop.at_stripe("faults", status="500", times="1", path="/v1/refunds")
    return shop.refund(sold, status=202).json["id"]


def test_a_refund_given_up_frees_its_amount_and_is_audited(shop, site, sold, waiting):
    told = site.run("payments", "give-up-refund", shop.id, waiting, PAID)
    assert "gave up refund" in told
    assert "1200 eur" in told
    shop.autonomy.run_jobs(shop.id, within_s=3600)
    assert (shop.status(sold), shop.ledger("refunds")) == ("completed", [])
    with shop.scope() as scope:
        entry = scope.session.scalars(select(AuditEntry).where(AuditEntry.action == "refund.given_up")).one()
        assert (entry.target, entry.detail["amount"]) == (f"refund:{waiting}", 1200)
        assert entry.actor.startswith("cli:")
    said = json.loads(site.run("payments", "explain", shop.id, str(sold), "--json"))
    assert [each["detail"]["refund"] for each in said if each["kind"] == "refund_given_up"] == [waiting]
    assert shop.refund(sold).json["status"] == "succeeded"
    assert shop.status(sold) == "refunded"


def test_giving_up_a_refund_needs_an_explicit_confirmation(shop, site, waiting):
    assert PAID in site.run("payments", "give-up-refund", shop.id, waiting, status=2)


def test_a_refund_that_the_provider_accepted_cannot_be_given_up(shop, site, sold):
    refund_id = shop.refund(sold).json["id"]
    assert "is succeeded" in site.run("payments", "give-up-refund", shop.id, refund_id, PAID, status=1)
    unknown = str(UUID(int=1))
    assert "has no refund" in site.run("payments", "give-up-refund", shop.id, unknown, PAID, status=1)


def test_a_paid_refund_is_recorded_although_it_was_given_up(shop, site, sold, waiting):
    site.run("payments", "give-up-refund", shop.id, waiting, PAID)
    report = RefundReport("re_late", 1200, "eur", RefundStatus.SUCCEEDED, refund_id=UUID(waiting))
    late = Settlement(sold, None, "test", None, "eur", "webhook", refunds=(report,))
    with shop.scope() as scope:
        settle(scope, late, provider="stripe_payments")
    assert shop.status(sold) == "refunded"
    assert "not_refundable" in shop.refund(sold, status=409).text
