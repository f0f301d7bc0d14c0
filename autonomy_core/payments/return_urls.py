"""Where a buyer may be sent after a checkout."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.tenancy.hosts import LOOPBACK, host_keys

SCHEMES = ("http", "https")


class ForeignReturnUrl(InvalidInput):
    """A buyer is sent back to the organisation's own hosts only."""

    code, title = "foreign_return_url", "The return URL is not on one of the organisation's hosts"


@dataclass(frozen=True, slots=True)
class ReturnUrls:
    """Where a buyer goes afterwards, and where the API is, with a slash at the end; see `check_return_url`."""

    success_url: str
    cancel_url: str
    api_url: str


def url_problem(url: str) -> str | None:
    """What keeps a text from being an absolute URL that a buyer can be sent to, with the remedy; None if nothing does."""
    # It becomes a header, and a parameter of the payment provider's.
    foreign = next((each for each in url if not "!" <= each <= "~"), None)
    if foreign is not None:
        encoded = quote(foreign, errors="replace")
        return (
            f"U+{ord(foreign):04X} cannot be in a URL: write {encoded}, or in a host name its form with xn--."
        )
    if "\\" in url:
        # It means one host to a browser and another to a URL parser.
        return "A backslash cannot be in a URL: write / or %5C."
    parts = _split(url)
    if parts is None or parts.scheme not in SCHEMES or not parts.netloc:
        return "This is no absolute URL: write https:// or http://, a host, and what follows it."
    if "@" in parts.netloc:
        return "A user name cannot be in the URL: leave out the @ and what is before it."
    try:
        is_port = parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        is_port = False
    if not is_port:
        return "The port is none: write a number from 1 to 65535 after the colon, or leave both out."
    return None if host_keys(parts.netloc) else f"{parts.netloc} is not a host name: correct it."


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
        parts = _split(url)
        raise ForeignReturnUrl(
            f"{parts.netloc if parts else url} is none of them; use one of: {', '.join(sorted(allowed))}."
        )


def _hosts_of(url: str) -> set[str]:
    """The host of a URL, as organisations' hosts are compared; empty when it has none or is suspicious."""
    parts = _split(url)
    return set(host_keys(parts.netloc)) if parts is not None and url_problem(url) is None else set()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
