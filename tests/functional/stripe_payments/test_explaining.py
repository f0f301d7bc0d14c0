"""The timeline answers support questions: the history of a payment in order, with reasons."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.event import listen

from autonomy_core.payments.models import Payment
from autonomy_core.plugin_api.models import utcnow
from autonomy_core.webhooks import timeline
from stripe_payments.api import client
from stripe_payments.domain import CHARGE_REFUNDED, DISPUTE_EVENTS, REFUND_EVENTS
from stripe_payments.models import StripePayment
from stripe_payments.testing import checkout_session, stripe_event
from tests.functional.stripe_payments import shop as shops
from tests.functional.stripe_payments.command_line import Site
from tests.functional.stripe_payments.periodic_jobs import A_DAY, FETCH, run, undelivered
from tests.functional.stripe_payments.shop import COMPLETED, EXPIRED, PATHS, choose_path, session_of

# Events about other payments, of an endpoint that gets all events of its account.
IGNORED = text("""
    INSERT INTO webhook_events
        (organisation_id, source, environment, event_id, type, payload, status, attempts, origin, received_at)
    SELECT :shop, 'stripe', 'test', 'evt_' || n, 'invoice.paid',
        '{"data": {"object": {"id": "in_1"}}}', 'ignored', 0, 'webhook',
        now() + n * interval '1 second'
    FROM generate_series(1, :number) n
""")
BINDING = "organisation, environment, livemode, payment, client_reference_id, session, amount, currency"


@pytest.fixture(scope="module")
def failures():
    """The errors that the plugin ``moody`` raises, one per call, until the list is empty."""
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(failures):
    def moody(event):
        if failures:
            raise RuntimeError(failures.pop(0))

    return shops.plugins_with(moody=moody)


@pytest.fixture
def shop(autonomy, simulator, failures):
    failures.clear()
    return shops.Shop(autonomy, simulator, hooks=["moody"], title="Harbour Lights")


@pytest.fixture
def explain(shop):
    """The output of the command for a payment: as lines for people, and as JSON entries."""
    site = Site(shop.autonomy, shop.simulator)

    def explain(payment):
        payment_id = str(getattr(payment, "id", payment))
        lines = site.run("payments", "explain", shop.id, payment_id)
        entries = json.loads(site.run("payments", "explain", shop.id, payment_id, "--json"))
        over_http = shop.as_staff("get", f"payments/{payment_id}/timeline").json["items"]
        assert [(each["kind"], each["detail"]) for each in over_http] == [
            (each["kind"], each["detail"]) for each in entries
        ]
        return lines, Story(entries)

    return explain


class Story(list):
    """The entries of a timeline."""

    @property
    def kinds(self):
        return [entry["kind"] for entry in self]

    def of(self, kind, **detail):
        """The details of a kind's entries, of those that say so."""
        found = [entry["detail"] for entry in self if entry["kind"] == kind]
        return [each for each in found if detail.items() <= each.items()]

    def event(self, event_type):
        (found,) = self.of("event_received", type=event_type)
        return found


def line_of(lines, *words):
    """The line of people that has all of the words."""
    (found,) = [line for line in lines.splitlines() if all(word in line for word in words)]
    return found


def test_the_timeline_of_an_ordinary_purchase(shop, explain):
    lines, story = explain(shop.sell())
    assert story.kinds[:4] == ["opened", "checkout_prepared", "event_received", "settled"]
    assert sorted(story.kinds[4:]) == ["granted", "hook_succeeded", "hook_succeeded"]
    event = story.event(COMPLETED)
    assert (event["status"], event["lookups"], event["matched_by"]) == (
        "processed",
        "session_id: found",
        "session_id",
    )
    assert event["signature"] == "verified by the test secret"
    assert event["agreed"] == BINDING.split(", ")
    told = line_of(lines, "event_received")
    for words in (
        "lookups: session_id: found",
        f"agreed: {BINDING}",
        "signature: verified by the test secret",
    ):
        assert words in told
    assert "amount: 1200; currency: eur; product:" in line_of(lines, "opened")
    line_of(lines, "settled", "before: pending", "after: completed", "source: webhook")
    assert "title: Harbour Lights; plugin: granting" in line_of(lines, "granted")
    assert "attempts: 1" in line_of(lines, "hook_succeeded", "moody")


