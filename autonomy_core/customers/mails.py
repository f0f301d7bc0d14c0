"""The kinds of mail to customers about their accounts. The texts are in the directory ``mail``."""

from __future__ import annotations

from autonomy_core.customers.models import Customer
from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.services import send

PACKAGE = "autonomy_core.customers"

WELCOME, DELETION = "customers.welcome", "customers.deletion"

ACCOUNT = "https://shop.example/account"
"""The page of a front end, in samples."""

TEMPLATES = (
    MailTemplate(
        WELCOME,
        PACKAGE,
        sample={"account_url": ACCOUNT},
    ),
    MailTemplate(
        DELETION,
        PACKAGE,
        sample={"due_at": "2026-12-14T12:00:00+00:00", "account_url": ACCOUNT},
    ),
)
"""``customers.welcome`` goes to an unproven address, so it shows nothing that its sender has chosen."""


def welcome(scope: TenantScope, customer: Customer) -> None:
    """Tell the owner of an address that an account was created with it."""
    send(scope, WELCOME, customer.email, {}, customer_id=customer.id, locale=customer.locale)


def notify_of_deletion(scope: TenantScope, customer: Customer) -> None:
    """Tell a customer until when the account can be kept."""
    assert customer.deletion_due_at is not None  # noqa: S101 - for the type checker: it was set a moment ago
    values = {"due_at": customer.deletion_due_at.isoformat(timespec="seconds")}
    send(scope, DELETION, customer.email, values, customer_id=customer.id, locale=customer.locale)
