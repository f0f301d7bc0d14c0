"""Notices by mail about an account's security. They tell the owner, and never block a login."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from autonomy_core.plugin_api.customers import Customer, find_customer
from autonomy_core.plugin_api.mail import MailTemplate, send
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges.mails import prepare_notice
from customer_auth.sessions.clients import Sighting

NEW_DEVICE = "customer_auth.new_device"
FACTORS_CHANGED = "customer_auth.factors_changed"


class FactorChange(StrEnum):
    """What happened to the second factors of an account."""

    TOTP_ADDED = "totp_added"
    TOTP_REMOVED = "totp_removed"
    CODES_REPLACED = "codes_replaced"
    CODE_USED = "code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"


SAMPLE = {
    "name": "Ada",
    "url": "https://shop.example/account",
    "at": "2026-12-01T12:00:00+00:00",
    "browser": "Firefox",
    "system": "Linux",
    "network": "192.0.2.0/24",
    "change": FactorChange.TOTP_ADDED.value,
}

NOTICES = tuple(
    MailTemplate(name, "customer_auth", sample=SAMPLE, prepare=prepare_notice)
    for name in (NEW_DEVICE, FACTORS_CHANGED)
)
"""What the plugin registers. The texts are in the directory ``mail`` of the plugin."""


def notify_of_new_device(scope: TenantScope, account: Customer, client: Sighting) -> None:
    """Tell the owner of an account of a login from a client that has not been seen before."""
    values = {"at": _now(), "browser": client.browser, "system": client.system, "network": client.network}
    send(scope, NEW_DEVICE, account.email, values, customer_id=account.id, locale=account.locale)


def notify_of_factors(scope: TenantScope, customer_id: UUID, change: FactorChange) -> None:
    """Tell the owner of an account of a change of its second factors."""
    account = find_customer(scope, customer_id)
    if account is not None:
        values = {"at": _now(), "change": change.value}
        send(scope, FACTORS_CHANGED, account.email, values, customer_id=account.id, locale=account.locale)


def _now() -> str:
    return utcnow().isoformat(timespec="seconds")
