"""Merging moves everything of a customer to an account, and leaves a trace."""

import pytest
from sqlalchemy import select

from autonomy_core.audit.models import AuditEntry
from autonomy_core.coupons.models import Coupon, CouponRedemption
from autonomy_core.customers.merging import NotMergeable, merge
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import find_customer
from autonomy_core.db.base import utcnow
from autonomy_core.grants.models import Grant
from autonomy_core.payments.models import JournalEntry, Payment


@pytest.fixture
def pair(desk):
    """Two accounts; the first has bought."""
    ada, bob = desk.autonomy.customer(), desk.autonomy.customer(email="bob@example.org")
    desk.autonomy.buy(ada, desk.autonomy.product())
    return ada, bob


def run(desk, source, target):
    with desk.autonomy.scope() as scope:
        found = [find_customer(scope, each.id) for each in (source, target)]
        merge(scope, *found, actor="api_key:1", reason="the same person")


def test_payments_and_grants_move_and_the_books_stay(desk, pair):
    ada, bob = pair
    (before,) = desk.rows(select(Payment))
    run(desk, ada, bob)
    (payment,) = desk.rows(select(Payment))
    assert payment.customer_id == bob.id
    assert (payment.amount, payment.updated_at) == (before.amount, before.updated_at)
    assert [grant.customer_id for grant in desk.rows(select(Grant))] == [bob.id]
    entries = desk.rows(select(JournalEntry).where(JournalEntry.kind == "moved"))
    assert [entry.detail for entry in entries] == [{"from_customer": str(ada.id), "to_customer": str(bob.id)}]


def test_redeemed_coupons_move_and_wrong_codes_are_forgotten(desk, pair):
    ada, bob = pair
    with desk.autonomy.scope() as scope:
        payment = scope.session.scalars(select(Payment)).one()
        coupon = Coupon(organisation_id="acme", code="SPRING", percent_off=10)
        scope.session.add(coupon)
        scope.session.flush()
        scope.session.add(
            CouponRedemption(
                organisation_id="acme",
                payment_id=payment.id,
                coupon_id=coupon.id,
                customer_id=ada.id,
                environment="test",
            )
        )
    run(desk, ada, bob)
    assert [row.customer_id for row in desk.rows(select(CouponRedemption))] == [bob.id]


def test_the_audit_log_says_who_merged_what_and_why(desk, pair):
    ada, bob = pair
    run(desk, ada, bob)
    (entry,) = desk.rows(select(AuditEntry).where(AuditEntry.action == "customer.merged"))
    assert (entry.actor, entry.target) == ("api_key:1", f"customer:{ada.id}")
    assert entry.detail == {
        "into": str(bob.id),
        "reason": "the same person",
        "before": {"merged_into": None},
        "after": {"merged_into": str(bob.id)},
    }


def test_a_block_that_moves_with_a_customer_is_audited(desk, pair):
    ada, bob = pair
    with desk.autonomy.scope() as scope:
        row = scope.session.get_one(Customer, ("acme", ada.id))
        row.blocked_at, row.blocked_because = utcnow(), "a stolen card"
    run(desk, ada, bob)
    (entry,) = desk.rows(select(AuditEntry).where(AuditEntry.target == f"customer:{bob.id}"))
    assert (entry.action, entry.detail["merged_from"]) == ("customer.updated", str(ada.id))
    assert entry.detail["before"] == {"blocked_at": None, "blocked_because": None}
    assert entry.detail["after"]["blocked_because"] == "a stolen card"


def test_the_plugins_learn_of_it(desk, pair):
    ada, bob = pair
    run(desk, ada, bob)
    (event,) = desk.events
    assert (event.source_id, event.target_id) == (ada.id, bob.id)


def test_a_block_of_either_holds_for_both(desk, pair):
    ada, bob = pair
    with desk.autonomy.scope() as scope:
        row = find_customer(scope, ada.id)
        row.blocked_at, row.blocked_because = utcnow(), "a stolen card"
    run(desk, ada, bob)
    (target,) = desk.rows(select(Customer).where(Customer.id == bob.id))
    assert target.blocked_because == "a stolen card"


def test_customers_merged_before_follow_to_the_last(desk, pair):
    ada, bob = pair
    carla = desk.autonomy.customer(email="carla@example.org")
    run(desk, ada, bob)
    run(desk, bob, carla)
    merged = desk.rows(select(Customer.merged_into).where(Customer.id.in_([ada.id, bob.id])))
    assert merged == [carla.id, carla.id]


@pytest.mark.parametrize("case", ["itself", "into a guest", "merged before", "erased"])
def test_what_cannot_be_merged_is_refused(desk, pair, case):
    ada, bob = pair
    guest = desk.guest("carla@example.org")
    if case == "merged before":
        run(desk, ada, bob)
    if case == "erased":
        with desk.autonomy.scope() as scope:
            find_customer(scope, bob.id).erased_at = utcnow()
    target = {"itself": ada, "into a guest": guest}.get(case, bob)
    with pytest.raises(NotMergeable):
        run(desk, ada, target)
