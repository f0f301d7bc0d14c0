"""Where a buyer may be sent after a checkout."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from autonomy_core.errors import InvalidInput
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.tenancy.hosts import LOOPBACK, host_keys


class ForeignReturnUrl(InvalidInput):
    """A buyer is sent back to the organisation's own hosts only."""

    code, title = "foreign_return_url", "The return URL is not on one of the organisation's hosts"


@dataclass(frozen=True, slots=True)
class ReturnUrls:
    """Where a buyer goes afterwards, and where the API is, with a slash at the end; see `check_return_url`."""

    success_url: str
    cancel_url: str
    api_url: str


def check_return_url(scope: TenantScope, url: str, api_url: str) -> None:
    """Make sure that a buyer is not sent to a stranger's page.

    Args:
        url: absolute, http or https.
        api_url: where the API was called. The caller says so, in the Host header, and is not believed: it is
            checked like any other URL.

    Raises:
        ForeignReturnUrl: it is another host's, or no absolute URL.
    """
    allowed = {*scope.organisation.hosts, *scope.runtime.own_hosts}
    if LOOPBACK & _hosts_of(api_url):
        allowed |= LOOPBACK
    if not allowed & _hosts_of(url):
        raise ForeignReturnUrl(f"Use one of: {', '.join(sorted(allowed))}.")


def _hosts_of(url: str) -> set[str]:
    """The host of a URL, as organisations' hosts are compared; empty when it has none or is suspicious."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return set()
    # A backslash means one host to a browser and another to a URL parser.
    if parts.scheme not in ("http", "https") or "\\" in url:
        return set()
    return set(host_keys(parts.netloc))
