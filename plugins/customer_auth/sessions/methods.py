"""The methods by which a customer authenticates, and what they prove together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

RECENT_FOR = timedelta(minutes=10)
"""For how long after an authentication a customer may change credentials."""


class Method(StrEnum):
    """A method of authentication. The values are those of RFC 8176 where it has one."""

    PASSWORD = "pwd"  # noqa: S105 - the name of a method
    MAIL = "mail"
    """A link or a code that was sent to the customer's mailbox."""
    PROVIDER = "oidc"
    """A login at another provider of identities."""
    ONE_TIME_CODE = "otp"
    RECOVERY_CODE = "recovery"
    SECURITY_KEY = "hwk"
    """A passkey, or another key of WebAuthn."""
    TWO_FACTORS = "mfa"
    """The login has been authenticated with two factors."""


AUTHENTICATORS = (
    frozenset({Method.PASSWORD, Method.MAIL, Method.PROVIDER}),
    frozenset({Method.ONE_TIME_CODE, Method.RECOVERY_CODE}),
    frozenset({Method.SECURITY_KEY}),
)
"""Methods that can replace one another, and so are one factor: a mailbox resets a password."""


def with_factors(methods: Iterable[Method]) -> frozenset[Method]:
    """Return methods, with `Method.TWO_FACTORS` if they prove two factors.

    Args:
        methods: what a customer was authenticated with. A passkey that has verified its user is given with
            `Method.TWO_FACTORS`, because it proves the possession and a PIN or a finger by itself.
    """
    proven = frozenset(methods)
    factors = [group for group in AUTHENTICATORS if group & proven]
    return proven | {Method.TWO_FACTORS} if len(factors) > 1 else proven


def is_recent(authenticated_at: datetime, now: datetime) -> bool:
    """Return whether an authentication is recent enough to change credentials."""
    return now - authenticated_at < RECENT_FOR
