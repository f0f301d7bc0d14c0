"""The calls about the caller's account and its country (https://docs.stripe.com/api/accounts, …/country_specs)."""

from __future__ import annotations

from stripe_simulator import currencies, objects
from stripe_simulator.api.call import Call, Document
from stripe_simulator.errors import resource_missing

COUNTRIES = {"BR": "brl", "DE": "eur", "GB": "gbp", "JP": "jpy", "US": "usd"}
"""The countries that are played, by their currencies."""

OWN_CURRENCY_ONLY = ("BR",)
"""Where accounts take payments in their country's currency, and in no other."""


def retrieve(call: Call) -> Document:
    """Return the caller's account."""
    return call.own("account", call.account, "account", param="id").body


def retrieve_country(call: Call) -> Document:
    """Return what accounts in a country can do."""
    country = call.path["id"]
    if country not in COUNTRIES:
        raise resource_missing("country", country)
    own = COUNTRIES[country]
    taken = [own] if country in OWN_CURRENCY_ONLY else sorted(currencies.SUPPORTED)
    return objects.country_spec(country, own, taken)