def test_the_timeline_of_a_payment_whose_amount_differs(shop, explain):
    payment = shop.payment()
    shop.post(shop.event(payment, amount_total=1))
    lines, story = explain(payment)
    assert story.kinds == ["opened", "checkout_prepared", "event_received"]
    event = story.event(COMPLETED)
    assert (event["status"], event["reason"]) == ("set_aside", "amount: the payment has 1200, the session 1")
    assert event["agreed"] == [name for name in BINDING.split(", ") if name != "amount"]
    told = line_of(lines, "event_received")
    assert "reason: amount: the payment has 1200, the session 1; lookups: session_id: found" in told


def test_the_timeline_of_a_success_after_expiry(shop, explain):
    payment = shop.payment()
    shop.post(shop.event(payment, EXPIRED, payment_status="unpaid"))
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(created_at=utcnow() - timedelta(hours=2)))
    shop.post(shop.event(payment))
    lines, story = explain(payment)
    assert [(each["before"], each["after"]) for each in story.of("settled")] == [
        ("pending", "expired"),
        ("expired", "completed"),
    ]
    assert story.kinds.index("granted") > story.kinds.index("settled")
    assert "after: completed" in line_of(lines, "settled", "before: expired")


def test_the_timeline_of_a_refund_from_the_dashboard(shop, explain):
    sold = shop.sell()
    shop.at_stripe(f"sessions/{session_of(shop, sold)}/refund")
    shop.post_events(REFUND_EVENTS | {CHARGE_REFUNDED})
    lines, story = explain(sold)
    event = story.event("refund.created")
    assert (event["lookups"], event["status"]) == ("payment_intent: found", "processed")
    assert {"environment", "payment intent", "currency"} <= set(event["agreed"])
    first = story.kinds.index("refund")
    assert story.kinds[first : first + 3] == ["refund", "settled", "access_revoked"]
    assert "refund_requested" not in story.kinds
    assert "after: succeeded" in line_of(lines, " refund ")
    line_of(lines, "access_revoked", "reason: refunded", "titles: Harbour Lights")


def test_the_timeline_of_a_dispute_that_was_won(shop, explain):
    sold = shop.sell()
    dispute = shop.at_stripe(f"sessions/{session_of(shop, sold)}/dispute")["id"]
    shop.post_events(DISPUTE_EVENTS)
    shop.at_stripe(f"disputes/{dispute}/close", outcome="won")
    shop.post_events(DISPUTE_EVENTS)
    lines, story = explain(sold)
    assert [each["after"] for each in story.of("dispute")] == ["open", "won"]
    told = [kind for kind in story.kinds if kind in ("dispute", "access_revoked", "access_restored")]
    assert told == ["dispute", "access_revoked", "dispute", "access_restored"]
    assert "payment_intent: found" in line_of(lines, "charge.dispute.created")
    line_of(lines, "access_revoked", "reason: disputed")
    line_of(lines, "access_restored", "titles: Harbour Lights")


def test_the_timeline_of_an_event_that_was_missed_and_fetched(shop, explain):
    undelivered(shop)
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    run(shop, FETCH)
    lines, story = explain(answer["payment"]["id"])
    event = story.event(COMPLETED)
    assert (event["signature"], event["lookups"]) == ("fetched with the test key", "session_id: found")
    assert datetime.fromisoformat(event["happened_at"]) <= datetime.now(UTC)
    assert "fetched with the test key" in line_of(lines, COMPLETED)
    assert "granted" in story.kinds


