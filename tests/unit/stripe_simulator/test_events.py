"""Events are found by type, time and success of their delivery."""

from __future__ import annotations

import time

import pytest
import stripe

from stripe_simulator.api import events
from tests.unit.stripe_simulator.support import until

CREATED, SUCCEEDED = "payment_intent.created", "payment_intent.succeeded"


@pytest.fixture
def found(client):
    """Return a function that lists the types of events that satisfy filters, newest first."""
    return lambda **wanted: [event.type for event in client.v1.events.list(wanted).data]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": SUCCEEDED}, [SUCCEEDED]),
        ({"type": "payment_intent.*"}, [SUCCEEDED, CREATED]),
        ({"type": "invoice.paid"}, []),
        ({"types": [CREATED, "charge.succeeded"]}, ["charge.succeeded", CREATED]),
        ({"types": [SUCCEEDED], "limit": 1}, [SUCCEEDED]),
    ],
)
def test_events_are_found_by_type(paid, found, wanted, expected):
    assert found(**wanted) == expected


def test_events_are_found_by_time(server, paid, found):
    now = int(time.time())
    [created] = server.simulator.ledger.find("event", type=CREATED)
    created.body["created"] = now - 3600
    server.simulator.ledger.save(created)
    assert found(created={"lte": now - 3600}) == found(created=now - 3600) == [CREATED]
    assert found(created={"gt": now - 3600, "lt": now - 1800}) == []
    assert CREATED not in found(created={"gt": now - 3600})
    assert CREATED in found(created={"gte": now - 3600})


def test_events_are_looked_back_for_thirty_days(server, client, paid, found):
    [created] = server.simulator.ledger.find("event", type=CREATED)
    created.body["created"] = int(time.time()) - events.REACH - 1
    server.simulator.ledger.save(created)
    assert CREATED not in found()
    assert CREATED not in found(created={"gte": 0})
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        client.v1.events.retrieve(created.id)


def test_events_are_found_by_the_success_of_their_delivery(client, listener, session, visit, ledger, found):
    for url in (listener.url, "http://127.0.0.1:9/hook"):
        client.v1.webhook_endpoints.create({"url": url, "enabled_events": [CREATED]})
    client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": [SUCCEEDED]})
    visit(session.id, "pay")
    until(
        lambda: (
            sorted(each["status"] for each in ledger()["deliveries"]) == ["delivered", "delivered", "failed"]
        )
    )
    assert found(delivery_success="false") == [CREATED]
    assert CREATED not in found(delivery_success="true")
    assert SUCCEEDED in found(delivery_success="true")


def test_an_event_that_is_delivered_in_the_end_is_delivered(
    client, listener, session, visit, ledger, control, found
):
    listener.statuses = [500] * 8 + [200]
    client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": [CREATED]})
    visit(session.id, "pay")
    until(lambda: ledger()["deliveries"][0]["status"] == "failed")
    assert found(delivery_success="false") == [CREATED]
    [event] = client.v1.events.list({"type": CREATED}).data
    control(f"events/{event.id}/deliver")
    until(lambda: ledger()["deliveries"][0]["status"] == "delivered")
    assert found(delivery_success="false") == []


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"type": SUCCEEDED, "types": [CREATED]}, "types"),
        ({"types": [CREATED] * 21}, "types"),
        ({"type": "[abc]"}, "type"),
        ({"created": {"since": 1}}, "created[since]"),
        ({"created": {"gte": "yesterday"}}, "created[gte]"),
        ({"created": "today"}, "created"),
        ({"delivery_success": "perhaps"}, "delivery_success"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_filter_is_refused(client, wanted, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.events.list(wanted)
    assert caught.value.param == param
