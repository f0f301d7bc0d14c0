"""The errors of logins that need more than was presented."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import Conflict, InvalidInput, NotAllowed, NotAuthenticated
from customer_auth.second_factors.domain import Factor


class SecondFactorRequired(NotAllowed):
    """The first factor is right, and the account needs a second one."""

    code, title = "second_factor_required", "A second factor is required"
    members = {
        "flow": {
            "type": ["string", "null"],
            "description": "send it with the second factor to `login/second-factor`; null if the customer is "
            "logged in, and sends the second factor to the same call",
        },
        "methods": {
            "type": "array",
            "items": {"type": "string", "enum": [factor.value for factor in Factor]},
            "description": "what the account has",
        },
    }
    # The flow is stored, and the proof that was presented is used up, although the request is refused.
    commits = True


class SecondFactorMissing(NotAllowed):
    """The organisation demands a second factor, and the account has none."""

    code, title = "second_factor_missing", "This login needs a second factor, and the account has none"


class AccountBlocked(NotAllowed):
    """The organisation has blocked the account, or it was closed."""

    code, title = "account_blocked", "This account cannot log in"


class InvalidFlow(NotAuthenticated):
    """The flow is unknown, completed, or older than ten minutes."""

    code, title = "invalid_flow", "This login has to begin again"


class WrongCode(InvalidInput):
    """The code is wrong, or was used before."""

    code, title = "wrong_code", "This code is wrong or was used before"


class SecondFactorExists(Conflict):
    """The account has an authenticator app. It must be removed first."""

    code, title = "second_factor_exists", "The account has an authenticator app already"


LOGIN_ERRORS = (SecondFactorRequired, SecondFactorMissing, AccountBlocked, NotAllowed)
"""How `open_session` may refuse a login; `NotAllowed` is what plugins raise in the hook ``on_login``."""
