"""Host names as they are compared, and who owns which."""

from __future__ import annotations

import re

import idna

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\s\[\]:/@?#]+?)\.?(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4, without the final dot


def normalise_host(host: str) -> str | None:
    """Return `host` in lower case and ASCII (IDNA, UTS 46), without a final dot, with its port if it has one.

    Returns None when it is no host name.
    """
    keys = host_keys(host)
    return keys[0] if keys else None


def host_keys(host: str) -> tuple[str, ...]:
    """Return the spellings under which `host` may be registered, the most particular first.

    ``Shop.Example:8443`` gives ``("shop.example:8443", "shop.example")``; what is no host name gives ``()``.
    """
    match = _HOST.fullmatch(host.strip().lower())
    if match is None or len(match["name"]) > _LONGEST_NAME:
        return ()
    name = _ascii_name(match["name"])
    if name is None:
        return ()
    return (name,) if match["port"] is None else (f"{name}:{int(match['port'])}", name)


def _ascii_name(name: str) -> str | None:
    if name.startswith("["):
        return name
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return name if all(_LABEL.fullmatch(label) for label in name.split(".")) else None
