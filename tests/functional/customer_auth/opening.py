"""Opens a shop with customers."""

from __future__ import annotations

from tests.functional.customer_auth.shop import Shop


def open_shop(autonomy, organisation_id="acme", **settings):
    autonomy.organisation(
        organisation_id,
        plugins=("customer_auth",),
        settings={"customer_auth": {key: str(value) for key, value in settings.items()}}
        if settings
        else None,
    )
    return Shop(autonomy, organisation_id)
