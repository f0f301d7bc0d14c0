"""Counts the slow requests of each client address."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from autonomy_core.errors import TooManyRequests

RETRY_AFTER_S = 30
_NETWORK_OF_A_CUSTOMER = 64
"""Whoever has one IPv6 address has all of its /64."""


class Crowd:
    """How many slow requests each address has at hand.

    Args:
        most: how many one address may have.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count: Counter[str] = Counter()

    @contextmanager
    def joined(self, address: str) -> Iterator[None]:
        """Count a request for as long as the block runs.

        Raises:
            TooManyRequests: the address has as many as it may.
        """
        key = network_of(address)
        if self._count[key] >= self._most:
            raise TooManyRequests(
                "Too many slow requests come from this address.", extra={"retry_after": RETRY_AFTER_S}
            )
        self._count[key] += 1
        try:
            yield
        finally:
            self._count[key] -= 1
            if not self._count[key]:
                del self._count[key]


def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _NETWORK_OF_A_CUSTOMER), strict=False))
