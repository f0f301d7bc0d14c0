"""The calls about balance transactions (https://docs.stripe.com/api/balance_transactions)."""

from __future__ import annotations

from stripe_simulator.api.call import Call, Document, equal, page
from stripe_simulator.parameters import Text
from stripe_simulator.schemas import Created, Page


class BalanceTransactionPage(Page):
    """The filters of a list of balance transactions; those about payouts are not simulated."""

    created = Created()
    currency = Text()
    source = Text()
    type = Text()


def list_all(call: Call) -> Document:
    """Return balance transactions."""
    wanted = equal(call, "currency", "source", "type")
    return page(call, "balance_transaction", "/v1/balance_transactions", lambda each: each.body, wanted)


def retrieve(call: Call) -> Document:
    """Return a balance transaction."""
    return call.expanded(call.find("balance_transaction", "balance transaction").body)
