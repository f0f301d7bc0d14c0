"""The simulator refuses what Stripe refuses, with errors in Stripe's format."""

from __future__ import annotations

import time

import pytest
import stripe

from stripe_simulator import API_VERSION
from stripe_simulator.versions import ACCOUNT_VERSION

LINE = "line_items[0]"


def price(**changes):
    return {"currency": "eur", "unit_amount": 990, "product_data": {"name": "Night Train"}} | changes


def items(quantity=1, **changes):
    return [{"price_data": price(**changes), "quantity": quantity}]


def refused(client, parameters):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.create(parameters)
    error = caught.value.error
    assert (caught.value.http_status, error.type) == (400, "invalid_request_error")
    assert caught.value.request_id.startswith("req_")
    return getattr(error, "code", None), getattr(error, "param", None)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"automatic_tax": {"enabled": "false", "hue": "red"}}, "parameter_unknown", "automatic_tax[hue]"),
        ({"automatic_tax": {"enabled": "yes"}}, "parameter_invalid_boolean", "automatic_tax[enabled]"),
        ({"automatic_tax": {"enabled": True}}, None, f"{LINE}[price_data][tax_behavior]"),
        ({"line_items": items(colour="red")}, "parameter_unknown", f"{LINE}[price_data][colour]"),
        ({"payment_intent_data": {"amount": 1}}, "parameter_unknown", "payment_intent_data[amount]"),
        ({"line_items": [{"price_data": price()}]}, "parameter_missing", f"{LINE}[quantity]"),
        ({"line_items": items(product_data={"tax_code": "x"})}, "parameter_missing",
         f"{LINE}[price_data][product_data][name]"),
        ({"line_items": "many"}, "parameter_invalid_array", "line_items"),
        ({"line_items": ["one"]}, "parameter_invalid_object", LINE),
        ({"line_items": {"1": items()[0]}}, "parameter_invalid_array", "line_items"),
        ({"line_items": items(quantity="1.5")}, "parameter_invalid_integer", f"{LINE}[quantity]"),
        ({"line_items": items(quantity="1_0")}, "parameter_invalid_integer", f"{LINE}[quantity]"),
        ({"line_items": items(quantity=0)}, None, f"{LINE}[quantity]"),
        ({"line_items": items(unit_amount=-1)}, None, f"{LINE}[price_data][unit_amount]"),
        ({"line_items": items(unit_amount=100_000_000)}, None, f"{LINE}[price_data][unit_amount]"),
        ({"line_items": items(currency="EUR")}, None, f"{LINE}[price_data][currency]"),
        ({"line_items": items(currency="xxx")}, None, f"{LINE}[price_data][currency]"),
        ({"line_items": items() + items(currency="usd")}, None, "line_items"),
        ({"success_url": ""}, "parameter_invalid_empty", "success_url"),
        ({"success_url": "shop.example"}, "url_invalid", "success_url"),
        ({"cancel_url": "javascript:alert(1)"}, "url_invalid", "cancel_url"),
        ({"customer_email": "ann"}, "email_invalid", "customer_email"),
        ({"customer_email": "søren@example.com"}, "email_invalid", "customer_email"),
        ({"customer_email": "ann@bücher.example"}, "email_invalid", "customer_email"),
        ({"customer_email": "ann@localhost"}, "email_invalid", "customer_email"),
        ({"locale": "tlh"}, None, "locale"),
        ({"line_items": items(product_data={"name": "  "})}, "parameter_invalid_empty",
         f"{LINE}[price_data][product_data][name]"),
        ({"client_reference_id": "x" * 201}, None, "client_reference_id"),
        ({"mode": "subscription"}, None, "mode"),
        ({"ui_mode": "hosted"}, None, "ui_mode"),
        ({"metadata": {"k" * 41: "v"}}, None, f"metadata[{'k' * 41}]"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]"),
        ({"metadata": {str(n): "v" for n in range(51)}}, None, "metadata"),
        ({"metadata": {"k": {"deep": "v"}}}, "parameter_invalid_string", "metadata[k]"),
        ({"metadata": "text"}, "parameter_invalid_object", "metadata"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_by_name(client, order, changes, code, param):
    assert refused(client, order(**changes)) == (code, param)


@pytest.mark.parametrize("name", ["mode", "line_items", "success_url"])
def test_a_missing_parameter_is_refused_by_name(client, order, name):
    parameters = order()
    del parameters[name]
    assert refused(client, parameters) == ("parameter_missing", name)


@pytest.mark.parametrize("ahead", [29 * 60, 24 * 3600 + 60, -1])
def test_a_session_expires_from_thirty_minutes_to_a_day_ahead(client, order, ahead):
    assert refused(client, order(expires_at=int(time.time()) + ahead)) == (None, "expires_at")


@pytest.mark.parametrize(("currency", "amount"), [("eur", 49), ("gbp", 29), ("jpy", 49), ("nok", 299)])
def test_a_total_too_small_to_charge_is_refused(client, order, currency, amount):
    assert refused(client, order(currency, amount)) == ("amount_too_small", "line_items")
    assert client.v1.checkout.sessions.create(order(currency, amount + 1)).amount_total == amount + 1


@pytest.mark.parametrize(
    ("currency", "amount", "step"), [("kwd", 10_005, 10), ("isk", 10_050, 100), ("ugx", 10_001, 100)]
)
def test_an_amount_that_the_currency_cannot_express_is_refused(client, order, currency, amount, step):
    assert refused(client, order(currency, amount)) == (None, f"{LINE}[price_data][unit_amount]")
    assert client.v1.checkout.sessions.create(order(currency, amount // step * step)).currency == currency


def test_a_zero_decimal_amount_is_shown_as_whole_units(client, order, http):
    session = client.v1.checkout.sessions.create(order("jpy", 500))
    assert "500 JPY" in http.get(session.url).text


@pytest.mark.parametrize(
    ("body", "param"),
    [("mode[=payment", "mode["), ("mode=payment&mode[a]=b", "mode[a]"), ("mode[a]=b&mode=payment", "mode")],
)
def test_a_malformed_form_is_refused(http, server, body, param):
    answer = http.post(
        f"{server.url}/v1/checkout/sessions",
        data=body,
        headers={"Authorization": "Bearer sk_test_acme", "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("body", [b"metadata[a]=\xff", b"metadata[a]=%ff"])
def test_a_form_that_is_not_utf_8_is_refused(http, server, body):
    answer = http.post(
        f"{server.url}/v1/checkout/sessions",
        data=body,
        headers={"Authorization": "Bearer sk_test_acme", "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_json_is_refused(http, server):
    headers = {"Authorization": "Bearer sk_test_acme"}
    answer = http.post(f"{server.url}/v1/checkout/sessions", json={"mode": "payment"}, headers=headers)
    assert (answer.status_code, "form" in answer.json()["error"]["message"]) == (400, True)


def test_a_get_refuses_unknown_parameters_too(client):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.list({"colour": "red"})
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "colour")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.checkout.sessions.list({"limit": 101})
    assert caught.value.param == "limit"


def test_an_address_that_does_not_exist_is_refused_in_stripes_shape(client):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.list()
    assert (caught.value.http_status, caught.value.error.type) == (404, "invalid_request_error")


@pytest.mark.parametrize(
    "key", ["", "sk_live_abcdefgh", "pk_test_abcdefgh", "sk_test_", "nonsense", "sk_test_a b"]
)
def test_a_missing_malformed_or_live_key_is_refused(http, server, key):
    answer = http.get(f"{server.url}/v1/account", headers={"Authorization": f"Bearer {key}"} if key else {})
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")
    assert len(key) <= 8 or key not in answer.text


def test_the_sdk_understands_that_the_key_is_refused(client_for):
    with pytest.raises(stripe.AuthenticationError):
        client_for("sk_live_abcdefgh").v1.accounts.retrieve_current()


def test_a_key_may_be_the_user_of_basic_authentication(http, server, client):
    answer = http.get(f"{server.url}/v1/account", auth=("sk_test_acme", ""))
    assert answer.json()["id"] == client.v1.accounts.retrieve_current().id


def test_an_api_version_that_is_not_simulated_is_refused(client_for):
    with pytest.raises(stripe.InvalidRequestError, match=r"not 2027-01-01\.feijoa"):
        client_for("sk_test_acme", stripe_version="2027-01-01.feijoa").v1.accounts.retrieve_current()


def test_every_answer_names_version_request_and_simulator(http, server):
    for headers, version in (
        ({"Authorization": "Bearer sk_test_acme", "Stripe-Version": API_VERSION}, API_VERSION),
        ({"Authorization": "Bearer sk_test_acme"}, ACCOUNT_VERSION),
        ({}, ACCOUNT_VERSION),
    ):
        answer = http.get(f"{server.url}/v1/events", headers=headers)
        assert answer.headers["Stripe-Version"] == version
        assert answer.headers["Request-Id"].startswith("req_")
        assert answer.headers["X-Stripe-Simulator"] == "true"
