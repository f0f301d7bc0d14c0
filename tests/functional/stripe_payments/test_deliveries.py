"""Deliveries are counted in memory and written at intervals: a refusal, which anybody can cause, costs no write."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from autonomy_core.db.driver import driver_of
from autonomy_core.operations.flushing import flush_all
from stripe_payments.events.deliveries import DELIVERIES, UNKNOWN, Deliveries, record_of
from stripe_payments.models import StripeDeliveries
from stripe_payments.testing import signed
from tests import wire
from tests.functional.stripe_payments.shop import Shop


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
        return record_of(scope, environment, days=7)


def test_deliveries_are_counted_by_environment_and_refusals_without_one(counted):
    counted.post(counted.event(counted.payment()))
    for _ in range(3):
        refuse(counted)
    flush_all(counted.autonomy.runtime)
    test, unknown = record(counted, "test"), record(counted, UNKNOWN)
    assert (test.verified, test.refused, unknown.verified, unknown.refused) == (1, 0, 0, 3)
    assert test.last_verified_at
    assert unknown.last_refused_at
    assert record(counted, "live").last_verified_at is None


def test_what_is_counted_later_is_added(counted):
    for _ in range(2):
        refuse(counted)
        flush_all(counted.autonomy.runtime)
    assert record(counted, UNKNOWN).refused == 2


def test_a_refusal_costs_no_statement(counted):
    with wire.listening(driver_of(counted.autonomy.database._bind)) as listening:
        refuse(counted)
        assert listening.round_trips == 0


def test_a_post_without_a_signature_is_not_stripes_and_is_not_counted(counted):
    counted.post_raw(b"{}", {}, status=400)
    assert "counted" not in DELIVERIES.waiting()


def test_an_organisation_that_is_not_there_keeps_waiting_and_nobody_else_has_to(counted, autonomy):
    DELIVERIES.count_refused("nobody")
    refuse(counted)
    flush_all(autonomy.runtime)
    assert record(counted, UNKNOWN).refused == 1
    assert "nobody" in DELIVERIES.waiting()


def test_what_could_not_be_written_is_written_the_next_time():
    deliveries, written = Deliveries(), []
    deliveries.count_verified("acme", "test")

    def execute(statement):
        written.append(statement)
        if len(written) == 1:
            raise ConnectionError

    scope = SimpleNamespace(organisation=SimpleNamespace(id="acme"), session=SimpleNamespace(execute=execute))
    with pytest.raises(ConnectionError):
        deliveries.write(scope)
    deliveries.count_verified("acme", "test")
    deliveries.write(scope)
    assert written[1].compile().params["verified"] == 2
    assert tuple(deliveries.waiting()) == ()


def test_counts_of_long_ago_are_removed(counted):
    with counted.scope() as scope:
        old = StripeDeliveries(organisation_id="counted", environment="test", day=date(2020, 1, 1))
        old.verified, old.refused, old.last_verified_at = 1, 0, datetime(2020, 1, 1, tzinfo=UTC)
        scope.session.add(old)
    refuse(counted)
    flush_all(counted.autonomy.runtime)
    assert [row.environment for row in counted.rows(StripeDeliveries)] == [UNKNOWN]
