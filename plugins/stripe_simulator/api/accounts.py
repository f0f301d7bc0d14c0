"""The calls about the caller's account and its country.

Source: https://docs.stripe.com/api/accounts, https://docs.stripe.com/api/country_specs.
"""

from __future__ import annotations

from stripe_simulator import currencies, objects
from stripe_simulator.api.call import Call, Document
from stripe_simulator.errors import resource_missing

COUNTRIES = {"BR": "brl", "DE": "eur", "GB": "gbp", "JP": "jpy", "US": "usd"}
"""The simulated countries, with their currencies."""

OWN_CURRENCY_ONLY = ("BR",)
"""Countries whose accounts accept payments in their own currency only."""


def retrieve(call: Call) -> Document:
    """Return the caller's account."""
    return call.own("account", call.account, "account", param="id").body


def retrieve_country(call: Call) -> Document:
    """Return the properties of accounts in a country."""
    country = call.path["id"]
    if country not in COUNTRIES:
        raise resource_missing("country", country)
    own = COUNTRIES[country]
    taken = [own] if country in OWN_CURRENCY_ONLY else sorted(currencies.SUPPORTED)
    return objects.country_spec(country, own, taken)
