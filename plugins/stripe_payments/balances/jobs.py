"""The jobs that read the balance."""

from __future__ import annotations

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.plugin_api.jobs import Job, TryAgain
from autonomy_core.plugin_api.scope import TenantScope

HOUR_S, DAY_S = 3600, 86_400


def read_balance(scope: TenantScope) -> None:
    """Read the new changes of the balance.

    Raises:
        TryAgain: Stripe does not answer.
    """
    from stripe_payments.balances.services import read_new  # noqa: PLC0415 - the SDK loads slowly

    try:
        read_new(scope)
    except Unavailable as error:
        raise TryAgain(f"the balance waits: {error}") from None


def read_balance_again(scope: TenantScope) -> None:
    """Read the changes of the last week again, for payments that became known late.

    Raises:
        TryAgain: Stripe does not answer.
    """
    from stripe_payments.balances.services import read_again  # noqa: PLC0415 - the SDK loads slowly

    try:
        read_again(scope)
    except Unavailable as error:
        raise TryAgain(f"the balance waits: {error}") from None


JOBS = (
    Job("stripe_payments.read_balance", read_balance, every=HOUR_S),
    Job("stripe_payments.read_balance_again", read_balance_again, every=DAY_S),
)
