"""What a new password must not be."""

from __future__ import annotations

from functools import cache

from autonomy_core.plugin_api.errors import InvalidInput
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.domain import Weakness, weakness_of

IN_WORDS = {
    Weakness.COMMON: "This is one of the passwords that are guessed first.",
    Weakness.REPEATED: "The password is blank, or repeats the same few characters.",
    Weakness.PERSONAL: "The password is made of words from a name or an address of yours or of this shop.",
}


class WeakPassword(InvalidInput):
    """The password is one of those that are tried first: common, repeated, or personal, as ``reason`` says."""

    code, title = "weak_password", "The password is too easy to guess"
    members = {
        "reason": {"type": "string", "enum": [each.value for each in Weakness]},
        "errors": {
            "type": "object",
            "description": "the reason in words, at the member of the body it is about",
        },
    }


def require_strong(scope: TenantScope, password: str, *, member: str, email: str, name: str) -> None:
    """Refuse a password that would be guessed first.

    Args:
        password: as it was sent.
        member: the member of the body that it came in.
        email: the customer's address, in its canonical form.
        name: the customer's name.

    Raises:
        WeakPassword: it is common, repeated or personal.
    """
    shop = scope.organisation
    found = weakness_of(
        password, common=common_passwords(), personal=(email, name, shop.id, shop.name, *shop.hosts)
    )
    if found is not None:
        words = IN_WORDS[found]
        raise WeakPassword(words, extra={"reason": found.value, "errors": {"body": {member: [words]}}})


@cache
def common_passwords() -> frozenset[str]:
    """The 30,000 most common passwords of zxcvbn's list, in lower case."""
    # zxcvbn keeps 14 MiB of lists: only a process in which a password is chosen pays for them.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - lists that only new passwords need

    return frozenset(FREQUENCY_LISTS["passwords"])
