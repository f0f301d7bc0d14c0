"""The protocol of ``stripe listen`` without the CLI: sessions, the websocket, and answers."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack

import pytest
import stripe
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from stripe_simulator.identifiers import account_of
from stripe_simulator.versions import ACCOUNT_VERSION
from tests.unit.stripe_simulator.support import TIMEOUT_S, until

SHOP = "localhost:6543/api/webhook/stripe/acme"


@pytest.fixture
def ask(http, server):
    """Return a function that asks for a session to listen."""

    def post(key="sk_test_acme", **changes):
        form = {"device_name": "desk", "websocket_features[]": "webhooks", "forward_to_url": SHOP, **changes}
        return http.post(f"{server.url}/v1/stripecli/sessions", data=form, auth=(key, ""))

    return post


@pytest.fixture
def listen(server, ask):
    """Return a function that listens, and returns the connection and the secret."""

    def start(**changes):
        session = ask(**changes).json()
        headers = {"Websocket-Id": session["websocket_id"]}
        url = f"{session['websocket_url']}?websocket_feature=webhooks"
        opening = connect(url, additional_headers=headers, subprotocols=["stripecli-devproxy-v1"])
        connection = open_ones.enter_context(opening)
        until(lambda: server.simulator.listeners.of(account_of("sk_test_acme")))
        return connection, session["secret"]

    with ExitStack() as open_ones:
        yield start


def heard(connection):
    return json.loads(connection.recv(TIMEOUT_S))


def reply(connection, message, status, **changes):
    answer = {
        "type": "webhook_response",
        "webhook_conversation_id": message["webhook_conversation_id"],
        "status": status,
    }
    connection.send(json.dumps(answer | changes))


def ended(ledger):
    """Wait until every delivery has ended; return the results, latest first."""
    return until(
        lambda: (
            (found := ledger()["deliveries"])
            and all(one["status"] != "pending" for one in found)
            and [(one["status"], one["attempts"][-1]["status"], len(one["attempts"])) for one in found]
        )
    )


def expire(client, order):
    """Cause exactly one event."""
    client.v1.checkout.sessions.expire(client.v1.checkout.sessions.create(order()).id)


def test_the_secret_of_an_account_is_always_the_same(ask):
    first, second, other = ask().json(), ask(device_name="shelf").json(), ask("sk_test_other").json()
    assert first["secret"].startswith("whsec_")
    assert first["secret"] == second["secret"] != other["secret"]
    assert first["websocket_id"] != second["websocket_id"]
    assert (first["default_version"], first["websocket_authorized_feature"]) == (ACCOUNT_VERSION, "webhooks")


def test_an_event_is_sent_as_a_webhook_gets_it(client, order, listen):
    connection, secret = listen()
    expire(client, order)
    message = heard(connection)
    event = stripe.Webhook.construct_event(
        message["event_payload"], message["http_headers"]["Stripe-Signature"], secret
    )
    assert (message["type"], event.type) == ("webhook_event", "checkout.session.expired")
    assert message["endpoint"] == {"api_version": None}


@pytest.mark.parametrize(
    ("status", "how"), [(200, "delivered"), (204, "delivered"), (400, "failed"), (302, "failed")]
)
def test_the_answer_of_the_endpoint_is_final(client, order, listen, ledger, status, how):
    connection, _ = listen()
    expire(client, order)
    message = heard(connection)
    connection.send(json.dumps({"type": "event_ack", "event_id": "evt_…"}))
    assert ledger()["deliveries"][0]["status"] == "pending"
    reply(connection, message, status)
    assert ended(ledger) == [(how, status, 1)]
    missed = client.v1.events.list({"delivery_success": False}).data
    assert len(missed) == (0 if how == "delivered" else 1)


def test_an_event_can_be_resent_until_it_arrives(client, http, server, order, listen, ledger):
    connection, _ = listen()
    expire(client, order)
    reply(connection, heard(connection), 500)
    ended(ledger)
    [missed] = client.v1.events.list({"delivery_success": False}).data
    again = http.post(
        f"{server.url}/v1/events/{missed.id}/retry", data={"for_stripecli": "true"}, auth=("sk_test_acme", "")
    )
    assert again.json()["id"] == missed.id
    reply(connection, heard(connection), 200)
    assert ended(ledger) == [("delivered", 200, 1), ("failed", 500, 1)]
    assert client.v1.events.list({"delivery_success": False}).data == []


def test_an_event_can_be_resent_to_an_endpoint(client, http, server, order, listener, listen):
    connection, _ = listen()
    endpoint = client.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["charge.failed"]})
    expire(client, order)
    event = json.loads(heard(connection)["event_payload"])
    retry = f"{server.url}/v1/events/{event['id']}/retry"
    http.post(retry, data={"webhook_endpoint": endpoint.id}, auth=("sk_test_acme", ""))
    until(lambda: listener.types() == ["checkout.session.expired"])
    refused = [
        http.post(retry, data=form, auth=(key, "")).json()["error"]["param"]
        for key, form in (
            ("sk_test_acme", {}),
            ("sk_test_acme", {"webhook_endpoint": "we_nothing"}),
            ("sk_test_acme", {"for_stripecli": "true", "account": "acct_1"}),
            ("sk_test_other", {"for_stripecli": "true"}),
        )
    ]
    assert refused == ["webhook_endpoint", "webhook_endpoint", "account", "id"]


def test_a_listener_that_disconnects_without_an_answer_fails(client, order, listen, ledger):
    connection, _ = listen()
    expire(client, order)
    heard(connection)
    connection.close()
    assert ended(ledger) == [("failed", None, 1)]
    assert "disconnected" in ledger()["deliveries"][0]["attempts"][0]["error"]


def test_without_forwarding_the_listener_still_receives_events(client, order, listen, ledger):
    looking, _ = listen(forward_to_url=None)
    expire(client, order)
    assert heard(looking)["type"] == "webhook_event"
    assert ended(ledger) == [("delivered", None, 1)]


def test_only_events_of_the_own_account_are_received(client_for, client, order, listen):
    connection, _ = listen()
    expire(client_for("sk_test_other"), order)
    expire(client, order)
    event = json.loads(heard(connection)["event_payload"])
    assert event["id"] in [one.id for one in client.v1.events.list().data]


def test_nonsense_and_answers_for_others_are_ignored(client, order, listen, ledger):
    connection, _ = listen()
    expire(client, order)
    message = heard(connection)
    for text in ("nonsense", "[]", "null", '{"type": "webhook_response"}', '{"type": []}'):
        connection.send(text)
    reply(connection, message, 200, webhook_conversation_id="dlv_of_somebody_else")
    reply(connection, message, 200, webhook_conversation_id=["dlv"])
    reply(connection, message, "200")
    reply(connection, message, 404)
    assert ended(ledger) == [("failed", 404, 1)]


@pytest.mark.parametrize("headers", [{}, {"Websocket-Id": "cliws_guessed"}])
def test_listening_needs_a_session(ask, headers):
    url = ask().json()["websocket_url"]
    with pytest.raises(InvalidStatus) as caught, connect(url, additional_headers=headers):
        pass
    assert caught.value.response.status_code == 404
    # The CLI asks again when it reads this sentence.
    assert json.loads(caught.value.response.body) == {"error": {"message": "Unknown WebSocket ID."}}


def test_features_that_are_not_simulated_are_refused(ask):
    for changes, param in (({"device_name": ""}, "device_name"), ({"filters": "x"}, "filters"),
                           ({"websocket_features[]": "request_logs"}, "websocket_features[0]")):  # fmt: skip
        assert ask(**changes).json()["error"]["param"] == param


def test_a_missing_package_is_reported_with_what_to_install(ask, monkeypatch):
    monkeypatch.setitem(sys.modules, "websockets.sync.server", None)
    answer = ask()
    assert answer.status_code == 400
    assert "autonomy-server[simulator]" in answer.json()["error"]["message"]
