"""An event that is set aside is an alarm in readiness, metrics and command line until it is cleared."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from autonomy_core.cli.commands import autonomy as command
from autonomy_core.cli.context import CliContext
from autonomy_core.webhooks.inbox import SET_ASIDE
from stripe_payments.models import StripePayment
from stripe_payments.testing import stripe_event, thin_event
from tests.functional.stripe_payments.shop import Shop

HERE = {"REMOTE_ADDR": "127.0.0.1"}


@pytest.fixture
def run(autonomy):
    def run(*arguments, status=0):
        context = CliContext()
        runtime = autonomy.runtime
        context.plugins, context.settings, context._runtime = runtime.plugins, runtime.settings, runtime
        result = CliRunner().invoke(command, arguments, obj=context)
        assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
        return result.output

    return run


def readiness(shop):
    checks = shop.autonomy.app.get("/health/ready", extra_environ=HERE).json["checks"]
    return checks.get("alarms")


def metric(shop):
    said = shop.autonomy.app.get("/metrics", extra_environ=HERE).text
    return [line for line in said.splitlines() if line.startswith("autonomy_alarms{")]


def wrong_amount(shop):
    """An event about a payment of ours that no later news can make right."""
    event = shop.event(shop.payment(), amount_total=1)
    assert shop.post(event).json["status"] == "set_aside"
    return event


def test_an_event_that_is_set_aside_is_an_alarm(shop, run):
    assert (readiness(shop), metric(shop)) == (None, [])
    event = wrong_amount(shop)
    line = f"acme: 1 of {SET_ASIDE}; run: autonomy alarms list acme"
    assert readiness(shop) == {"status": "degraded", "detail": [line]}
    assert metric(shop) == [f'autonomy_alarms{{name="{SET_ASIDE}",organisation="acme"}} 1.0']
    (alarm,) = json.loads(run("alarms", "list", "acme", "--json"))
    assert (alarm["name"], alarm["subject"]) == (SET_ASIDE, f"stripe/test/{event['id']}")
    assert "amount: the payment has 1200, the session 1" in alarm["message"]
    assert json.loads(run("alarms", "count", "--json")) == [
        {"organisation_id": "acme", "name": SET_ASIDE, "count": 1}
    ]


def test_the_same_event_again_is_one_alarm(shop):
    event = wrong_amount(shop)
    shop.post(event)
    assert metric(shop)[0].endswith(" 1.0")


def test_clearing_an_alarm_is_audited(shop, run):
    event = wrong_amount(shop)
    run("alarms", "clear", "acme", SET_ASIDE, f"stripe/test/{event['id']}")
    assert readiness(shop) is None
    with shop.scope() as scope:
        acts = scope.session.scalars(text("SELECT action FROM audit_entries")).all()
    assert "alarm.cleared" in acts
    assert "has no alarm" in run("alarms", "clear", "acme", SET_ASIDE, f"stripe/test/{event['id']}", status=1)


def test_an_alarm_ends_with_a_replay_that_succeeds(shop, run):
    payment = shop.payment()
    with shop.scope() as scope:
        scope.session.get_one(StripePayment, (shop.id, payment.id)).session_id = "cs_of_another"
    event = shop.event(payment)
    assert shop.post(event).json["status"] == "set_aside"
    with shop.scope() as scope:
        scope.session.get_one(StripePayment, (shop.id, payment.id)).session_id = None
    run("stripe", "events", "replay", "acme", event["id"])
    assert (shop.status(payment), readiness(shop)) == ("completed", None)


NOT_UNDERSTOOD = {
    "refund.created": {"object": "refund", "id": "re_new", "status": "of_next_year"},
    "charge.dispute.created": {"object": "dispute", "id": "du_new", "status": "of_next_year"},
}


@pytest.mark.parametrize("event_type", NOT_UNDERSTOOD)
def test_an_unreadable_event_about_a_known_payment_is_an_alarm(shop, event_type):
    shop.sell()
    intent = shop.ledger("sessions")[0]["payment_intent"]
    about = {"payment_intent": intent, "amount": 300, "currency": "eur"} | NOT_UNDERSTOOD[event_type]
    assert shop.post(stripe_event(event_type, about)).json["status"] == "set_aside"
    assert readiness(shop)["status"] == "degraded"


def test_a_thin_event_about_an_unknown_object_is_an_alarm(shop):
    event = thin_event("charge.dispute.created", {"object": "dispute", "id": "du_of_another_account"})
    assert shop.post(event).json["status"] == "set_aside"
    assert readiness(shop)["status"] == "degraded"


def test_unrelated_events_of_the_account_are_no_alarm(shop):
    session = {"object": "checkout.session", "id": "cs_foreign", "mode": "payment", "livemode": False}
    foreign = session | {
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 5,
        "currency": "eur",
    }
    assert shop.post(stripe_event("checkout.session.completed", foreign)).json["status"] == "set_aside"
    assert readiness(shop) is None


def test_an_organisation_sees_and_clears_its_own_alarms_only(shop, autonomy, simulator, run):
    other = Shop(autonomy, simulator, "other")
    event = wrong_amount(shop)
    assert run("alarms", "list", "other").strip() == "no alarms"
    run("alarms", "clear", "other", SET_ASIDE, f"stripe/test/{event['id']}", status=1)
    with other.scope() as scope:
        assert scope.session.scalars(text("SELECT subject FROM alarms")).all() == []
    assert len(readiness(shop)["detail"]) == 1
