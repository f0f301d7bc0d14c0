"""A provider that is not Stripe uses the core's inbox; its plugin has only a verifier and a handler."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.exc import DataError
from structlog.testing import capture_logs

from autonomy_core.alarms.services import raise_alarm
from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.kernel.manager import Plugins
from autonomy_core.operations.flushing import flush_all
from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.settings import Secret
from autonomy_core.testing import stand_ins
from autonomy_core.testing.application import chosen_plugins
from autonomy_core.webhooks.deliveries import DELIVERIES, UNKNOWN, count_deliveries
from autonomy_core.webhooks.domain import ATTEMPT_LIMIT
from autonomy_core.webhooks.inbox import SET_ASIDE, alarm_subject
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.testing import stripe_settings
from tests.functional.webhooks import postpay

RECEIVED = "payment.received"


@pytest.fixture(scope="module")
def autonomy_plugins():
    return Plugins({**chosen_plugins("stripe_payments").modules, postpay.NAME: postpay})


@pytest.fixture(autouse=True)
def source(monkeypatch):
    """The source as it is at the beginning, and nothing counted by other tests."""
    postpay.SOURCE.__init__()
    monkeypatch.setattr(DELIVERIES, "_tallies", {})
    return postpay.SOURCE


class Shop:
    """An organisation that takes its payments through the provider."""

    def __init__(self, autonomy, organisation_id):
        self.autonomy, self.id, self.secret = autonomy, organisation_id, f"secret of {organisation_id}"
        self.enable(postpay.NAME)
        self.customer = autonomy.customer(organisation_id)

    def enable(self, *plugins):
        """Enable plugins beside the stand-ins, and no others."""
        known = {postpay.NAME: {"secret": self.secret}, "stripe_payments": stripe_settings(self.id)}
        settings = {name: known[name] for name in plugins}
        self.autonomy.organisation(self.id, plugins=(*plugins, stand_ins.NAME), settings=settings)

    def payment(self):
        return self.autonomy.payment(self.customer, self.autonomy.product(self.id))

    def event(self, payment, **changes):
        payment_id = str(getattr(payment, "id", payment))
        told = {"id": f"ev_{uuid4().hex}", "type": RECEIVED, "payment": payment_id, "amount": 1200}
        return told | changes

    def post(self, event, *, status=200, secret=None, to=None):
        body = json.dumps(event).encode()
        headers = {"Postpay-Signature": postpay.signature_of(body, Secret(secret or self.secret))}
        path = f"/api/webhook/postpay/{to or self.id}"
        return self.autonomy.app.post(path, body, headers=headers, status=status).json

    def stored(self):
        with self.autonomy.scope(self.id) as scope:
            return scope.session.scalars(select(WebhookEvent).order_by(WebhookEvent.received_at)).all()

    def status(self, payment):
        with self.autonomy.scope(self.id) as scope:
            return scope.session.get_one(Payment, (self.id, payment.id)).status

    def timeline(self, payment):
        path = f"/{self.id}/api/v1/admin/payments/{payment.id}/timeline"
        entries = self.autonomy.app.get(path, headers=self.autonomy.as_staff(self.id)).json["items"]
        return [entry["detail"] for entry in entries if entry["kind"] == "event_received"]

    def read(self, *arguments):
        """What a command says to machines; logs stand before it in a test."""
        lines = self.run(*arguments, "--json").splitlines()
        begin = next(place for place, line in enumerate(lines) if line in ("[", "{", "[]"))
        return json.loads("\n".join(lines[begin:]))

    def run(self, *arguments, status=0):
        context, runtime = CliContext(), self.autonomy.runtime
        context.plugins, context.settings, context._runtime = runtime.plugins, runtime.settings, runtime
        result = CliRunner().invoke(command, arguments, obj=context)
        assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
        return result.output


@pytest.fixture
def shop(autonomy):
    return Shop(autonomy, "acme")


def test_an_event_completes_the_payment_that_it_is_about(shop):
    payment = shop.payment()
    event = shop.event(payment)
    assert shop.post(event) == {"received": True, "status": "processed"}
    assert shop.status(payment) == "completed"
    (stored,) = shop.stored()
    assert (stored.source, stored.environment, stored.origin) == ("postpay", "test", "webhook")
    assert (stored.payload, stored.payment_id, stored.lookups) == (event, payment.id, "payment: found")


def test_a_body_that_the_secret_did_not_sign_is_refused(shop):
    payment = shop.payment()
    assert shop.post(shop.event(payment), secret="another", status=400)["code"] == "bad_signature"
    assert (shop.stored(), shop.status(payment)) == ([], "pending")


def test_a_signed_body_that_is_no_event_is_refused(shop):
    assert shop.post({"id": "ev_1"}, status=400)["code"] == "bad_event"
    assert shop.stored() == []


def test_an_event_that_cannot_be_stored_is_refused(shop):
    event = shop.event(shop.payment(), note="\x00")
    assert shop.post(event, status=400)["code"] == "bad_event"


def test_an_event_that_is_posted_again_is_handled_once(shop):
    event = shop.event(shop.payment())
    assert [shop.post(event)["status"] for _ in range(3)] == ["processed"] * 3
    (stored,) = shop.stored()
    assert stored.attempts == 1


def test_an_event_of_another_type_is_stored_and_ignored(shop):
    assert shop.post(shop.event(shop.payment(), type="letter.sent"))["status"] == "ignored"
    assert shop.stored()[0].reason == "events of this type are not handled"


def test_an_event_whose_handler_raised_is_tried_again_by_the_job(shop, source):
    payment = shop.payment()
    source.failures = [RuntimeError("no such luck"), RuntimeError("nor this time")]
    assert shop.post(shop.event(payment))["status"] == "failed"
    assert shop.autonomy.run_jobs(shop.id) == ["webhooks.handle_event"]
    assert shop.autonomy.run_jobs(shop.id) == []
    (stored,) = shop.stored()
    assert (stored.status, stored.attempts, shop.status(payment)) == ("processed", 3, "completed")


def test_the_job_waits_while_the_plugin_is_disabled(shop, source):
    source.failures = [RuntimeError("no such luck")]
    payment = shop.payment()
    shop.post(shop.event(payment))
    shop.enable()
    assert shop.autonomy.run_jobs(shop.id) == ["webhooks.handle_event"]
    shop.enable(postpay.NAME)
    assert shop.autonomy.run_jobs(shop.id) == []
    assert shop.status(payment) == "completed"


def test_what_is_set_aside_is_an_alarm_until_it_is_replayed(shop):
    payment = shop.payment()
    event = shop.event(payment, amount=1)
    assert shop.post(event)["status"] == "set_aside"
    (alarm,) = shop.read("alarms", "list", shop.id)
    assert (alarm["name"], alarm["subject"]) == (SET_ASIDE, f"postpay/test/{event['id']}")
    with shop.autonomy.scope(shop.id) as scope:
        scope.session.get_one(Payment, (shop.id, payment.id)).amount = 1
    (row,) = shop.read("webhooks", "replay", shop.id, event["id"])
    assert (row["before"], row["after"]) == ("set_aside", "processed")
    assert (shop.status(payment), shop.read("alarms", "list", shop.id)) == (
        "completed",
        [],
    )


@pytest.mark.parametrize(
    "changes", [{"payment": "first class"}, {"payment": None}, {"amount": "1200"}, {"amount": None}]
)
def test_an_event_without_payment_or_amount_is_set_aside(shop, changes):
    payment = shop.payment()
    assert shop.post(shop.event(payment) | changes)["status"] == "set_aside"
    assert (shop.autonomy.jobs(shop.id), shop.status(payment)) == ([], "pending")


def test_an_event_about_another_provider_s_payment_is_set_aside(shop):
    shop.enable()
    payment = shop.payment()
    shop.enable(postpay.NAME)
    assert shop.post(shop.event(payment))["status"] == "set_aside"
    assert shop.stored()[0].reason.startswith("provider: the payment says stand_ins")


def test_no_payment_is_an_alarm_only_if_the_event_names_the_shop(shop):
    shop.post(shop.event(uuid4()))
    assert shop.read("alarms", "list", shop.id) == []
    shop.post(shop.event(uuid4(), shop=shop.id))
    assert len(shop.read("alarms", "list", shop.id)) == 1


def test_a_value_that_the_database_refuses_is_logged_as_an_error(shop, source):
    event = shop.event(shop.payment())
    source.failures = [DataError("INSERT …", {}, ValueError("out of range"))]
    with capture_logs() as lines:
        assert shop.post(event)["status"] == "set_aside"
    (line,) = [line for line in lines if line["event"] == "webhook.event_set_aside"]
    assert (line["event_id"], line["log_level"], line["exc_info"]) == (event["id"], "error", True)


def test_an_event_that_its_handler_sets_aside_is_logged_as_a_warning(shop):
    with capture_logs() as lines:
        assert shop.post(shop.event(uuid4()))["status"] == "set_aside"
    (line,) = [line for line in lines if line["event"] == "webhook.event_set_aside"]
    assert line["log_level"] == "warning"


def test_an_early_event_is_handled_once_its_payment_is_known(shop):
    payment = shop.payment()
    assert shop.post(shop.event(payment, type="payment.corrected", letter="one"))["status"] == "received"
    assert shop.post(shop.event(payment, letter="another"))["status"] == "processed"
    assert [event.status for event in shop.stored()] == ["received", "processed"]
    assert shop.post(shop.event(payment, letter="one"))["status"] == "processed"
    assert [event.status for event in shop.stored()] == ["processed"] * 3


def test_an_event_whose_payment_stays_unknown_is_given_up(shop):
    shop.post(shop.event(uuid4(), type="payment.corrected", letter="one"))
    tries = [shop.autonomy.run_jobs(shop.id) for _ in range(ATTEMPT_LIMIT)]
    assert tries == [*[["webhooks.handle_event"]] * (ATTEMPT_LIMIT - 1), []]
    assert [event.status for event in shop.stored()] == ["set_aside"]


def test_an_event_of_the_shop_that_is_given_up_is_an_alarm(shop):
    payment = shop.payment()
    foreign = shop.event(payment, type="payment.corrected", letter="foreign")
    own = shop.event(payment, type="payment.corrected", letter="own", shop=shop.id)
    for event in (foreign, own):
        shop.post(event)
    assert shop.read("alarms", "list", shop.id) == []
    with capture_logs() as lines:
        while shop.autonomy.jobs(shop.id):
            shop.autonomy.run_jobs(shop.id)
    assert {line["event_id"] for line in lines if line["event"] == "webhook.event_set_aside"} == {
        foreign["id"],
        own["id"],
    }
    (alarm,) = shop.read("alarms", "list", shop.id)
    assert (alarm["name"], alarm["subject"]) == (SET_ASIDE, f"postpay/test/{own['id']}")
    shop.post(shop.event(payment, letter="own"))
    assert shop.read("alarms", "list", shop.id) == []


def test_what_an_event_only_names_is_fetched_and_stored_with_it(shop, source):
    payment = shop.payment()
    source.objects["letter 1"] = shop.event(payment)
    assert shop.post({"id": "ev_thin", "type": RECEIVED, "object": "letter 1"})["status"] == "processed"
    assert shop.stored()[0].fetched == source.objects["letter 1"]
    assert shop.status(payment) == "completed"


def test_undelivered_events_are_fetched_and_handled_once(shop, source):
    payment = shop.payment()
    source.undelivered = [shop.event(payment)]
    for _ in range(2):
        rows = shop.read("webhooks", "fetch", shop.id)
        assert rows == [{"source": "postpay", "events": 1}]
    (stored,) = shop.stored()
    assert (stored.origin, stored.attempts, shop.status(payment)) == ("fetched", 1, "completed")


def test_deliveries_are_counted_by_source(shop):
    shop.post(shop.event(shop.payment()))
    for _ in range(2):
        shop.post(shop.event(uuid4()), secret="another", status=400)
    flush_all(shop.autonomy.runtime)
    with shop.autonomy.scope(shop.id) as scope:
        counted = [count_deliveries(scope, "postpay", each, days=1) for each in ("test", UNKNOWN)]
        assert [(each.verified, each.refused) for each in counted] == [(1, 0), (0, 2)]
        assert count_deliveries(scope, "stripe", "test", days=1).verified == 0


def test_the_timeline_tells_events_and_what_they_name(shop):
    payment = shop.payment()
    shop.post(shop.event(payment, type="letter.sent"))
    shop.post(shop.event(payment))
    ignored, handled = shop.timeline(payment)
    assert (ignored["status"], ignored["named_by"]) == ("ignored", ["payment"])
    assert (handled["status"], handled["agreed"]) == ("processed", ["amount"])
    assert handled["signature"] == "verified by the test secret"
    assert {each["happened_at"] for each in (ignored, handled)} == {"2026-01-01T00:00:00Z"}


def test_another_organisation_is_not_affected(shop, autonomy):
    other = Shop(autonomy, "other")
    theirs = other.payment()
    event = other.event(theirs)
    shop.post(event, to=other.id, status=400)
    assert shop.post(event)["status"] == "set_aside"
    assert (other.stored(), other.status(theirs)) == ([], "pending")
    assert other.post(event)["status"] == "processed"
    assert [each.status for each in shop.stored()] == ["set_aside"]


def test_the_call_exists_only_where_the_plugin_is_enabled(autonomy):
    shop = Shop(autonomy, "other")
    shop.enable()
    shop.post({}, status=404)


def test_the_same_event_id_of_two_sources_is_two_events(shop, autonomy):
    shop.enable(postpay.NAME, "stripe_payments")
    payment = shop.payment()
    event = shop.event(payment)
    shop.post(event)
    with autonomy.scope(shop.id) as scope:
        row = {"source": "stripe", "environment": "test", "event_id": event["id"], "type": "refund.created"}
        scope.session.add(WebhookEvent(organisation_id=shop.id, **row, payload={}, status="ignored"))
    assert "give --source, one of postpay, stripe" in shop.run(
        "webhooks", "show", shop.id, event["id"], status=1
    )
    shown = shop.read("webhooks", "show", shop.id, event["id"], "--source", "postpay")
    assert (shown["event"]["source"], shown["payload"]) == ("postpay", event)
    listed = shop.read("stripe", "events", "list", shop.id)
    assert [each["source"] for each in listed] == ["stripe"]


def test_an_event_leaves_the_alarm_of_another_source(shop, autonomy, source):
    event = shop.event(shop.payment())
    about_stripe = alarm_subject(WebhookEvent(source="stripe", environment="test", event_id=event["id"]))
    with autonomy.scope(shop.id) as scope:
        raise_alarm(scope, SET_ASIDE, about_stripe, "of Stripe")
    source.failures = [RuntimeError("no such luck")]
    assert [shop.post(event)["status"] for _ in range(2)] == ["failed", "processed"]
    assert [alarm["subject"] for alarm in shop.read("alarms", "list", shop.id)] == [about_stripe]


def test_each_source_has_its_call_in_the_description_of_the_api(shop):
    document = shop.autonomy.app.get(f"/{shop.id}/api/v1/openapi.json").json
    call = document["paths"]["/api/webhook/postpay/{organisation_id}"]["post"]
    assert call["operationId"] == "postpay_take_event"
    assert call["summary"] == "Take an event from Postpay"
    assert "Postpay-Signature" in [each["name"] for each in call["parameters"] if "name" in each]
