"""The kinds of mail to customers about what staff give. The texts are in the directory ``mail``."""

from __future__ import annotations

from collections.abc import Sequence

from autonomy_core.customers.models import Customer
from autonomy_core.grants.models import Grant
from autonomy_core.kernel.mail import MailTemplate
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.mail.services import send

PACKAGE = "autonomy_core.grants"

GIVEN, REVOKED = "grants.given", "grants.revoked"

TEMPLATES = (
    MailTemplate(
        GIVEN,
        PACKAGE,
        sample={
            "titles": ["First Light", "Second Light"],
            "library_url": "https://shop.example/library#token=sample",
            "account_url": "https://shop.example/library",
        },
    ),
    MailTemplate(REVOKED, PACKAGE, sample={"title": "First Light"}),
)


def notify_given(scope: TenantScope, customer: Customer, given: Sequence[Grant]) -> None:
    """Tell a customer what staff have given."""
    _send(scope, customer, GIVEN, {"titles": [grant.product.title for grant in given]})


def notify_taken_back(scope: TenantScope, customer: Customer, grant: Grant) -> None:
    """Tell a customer what staff have taken back. The reason is for staff."""
    _send(scope, customer, REVOKED, {"title": grant.product.title})


def _send(scope: TenantScope, customer: Customer, template: str, values: dict[str, object]) -> None:
    if customer.email:
        send(scope, template, customer.email, values, customer_id=customer.id, locale=customer.locale)
