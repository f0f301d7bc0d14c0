"""The client's address as the log tells it: whole, shortened to its network, or not at all."""

from __future__ import annotations

from functools import lru_cache

from autonomy_core.addresses import address_of, shortened

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
    parsed = address_of(address)
    if parsed is None:
        return "unknown"
    return str(parsed) if how == "full" else shortened(parsed, SHORTENED[parsed.version])
