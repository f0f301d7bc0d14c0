"""The errors of download codes."""

from __future__ import annotations

from autonomy_core.errors import InvalidInput, NotAllowed


class CodeNotValid(InvalidInput):
    """The code cannot be redeemed.

    The answer is the same for a code that does not exist, is used, has expired or was revoked, so that
    guessing reveals nothing.
    """

    code, title = "code_not_valid", "This code is not valid"


class RedemptionRefused(NotAllowed):
    """The organisation has blocked the customer of this address. The answer does not say so."""

    code, title = "redemption_refused", "This code cannot be redeemed; ask the shop"
