"""Names of parameters, and how the products of a refund are kept in Stripe's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, takewhile
from uuid import UUID

ADDRESS = "customer_email"
"""The parameter without which the buyer is asked for an address on Stripe's page."""


ITEMS, IDS_IN_A_VALUE = "items_", 13


def metadata_of_items(product_ids: Sequence[UUID]) -> dict[str, str]:
    """What is written into a refund's metadata, so that whoever reads it knows which products it is for.

    A value of metadata has at most 500 characters, see https://docs.stripe.com/api/metadata.
    """
    parts = (product_ids[begin : begin + IDS_IN_A_VALUE] for begin in count(0, IDS_IN_A_VALUE))
    written = takewhile(bool, parts)
    return {f"{ITEMS}{number}": ",".join(map(str, part)) for number, part in enumerate(written, start=1)}
