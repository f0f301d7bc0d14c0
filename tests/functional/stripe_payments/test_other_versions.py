"""Events of other API versions, and thin events: their object is fetched from Stripe."""

from unittest.mock import Mock
from uuid import UUID

import pytest
import requests

from autonomy_core.plugin_api.errors import Unavailable
from autonomy_core.webhooks.jobs import fetch_events
from stripe_payments.domain import ATTEMPT_FAILED, CHARGE_REFUNDED
from stripe_payments.events import fetching
from stripe_payments.testing import thin_event, webhook_secret
from tests.functional.stripe_payments.shop import COMPLETED, SUCCEEDED, Shop, session_of

OLD = "2019-12-03"


def as_of_2019(event):
    """An object in the form of 2019: without ``status``, and in another currency (Adaptive Pricing)."""
    about = event["data"]["object"]
    told = {name: value for name, value in about.items() if name not in ("status", "payment_status")}
    return event | {"api_version": OLD, "data": {"object": told | {"currency": "usd"}}}


def thin(event):
    """The thin form of an event."""
    return thin_event(event["type"], event["data"]["object"])


FORMS = {"of 2019": as_of_2019, "thin": thin}


@pytest.fixture(params=FORMS.values(), ids=FORMS.keys())
def told(request):
    """Convert an event to another form than that of the pinned version."""
    return request.param


@pytest.fixture
def paid(shop):
    """The id of a payment that is paid at Stripe; no event has arrived yet."""
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    return UUID(answer["payment"]["id"])


@pytest.fixture
def silent(shop):
    """Let Stripe answer no call until the faults are removed."""

    def be_silent():
        requests.post(f"{faults}", data={"status": 500, "times": 1000, "path": "/v1/"}, timeout=10)

    faults = f"{shop.simulator.url}/_simulator/faults"
    yield be_silent
    requests.delete(faults, timeout=10)


@pytest.fixture
def nothing_fetched(monkeypatch):
    def fetch(*_):
        raise AssertionError("Stripe was asked")

    monkeypatch.setattr(fetching, "fetch", fetch)


def test_a_payment_is_completed_at_once_by_an_event_in_any_form(shop, paid, told):
    event = told(shop.events({COMPLETED})[0])
    assert [shop.post(event).json["status"] for _ in range(2)] == ["processed"] * 2
    stored = shop.stored(event)
    assert (stored.type, stored.attempts, stored.payload) == (COMPLETED, 1, event)
    assert (stored.fetched["currency"], stored.fetched["payment_status"]) == ("eur", "paid")
    assert (shop.status(paid), shop.owns()) == ("completed", True)
    assert shop.autonomy.jobs(shop.id) == []


def test_refunds_charges_and_disputes_are_handled_in_any_form(shop, told):
    sold = shop.sell()
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/refund", amount=300)
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/dispute")
    for event_type in ("refund.created", CHARGE_REFUNDED, "charge.dispute.created"):
        event = told(shop.events({event_type})[0])
        assert shop.post(event).json["status"] == "processed"
    payment = shop.present(sold)
    assert (payment.status, payment.refunded_amount) == ("disputed", 300)


def test_a_thin_event_reports_a_declined_card(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "decline")
    assert shop.post(thin(shop.events({ATTEMPT_FAILED})[0])).json["status"] == "processed"
    timeline = shop.as_staff("get", f"payments/{answer['payment']['id']}/timeline").json["items"]
    assert "attempt_failed" in {entry["kind"] for entry in timeline}


def test_an_event_that_cannot_be_fetched_is_kept_for_the_job(shop, paid, told, silent):
    event = told(shop.events({COMPLETED})[0])
    silent()
    assert shop.post(event).json["status"] == "received"
    assert shop.stored(event).reason == "Stripe has not said yet what it is about"
    assert shop.autonomy.run_jobs(shop.id) == ["webhooks.handle_event"]
    assert shop.status(paid) == "pending"
    requests.delete(f"{shop.simulator.url}/_simulator/faults", timeout=10)
    assert shop.autonomy.run_jobs(shop.id) == []
    assert (shop.stored(event).status, shop.status(paid)) == ("processed", "completed")


def test_a_waiting_event_is_handled_when_redelivered(shop, paid, silent):
    event = thin(shop.events({COMPLETED})[0])
    silent()
    shop.post(event)
    requests.delete(f"{shop.simulator.url}/_simulator/faults", timeout=10)
    assert shop.post(event).json["status"] == "processed"
    assert shop.status(paid) == "completed"


def test_an_event_about_an_unknown_object_is_set_aside_once(shop):
    event = thin_event("refund.created", {"object": "refund", "id": "re_unknown"})
    assert shop.post(event).json["status"] == "set_aside"
    assert shop.stored(event).reason == "Stripe has no refund re_unknown"
    assert shop.autonomy.jobs(shop.id) == []


@pytest.mark.parametrize("version", ["2026-08-26.dahlia", "2026-10-28.endive", None])
def test_an_event_of_the_pinned_version_is_not_fetched(shop, nothing_fetched, version):
    payment = shop.payment()
    assert shop.post(shop.event(payment) | {"api_version": version}).json["status"] == "processed"
    assert shop.status(payment) == "completed"


