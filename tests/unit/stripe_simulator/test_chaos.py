"""Chaos mode: a seed decides the faults of deliveries, and every event that is not lost arrives."""

from __future__ import annotations

import pytest

from stripe_simulator.app import Simulator
from stripe_simulator.chaos import CALM, Chaos
from tests.unit.stripe_simulator.support import until

EVENTS = [f"evt_{number}" for number in range(400)]
WILD = {"dropped": 0.7, "delayed": 0.7, "doubled": 0.5, "longest_delay": 0.02}


def fates(chaos):
    """Return the decisions of ``chaos`` for many events."""
    return [
        (
            chaos.loses(event, "we_1"),
            chaos.copies(event, "we_1"),
            *((chaos.drops(event, "we_1", n, 8), chaos.delay(event, "we_1", n)) for n in range(1, 9)),
        )
        for event in EVENTS
    ]


def test_a_seed_decides_all_faults_reproducibly():
    assert fates(Chaos(7)) == fates(Chaos(7))
    assert fates(Chaos(7)) == fates(Chaos("7"))
    assert fates(Chaos(7)) != fates(Chaos(8))


def test_every_fault_occurs_with_its_probability():
    chaos = Chaos(7, lost=0.1, dropped=0.3, delayed=0.5, doubled=0.2, longest_delay=3.0)
    share = {
        "lost": sum(chaos.loses(event, "we_1") for event in EVENTS),
        "dropped": sum(chaos.drops(event, "we_1", 1, 8) for event in EVENTS),
        "delayed": sum(chaos.delay(event, "we_1", 1) > 0 for event in EVENTS),
        "doubled": sum(chaos.copies(event, "we_1") == 2 for event in EVENTS),
    }
    expected = {"lost": 0.1, "dropped": 0.3, "delayed": 0.5, "doubled": 0.2}
    assert {name: count / len(EVENTS) for name, count in share.items()} == pytest.approx(expected, abs=0.08)
    assert max(chaos.delay(event, "we_1", 1) for event in EVENTS) <= 3.0


def test_the_last_attempts_are_spared_so_that_the_event_arrives():
    certain = Chaos(7, dropped=1.0)
    assert [certain.drops("evt_1", "we_1", n, 8) for n in range(1, 9)] == [True] * 3 + [False] * 5
    assert [certain.drops("evt_1", "we_1", n, 2) for n in (1, 2)] == [True, False]


def test_without_chaos_there_are_no_faults():
    assert {fate[:2] for fate in fates(CALM)} == {(False, 1)}
    assert not any(dropped or delay for fate in fates(CALM) for dropped, delay in fate[2:])


@pytest.fixture
def expired(client, order, listener):
    """Return a function that expires sessions, each one event, and returns the events' ids."""
    client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]})

    def make(count):
        for _ in range(count):
            client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(order()).id)
        return {event.id for event in client.v1.events.list({"limit": 100}).data}

    return make


def settled(ledger):
    """Wait until no delivery is pending, and return all."""
    return until(
        lambda: (
            all(each["status"] != "pending" for each in found) and found
            if (found := ledger()["deliveries"])
            else None
        )
    )


def events_of_a_run(**options):
    """The ids of an account's first events, in their order."""
    simulator = Simulator(**options)
    for _ in range(5):
        with simulator.ledger.transaction():
            simulator.events.publish("acct_1", "charge.succeeded", {"object": "charge"})
    found = [event.id for event in simulator.ledger.find("event", "acct_1")]
    simulator.ledger.close()
    return found


def test_event_ids_are_equal_in_every_run_with_the_same_seed():
    first = events_of_a_run(chaos=Chaos(7))
    assert len(set(first)) == 5
    assert events_of_a_run(chaos=Chaos("7")) == first
    assert set(events_of_a_run(chaos=Chaos(8))).isdisjoint(first)
    assert set(events_of_a_run()).isdisjoint(events_of_a_run())


@pytest.mark.parametrize("options", [{"chaos": Chaos(7, lost=0, **WILD)}])
def test_every_event_that_is_not_lost_arrives(expired, listener, ledger):
    events = expired(20)
    deliveries = settled(ledger)
    assert {delivery["status"] for delivery in deliveries} == {"delivered"}
    assert {delivery.event["id"] for delivery in listener.received} == events
    assert len(deliveries) > len(events)
    assert any(attempt["error"] == "dropped, by chaos" for each in deliveries for attempt in each["attempts"])


@pytest.mark.parametrize("options", [{"chaos": Chaos(7, lost=1.0)}])
def test_a_lost_event_is_listed_and_can_be_resent(client, expired, listener, ledger, control):
    [event] = expired(1)
    [delivery] = settled(ledger)
    assert (delivery["status"], delivery["error"], delivery["attempts"]) == (
        "failed",
        "lost for good, by chaos",
        [],
    )
    assert [each.id for each in client.v1.events.list({"delivery_success": False}).data] == [event]
    control(f"events/{event}/deliver")
    until(lambda: listener.received)
    until(lambda: not client.v1.events.list({"delivery_success": False}).data)
