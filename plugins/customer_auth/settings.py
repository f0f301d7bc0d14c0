"""The settings of an organisation, all with a default, and of the server."""

from __future__ import annotations

from autonomy_core.plugin_api.settings import SettingsSchema, positive_number

PLUGIN = "customer_auth"


class OrganisationSettings(SettingsSchema):
    """The section ``[customer_auth]``."""

    access_token_minutes = positive_number(
        15, 60, "For how many minutes an access token is valid, if its login does not end before."
    )
    refresh_token_days = positive_number(
        30, 365, "After how many days without a refresh a customer has to log in again."
    )
    failed_logins_per_email = positive_number(
        10, 1000, "How many failed logins an account may have in 15 minutes before more are put off."
    )
    failed_logins_per_address = positive_number(
        50, 100_000, "How many failed logins a client address may have in 15 minutes."
    )
    registrations_per_address = positive_number(
        20,
        100_000,
        "How many registrations with valid input a client address may try in an hour, those of taken e-mail addresses"
        " included.",
    )


class ServerSettings(SettingsSchema):
    """The keys ``customer_auth.…``."""

    hashes_at_once = positive_number(
        1, 64, "How many passwords a process hashes at once; more slow all other requests down."
    )