def test_the_timeline_of_a_payment_that_was_checked_at_stripe(shop, explain, monkeypatch):
    monkeypatch.setattr(client, "RETRIES", 0)
    answer = shop.purchase().json
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    shop.at_stripe("faults", status="503", times="1", path="/v1/checkout/sessions")
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    shop.visit(answer["checkout_url"], "pay")
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    lines, story = explain(answer["payment"]["id"])
    assert [each["answer"] for each in story.of("asked")] == [
        "the buyer may still pay",
        "none: The payment provider does not answer.",
        "completed",
    ]
    assert story.kinds.index("settled") == story.kinds.index("asked") + 3
    assert "answer: the buyer may still pay" in line_of(lines, "may still pay")
    assert "source: reconciler" in line_of(lines, "settled")


def test_repeated_answers_are_listed_once(shop, explain, monkeypatch):
    monkeypatch.setattr(client, "RETRIES", 0)
    answer = shop.purchase().json
    for _ in range(2):
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    shop.at_stripe("faults", status="503", times="2", path="/v1/checkout/sessions")
    for _ in range(2):
        assert shop.autonomy.run_jobs(shop.id, within_s=A_DAY) == ["payments.check"]
    _, story = explain(answer["payment"]["id"])
    assert [each["answer"] for each in story.of("asked")] == [
        "the buyer may still pay",
        "none: The payment provider does not answer.",
    ]


def test_the_timeline_of_a_hook_that_failed_twice_and_succeeded(shop, explain, failures, monkeypatch):
    # At once it would run one time more, and that would be undone.
    choose_path(monkeypatch, "in general")
    failures += ["the shelf is full", "the shelf is still full"]
    sold = shop.sell()
    for _ in range(2):
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    lines, story = explain(sold)
    told = [
        (kind, entry["detail"]["attempts"], entry["detail"].get("error"))
        for kind, entry in zip(story.kinds, story, strict=True)
        if kind.startswith("hook_") and entry["detail"]["plugin"] == "moody"
    ]
    assert told == [
        ("hook_failed", 1, "RuntimeError: the shelf is full"),
        ("hook_failed", 2, "RuntimeError: the shelf is still full"),
        ("hook_succeeded", 3, None),
    ]
    assert "attempts: 3" in line_of(lines, "hook_succeeded", "moody")
    assert "the shelf is still full" in line_of(lines, "hook_failed", "attempts: 2")


def test_the_timeline_of_a_free_product(shop, explain):
    shop.product = shop.autonomy.product(shop.id, amount=0, title="A taste")
    lines, story = explain(shop.purchase().json["payment"]["id"])
    assert story.kinds[:2] == ["opened", "settled"]
    assert "event_received" not in story.kinds
    assert "amount: 0" in line_of(lines, "opened")
    assert "source: free" in line_of(lines, "settled")
    assert "title: A taste" in line_of(lines, "granted")


def test_the_timeline_of_a_bundle_with_a_coupon(shop, explain):
    parts = [shop.product, shop.autonomy.product(shop.id, title="Low Tide")]
    bundle = {"title": "Both", "kind": "bundle", "amount": 2000, "item_ids": [str(part.id) for part in parts]}
    made = shop.as_staff("post", "products", bundle, 201).json
    shop.as_staff("post", "coupons", {"code": "SPRING", "percent_off": 25}, 201)
    shop.product.id = UUID(made["id"])
    answer = shop.purchase(coupon="SPRING").json
    shop.visit(answer["checkout_url"], "pay")
    shop.post_events()
    lines, story = explain(answer["payment"]["id"])
    (opened,) = story.of("opened")
    assert (opened["amount"], opened["discount"], opened["coupon"]) == (1500, 500, "SPRING")
    assert {each["title"] for each in opened["items"]} == {"Harbour Lights", "Low Tide"}
    assert {each["title"] for each in story.of("granted")} == {"Harbour Lights", "Low Tide"}
    for words in ("title: Both", "title: Low Tide", "discount: 500; coupon: SPRING"):
        assert words in line_of(lines, "opened")


