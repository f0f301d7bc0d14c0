"""``autonomy stripe events`` and ``autonomy payments explain``: list and replay events."""

import json

import pytest
from sqlalchemy import text

from stripe_payments.domain import HANDLED_EVENTS
from tests.functional.stripe_payments.command_line import Site
from tests.functional.stripe_payments.shop import instead_of_settling, session_of
from tests.isolation.tables import tenant_tables


@pytest.fixture
def site(shop):
    return Site(shop.autonomy, shop.simulator)


def events(site, *arguments, status=0):
    said = site.run("stripe", "events", *arguments, "--json", status=status)
    if status != 0:
        return said
    # The log may stand before it.
    lines = said.splitlines()
    begin = next(number for number, line in enumerate(lines) if line in ("[", "{", "[]"))
    return json.loads("\n".join(lines[begin:]))


def whole_history(shop):
    """Everything that can happen to payments, as Stripe tells it."""
    refunded = shop.sell()
    shop.refund(refunded, amount=500)
    shop.product = shop.autonomy.product(shop.id)
    disputed = shop.sell()
    dispute = shop.at_stripe(f"sessions/{session_of(shop, disputed)}/dispute")["id"]
    shop.at_stripe(f"disputes/{dispute}/close", outcome="won")
    shop.product = shop.autonomy.product(shop.id)
    declined = shop.purchase().json
    shop.visit(declined["checkout_url"], "decline")
    shop.visit(declined["checkout_url"], "expire")
    shop.post_events(HANDLED_EVENTS)
    return refunded, disputed


def content(shop):
    """All rows of the organisation and its waiting jobs, without attempts and times of events."""
    with shop.scope() as scope:
        found = {}
        for table in tenant_tables(scope.session):
            rows = scope.session.execute(text(f"SELECT to_jsonb(t) FROM {table.quoted} t")).scalars()
            found[table.name] = sorted(
                json.dumps(
                    {k: v for k, v in row.items() if k not in ("attempts", "processed_at")}, sort_keys=True
                )
                for row in rows
            )
        return {name: rows for name, rows in found.items() if name != "procrastinate_jobs"}


def test_replaying_the_whole_history_changes_nothing(shop, site):
    whole_history(shop)
    before = content(shop)
    replayed = events(site, "replay", shop.id, "--since", "1970-01-01")
    assert len(replayed) == len(shop.events(HANDLED_EVENTS))
    assert {(event["before"], event["after"]) for event in replayed} == {("processed", "processed")}
    assert content(shop) == before


def test_events_are_chosen_by_outcome_type_and_time(shop, site):
    whole_history(shop)
    every = events(site, "list", shop.id, "--limit", "100")
    assert [event["received_at"] for event in every] == sorted(
        (event["received_at"] for event in every), reverse=True
    )
    chosen = events(site, "list", shop.id, "--type", "refund.created")
    assert {event["type"] for event in chosen} == {"refund.created"}
    assert events(site, "list", shop.id, "--status", "failed") == []
    assert events(site, "list", shop.id, "--until", "2001-01-01") == []
    assert len(events(site, "list", shop.id, "--limit", "2")) == 2


def test_an_event_is_shown_as_stripe_sent_it(shop, site):
    payment_id = shop.sell()
    (event,) = shop.events()
    shown = events(site, "show", shop.id, event["id"])
    assert shown["payload"] == event | {"pending_webhooks": shown["payload"]["pending_webhooks"]}
    assert (shown["event"]["payment_id"], shown["event"]["origin"]) == (str(payment_id), "webhook")
    assert "see autonomy stripe events list" in events(site, "show", shop.id, "evt_nobodys", status=1)


def test_a_failed_event_is_handled_again(shop, site, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no such luck")

    payment = shop.payment()
    event = shop.event(payment)
    with monkeypatch.context() as patched:
        instead_of_settling(patched, broken)
        assert shop.post(event).json["status"] == "failed"
    (replayed,) = events(site, "replay", shop.id, event["id"])
    assert (replayed["before"], replayed["after"]) == ("failed", "processed")
    assert shop.status(payment) == "completed"


def test_a_replay_needs_events_or_options(shop, site):
    assert "say which" in events(site, "replay", shop.id, status=1)


def test_an_unknown_event_id_is_a_failure(shop, site):
    shop.purchase()
    told = events(site, "replay", shop.id, "evt_nobodys", status=1)
    assert "acme has no such event: 'evt_nobodys'; nothing was replayed" in told


def test_an_id_with_an_excluding_option_is_not_reported_as_unknown(shop, site):
    shop.sell()
    (event,) = shop.events()
    told = events(site, "replay", shop.id, event["id"], "--status", "failed", status=1)
    assert "name events, or give options" in told
    assert "no such event" not in told


def test_the_command_line_explains_a_payment(shop, site):
    refunded, _ = whole_history(shop)
    said = json.loads(site.run("payments", "explain", shop.id, str(refunded), "--json"))
    assert [entry["kind"] for entry in said if entry["kind"] in ("opened", "granted", "refund")] == [
        "opened",
        "granted",
        "refund",
    ]
    assert "refund_requested" in site.run("payments", "explain", shop.id, str(refunded))
