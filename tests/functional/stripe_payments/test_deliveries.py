"""Deliveries are counted in memory and written at intervals, so that a refused request causes no write."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from autonomy_core.db.driver import driver_of
from autonomy_core.operations.flushing import flush_all
from autonomy_core.webhooks.deliveries import DELIVERIES, UNKNOWN, count_deliveries
from autonomy_core.webhooks.models import WebhookDeliveries
from stripe_payments.testing import signed
from tests.functional.stripe_payments.shop import Shop
from tests.support.round_trips import listening


@pytest.fixture
def counted(autonomy, simulator):
    """A shop about which nothing waits from another test."""
    shop = Shop(autonomy, simulator, "counted")
    flush_all(autonomy.runtime)
    return shop


def refuse(shop):
    body, headers = signed(b"{}", "whsec_stranger")
    shop.post_raw(body, headers, status=400)


def record(shop, environment):
    with shop.scope() as scope:
        return count_deliveries(scope, "stripe", environment, days=7)


def test_deliveries_are_counted_by_environment_except_refusals(counted):
    counted.post(counted.event(counted.payment()))
    for _ in range(3):
        refuse(counted)
    flush_all(counted.autonomy.runtime)
    test, unknown = record(counted, "test"), record(counted, UNKNOWN)
    assert (test.verified, test.refused, unknown.verified, unknown.refused) == (1, 0, 0, 3)
    assert test.last_verified_at
    assert unknown.last_refused_at
    assert record(counted, "live").last_verified_at is None


def test_later_counts_are_added(counted):
    for _ in range(2):
        refuse(counted)
        flush_all(counted.autonomy.runtime)
    assert record(counted, UNKNOWN).refused == 2


def test_a_refusal_needs_no_statement(counted):
    with listening(driver_of(counted.autonomy.database._bind)) as wire:
        refuse(counted)
        assert wire.round_trips == 0


def test_a_post_without_a_signature_is_not_counted(counted):
    counted.post_raw(b"{}", {}, status=400)
    assert "counted" not in DELIVERIES.waiting()


def test_the_count_of_an_unknown_organisation_delays_no_other(counted, autonomy):
    DELIVERIES.count_refused("nobody", "stripe")
    refuse(counted)
    flush_all(autonomy.runtime)
    assert record(counted, UNKNOWN).refused == 1
    assert "nobody" in DELIVERIES.waiting()


def test_old_counts_are_removed(counted):
    with counted.scope() as scope:
        old = WebhookDeliveries(
            organisation_id="counted", source="stripe", environment="test", day=date(2020, 1, 1)
        )
        old.verified, old.refused, old.last_verified_at = 1, 0, datetime(2020, 1, 1, tzinfo=UTC)
        scope.session.add(old)
    refuse(counted)
    flush_all(counted.autonomy.runtime)
    assert [row.environment for row in counted.rows(WebhookDeliveries)] == [UNKNOWN]
