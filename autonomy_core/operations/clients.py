"""The client's address in the log: complete, shortened to its network, or omitted."""

from __future__ import annotations

from functools import lru_cache

from autonomy_core.addresses import address_of, shortened

SHORTENED = {4: 24, 6: 48}
"""The number of bits that are kept: a network of 256 IPv4 addresses, or a typical IPv6 customer network."""


@lru_cache(maxsize=4096)
def shown(address: str | None, how: str) -> str | None:
    """Return the client's address as the log shows it.

    Args:
        address: the client's address from ``REMOTE_ADDR``; None if it is unknown.
        how: ``full``, ``shortened`` or ``none``; the setting ``autonomy.log_clients``.

    Returns:
        The address, its network (``203.0.113.0/24``), or None to omit it. A value that is not an address, for
        example from a proxy, is shown as ``unknown``.
    """
    if how == "none" or not address:
        return None
    parsed = address_of(address)
    if parsed is None:
        return "unknown"
    return str(parsed) if how == "full" else shortened(parsed, SHORTENED[parsed.version])
