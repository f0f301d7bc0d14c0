"""The webhook endpoints of the sample shops at the simulator."""

from __future__ import annotations

import re

import requests

from demo.places import SHOPS, Places

TIMEOUT_S = 10


def endpoint_option(places: Places, shop: str) -> str:
    """Return the value of the simulator's ``--endpoint`` for a shop."""
    return f"{_key(shop)},{_address(places.server, shop)},whsec_{shop}_sample"


def remove_endpoints_of_other_ports(places: Places) -> None:
    """Remove the endpoints of earlier runs on other ports from the simulator's saved state.

    Two endpoints of a shop would have the same secret, and ``tenants check --online`` would warn about it.

    Raises:
        requests.RequestException: the simulator refuses it.
    """
    for shop in SHOPS:
        own = _address(places.server, shop)
        former = re.compile(_address(r"http://localhost:\d+", shop))
        endpoints = f"{places.simulator}/v1/webhook_endpoints"
        with requests.Session() as stripe:
            stripe.headers["Authorization"] = f"Bearer {_key(shop)}"
            listed = stripe.get(endpoints, params={"limit": "100"}, timeout=TIMEOUT_S)
            listed.raise_for_status()
            for each in listed.json()["data"]:
                if each["url"] != own and former.fullmatch(each["url"]):
                    stripe.delete(f"{endpoints}/{each['id']}", timeout=TIMEOUT_S).raise_for_status()


def _key(shop: str) -> str:
    return f"sk_test_{shop}"


def _address(server: str, shop: str) -> str:
    return f"{server}/api/webhook/stripe/{shop}"
