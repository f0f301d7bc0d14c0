"""``autonomy tenants check --online``: the ini file compared with the Stripe account."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import requests

from autonomy_core.operations.flushing import flush_all
from autonomy_core.webhooks.deliveries import DeliveryCounts
from stripe_payments.endpoints import client as at_stripe
from stripe_payments.endpoints import diagnosis
from stripe_payments.endpoints.client import EventStatus, StripeCallFailed
from tests.functional.stripe_payments.shop import Shop

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HERE = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def site(site):
    """An organisation whose endpoint is in order."""
    site.begin()
    site.webhook("create", "acme")
    yield site
    (site.autonomy.runtime.settings.data / "online-checks.json").unlink(missing_ok=True)


def look(site, *arguments, status=0):
    """The findings by code, without those of severity ok."""
    report = json.loads(site.run("tenants", "check", "--online", "--json", *arguments, status=status))
    return {each["code"]: each for each in report["findings"] if each["severity"] != "info"}


def change(site, **changes):
    site.stripe().webhook_endpoints.update(site.endpoints()[0]["id"], params=changes)


def rewrite(site, old, new):
    site.path().write_text(site.path().read_text().replace(old, new))
    site.autonomy.runtime.tenants.reload()


def test_a_correct_configuration_has_no_findings(site):
    said = site.run("tenants", "check", "--online")
    assert "1 organisation in order, 0 problems" in said
    assert "acme: info: account: test: the key opens acct_" in said
    assert said.endswith("online: 1 looked at, 0 errors, 0 warnings\n")


def test_a_disabled_endpoint_is_found(site):
    change(site, disabled=True)
    found = look(site, status=1)
    assert found.keys() == {"endpoint_disabled"}
    assert found["endpoint_disabled"]["organisation"] == "acme"
    assert found["endpoint_disabled"]["check"] == "stripe_payments.stripe"
    assert found["endpoint_disabled"]["subject"] == "test"
    assert found["endpoint_disabled"]["severity"] == "error"
    assert found["endpoint_disabled"]["remedy"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://acme.example/webhook", "its path is not"),
        ("https://acme.example/api/webhook/stripe/other", "it is other's"),
        ("https://elsewhere.example/api/webhook/stripe/acme", "its host is none of acme.example"),
    ],
)
def test_an_endpoint_at_another_address_is_found(site, url, why):
    change(site, url=url)
    found = look(site, status=1)
    assert found.keys() == {"endpoint_url"}
    assert why in found["endpoint_url"]["message"]


def test_an_endpoint_without_all_event_types_is_found(site):
    change(site, enabled_events=["checkout.session.completed"])
    found = look(site, status=1)
    assert "checkout.session.expired" in found["endpoint_events"]["message"]
    change(site, enabled_events=["*"])
    assert look(site) == {}


def test_an_endpoint_of_another_version_is_found(site):
    by_hand = site.add_endpoint("https://acme.example/api/webhook/stripe/acme", enabled_events=["*"])
    rewrite(site, site.written("test_webhook_endpoint_id"), by_hand["id"])
    found = look(site, status=1)
    assert found.keys() == {"endpoint_version"}
    assert found["endpoint_version"]["remedy"] == "run: autonomy stripe webhook rotate acme"


def test_a_deleted_endpoint_is_found(site):
    site.stripe().webhook_endpoints.delete(site.endpoints()[0]["id"])
    assert look(site, status=1).keys() == {"endpoint_missing"}


def test_several_endpoints_without_a_configured_id_are_found(site):
    site.add_endpoint("https://acme.example/api/webhook/stripe/acme", enabled_events=["*"])
    rewrite(site, "test_webhook_endpoint_id =", "# test_webhook_endpoint_id =")
    assert {"endpoint_ambiguous", "endpoint_version"} == look(site, status=1).keys()


def test_a_key_that_stripe_refuses_is_found(site):
    rewrite(site, site.key, "rk_test_revoked")
    found = look(site, status=1)
    assert found.keys() == {"key_refused"}
    assert "test_secret_key" in found["key_refused"]["message"]


def test_a_key_of_another_account_is_found(autonomy, site, simulator):
    shop = Shop(autonomy, simulator, "mover")
    shop.purchase()
    assert "account_differs" not in look(site, "mover", status=1)
    shop.configure(test_secret_key="sk_test_of_another_account")
    assert "account_differs" in look(site, "mover", status=1)


def test_live_is_not_checked_with_the_simulator(autonomy, site, simulator):
    shop = Shop(autonomy, simulator, "seller")
    assert "simulated" not in look(site, "seller", status=1)
    shop.configure(environment="live")
    assert look(site, "seller", status=1)["simulated"]["subject"] == "live"


def test_live_with_the_simulator_is_found_without_a_call(autonomy, site, simulator):
    shop = Shop(autonomy, simulator, "seller")
    site.run("tenants", "check", "seller", status=0)
    shop.configure(environment="live")
    found = site.run("tenants", "check", "seller", status=1)
    assert "seller: error: simulated: live: the server talks to the simulator" in found
    assert "correct the draft first" in site.run("tenants", "apply", str(site.path("seller")), status=1)


def test_an_unfinished_rotation_is_found(site):
    rewrite(site, "[stripe_payments]", "[stripe_payments]\ntest_previous_webhook_secret = whsec_old")
    assert look(site).keys() == {"rotation_unfinished"}


@pytest.mark.parametrize(
    ("reason", "code", "status"),
    [
        ("unreachable", "stripe_unreachable", 1),
        ("not_permitted", "not_permitted", 0),
        ("refused", "stripe_refused", 1),
    ],
)
def test_an_outage_or_a_refusal_of_stripe_is_reported(site, monkeypatch, reason, code, status):
    def fail(*_):
        raise StripeCallFailed(reason, "no such luck")

    for call in ("retrieve_account", "list_currencies", "list_endpoints", "list_event_statuses"):
        monkeypatch.setattr(at_stripe, call, fail)
    assert look(site, status=status).keys() == {code}


def test_a_key_that_may_not_read_the_balance_is_found(site):
    faults = f"{site.simulator.url}/_simulator/faults"
    fault = {"status": "403", "times": "9", "path": "/v1/balance_transactions"}
    requests.post(faults, data=fault, timeout=120)
    found = look(site)
    requests.delete(faults, timeout=120)
    assert found.keys() == {"fees_unknown"}
    assert found["fees_unknown"]["severity"] == "warning"
    assert "test_secret_key to read Balance, Balance Transaction Sources" in found["fees_unknown"]["remedy"]
    assert look(site) == {}


def test_refused_signatures_are_only_a_warning(site):
    for _ in range(3):
        site.answer_to("whsec_stranger")
    flush_all(site.autonomy.runtime)
    found = look(site)
    assert found.keys() == {"signatures_refused"}
    assert "3 of 3" in found["signatures_refused"]["message"]


def test_only_the_named_organisations_are_checked(site):
    site.begin("other")
    assert "1 organisation in order, 0 problems" in site.run("tenants", "check", "acme", "--online")
    assert "missing_key" in site.run("tenants", "check", "other", status=1)
    assert "there is no" in site.run("tenants", "check", "nobody", status=1)


def test_readiness_shows_the_last_findings_without_a_call(site, monkeypatch):
    ready = site.autonomy.app.get("/health/ready", extra_environ=HERE).json
    assert "not checked yet" in ready["checks"]["online"]["detail"][0]
    change(site, disabled=True)
    look(site, status=1)
    monkeypatch.setattr(at_stripe, "client_for", None)
    answer = site.autonomy.app.get("/health/ready", extra_environ=HERE)
    (line,) = answer.json["checks"]["online"]["detail"]
    assert line.startswith("acme: error: endpoint_disabled: test: we_")
    assert answer.json["checks"]["online"]["status"] == "degraded"
    elsewhere = site.autonomy.app.get("/health/ready", extra_environ={"REMOTE_ADDR": "203.0.113.9"})
    assert elsewhere.json["checks"]["online"] == {"status": "degraded"}


def test_readiness_drops_a_finding_after_a_new_check(site):
    change(site, disabled=True)
    look(site, status=1)
    change(site, disabled=False)
    look(site)
    ready = site.autonomy.app.get("/health/ready", extra_environ=HERE).json
    assert ready["checks"]["online"] == {"status": "ok"}


def test_an_account_without_the_currency_of_a_product_is_found(autonomy, site, simulator):
    shop = Shop(autonomy, simulator, "rio")
    shop.purchase()
    assert "currency_not_taken" not in look(site, "rio", status=1)
    ledger = simulator.simulator.ledger
    account = ledger.get("account", shop.account())
    account.body["country"] = "BR"
    ledger.save(account)
    found = look(site, "rio", status=1)["currency_not_taken"]
    assert (found["severity"], found["subject"]) == ("error", "test")
    assert f"priced in eur, which {account.id} does not accept" in found["message"]


@pytest.mark.parametrize(
    ("own", "sold", "severities"),
    [
        ("eur", {"eur", "usd"}, []),
        ("lyd", set(), ["warning"]),
        ("lyd", {"lyd"}, ["error"]),
        ("eur", {"eur", "clf", "lyd"}, ["error", "error"]),
    ],
)
def test_unsupported_currencies_of_the_account_are_found(own, sold, severities):
    found = list(diagnosis.about_currencies("acct_1", frozenset({"eur", "usd"}), own, sold))
    assert [each.severity for each in found] == severities


@pytest.mark.parametrize(("seconds", "severity"), [(30, None), (-90, "warning"), (400, "error")])
def test_a_wrong_clock_is_found(seconds, severity):
    found = [each.severity for each in diagnosis.about_clock(NOW, NOW + timedelta(seconds=seconds))]
    assert found == ([severity] if severity else [])


def test_undelivered_events_are_found():
    def event(age, *, delivered):
        return EventStatus(NOW - age, delivered=delivered)

    fresh = [event(timedelta(minutes=1), delivered=False), event(timedelta(days=9), delivered=False)]
    delivered = [event(timedelta(hours=1), delivered=True)]
    assert list(diagnosis.about_events([*fresh, *delivered], NOW)) == []
    (found,) = diagnosis.about_events([*fresh, *delivered, event(timedelta(hours=2), delivered=False)], NOW)
    assert (found.code, "1 of the last 2 events" in found.message) == ("deliveries_failing", True)


@pytest.mark.parametrize(
    ("verified", "refused", "has_payments", "codes"),
    [
        (0, 0, False, []),
        (0, 0, True, ["no_delivery"]),
        (99, 1, True, ["deliveries"]),
        (4, 1, True, ["deliveries", "signatures_refused"]),
    ],
)
def test_the_counts_of_deliveries_are_reported(verified, refused, has_payments, codes):
    seen = DeliveryCounts(verified, 0, NOW if verified else None, None)
    found = diagnosis.about_deliveries(
        seen, DeliveryCounts(0, refused, None, None), has_payments=has_payments
    )
    assert [each.code for each in found] == codes


ODD_DATES = [
    "Thu, 01 Jan 1970 00:00:00 -0000",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Sat, 01 Jan 99999 00:00:00 GMT",
    "yesterday",
    "",
]


@pytest.mark.parametrize("date", ODD_DATES)
def test_an_invalid_date_header_does_not_fail_the_check(date):
    told = at_stripe._date({"Date": date})
    list(diagnosis.about_clock(datetime.now(UTC), told))


def test_a_check_that_raises_hides_no_other_finding(site, monkeypatch):
    def broken(*_):
        raise TypeError("no such hour")

    change(site, disabled=True)
    monkeypatch.setattr(diagnosis, "about_clock", broken)
    said = site.run("tenants", "check", "--online", status=1)
    assert "acme: error: check_failed: test: the clock raised TypeError" in said
    assert "acme: error: endpoint_disabled: test:" in said
    assert "acme: info: account: test: the key opens acct_" in said
