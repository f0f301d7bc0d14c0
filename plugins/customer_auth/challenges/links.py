"""The links in mails. They lead to a page of the front end, or to this server's own page."""

from __future__ import annotations

from urllib.parse import urlencode

from autonomy_core.plugin_api.mail import NoHost, api_url
from autonomy_core.plugin_api.scope import TenantScope
from customer_auth.challenges.domain import Purpose
from customer_auth.settings import PLUGIN

OWN_PAGE = "customers/link"


class NoAddress(LookupError):
    """The organisation has neither an `account_url` nor a host, so that a link could lead nowhere."""


def account_page(scope: TenantScope) -> str:
    """Return the URL of the page where customers open the links of mails.

    It depends on settings only. The host of a request would let its sender choose where the links lead.

    Raises:
        NoAddress: the settings name no host.
    """
    configured: str | None = scope.settings(PLUGIN)["account_url"]
    if configured is not None:
        return configured
    try:
        return api_url(scope, OWN_PAGE)
    except NoHost:
        raise NoAddress(
            "no page for links: set account_url in [customer_auth], or a host of the organisation"
        ) from None


def link_to(scope: TenantScope, purpose: Purpose, token: str) -> str:
    """Return the link of a mail.

    The token is in the fragment, which a browser sends neither to a server nor in ``Referer``.

    Raises:
        NoAddress: see `account_page`.
    """
    return f"{account_page(scope)}#{urlencode({'purpose': purpose.value, 'token': token})}"
