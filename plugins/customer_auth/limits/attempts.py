"""Which attempts are counted together, and how many are allowed: see `plugin_api.limits`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.limits import Bucket, RateLimit, forgive_attempt
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import client_network
from customer_auth.domain import LOGIN_PERIOD, REGISTRATION_PERIOD
from customer_auth.settings import PLUGIN

PASSKEYS_PER_ADDRESS = RateLimit(300, LOGIN_PERIOD)
"""Requests for a challenge: a page asks for one whenever it shows its login."""

CODES_PER_ACCOUNT = RateLimit(5, LOGIN_PERIOD)
"""Wrong one-time codes of an account: of 1,000,000 codes, 3 are right at a time."""


def login_buckets(
    scope: TenantScope, email: str, client_address: str | None, *, device: str | None = None
) -> list[Bucket]:
    """Return the buckets of a login: of the account, whether it exists or not, and of the client's network.

    A device that has logged in to the account before has a bucket of its own. The others cannot lock it out.

    Args:
        scope: the scope of the organisation.
        email: the address of the account, in its canonical form.
        client_address: the client's address.
        device: the id of a known device of the account.
    """
    settings = scope.settings(PLUGIN)
    per_client = RateLimit(settings["failed_logins_per_email_and_address"], LOGIN_PERIOD)
    if device is not None:
        return [Bucket("login.device", device, per_client)]
    per_email = RateLimit(settings["failed_logins_per_email"], LOGIN_PERIOD)
    per_address = RateLimit(settings["failed_logins_per_address"], LOGIN_PERIOD)
    network = client_network(client_address)
    return [
        Bucket("login.address", network, per_address),
        Bucket("login.email", email, per_email),
        Bucket("login.email_and_address", f"{network} {email}", per_client),
    ]


def own_password_buckets(scope: TenantScope, customer_id: UUID) -> list[Bucket]:
    """Return the bucket of a logged-in customer who enters the password again; no stranger can fill it."""
    limit = RateLimit(scope.settings(PLUGIN)["failed_logins_per_email_and_address"], LOGIN_PERIOD)
    return [Bucket("password.own", str(customer_id), limit)]


def registration_buckets(scope: TenantScope, client_address: str | None) -> list[Bucket]:
    """Return the bucket of a registration.

    It counts the client's network only, because each attempt has a new e-mail address.
    """
    limit = RateLimit(scope.settings(PLUGIN)["registrations_per_address"], REGISTRATION_PERIOD)
    return [Bucket("register.address", client_network(client_address), limit)]


def code_buckets(scope: TenantScope, customer_id: UUID | None, client_address: str | None) -> list[Bucket]:
    """Return the buckets of a code of a second factor.

    Only clients that know the first factor are counted for an account. They cannot lock the owner out,
    because recovery codes count for the client's network only.

    Args:
        scope: the scope of the organisation.
        customer_id: the account, if the code is short enough to be guessed; None for a recovery code.
        client_address: the client's address.
    """
    per_address = RateLimit(scope.settings(PLUGIN)["failed_logins_per_address"], LOGIN_PERIOD)
    buckets = [Bucket("code.address", client_network(client_address), per_address)]
    if customer_id is not None:
        buckets.append(Bucket("code.account", str(customer_id), CODES_PER_ACCOUNT))
    return buckets


def passkey_buckets(client_address: str | None) -> list[Bucket]:
    """Return the bucket of a request for a passkey's challenge."""
    return [Bucket("passkey.address", client_network(client_address), PASSKEYS_PER_ADDRESS)]


@contextmanager
def forgiven_if_unavailable(scope: TenantScope, buckets: Sequence[Bucket]) -> Iterator[None]:
    """Undo `count_attempt` if the attempt cannot be made now. The client will try again."""
    try:
        yield
    except Unavailable:
        with scope.begin() as own:
            forgive_attempt(own, buckets)
        raise