def test_the_timeline_of_a_refunded_duplicate(shop, explain):
    shop.wishes = {"refund_duplicates": "yes"}
    shop.configure()
    late = UUID(shop.purchase().json["payment"]["id"])
    with shop.scope() as scope:
        scope.session.scalars(select(StripePayment)).one().expires_at = utcnow()
    soon = UUID(shop.purchase().json["payment"]["id"])
    for session in shop.ledger("sessions"):
        shop.visit(session["url"], "pay")
    for event in sorted(
        shop.events(), key=lambda event: event["data"]["object"]["client_reference_id"] == str(late)
    ):
        shop.post(event)
    for _ in range(2):
        shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    lines, story = explain(late)
    told = [
        kind for kind in story.kinds if kind in ("granted", "refund_requested", "refund", "access_revoked")
    ]
    assert told == ["granted", "refund_requested", "refund", "access_revoked"]
    line_of(lines, "refund_requested", "by: autonomy", f"bought twice: payment {soon} had been made before")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("changes", "lookups"),
    [
        ({}, "session_id: found"),
        ({"forgotten": True}, "session_id: none, client_reference_id: found"),
        ({"forgotten": True, "client_reference_id": None}, "session_id: none, metadata: found"),
        (
            {"forgotten": True, "client_reference_id": str(uuid4())},
            "session_id: none, client_reference_id: none, metadata: found",
        ),
        (
            {"forgotten": True, "client_reference_id": None, "metadata": {}, "known_intent": True},
            "session_id: none, payment_intent: found",
        ),
    ],
)
def test_every_lookup_is_listed_in_order(shop, explain, monkeypatch, path, changes, lookups):
    choose_path(monkeypatch, path)
    payment, event = shop.payment_and_event(**changes)
    shop.post(event)
    lines, story = explain(payment)
    assert story.event(COMPLETED)["lookups"] == lookups
    assert f"lookups: {lookups}" in line_of(lines, "event_received")


def test_an_unknown_session_is_not_listed_as_compared(shop, explain):
    payment = shop.payment()
    with shop.scope() as scope:
        scope.session.get_one(StripePayment, (shop.id, payment.id)).session_id = None
    shop.post(shop.event(payment))
    _, story = explain(payment)
    assert "session" not in story.event(COMPLETED)["agreed"]


