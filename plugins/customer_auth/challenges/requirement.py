"""Organisations that demand a verified address before a login or a purchase."""

from __future__ import annotations

from uuid import UUID

from autonomy_core.plugin_api.customers import Customer, find_customer
from autonomy_core.plugin_api.errors import NotAllowed
from autonomy_core.plugin_api.events import PurchaseRequested
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.payments import VerifiedEmailRequired
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges.mails import MailKind
from customer_auth.challenges.requesting import count_for_customer, new_flow
from customer_auth.domain import token_hash
from customer_auth.sessions.clients import Client
from customer_auth.settings import PLUGIN


class EmailNotVerified(NotAllowed):
    """The password is right, but the address must be verified first: with ``flow`` and the code of a mail."""

    code, title = "verification_required", "The e-mail address must be verified first"
    members = {
        "flow": {"type": "string", "description": "for `sign-in/confirm`, together with the code of the mail"}
    }
    # The mail is sent although the request is refused, so the transaction must commit.
    commits = True


def must_verify_to_log_in(scope: TenantScope) -> bool:
    """Return whether the organisation demands a verified address for logins."""
    return bool(scope.settings(PLUGIN)["require_verified"] == "login")


def require_verified(scope: TenantScope, customer_id: UUID, client: Client) -> None:
    """Refuse the login of a customer whose address must be verified first, and mail a code for it.

    Call it after the password was verified.

    Raises:
        EmailNotVerified: it must be verified.
        TooManyRequests: too many mails to the address, by the customer, or from this network.
    """
    if not must_verify_to_log_in(scope):
        return
    customer = find_customer(scope, customer_id)
    if customer is None or customer.email_verified:
        return
    count_for_customer(scope, MailKind.SIGN_IN, customer.email, customer.id, client.address)
    raise EmailNotVerified(extra={"flow": request_within(scope, customer)})


def require_verified_buyer(event: PurchaseRequested) -> None:
    """Refuse a purchase that the organisation allows to customers with a verified address only.

    An organisation that demands it for logins still sells to buyers without an account: they log in with the
    link of the receipt.

    Raises:
        VerifiedEmailRequired: the buyer's address must be verified.
    """
    demanded = event.scope.settings(PLUGIN)["require_verified"]
    is_free = demanded == "no" or (demanded == "login" and event.customer_id is None)
    if not (is_free or event.email_verified):
        raise VerifiedEmailRequired


def request_within(scope: TenantScope, customer: Customer) -> str:
    """Mail a code to a customer who has proven the password, and return the handle for it.

    The code then comes from within the account, so that its credentials stay; see `prove_address`.
    """
    flow = new_flow()
    values = {"browser": token_hash(flow), "within": str(customer.id)}
    template = MailKind.SIGN_IN.template
    send(scope, template, customer.email, values, customer_id=customer.id, locale=customer.locale)
    return flow
