"""The rules for new passwords."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from autonomy_core.plugin_api.errors import InvalidInput
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.domain import Weakness, prepare_password, weakness_of
from customer_auth.passwords import breaches
from customer_auth.passwords.filters import PasswordFilter
from customer_auth.settings import PLUGIN

COMMON_PASSWORDS = Path(__file__).parents[1] / "static" / "common-passwords.filter"
"""Made from two public lists, see docs/customer-authentication-system.md."""

IN_WORDS = {
    Weakness.BREACHED: "This password is known from a breach of another site.",
    Weakness.COMMON: "This is one of the passwords that are guessed first.",
    Weakness.REPEATED: "The password is blank, or repeats the same few characters.",
    Weakness.PERSONAL: "The password is made of words from a name or an address of yours or of this shop.",
}


class WeakPassword(InvalidInput):
    """The password is easy to guess: common, breached, repeated or personal, as ``reason`` states."""

    code, title = "weak_password", "The password is too easy to guess"
    members = {
        "reason": {"type": "string", "enum": [each.value for each in Weakness]},
        "errors": {
            "type": "object",
            "description": "the reason in words, at the member of the body it is about",
        },
    }


def require_strong(scope: TenantScope, password: str, *, member: str, email: str, name: str) -> None:
    """Refuse a password that is easy to guess. Do not call it in a transaction: it may ask another server.

    Args:
        scope: the scope of the organisation.
        password: as it was sent.
        member: the member of the body that contains it.
        email: the customer's address, in its canonical form.
        name: the customer's name.

    Raises:
        WeakPassword: it is common, breached, repeated or personal.
    """
    shop = scope.organisation
    found = weakness_of(
        password, common=common_passwords(), personal=(email, name, shop.id, shop.name, *shop.hosts)
    )
    if found is None and _is_breached(scope, password):
        found = Weakness.BREACHED
    if found is not None:
        words = IN_WORDS[found]
        raise WeakPassword(words, extra={"reason": found.value, "errors": {"body": {member: [words]}}})


def _is_breached(scope: TenantScope, password: str) -> bool:
    server = scope.server_settings(PLUGIN)
    known: PasswordFilter | None = server["breached_passwords"]
    if known is not None and prepare_password(password) in known:
        return True
    asks = scope.settings(PLUGIN)["breached_passwords_online"]
    return asks and breaches.is_breached(server["breached_passwords_url"], password)


@cache
def common_passwords() -> PasswordFilter:
    """Return the most common passwords, in lower case."""
    return PasswordFilter(COMMON_PASSWORDS)
