from uuid import uuid4

import pytest

from stripe_payments.api.words import metadata_of_items
from stripe_payments.reversals.reports import parse_refund

REFUND = {"object": "refund", "id": "re_1", "amount": 5, "currency": "eur", "status": "succeeded"}


@pytest.mark.parametrize("number", [0, 1, 13, 14, 100])
def test_items_in_metadata_are_read_as_written(number):
    items = [uuid4() for _ in range(number)]
    written = metadata_of_items(items)
    assert all(len(value) <= 500 for value in written.values())
    assert len(written) <= 50 - len(("organisation_id", "payment_id", "refund_id"))
    assert parse_refund(REFUND | {"metadata": written}).items == set(items)


def test_foreign_metadata_gives_no_items():
    metadata = {"items_1": "two sleeves, torn", "items_2": 7, "item": str(uuid4())}
    assert parse_refund(REFUND | {"metadata": metadata}).items == set()
