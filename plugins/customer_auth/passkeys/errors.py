"""The errors of passkeys."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import Conflict, InvalidInput
from customer_auth.passkeys.domain import MOST_PASSKEYS


class ForeignPage(InvalidInput):
    """The page is on none of the organisation's hosts, so no passkey of it could work."""

    code, title = "foreign_page", "Passkeys work on the organisation's own hosts only"


class PasskeyRefused(InvalidInput):
    """The passkey is unknown, wrong or probably copied, or the flow was used or has expired."""

    code, title = "passkey_refused", "The passkey is not accepted; begin again"
    # The challenge is used up, and a copied passkey is marked, although the request is refused.
    commits = True


class PasskeyExists(Conflict):
    """The authenticator's passkey is registered already."""

    code, title = "passkey_exists", "This passkey is registered already"


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as are allowed."""

    code, title = "too_many_passkeys", f"An account has at most {MOST_PASSKEYS} passkeys"
