"""Clients as the owner of an account may recognise them: a browser, a system and a network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import NamedTuple

LONGEST_READ = 512
"""How many characters of a ``User-Agent`` are read; real ones have about 130."""

BROWSERS = (
    # A browser also names those that it is compatible with. The first match of this order is its own name.
    ("Edge", r"\bEdg(?:e|A|iOS)?/"),
    ("Opera", r"\b(?:OPR|OPiOS|Opera)/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Vivaldi", r"\bVivaldi/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:Chrome|CriOS|Chromium|HeadlessChrome)/"),
    ("Safari", r"\bSafari/"),
)
SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("macOS", r"\bMac(?:intosh| OS X)\b"),
    ("Linux", r"\bLinux\b"),
)


@dataclass(frozen=True, slots=True)
class Client:
    """The client of a request.

    Attributes:
        address: its address as the server sees it.
        user_agent: its header ``User-Agent``.
        is_known: whether it has proved that the account's owner used it before.
    """

    address: str | None
    user_agent: str | None = None
    is_known: bool = False

    @property
    def browser(self) -> str | None:
        """The browser's name; None for another program."""
        return _first(BROWSERS, self.user_agent)

    @property
    def system(self) -> str | None:
        """The operating system's or the device's name; None if it is unknown."""
        return _first(SYSTEMS, self.user_agent)


def _first(patterns: tuple[tuple[str, str], ...], user_agent: str | None) -> str | None:
    read = (user_agent or "")[:LONGEST_READ]
    return next((name for name, pattern in patterns if re.search(pattern, read)), None)


class Sighting(NamedTuple):
    """What is remembered of a client.

    Attributes:
        browser, system: see `Client`.
        network: its network; see `coarse_network`.
    """

    browser: str | None
    system: str | None
    network: str | None


def look_alike(one: Sighting, other: Sighting) -> bool:
    """Return whether two clients may be the same device.

    They may have different addresses of the same provider, because most customers' addresses change.
    """
    same_program = (one.browser, one.system) == (other.browser, other.system)
    return same_program and _provider_network(one.network) == _provider_network(other.network)


def _provider_network(network: str | None) -> str | None:
    try:
        found = ip_network(network or "")
    except ValueError:
        return None
    return str(found.supernet(new_prefix=16 if found.version == 4 else 32))
