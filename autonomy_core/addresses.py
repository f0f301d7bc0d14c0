"""Addresses of clients and proxies. An IPv4 address has one spelling, whichever socket has met it."""

from __future__ import annotations

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NETWORK_OF_A_CUSTOMER = 64
"""A customer with one IPv6 address has all of its /64."""

_WITH_PORT = re.compile(r"\[([^]]*)\](?::\d+)?|([\d.]+):\d+", re.ASCII)


def address_of(text: str | None) -> Address | None:
    """The address that a text is; None for any other text.

    Args:
        text: a socket that listens at ``::`` spells the IPv4 address 203.0.113.9 ``::ffff:203.0.113.9``. Some proxies
            append the port: ``203.0.113.9:52011``, ``[2001:db8::9]:52011``.
    """
    with_port = _WITH_PORT.fullmatch(text or "")
    try:
        found = ipaddress.ip_address((with_port[1] or with_port[2]) if with_port else text or "")
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def spelt_once(text: str) -> str:
    """The text, or the address that it spells: an IPv4 address as one of IPv6, or one with a port."""
    return str(address_of(text) or text) if ":" in text else text


def both_spellings(network: str) -> tuple[str, ...]:
    """An address or network as a setting has it, and how a socket that listens at ``::`` spells it.

    Raises:
        ValueError: it is neither.
    """
    found = ipaddress.ip_network(network)
    if found.version == 6:
        return (network,)
    return network, f"::ffff:{found.network_address}/{96 + found.prefixlen}"


def client_network(address: str | None) -> str:
    """By what a client is counted: its IPv4 address, or its IPv6 /64.

    Args:
        address: as the server saw it; what is no address is counted together as ``unknown``.
    """
    found = address_of(address)
    if found is None:
        return "unknown"
    if found.version == 4:
        return str(found)
    return shortened(found, _NETWORK_OF_A_CUSTOMER)


def shortened(address: Address, bits: int) -> str:
    """The network of so many bits that an address is in."""
    # By number: a link-local address carries a zone that a network cannot have.
    network = ipaddress.IPv4Network if address.version == 4 else ipaddress.IPv6Network
    return str(network((int(address), bits), strict=False))
