"""Parses the addresses of clients and proxies, and normalises IPv4 addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_CUSTOMER_PREFIX_LENGTH = 64
"""A customer with IPv6 usually has a whole /64 network."""

_WITH_PORT = re.compile(r"\[([^]]*)\](?::\d+)?|([\d.]+):\d+", re.ASCII)


def address_of(text: str | None) -> Address | None:
    """Parse an address.

    Args:
        text: an address. A socket that listens at ``::`` reports the IPv4 address 203.0.113.9 as
            ``::ffff:203.0.113.9``. Some proxies append the port, as in ``203.0.113.9:52011`` or
            ``[2001:db8::9]:52011``.

    Returns:
        The address; None if the text is not an address.
    """
    with_port = _WITH_PORT.fullmatch(text or "")
    try:
        found = ipaddress.ip_address((with_port[1] or with_port[2]) if with_port else text or "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def spelt_once(text: str) -> str:
    """The normalised address: IPv4 as IPv4, and without port. Other texts are returned unchanged."""
    return str(address_of(text) or text) if ":" in text else text


def is_within(text: str | None, networks: Iterable[str]) -> bool:
    """Whether an address is one of some addresses and networks.

    Args:
        text: as `address_of` takes it.
        networks: as the settings have them.
    """
    found = address_of(text)
    return found is not None and any(found in _network(network) for network in networks)


@lru_cache(maxsize=256)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


def both_spellings(network: str) -> tuple[str, ...]:
    """An address or network from the settings, in the notations of IPv4 sockets and of sockets at ``::``.

    Raises:
        ValueError: it is neither an address nor a network.
    """
    found = ipaddress.ip_network(network)
    if found.version == 6:
        return (network,)
    return network, f"::ffff:{found.network_address}/{96 + found.prefixlen}"


def client_network(address: str | None) -> str:
    """The key for counting a client: its IPv4 address, or its IPv6 /64 network.

    Args:
        address: the address as the server sees it. All texts that are no addresses count as ``unknown``.
    """
    found = address_of(address)
    if found is None:
        return "unknown"
    if found.version == 4:
        return str(found)
    return shortened(found, _CUSTOMER_PREFIX_LENGTH)


def coarse_network(address: str | None) -> str:
    """Where a client is, so that the owner of an account recognises it: an IPv4 /24 or IPv6 /48 network.

    Args:
        address: the address as the server sees it. All texts that are no addresses are ``unknown``.
    """
    found = address_of(address)
    return "unknown" if found is None else shortened(found, 24 if found.version == 4 else 48)


def shortened(address: Address, bits: int) -> str:
    """The network that contains an address.

    Args:
        address: the address.
        bits: the prefix length of the network, in bits.
    """
    # From the number, because a link-local address may have a zone, which a network cannot have.
    network = ipaddress.IPv4Network if address.version == 4 else ipaddress.IPv6Network
    return str(network((int(address), bits), strict=False))
