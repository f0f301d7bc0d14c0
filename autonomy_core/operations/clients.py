"""The client's address as the log tells it: whole, shortened to its network, or not at all."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

SHORTENED = {4: 24, 6: 48}
"""How many bits are kept: a network of 256 addresses, or what an IPv6 customer is usually given."""


@lru_cache(maxsize=4096)
def shown(address: str | None, how: str) -> str | None:
    """What the log says of a client.

    Args:
        address: the client's, as ``REMOTE_ADDR`` has it; None where the server does not know it.
        how: ``full``, ``shortened`` or ``none``; the setting ``autonomy.log_clients``.

    Returns:
        The address, its network (``203.0.113.0/24``), or None where nothing is to be told. What a proxy gives and
        is no address is told only as ``unknown``.
    """
    if how == "none" or not address:
        return None
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    if how == "full":
        return str(parsed)
    return str(ipaddress.ip_network((parsed, SHORTENED[parsed.version]), strict=False))
