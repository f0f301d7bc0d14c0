"""Staff read all refunds and the whole timeline of a payment, however many entries it has."""

from __future__ import annotations

import pytest

from autonomy_core.kernel.settlements import RefundReport, RefundStatus
from autonomy_core.payments.timeline import timeline


@pytest.fixture
def sale(autonomy):
    autonomy.organisation("acme")
    sale = autonomy.buy(autonomy.customer(), autonomy.product())
    amounts = (5, 3, 4, 1, 2)
    refunds = [RefundReport(f"re_{each}", each, "eur", RefundStatus.SUCCEEDED) for each in amounts]
    autonomy.settle(sale, None, refunds=refunds)
    return sale


def pages(autonomy, sale, name):
    url, headers = f"/acme/api/v1/admin/payments/{sale.id}/{name}", autonomy.as_staff()
    found = autonomy.app.get(url, {"limit": 2}, headers=headers).json
    yield found["items"]
    while found["next"] is not None:
        found = autonomy.app.get(url, {"limit": 2, "cursor": found["next"]}, headers=headers).json
        yield found["items"]


def test_staff_page_through_all_refunds_the_oldest_first(autonomy, sale):
    found = list(pages(autonomy, sale, "refunds"))

    assert [[each["amount"] for each in page] for page in found] == [[5, 3], [4, 1], [2]]


def test_staff_page_through_the_timeline_from_the_purchase_on(autonomy, sale):
    found = [each["kind"] for page in pages(autonomy, sale, "timeline") for each in page]

    assert found[0] == "opened"
    with autonomy.scope() as scope:
        assert found == [each.kind for each in timeline(scope, sale)]
