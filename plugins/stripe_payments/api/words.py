"""Names of parameters, and the format of a refund's products in Stripe's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, takewhile
from uuid import UUID

ADDRESS = "customer_email"
"""The buyer's address. Without this parameter Stripe's page asks for an address."""


ITEMS, IDS_IN_A_VALUE = "items_", 13


def metadata_of_items(product_ids: Sequence[UUID]) -> dict[str, str]:
    """Return the metadata that lists the products of a refund.

    A value of metadata has at most 500 characters, see https://docs.stripe.com/api/metadata.
    """
    parts = (product_ids[begin : begin + IDS_IN_A_VALUE] for begin in count(0, IDS_IN_A_VALUE))
    written = takewhile(bool, parts)
    return {f"{ITEMS}{number}": ",".join(map(str, part)) for number, part in enumerate(written, start=1)}
