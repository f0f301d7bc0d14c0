"""The call that lists changes of the balance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from math import ceil
from typing import Any

from autonomy_core.plugin_api.payments import Environment, PaymentsUnavailable
from autonomy_core.plugin_api.scope import TenantScope
from stripe_payments.api.client import NOT_SHOWN, client_for, translated


def list_balance_transactions(
    scope: TenantScope, environment: Environment, since: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the changes of the account's balance from one time until before another, newest first.

    Each has its source expanded: the charge, the refund or the dispute. Stripe counts whole seconds.

    Raises:
        Unavailable: Stripe does not answer, or is too busy; a retry may help.
        PaymentsUnavailable: the key may not read them, or the settings are incomplete.
    """
    created = {"gte": int(since.timestamp()), "lt": ceil(until.timestamp())}
    wanted: Any = {"created": created, "limit": 100, "expand": ["data.source"]}
    with translated("balance_transactions.list", refused=_reading_refused):
        found = client_for(scope, environment).v1.balance_transactions.list(wanted)
        for transaction in found.auto_paging_iter():
            yield transaction.to_dict()


def _reading_refused(code: str | None) -> PaymentsUnavailable:
    return PaymentsUnavailable(NOT_SHOWN)
