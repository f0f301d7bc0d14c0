"""Help a customer into the account. A mail goes to the customer only, so staff never see a link."""

from __future__ import annotations

from typing import Any

from autonomy_core.plugin_api.audit import change, record
from autonomy_core.plugin_api.customers import Customer
from autonomy_core.plugin_api.mail import send
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges.mails import MailKind
from customer_auth.sessions.services import end_all_sessions
from customer_auth.support.errors import AlreadyVerified, NoAccount


def resend_verification(scope: TenantScope, customer: Customer, *, actor: str) -> None:
    """Send another mail that verifies the customer's address.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer: the customer.
        actor: who sends it, for the audit log.

    Raises:
        NoAccount, AlreadyVerified
    """
    _require_account(customer)
    if customer.email_verified:
        raise AlreadyVerified
    _send(scope, MailKind.VERIFY, customer)
    _record(scope, "customer.verification_sent", customer, actor)


def start_reset(scope: TenantScope, customer: Customer, *, actor: str) -> None:
    """Send a link with which the customer sets a new password.

    Args:
        scope: the scope of the organisation, in a transaction.
        customer: the customer.
        actor: who sends it, for the audit log.

    Raises:
        NoAccount
    """
    _require_account(customer)
    _send(scope, MailKind.RESET, customer)
    _record(scope, "customer.reset_started", customer, actor)


def end_logins(scope: TenantScope, customer: Customer, *, actor: str) -> None:
    """End all logins of the customer, for example after the loss of a phone."""
    ended = end_all_sessions(scope, customer.id)
    detail = change({"logins": ended}, {"logins": 0})
    _record(scope, "customer.logins_ended", customer, actor, detail)


def _require_account(customer: Customer) -> None:
    if customer.guest or not customer.is_current or customer.blocked_at is not None:
        raise NoAccount


def _send(scope: TenantScope, kind: MailKind, customer: Customer) -> None:
    send(scope, kind.template, customer.email, {}, customer_id=customer.id, locale=customer.locale)


def _record(
    scope: TenantScope, action: str, customer: Customer, actor: str, detail: dict[str, Any] | None = None
) -> None:
    record(scope, actor=actor, action=action, target=f"customer:{customer.id}", detail=detail)
