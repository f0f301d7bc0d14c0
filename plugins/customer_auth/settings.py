"""The settings of an organisation, all with a default, and of the server."""

from __future__ import annotations

from typing import Any

from marshmallow import validate

from autonomy_core.plugin_api.schemas import NumberInText
from autonomy_core.plugin_api.settings import SettingsSchema

PLUGIN = "customer_auth"


def _number(default: int, largest: int, description: str) -> NumberInText:
    limits: Any = validate.Range(1, largest)
    return NumberInText(load_default=default, validate=limits, metadata={"description": description})


class OrganisationSettings(SettingsSchema):
    """The section ``[customer_auth]``."""

    access_token_minutes = _number(
        15, 60, "For how many minutes an access token is valid, if its login does not end before."
    )
    refresh_token_days = _number(
        30, 365, "After how many days without a refresh a customer has to log in again."
    )
    failed_logins_per_email = _number(
        10, 1000, "How many failed logins an account may have in 15 minutes before more are put off."
    )
    failed_logins_per_address = _number(
        50, 100_000, "How many failed logins a client address may have in 15 minutes."
    )
    registrations_per_address = _number(
        20,
        100_000,
        "How many registrations with valid input a client address may try in an hour, those of taken e-mail addresses"
        " included.",
    )


class ServerSettings(SettingsSchema):
    """The keys ``customer_auth.…``."""

    hashes_at_once = _number(
        1, 64, "How many passwords a process hashes at once; more slow all other requests down."
    )
