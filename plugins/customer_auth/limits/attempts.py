"""Count attempts in the database, so that the limits hold across processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Delete, Text, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.sql.dml import ReturningInsert

from autonomy_core.plugin_api.errors import TooManyRequests, Unavailable
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.plugin_api.scope import TenantScope
from autonomy_core.plugin_api.security import client_network, organisation_keys
from autonomy_core.plugin_api.statements import compiled, parameter
from customer_auth.domain import (
    CODES_PER_ACCOUNT,
    LOGIN_PERIOD,
    PASSKEYS_PER_ADDRESS,
    REGISTRATION_PERIOD,
    Bucket,
    RateLimit,
)
from customer_auth.models import Attempts
from customer_auth.settings import PLUGIN

SWEEP = 10
"""How many empty buckets each attempt removes: more than it adds, so that the table stays small."""


PURPOSE = "customer_auth.attempts"


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
    """Return the bucket of a logged-in customer who proves to know the password; no stranger can fill it."""
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


def count(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    """Count an attempt before it is made, so that concurrent attempts cannot exceed the limit.

    Args:
        scope: a scope whose transaction commits regardless of the attempt's result.
        buckets: the buckets that the attempt counts for.

    Raises:
        TooManyRequests: a bucket is full. The transaction must be rolled back, so that nothing is counted.
    """
    now = utcnow()
    filled = _fill(scope, buckets, 1, now)
    waits = [bucket.limit.wait(until, now) for bucket, until in zip(buckets, filled, strict=True)]
    if any(waits):
        raise TooManyRequests("Too many attempts; try again later.", extra={"retry_after": max(waits)})
    scope.execute_at_driver(_SWEEP, {"organisation_id": scope.organisation.id, "now": now})


def forgive(scope: TenantScope, buckets: Sequence[Bucket]) -> None:
    """Undo `count`, because the attempt succeeded."""
    _fill(scope, buckets, -1, utcnow())


@contextmanager
def forgiven_if_unavailable(scope: TenantScope, buckets: Sequence[Bucket]) -> Iterator[None]:
    """Undo `count` if the attempt cannot be made now. The client will try again."""
    try:
        yield
    except Unavailable:
        with scope.begin() as own:
            forgive(own, buckets)
        raise


def _fill(scope: TenantScope, buckets: Sequence[Bucket], attempts: int, now: datetime) -> list[datetime]:
    """Add attempts to buckets, and return for each the time at which it will be empty.

    While the server's secret is being replaced, a bucket has one name for each secret, and an attempt counts
    under all of them. So it also counts for a process that has only one of the secrets.
    """
    keys = organisation_keys(scope, PURPOSE)
    names = [[bucket.name(key) for key in keys] for bucket in buckets]
    changes = {
        name: now + bucket.limit.interval * attempts
        for bucket, own in zip(buckets, names, strict=True)
        for name in own
    }
    # All transactions lock the rows in the same order, which prevents deadlocks.
    ordered = sorted(changes)
    values = {"names": ordered, "drained_at": [changes[name] for name in ordered], "now": now}
    filled = dict(scope.execute_at_driver(_FILL, {"organisation_id": scope.organisation.id, **values}))
    return [max(filled[name] for name in own) for own in names]


def _fill_statement() -> ReturningInsert[str, datetime]:
    organisation, now = parameter("organisation_id", Text()), parameter("now", DateTime(timezone=True))
    names = parameter("names", ARRAY(Text()))
    drained_at = parameter("drained_at", ARRAY(DateTime(timezone=True)))
    given = func.unnest(names, drained_at).table_valued("name", "drained_at", with_ordinality="place")
    given = given.render_derived()
    rows = select(organisation, given.c.name, given.c.drained_at).order_by(given.c.place)
    new = insert(Attempts).from_select(["organisation_id", "bucket", "drained_at"], rows)
    since = func.greatest(Attempts.drained_at, now)
    return new.on_conflict_do_update(
        index_elements=[Attempts.organisation_id, Attempts.bucket],
        set_={"drained_at": since + (new.excluded.drained_at - now)},
    ).returning(Attempts.bucket, Attempts.drained_at)


def _sweep_statement() -> Delete:
    organisation, now = parameter("organisation_id", Text()), parameter("now", DateTime(timezone=True))
    # Rows that another transaction has locked are left to a later sweep. Waiting for them could deadlock.
    drained = (
        select(Attempts.bucket)
        .where(Attempts.organisation_id == organisation, Attempts.drained_at < now)
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
    )
    return delete(Attempts).where(Attempts.organisation_id == organisation, Attempts.bucket.in_(drained))


# Each login executes these, and they would take half of its processor time in SQLAlchemy.
_FILL = compiled(_fill_statement())
_SWEEP = compiled(_sweep_statement())
