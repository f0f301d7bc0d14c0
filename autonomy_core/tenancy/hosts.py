"""Normalises host names for comparison."""

from __future__ import annotations

import re

import idna

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s\[\]:/@?#]+?)\.?(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4, without the final dot

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""A developer's own machine. When the API is called there, its pages belong to any organisation."""
_HIGHEST_PORT = 65535
_ENDS_OF_NUMBERS = frozenset("0123456789]")


def normalise_host(host: str) -> str | None:
    """Return a host in lower case and ASCII (IDNA, UTS 46), without a final dot, with its port if it has one.

    Args:
        host: a host, with or without a port, for example ``Shop.Example:8443``.

    Returns:
        The normalised host; None if it is not a valid host.
    """
    keys = host_keys(host)
    return keys[0] if keys else None


def host_keys(host: str) -> tuple[str, ...]:
    """Return the keys under which a host may be registered, the most specific one first.

    ``Shop.Example:8443`` gives ``("shop.example:8443", "shop.example")``. An invalid host gives ``()``.
    """
    match = _HOST.fullmatch(host.strip().lower())
    if match is None or len(match["name"]) > _LONGEST_NAME:
        return ()
    name = _ascii_name(match["name"])
    if name is None:
        return ()
    if match["port"] is None:
        return (name,)
    port = int(match["port"])
    return (f"{name}:{port}", name) if 0 < port <= _HIGHEST_PORT else ()


def name_of(host: str) -> str:
    """Return a normalised host without its port."""
    if host[-1] not in _ENDS_OF_NUMBERS:
        return host
    name, _, port = host.rpartition(":")
    return name if name and port.isdigit() else host


def is_address(name: str) -> bool:
    """Whether browsers take a host for an IP address, in any notation.

    Args:
        name: a normalised host without a port.

    Source: https://url.spec.whatwg.org/#ends-in-a-number-checker
    """
    if name.startswith("["):
        return True
    last = name.rpartition(".")[2]
    return last.isdigit() or (last.startswith("0x") and all(each in "0123456789abcdef" for each in last[2:]))


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is the local machine: ``localhost:5173``, ``shop.localhost``.

    Source: https://www.rfc-editor.org/rfc/rfc6761#section-6.3
    """
    return any(key in LOOPBACK or key.endswith(".localhost") for key in host_keys(host))


def _ascii_name(name: str) -> str | None:
    if name.startswith("["):
        return name
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return name if all(_LABEL.fullmatch(label) for label in name.split(".")) else None
