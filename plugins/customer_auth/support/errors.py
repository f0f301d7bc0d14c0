"""The errors of support."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import Conflict


class AlreadyVerified(Conflict):
    """The customer has proven the address, so there is nothing to send."""

    code, title = "already_verified", "The address is verified already"


class NoAccount(Conflict):
    """The customer is a guest, is blocked, was erased, or was merged into another one."""

    code, title = "no_account", "This customer has no account that can be used"