def test_an_event_whose_handling_failed_lists_its_steps(shop, explain, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no such luck")

    payment = shop.payment()
    with monkeypatch.context() as patched:
        patched.setattr("stripe_payments.services.settle", broken)
        choose_path(patched, "in general")
        shop.post(shop.event(payment))
    lines, story = explain(payment)
    event = story.event(COMPLETED)
    assert (event["status"], event["reason"], event["lookups"]) == (
        "failed",
        "RuntimeError",
        "session_id: found",
    )
    line_of(lines, "status: failed", "reason: RuntimeError", "lookups: session_id: found")
    shop.autonomy.run_jobs(shop.id, within_s=A_DAY)
    _, story = explain(payment)
    event = story.event(COMPLETED)
    assert (event["status"], event["attempts"], event["lookups"]) == ("processed", 2, "session_id: found")


def test_an_event_that_waited_is_listed_once_its_payment_is_known(shop, explain):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    shop.at_stripe(f"sessions/{shop.ledger('sessions')[0]['id']}/refund")
    (refund,) = shop.events({"refund.created"})
    # As in the dashboard: it names the payment intent alone.
    refund["data"]["object"]["metadata"] = {}
    assert shop.post(refund).json["status"] == "received"
    shop.post_events()
    _, story = explain(answer["payment"]["id"])
    event = story.event("refund.created")
    assert (event["status"], event["lookups"], event["attempts"]) == (
        "processed",
        "payment_intent: found",
        2,
    )


def test_an_unreadable_event_is_listed_at_the_payment_it_names(shop, explain):
    payment = shop.payment()
    shop.post(shop.event(payment, amount_total=None, client_reference_id=None, id="cs_test_strange"))
    lines, story = explain(payment)
    event = story.event(COMPLETED)
    assert (event["status"], event["lookups"], event["named_by"]) == (
        "set_aside",
        "nothing was tried",
        ["metadata"],
    )
    assert event["reason"] == "the checkout.session has no amount_total"
    assert "named_by: metadata" in line_of(lines, "event_received")


def test_an_event_of_an_unhandled_type_is_listed_too(shop, explain):
    payment = shop.payment()
    shop.post(stripe_event("checkout.session.async_payment_pondered", checkout_session(payment)))
    _, story = explain(payment)
    event = story.event("checkout.session.async_payment_pondered")
    assert (event["status"], event["reason"]) == ("ignored", "events of this type are not handled")
    assert "lookups" not in {name for name, value in event.items() if value is not None}


def test_only_the_first_events_of_each_status_are_searched(shop, explain, monkeypatch):
    monkeypatch.setattr(timeline, "SEARCH_LIMIT", 2)
    payment = shop.payment()
    for _ in range(3):
        shop.post(stripe_event("checkout.session.async_payment_pondered", checkout_session(payment)))
    shop.post(shop.event(payment, amount_total=None, client_reference_id=None, id="cs_test_strange"))
    _, story = explain(payment)
    assert len(story.of("event_received", status="ignored")) == 2
    assert len(story.of("event_received", status="set_aside")) == 1


def rows_read(plan):
    """The largest number of rows that a step of a query plan has read, with the discarded ones."""
    own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return max([own, *(rows_read(step) for step in plan.get("Plans", ()))])


def test_the_search_reads_a_bounded_number_of_events(shop, monkeypatch):
    monkeypatch.setattr(timeline, "SEARCH_LIMIT", 20)
    payment = shop.payment()
    statements = []
    with shop.scope() as scope:
        scope.session.execute(IGNORED, {"shop": shop.id, "number": 5000})
        scope.session.execute(text("SET LOCAL enable_seqscan = off"))
        listen(
            scope.session.connection(), "before_cursor_execute", lambda *told: statements.append(told[2:4])
        )
        list(timeline.events_of(scope, scope.session.get_one(Payment, (shop.id, payment.id))))
        ((naming, values),) = [each for each in statements if "client_reference_id" in each[0]]
        explained = scope.session.connection().exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {naming}", values
        )
        assert rows_read(explained.scalar_one()[0]["Plan"]) <= 20 * len(timeline.UNMATCHED)


def test_an_event_about_no_known_payment_is_in_no_timeline(shop, explain):
    payment, strangers = shop.payment(), shop.payment()
    strangers.id = uuid4()
    shop.post(shop.event(strangers))
    _, story = explain(payment)
    assert "event_received" not in story.kinds


def test_a_replay_leaves_the_record_of_the_attempt_that_counted(shop, explain):
    payment = shop.payment()
    with shop.scope() as scope:
        scope.session.get_one(StripePayment, (shop.id, payment.id)).session_id = None
    event = shop.event(payment)
    shop.post(event)
    _, before = explain(payment)
    Site(shop.autonomy, shop.simulator).run("stripe", "events", "replay", shop.id, event["id"])
    _, after = explain(payment)
    told = ("lookups", "matched_by", "agreed", "handled_at")
    assert [after.event(COMPLETED)[name] for name in told] == [before.event(COMPLETED)[name] for name in told]
    assert after.event(COMPLETED)["attempts"] == 2


def test_a_mismatch_found_by_the_return_page_is_listed_once(shop, explain):
    answer = shop.purchase().json
    shop.visit(answer["checkout_url"], "pay")
    with shop.scope() as scope:
        scope.session.execute(update(Payment).values(amount=7))
    session_id = shop.ledger("sessions")[0]["id"]
    for _ in range(2):
        path = f"/{shop.id}/api/v1/checkout/stripe/return?session_id={session_id}"
        shop.autonomy.app.get(path, status=303)
    lines, story = explain(answer["payment"]["id"])
    (refused,) = story.of("report_refused")
    assert (refused["source"], "amount" in refused["reason"]) == ("return_page", True)
    assert "source: return_page" in line_of(lines, "report_refused")
