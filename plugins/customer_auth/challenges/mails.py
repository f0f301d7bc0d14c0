"""The plugin's mails, as the worker prepares them: it decides whether one is sent, and creates its challenge.

So no token is stored or queued in the clear, and a retried mail has a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import exists, select

from autonomy_core.plugin_api.customers import Customer, find_customer, find_customer_by_email, is_current
from autonomy_core.plugin_api.mail import Mail, MailTemplate, NotSent
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges.domain import LIFETIMES, Purpose
from customer_auth.challenges.links import NoAddress, account_page, link_to
from customer_auth.challenges.models import Challenge
from customer_auth.challenges.store import Issued, create
from customer_auth.settings import PLUGIN

NO_CUSTOMER = "no customer has this address"
CHANGED = "the customer's address has changed"
BLOCKED = "the customer is blocked"
TOO_LATE = "it was requested too long ago"

Values = Mapping[str, Any]


class MailKind(StrEnum):
    """The kinds of mail that the plugin sends."""

    VERIFY = "verify"
    RESET = "reset"
    SIGN_IN = "sign_in"
    LIBRARY = "library"
    EMAIL_CHANGE = "email_change"
    """To the new address: confirm it."""
    EMAIL_CHANGED = "email_changed"
    """To the old address: the way back."""
    EMAIL_RESTORED = "email_restored"
    """To the address that a way back has replaced."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of mail

    @property
    def template(self) -> str:
        """The name of its template."""
        return f"{PLUGIN}.{self.value}"


def prepare_verify(scope: TenantScope, mail: Mail) -> Values:
    """Create a link and a code for the customer's own login."""
    _require_in_time(mail, Purpose.VERIFY)
    customer = _own(scope, mail)
    if customer.email_verified:
        raise NotSent("the address is verified already")
    issued = create(scope, Purpose.VERIFY, mail.to, customer_id=customer.id, with_code=True)
    return _shown(scope, mail, Purpose.VERIFY, issued, customer)


def prepare_reset(scope: TenantScope, mail: Mail) -> Values:
    """Create a link with which a password is set. The customer need not have one."""
    return _prepare_for_mailbox(scope, mail, Purpose.RESET)


def prepare_library(scope: TenantScope, mail: Mail) -> Values:
    """Create a link that opens all that was bought with the address."""
    return _prepare_for_mailbox(scope, mail, Purpose.LIBRARY)


def prepare_sign_in(scope: TenantScope, mail: Mail) -> Values:
    """Create a link and a code for the client that asked."""
    return _prepare_for_mailbox(
        scope,
        mail,
        Purpose.SIGN_IN,
        with_code=True,
        browser_hash=mail.values["browser"],
        data={"within": mail.values.get("within")},
    )


def links_for(scope: TenantScope, mail: Mail) -> Values:
    """Return the links of a mail of the core, as values for its template; none if there is no page."""
    try:
        match mail.template:
            case "payments.receipt" | "grants.given":
                return _library_links(scope, mail)
            case "staff.invitation":
                return {"account_url": account_page(scope)}
            # This server's own page shows no account.
            case "customers.welcome" | "customers.deletion" if scope.settings(PLUGIN)["account_url"]:
                return {"account_url": account_page(scope)}
    except NoAddress:
        pass
    return {}


def _library_links(scope: TenantScope, mail: Mail) -> Values:
    """Return the link to what a customer owns.

    ``library_url`` is for a guest. It has a token, which opens everything that was bought with the address.
    ``account_url`` is for the owner of an account, who logs in.
    """
    customer = find_customer(scope, mail.customer_id) if mail.customer_id is not None else None
    if customer is None:
        return {}
    if not customer.guest or not customer.is_current:
        return {"account_url": account_page(scope)}
    token = create(scope, Purpose.LIBRARY, mail.to).token
    return {"library_url": link_to(scope, Purpose.LIBRARY, token)}


def prepare_email_change(scope: TenantScope, mail: Mail) -> Values:
    """Create a link and a code at the new address, for the customer's own login."""
    _require_in_time(mail, Purpose.CHANGE)
    customer = _customer_of(scope, mail)
    if customer.email == mail.to or find_customer_by_email(scope, mail.to) is not None:
        raise NotSent("an account has this address")
    issued = create(scope, Purpose.CHANGE, mail.to, customer_id=customer.id, with_code=True)
    return _shown(scope, mail, Purpose.CHANGE, issued, customer)


