"""The URLs to which a buyer may be sent after a checkout."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urlsplit

from autonomy_core.errors import InvalidInput
from autonomy_core.kernel.runtime import runtime_of
from autonomy_core.kernel.scope import TenantScope
from autonomy_core.tenancy.hosts import LOOPBACK, host_keys, is_loopback

SCHEMES = ("http", "https")


class ForeignReturnUrl(InvalidInput):
    """A return URL must be on one of the organisation's hosts."""

    code, title = "foreign_return_url", "The return URL is not on one of the organisation's hosts"


@dataclass(frozen=True, slots=True)
class ReturnUrls:
    """The return URLs of a buyer, and the API's URL with a final slash; see `check_return_url`."""

    success_url: str
    cancel_url: str
    api_url: str


def url_problem(url: str) -> str | None:
    """Return why a text is not an absolute URL for a buyer, with the remedy; None if it is one."""
    # The URL becomes a header, and a parameter of the payment provider's API.
    foreign = next((each for each in url if not "!" <= each <= "~"), None)
    if foreign is not None:
        encoded = quote(foreign, errors="replace")
        return (
            f"U+{ord(foreign):04X} cannot be in a URL: write {encoded}, or in a host name its form with xn--."
        )
    if "\\" in url:
        # Browsers and URL parsers interpret it differently.
        return "A backslash cannot be in a URL: write / or %5C."
    parts = _split(url)
    if parts is None or parts.scheme not in SCHEMES or not parts.netloc:
        return "This is not an absolute URL: write https:// or http://, a host, and a path."
    if "@" in parts.netloc:
        return "A user name cannot be in the URL: leave out the @ and what is before it."
    try:
        is_port = parts.port != 0 and not parts.netloc.endswith(":")
    except ValueError:
        is_port = False
    if not is_port:
        return "The port is invalid: write a number from 1 to 65535 after the colon, or leave both out."
    return None if host_keys(parts.netloc) else f"{parts.netloc} is not a host name: correct it."


def check_return_url(scope: TenantScope, url: str, api_url: str) -> None:
    """Check that a return URL does not lead to a foreign site.

    Args:
        scope: the organisation.
        url: an absolute http or https URL.
        api_url: the URL at which the API was called. It comes from the Host header and is not trusted; it is
            checked like any other URL.

    Raises:
        ForeignReturnUrl: the host is foreign, or the URL is not absolute.
    """
    allowed = {*scope.organisation.hosts, *runtime_of(scope).own_hosts}
    hosts = _hosts_of(url)
    if any(map(is_loopback, _hosts_of(api_url))):
        allowed |= LOOPBACK | set(filter(is_loopback, hosts))
    if not allowed & hosts:
        parts = _split(url)
        raise ForeignReturnUrl(
            f"{parts.netloc if parts else url} is none of them; use one of: {', '.join(sorted(allowed))}."
        )


def _hosts_of(url: str) -> set[str]:
    """Return the host of a URL, in each form in which hosts are compared.

    The set is empty if the host is missing or suspicious.
    """
    parts = _split(url)
    return set(host_keys(parts.netloc)) if parts is not None and url_problem(url) is None else set()


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None
