"""Verification of webhook requests: refusals have an answer and cause no error."""

import json
import time

import pytest
from sqlalchemy.exc import OperationalError

from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.testing import signed, stripe_settings, webhook_secret
from tests.functional.stripe_payments.shop import Shop
from tests.support.registry_restart import restart

SECRET = webhook_secret("acme")


@pytest.fixture
def event(shop):
    return shop.event(shop.payment())


def refused(shop, body, headers, code):
    """Post it; it has to be refused as malformed, with this code, and to leave nothing behind."""
    answer = shop.post_raw(body, headers, status=400)
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == code
    assert shop.rows(WebhookEvent) == []
    assert shop.grants() == []
    return answer.json


def test_a_signed_event_is_accepted(shop, event):
    assert shop.post(event).json == {"received": True, "status": "processed"}


def test_an_event_without_a_signature_is_refused(shop, event):
    refused(shop, json.dumps(event).encode(), {}, "bad_signature")


def test_an_event_signed_with_another_secret_is_refused(shop, event):
    refused(shop, *signed(event, "whsec_stranger"), "bad_signature")


def test_another_organisations_signature_is_refused(shop, event, autonomy, simulator):
    Shop(autonomy, simulator, "other")
    refused(shop, *signed(event, webhook_secret("other")), "bad_signature")


def test_a_body_that_was_changed_after_it_was_signed_is_refused(shop, event):
    body, headers = signed(event, SECRET)
    refused(shop, body.replace(b"1200", b"1201"), headers, "bad_signature")


def test_a_signature_that_is_too_old_is_refused(shop, event):
    refused(shop, *signed(event, SECRET, at=int(time.time()) - 400), "bad_signature")


def test_a_signature_from_the_future_is_refused(shop, event):
    refused(shop, *signed(event, SECRET, at=int(time.time()) + 400), "bad_signature")


def test_a_missing_secret_verifies_nothing(shop, event, autonomy):
    settings = stripe_settings("acme", environment="live")
    del settings["test_webhook_secret"]
    autonomy.organisation("acme", plugins=("stripe_payments",), settings={"stripe_payments": settings})
    for secret in (SECRET, "", "None"):
        refused(shop, *signed(event, secret), "bad_signature")


def test_a_live_event_signed_with_the_test_secret_is_refused(shop, event):
    problem = refused(shop, *signed(event | {"livemode": True}, SECRET), "bad_event")
    assert "live event" in problem["detail"]


def test_a_test_event_signed_with_the_live_secret_is_refused(shop, event):
    refused(shop, *signed(event, webhook_secret("acme", "live")), "bad_event")


def test_a_test_event_after_the_switch_to_live_is_settled_in_test(shop):
    payment = shop.payment()
    shop.configure(environment="live")
    assert shop.post(shop.event(payment)).json["status"] == "processed"
    assert shop.status(payment) == "completed"
    (grant,) = shop.grants()
    assert grant.environment == "test"


def test_several_signatures_in_one_header_are_accepted(shop, event):
    body, headers = signed(event, SECRET)
    headers["Stripe-Signature"] = headers["Stripe-Signature"].replace(",v1=", ",v1=deadbeef,v1=")
    assert shop.post_raw(body, headers).json["received"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t",
        "t=",
        "t=,v1=",
        "v1=deadbeef",
        "t=now,v1=deadbeef",
        f"t={'9' * 5000},v1=deadbeef",
        "t=1,v1",
        "=,=,=",
    ],
)
def test_a_malformed_signature_header_is_refused(shop, event, header):
    refused(shop, json.dumps(event).encode(), {"Stripe-Signature": header}, "bad_signature")


def test_a_signature_header_that_is_not_ascii_is_refused(shop, event):
    refused(
        shop, json.dumps(event).encode(), {"Stripe-Signature": f"t={int(time.time())},v1=é"}, "bad_signature"
    )


def test_a_body_that_is_not_utf8_is_refused(shop):
    refused(shop, b"\xff\xfe{}", signed(b"{}", SECRET)[1], "bad_signature")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"[{}]",
        b"null",
        b'"evt_1"',
        b"17",
        b"{}",
        b"{not json",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"object": "event", "id": ' + b"9" * 5000 + b"}",
        b'{"object": "event", "amount": NaN}',
        b'{"object": "event", "data": []}',
        b'{"object": "event", "data": {"object": []}}',
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_signed_body_that_is_no_event_is_refused_as_malformed(shop, body):
    refused(shop, *signed(body, SECRET), "bad_event")


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": 7},
        {"id": "evt_\ud800"},
        {"id": "evt_" + "a" * 1000},
        {"id": "../evt"},
        {"type": None},
        {"type": "checkout session"},
        {"livemode": "false"},
        {"livemode": None},
        {"object": "charge"},
        {"account": "nul\x00"},
        {"account": "\ud800"},
        {"account": 1e400},
        {"account": float("nan")},
    ],
    ids=lambda change: repr(change)[:40],
)
def test_a_signed_event_that_cannot_be_stored_is_refused(shop, event, change):
    refused(shop, *signed(event | change, SECRET), "bad_event")


def test_a_deeply_nested_event_causes_no_error(shop, event):
    # Around the recursion limit of 1000, a depth can be read and not be written.
    for depth in (100, 500, *range(700, 1000, 10), 5000, 100_000):
        nested = (
            json.dumps(event | {"id": f"evt_{depth}"})[:-1] + ', "deep": ' + "[" * depth + "]" * depth + "}"
        )
        answer = shop.autonomy.app.post(
            "/api/webhook/stripe/acme", *signed(nested.encode(), SECRET), expect_errors=True
        )
        assert answer.status_int in (200, 400)


def test_a_body_of_more_than_a_mebibyte_is_refused(shop):
    body, headers = signed(b" " * (1024 * 1024 + 1), SECRET)
    assert shop.post_raw(body, headers, status=413).json["code"] == "too_large"


def test_an_organisation_without_the_plugin_has_no_webhook(shop, event, autonomy):
    autonomy.organisation("bare")
    shop.post(event, webhook_secret("bare"), status=404, organisation_id="bare")
    shop.post(event, status=404, organisation_id="nobody")


def test_an_organisation_without_a_valid_file_answers_503(shop, event, autonomy):
    (autonomy.runtime.settings.tenants / "broken.ini").write_text("nonsense\n")
    autonomy.runtime.tenants.reload()
    answer = shop.post(event, status=503, organisation_id="broken")
    assert answer.json["code"] == "organisation_unavailable"
    assert int(answer.headers["Retry-After"]) > 0


def test_a_file_that_breaks_and_a_restart_lose_no_event(shop, event, autonomy, monkeypatch):
    restart(autonomy, monkeypatch)
    path = autonomy.runtime.settings.tenants / "acme.ini"
    path.write_text(path.read_text().replace("currency", "curency"))
    restart(autonomy, monkeypatch)
    assert shop.post(event).json["status"] == "processed"


def test_the_webhook_takes_posts_only(shop):
    shop.autonomy.app.get("/api/webhook/stripe/acme", status=405)


def test_an_event_that_cannot_be_stored_is_answered_503(shop, event, monkeypatch):
    def unreachable(organisation_id, **_):
        raise OperationalError("SELECT 1", {}, ConnectionError("no server"))

    with monkeypatch.context() as patched:
        for kind in ("transaction", "driver_transaction"):
            patched.setattr(shop.autonomy.runtime.database, kind, unreachable)
        problem = shop.post(event, status=503).json
    assert problem["code"] == "event_not_stored"
    assert shop.post(event).json["status"] == "processed"
