"""Change of the address: confirmed at the new one, announced at the old one, with a way back."""

from __future__ import annotations

from uuid import UUID

import structlog

from autonomy_core.plugin_api.customers import (
    Customer,
    change_customer,
    change_email,
    find_customer,
    find_customer_by_email,
    merge,
    prove_address,
    require_open_login,
    revoke_keys_and_invitations,
)
from autonomy_core.plugin_api.errors import InvalidInput, NotAuthenticated
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges import store
from customer_auth.challenges.domain import Purpose
from customer_auth.challenges.errors import InvalidLink
from customer_auth.challenges.mails import MailKind
from customer_auth.challenges.proving import Proof, use_own
from customer_auth.challenges.requesting import count_for_customer
from customer_auth.domain import WorkPurpose
from customer_auth.limits.work import require_work
from customer_auth.passwords.credentials import forget_credentials

log = structlog.get_logger(__name__)

SAME_OWNER = "the mailbox of its address was proven when a change of address was taken back"


class SameEmail(InvalidInput):
    """The new address is the one that the account has."""

    code, title = "same_email", "The account has this address already"


def request_verification_mail(
    scope: TenantScope, customer_id: UUID, *, client_address: str | None, proof_of_work: str | None = None
) -> None:
    """Mail a link and a code that verify the customer's address, unless it is verified.

    Raises:
        ProofOfWorkRequired: the client must solve a challenge first.
        TooManyRequests: too many mails to the address, by the customer, or from this network.
    """
    require_work(scope, WorkPurpose.VERIFICATION, proof_of_work)
    customer = _require(scope, customer_id)
    count_for_customer(scope, MailKind.VERIFY, customer.email, customer.id, client_address)
    send_verification(scope, customer)


def send_verification(scope: TenantScope, customer: Customer) -> None:
    """Mail a link and a code that verify a customer's address."""
    template = MailKind.VERIFY.template
    send(scope, template, customer.email, {}, customer_id=customer.id, locale=customer.locale)


def request_change_mail(
    scope: TenantScope, customer_id: UUID, *, email: str, client_address: str | None
) -> None:
    """Mail a link and a code to a new address. The account keeps its address until one of them is used.

    The answer does not depend on whether the address has an account. If it has one, no mail is sent.

    Raises:
        SameEmail: the account has this address.
        TooManyRequests: too many mails to the address, by the customer, or from this network.
    """
    customer = _require(scope, customer_id)
    if customer.email == email:
        raise SameEmail
    count_for_customer(scope, MailKind.EMAIL_CHANGE, email, customer_id, client_address)
    template = MailKind.EMAIL_CHANGE.template
    send(scope, template, email, {}, customer_id=customer_id, locale=customer.locale)


def confirm_change(scope: TenantScope, customer_id: UUID, session_id: UUID | None, proof: Proof) -> Customer:
    """Change the address of a customer who is logged in, and mail the way back to the old one.

    A link that opens in a foreign browser changes nothing. Otherwise the owner of the new mailbox could be
    made the owner of an account of another person.

    Raises:
        NotAuthenticated: the login of the request, ``session_id``, has ended.
        InvalidLink, InvalidCode: the proof is not valid, or is another customer's.
        EmailTaken: an account has got the address meanwhile.
    """
    used = use_own(scope, Purpose.CHANGE, customer_id, proof)
    customer = require_open_login(scope, customer_id, session_id)
    old = customer.email
    change_email(scope, customer, used.email)
    prove_address(scope, used.email, within=customer_id)
    values = {"changed_at": utcnow().isoformat()}
    template = MailKind.EMAIL_CHANGED.template
    send(scope, template, old, values, customer_id=customer_id, locale=customer.locale)
    return customer


def undo_change(scope: TenantScope, token: str) -> None:
    """Give an account its former address again, and forget all credentials, logins and a wish to be deleted.

    The API keys of a member of staff are revoked, and open invitations by the member are withdrawn: the
    intruder may have made them.

    The owner of the old mailbox did not want the change, so an intruder has made it. The owner then sets a
    new password with a link to the mailbox. An account that was registered with the old address meanwhile is
    merged: otherwise an intruder could prevent the way back by registering the address.

    Raises:
        InvalidLink: the way back is used or over, or the account is blocked or erased.
    """
    used = store.use_link(scope, Purpose.UNDO, token)
    customer = find_customer(scope, used.customer_id) if used.customer_id is not None else None
    if customer is None or not customer.is_current or customer.blocked_at is not None:
        raise InvalidLink
    replaced = customer.email
    forget_credentials(scope, customer.id)
    revoke_keys_and_invitations(scope, customer.id, actor=f"customer:{customer.id}")
    meanwhile = find_customer_by_email(scope, used.email)
    if meanwhile is not None and meanwhile.id != customer.id:
        forget_credentials(scope, meanwhile.id)
        merge(scope, meanwhile, customer, actor=f"customer:{customer.id}", reason=SAME_OWNER)
    change_email(scope, customer, used.email)
    prove_address(scope, used.email, within=customer.id)
    # The mail that announces a deletion may have gone to the intruder's address only.
    change_customer(scope, customer, {"deletion_due_at": None}, actor=f"customer:{customer.id}")
    template = MailKind.EMAIL_RESTORED.template
    send(scope, template, replaced, {}, customer_id=customer.id, locale=customer.locale)
    log.warning("customer_auth.email_restored", customer=str(customer.id))


def _require(scope: TenantScope, customer_id: UUID) -> Customer:
    customer = find_customer(scope, customer_id)
    if customer is None or not customer.is_current:
        raise NotAuthenticated
    return customer