def prepare_email_changed(scope: TenantScope, mail: Mail) -> Values:
    """Create the way back, which ends seven days after the change, however late the mail is."""
    customer, changed_at = _customer_of(scope, mail), datetime.fromisoformat(mail.values["changed_at"])
    if utcnow() >= changed_at + LIFETIMES[Purpose.UNDO]:
        raise NotSent(TOO_LATE)
    if _was_taken_back(scope, customer, changed_at):
        raise NotSent("the change was taken back")
    issued = create(scope, Purpose.UNDO, mail.to, customer_id=customer.id, since=changed_at)
    return _shown(scope, mail, Purpose.UNDO, issued, customer)


def prepare_notice(scope: TenantScope, mail: Mail) -> Values:
    """Add the page where the customer can act."""
    customer = _customer_of(scope, mail, blocked=True)
    url: str | None = None
    with suppress(NoAddress):
        url = account_page(scope)
    # A plugin whose programs have ended says so, see `on_mail_sending`.
    return {"name": customer.name, "url": url, "programs_ended": False}


def _prepare_for_mailbox(scope: TenantScope, mail: Mail, purpose: Purpose, **options: Any) -> Values:
    """Create a challenge for the mailbox of an address, whether an account or guests have the address."""
    _require_in_time(mail, purpose)
    rows = (
        select(Customer).where(Customer.email == mail.to, is_current()).order_by(Customer.guest, Customer.id)
    )
    customer = scope.session.scalars(rows).first()
    if customer is None:
        raise NotSent(NO_CUSTOMER)
    if customer.blocked_at is not None:
        raise NotSent(BLOCKED)
    account_id = None if customer.guest else customer.id
    issued = create(scope, purpose, mail.to, customer_id=account_id, **options)
    return _shown(scope, mail, purpose, issued, customer)


def _require_in_time(mail: Mail, purpose: Purpose) -> None:
    """Refuse a mail that has waited so long that its recipient would not expect it any more."""
    if utcnow() - mail.created_at > LIFETIMES[purpose]:
        raise NotSent(TOO_LATE)


def _own(scope: TenantScope, mail: Mail) -> Customer:
    """Return the customer of a mail to the customer's present address."""
    customer = _customer_of(scope, mail)
    if customer.email != mail.to:
        raise NotSent(CHANGED)
    return customer


def _customer_of(scope: TenantScope, mail: Mail, *, blocked: bool = False) -> Customer:
    customer = find_customer(scope, mail.customer_id) if mail.customer_id is not None else None
    if customer is None or not customer.is_current:
        raise NotSent(NO_CUSTOMER)
    if customer.blocked_at is not None and not blocked:
        raise NotSent(BLOCKED)
    return customer


def _was_taken_back(scope: TenantScope, customer: Customer, changed_at: datetime) -> bool:
    """Return whether a way back that is as old as a change, or older, was used after it."""
    earlier = exists(Challenge.id).where(
        Challenge.customer_id == customer.id,
        Challenge.purpose == Purpose.UNDO.value,
        Challenge.created_at <= changed_at,
        Challenge.used_at > changed_at,
    )
    return bool(scope.session.scalar(select(earlier)))


def _shown(scope: TenantScope, mail: Mail, purpose: Purpose, issued: Issued, customer: Customer) -> Values:
    try:
        url = link_to(scope, purpose, issued.token)
    except NoAddress as error:
        raise NotSent(str(error)) from None
    return {
        # A stranger may have registered the address, with a name that advertises.
        "name": customer.name if customer.email_verified and customer.email == mail.to else None,
        "locale": customer.locale,
        "url": url,
        "code": issued.code,
        "expires_at": issued.expires_at.isoformat(timespec="seconds"),
    }


SAMPLE = {
    "name": "Ada",
    "url": "https://shop.example/account#purpose=verify&token=8Xk2…",
    "code": "WDJB-MJHT",
    "expires_at": "2026-12-01T12:00:00+00:00",
    "at": "2026-12-01T12:00:00+00:00",
    "programs_ended": True,
}

PREPARING: Mapping[MailKind, Callable[[TenantScope, Mail], Values]] = {
    MailKind.VERIFY: prepare_verify,
    MailKind.RESET: prepare_reset,
    MailKind.SIGN_IN: prepare_sign_in,
    MailKind.LIBRARY: prepare_library,
    MailKind.EMAIL_CHANGE: prepare_email_change,
    MailKind.EMAIL_CHANGED: prepare_email_changed,
    MailKind.EMAIL_RESTORED: prepare_notice,
    MailKind.PASSWORD_CHANGED: prepare_notice,
}

TEMPLATES = tuple(
    MailTemplate(kind.template, "customer_auth", sample=SAMPLE, prepare=prepare)
    for kind, prepare in PREPARING.items()
)
"""What the plugin registers. The texts are in the directory ``mail`` of the plugin."""
