"""Change a customer: name, address, language, consent, block. The audit log and the plugins learn of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError

from autonomy_core.audit.services import record
from autonomy_core.customers.domain import customer_of, for_audit, token_for
from autonomy_core.customers.models import Customer
from autonomy_core.customers.services import EmailTaken, find_customer, lock_current
from autonomy_core.db.base import utcnow
from autonomy_core.kernel.events import CustomerUpdated
from autonomy_core.kernel.keys import organisation_key, organisation_keys
from autonomy_core.kernel.mail import Mail, NotSent
from autonomy_core.kernel.scope import TenantScope, forbid_commit
from autonomy_core.kernel.urls import NoHost, api_url
from autonomy_core.mail.suppressions import allow, suppress

PURPOSE = "customers.unsubscribe"

FROM_ACCOUNT = "account"
"""The source of a consent that the customer gave in the account."""


def change_customer(scope: TenantScope, customer: Customer, values: Mapping[str, Any], *, actor: str) -> None:
    """Change columns of a customer, and call the hook ``on_customer_updated``. Equal values change nothing.

    Args:
        scope: the scope of the organisation.
        customer: the customer.
        values: the new values, by column.
        actor: who changes, for the audit log.

    Raises:
        EmailTaken: another account has the new address.
        NotFound: the customer was erased or merged meanwhile.
    """
    lock_current(scope, customer)
    before = {name: getattr(customer, name) for name in values if getattr(customer, name) != values[name]}
    if not before:
        return
    try:
        with scope.session.begin_nested():
            for name in before:
                setattr(customer, name, values[name])
    except IntegrityError as error:
        raise EmailTaken from error
    record(
        scope,
        actor=actor,
        action="customer.updated",
        target=f"customer:{customer.id}",
        detail={
            "before": for_audit(before),
            "after": for_audit({name: values[name] for name in before}),
        },
    )
    with forbid_commit(scope):
        scope.hooks.call("on_customer_updated", CustomerUpdated(scope, customer.id, frozenset(before)))


def change_own(scope: TenantScope, customer: Customer, wanted: Mapping[str, Any]) -> Customer:
    """Change what a customer may change: ``name``, ``locale``, ``accepts_marketing``."""
    lock_current(scope, customer)
    values = {name: wanted[name] for name in ("name", "locale") if name in wanted}
    actor = f"customer:{customer.id}"
    if "accepts_marketing" in wanted:
        values |= _consent(scope, customer, accepts=wanted["accepts_marketing"])
    change_customer(scope, customer, values, actor=actor)
    return customer


def unsubscribe_url(scope: TenantScope, customer: Customer) -> str:
    """Return the URL that ends a customer's consent with one POST (RFC 8058), for the headers of bulk mail.

    Raises:
        NoHost: no host is declared.
    """
    token = token_for(organisation_key(scope, PURPOSE), customer.id)
    return api_url(scope, f"customers/unsubscribe?token={token}")


def unsubscribe_url_of_mail(scope: TenantScope, mail: Mail) -> str:
    """Return the URL that ends bulk mail to the customer of a mail.

    Raises:
        NotSent: the mail is not to the address of a customer, the address is not proven, or no host is
            declared.
    """
    customer = find_customer(scope, mail.customer_id) if mail.customer_id is not None else None
    if customer is None or customer.email.lower() != mail.to.lower():
        raise NotSent("bulk mail is to customers, or needs an unsubscribe_url")
    if not customer.email_verified:
        raise NotSent("the customer has not proven the address")
    try:
        return unsubscribe_url(scope, customer)
    except NoHost as error:
        raise NotSent(str(error)) from None


def customer_of_token(scope: TenantScope, token: str) -> Customer | None:
    """Return the current customer of the token of a link that unsubscribes; None if it is not valid."""
    customer_id = customer_of(organisation_keys(scope, PURPOSE), token)
    customer = find_customer(scope, customer_id) if customer_id else None
    if customer is not None and customer.merged_into is not None:
        customer = find_customer(scope, customer.merged_into)
    return customer if customer is not None and customer.is_current else None


def unsubscribe(scope: TenantScope, customer: Customer) -> None:
    """End a customer's consent. Repeated calls have no effect."""
    lock_current(scope, customer)
    values = _consent(scope, customer, accepts=False)
    change_customer(scope, customer, values, actor=f"customer:{customer.id}")


def _consent(scope: TenantScope, customer: Customer, *, accepts: bool) -> dict[str, Any]:
    """Return the columns of a consent, and have mail follow it. A consent keeps its first time."""
    if not accepts:
        suppress(scope, customer.email, "unsubscribed")
        return {"marketing_at": None, "marketing_source": None}
    # The account may be a stranger's. `proving` allows the mail when the mailbox is proven.
    if customer.email_verified:
        allow(scope, customer.email, ["unsubscribed"])
    if customer.marketing_at is not None:
        return {}
    return {"marketing_at": utcnow(), "marketing_source": FROM_ACCOUNT}
