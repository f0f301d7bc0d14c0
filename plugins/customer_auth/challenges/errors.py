"""The errors of links and codes."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import InvalidInput


class InvalidLink(InvalidInput):
    """The link is unknown, used, expired, or of an address that the account no longer has."""

    code, title = "invalid_link", "This link is not valid any more"


class InvalidCode(InvalidInput):
    """The code is wrong or expired, or too many wrong codes were typed."""

    code, title = "invalid_code", "This code is not valid"
    # The wrong code is counted although the request is refused, so the transaction must commit.
    commits = True