@pytest.mark.parametrize("event_type", ["v1.invoice.paid", "v2.core.account[requirements].updated"])
def test_thin_events_of_other_types_are_ignored_and_nothing_is_fetched(shop, nothing_fetched, event_type):
    event = thin_event("", {"object": "invoice", "id": "in_1"}, type=event_type)
    assert shop.post(event).json["status"] == "ignored"


@pytest.mark.parametrize("related", [None, {}, {"id": None}, {"id": "../../v1/customers"}, "re_1"])
def test_a_thin_event_without_an_object_is_set_aside_once(shop, nothing_fetched, related):
    event = thin_event("refund.created", {"object": "refund", "id": "re_1"}, related_object=related)
    assert [shop.post(event).json["status"] for _ in range(2)] == ["set_aside"] * 2
    assert shop.autonomy.jobs(shop.id) == []


def test_an_unverified_thin_event_is_refused_without_a_call(shop, paid, nothing_fetched):
    event = thin(shop.events({COMPLETED})[0])
    assert shop.post(event, webhook_secret("other"), status=400).json["code"] == "bad_signature"


def test_the_timeline_lists_a_thin_event_with_its_comparison(shop, paid):
    shop.post(thin(shop.events({COMPLETED})[0]))
    timeline = shop.as_staff("get", f"payments/{paid}/timeline").json["items"]
    (entry,) = [entry["detail"] for entry in timeline if entry["kind"] == "event_received"]
    assert (entry["type"], entry["happened_at"]) == (COMPLETED, "2026-11-20T12:00:00Z")
    assert {"organisation", "amount", "currency"} <= set(entry["agreed"])


@pytest.fixture
def other_organisation(shop, autonomy, simulator):
    """An organisation of the same account, that shares the endpoint."""
    other = Shop(autonomy, simulator, "other")
    other.key = shop.key
    other.configure(test_webhook_secret=webhook_secret(shop.id))
    return other


def test_a_thin_event_makes_at_most_one_call_before_the_answer(shop, paid, monkeypatch):
    fetch = Mock(side_effect=Unavailable)
    monkeypatch.setattr(fetching, "fetch", fetch)
    assert shop.post(thin(shop.events({COMPLETED})[0])).json["status"] == "received"
    assert fetch.call_count == 1


def test_a_thin_event_at_a_shared_endpoint_goes_by_its_object(shop, other_organisation):
    answer = other_organisation.purchase().json
    other_organisation.visit(answer["checkout_url"], "pay")
    event = thin(shop.events({COMPLETED})[0])
    assert shop.post(event).json["status"] == "processed"
    assert (shop.stored(event), other_organisation.status(UUID(answer["payment"]["id"]))) == (
        None,
        "completed",
    )


def test_an_unassigned_thin_event_is_asked_for_again(shop, other_organisation, silent):
    answer = other_organisation.purchase().json
    other_organisation.visit(answer["checkout_url"], "pay")
    event = thin(shop.events({COMPLETED})[0])
    silent()
    assert shop.post(event, status=503).json["code"] == "event_owner_unknown"
    assert (shop.stored(event), other_organisation.stored(event)) == (None, None)


def test_a_thin_event_reports_a_successful_debit(shop):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay_by_debit")
    for event in shop.events({COMPLETED}):
        shop.post(thin(event))
    assert shop.status(UUID(answer["payment"]["id"])) == "processing"
    shop.at_stripe(f"sessions/{shop.ledger('sessions')[0]['id']}/settle", outcome="succeeded")
    assert shop.post(thin(shop.events({SUCCEEDED})[0])).json["status"] == "processed"
    assert shop.status(UUID(answer["payment"]["id"])) == "completed"


@pytest.fixture
def missed_of_2019(shop, monkeypatch):
    """Two payments whose events were not delivered, in a version whose objects have to be fetched."""
    shop.simulator.simulator.seed_endpoint(shop.key, "http://127.0.0.1:9/", "whsec_nobody")
    paid = []
    for email in ("bob@example.org", "eve@example.org"):
        shop.customer = shop.autonomy.customer(shop.id, email)
        answer = shop.purchase().json
        shop.visit(answer["checkout_url"], "pay")
        paid.append(UUID(answer["payment"]["id"]))
    real = fetching.list_undelivered_events
    of_2019 = lambda *wanted, **more: [as_of_2019(event) for event in real(*wanted, **more)]  # noqa: E731
    monkeypatch.setattr(fetching, "list_undelivered_events", of_2019)
    return paid


def test_missed_events_are_kept_during_an_outage_of_stripe(shop, missed_of_2019, monkeypatch):
    fetch = Mock(side_effect=Unavailable)
    with monkeypatch.context() as silence:
        silence.setattr(fetching, "fetch", fetch)
        with shop.scope() as scope:
            fetch_events(scope)
    assert fetch.call_count == 1
    events = shop.events({COMPLETED})
    assert [shop.stored(event).status for event in events] == ["received"] * 2
    shop.autonomy.run_jobs(shop.id)
    assert [shop.status(payment_id) for payment_id in missed_of_2019] == ["completed"] * 2


def test_a_missed_event_that_is_forbidden_blocks_no_other(shop, missed_of_2019):
    shop.at_stripe("faults", status="403", times="1", path="/v1/checkout/sessions/")
    with shop.scope() as scope:
        fetch_events(scope)
    assert sorted(shop.status(payment_id) for payment_id in missed_of_2019) == ["completed", "pending"]
