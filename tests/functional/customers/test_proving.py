"""The proof of an address makes the account, and gives it what guests bought with the address."""

import pytest
from sqlalchemy import select, update

from autonomy_core.customers.deletion import request_deletion
from autonomy_core.customers.models import Customer
from autonomy_core.customers.proving import claim_guests, prove_address
from autonomy_core.customers.services import (
    EmailTaken,
    add_guest,
    find_customer,
    find_customer_by_email,
    register_customer,
)
from autonomy_core.errors import NotAuthenticated
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.events import CustomersMerged, CustomerVerified
from autonomy_core.payments.models import Payment

ADA = "ada@example.org"


def prove(desk, email=ADA, within=None):
    with desk.autonomy.scope() as scope:
        return prove_address(scope, email, within=within)


def verified(desk):
    return [event for event in desk.events if isinstance(event, CustomerVerified)]


def test_guests_of_one_address_are_separate_and_no_account(desk):
    first, second = desk.guest(), desk.guest()
    assert first.id != second.id
    with desk.autonomy.scope() as scope:
        assert find_customer_by_email(scope, ADA) is None
        assert register_customer(scope, ADA, "Ada").email_verified is False
        assert find_customer(scope, first.id).guest


def test_an_address_has_one_account(desk):
    desk.autonomy.customer(email=ADA)
    with desk.autonomy.scope() as scope, pytest.raises(EmailTaken):
        register_customer(scope, ADA, "Another Ada")


def test_a_guest_is_added_in_a_transaction_at_the_driver(desk):
    desk.guest("bob@example.org")
    runtime = desk.autonomy.runtime
    with runtime.driver_transaction(desk.autonomy.get_organisation("acme")) as scope:
        guest = add_guest(scope, ADA, locale="de")
    (row,) = desk.rows(select(Customer).where(Customer.email == ADA))
    assert (row.id, row.guest, row.locale, row.created_at) == (guest.id, True, "de", guest.created_at)


def test_the_proof_of_an_unknown_address_changes_nothing(desk):
    assert prove(desk) is None
    assert desk.rows(select(Customer)) == []


def test_the_oldest_guest_becomes_the_account_with_all_that_was_bought(desk):
    product = desk.autonomy.product()
    first, second = desk.guest_who_bought(), desk.guest_who_bought(product)
    other = desk.guest_who_bought(email="bob@example.org")
    account = prove(desk)
    assert account.id == first.id
    assert account.email_verified
    assert not account.guest
    assert {row.customer_id for row in desk.rows(select(Payment))} == {first.id, other.id}
    (grant,) = desk.rows(select(Grant).where(Grant.product_id == product.id))
    assert grant.customer_id == first.id
    (merged,) = desk.rows(select(Customer).where(Customer.merged_into == first.id))
    assert merged.id == second.id


def test_a_registered_account_takes_what_guests_bought_before(desk):
    desk.guest_who_bought()
    account = desk.autonomy.customer(email=ADA)
    assert prove(desk, within=account.id).id == account.id
    assert [row.customer_id for row in desk.rows(select(Payment))] == [account.id]


def test_plugins_learn_of_the_first_proof_and_of_each_merging(desk):
    desk.guest(), desk.guest()
    account = prove(desk)
    prove(desk)
    assert [type(event) for event in desk.events] == [CustomerVerified, CustomersMerged]
    first, merged = desk.events
    assert (first.customer_id, first.email, merged.target_id) == (account.id, ADA, account.id)


def test_usenix_2022_a_proof_from_outside_an_account_is_reported(desk):
    with desk.autonomy.scope() as scope:
        prepared = register_customer(scope, ADA, "Mallory")
        prepared.marketing_at, prepared.marketing_source = prepared.created_at, "account"
    account = prove(desk)
    assert account.id == prepared.id
    assert [event.from_outside for event in verified(desk)] == [True]
    assert account.marketing_at is None
    assert account.name == ""


def test_a_stranger_cannot_have_the_owners_account_deleted(desk):
    with desk.autonomy.scope() as scope:
        request_deletion(scope, register_customer(scope, ADA, "Mallory"))
    assert prove(desk).deletion_due_at is None


@pytest.mark.parametrize("already_verified", [True, False])
def test_a_proof_from_a_session_of_the_account_is_not_from_outside(desk, already_verified):
    account = desk.autonomy.customer(email=ADA)
    prove(desk, within=account.id)
    if already_verified:
        prove(desk)
    assert [event.from_outside for event in verified(desk)] == [False]


def test_the_session_of_another_customer_is_outside(desk):
    desk.autonomy.customer(email=ADA)
    mallory = desk.autonomy.customer(email="mallory@example.org")
    prove(desk, within=mallory.id)
    assert [event.from_outside for event in verified(desk)] == [True]


def test_a_guest_who_becomes_an_account_has_no_outside(desk):
    desk.guest()
    prove(desk)
    assert [event.from_outside for event in verified(desk)] == [False]


def test_a_payment_that_completes_after_the_proof_is_claimed(desk):
    account = desk.autonomy.customer(email=ADA)
    prove(desk, within=account.id)
    late = desk.guest_who_bought()
    with desk.autonomy.scope() as scope:
        assert claim_guests(scope, late).id == account.id
    assert {row.customer_id for row in desk.rows(select(Grant))} == {account.id}


def test_nothing_is_claimed_for_an_account_without_proof(desk):
    desk.autonomy.customer(email=ADA)
    guest = desk.guest_who_bought()
    with desk.autonomy.scope() as scope:
        assert claim_guests(scope, guest) is None
    assert {row.customer_id for row in desk.rows(select(Grant))} == {guest.id}


def test_what_a_merged_guest_receives_later_is_claimed(desk):
    desk.guest()
    second = desk.guest_who_bought()
    account = prove(desk)
    # As if the purchase of the guest had begun before the merging, and was committed after it.
    with desk.autonomy.scope() as scope:
        scope.session.execute(update(Payment).values(customer_id=second.id))
        claim_guests(scope, account)
    assert {row.customer_id for row in desk.rows(select(Payment))} == {account.id}


def test_a_merged_customer_buys_nothing(desk):
    desk.guest()
    second = desk.guest()
    prove(desk)
    with pytest.raises(NotAuthenticated):
        desk.autonomy.payment(second, desk.autonomy.product())


def test_another_organisation_has_its_own_guests(desk):
    desk.autonomy.organisation("beacon", plugins=("stand_ins", "watching"))
    guest = desk.guest_who_bought()
    with desk.autonomy.scope("beacon") as scope:
        assert prove_address(scope, ADA) is None
    assert {row.customer_id for row in desk.rows(select(Payment))} == {guest.id}
