"""Change the address of an account."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import EmailTaken
from autonomy_core.kernel.scope import TenantScope


def change_email(scope: TenantScope, customer: Customer, email: str) -> None:
    """Give an account another address, which counts as unproven. Call `prove_address` with the proof.

    Args:
        scope: the scope of the organisation.
        customer: an account, which is locked until the transaction ends.
        email: the address, normalised as at registration.

    Raises:
        EmailTaken: another account has the address.
    """
    scope.session.refresh(customer, with_for_update={"key_share": True})
    try:
        with scope.session.begin_nested():
            customer.email, customer.email_verified_at = email, None
    except IntegrityError as error:
        raise EmailTaken from error
