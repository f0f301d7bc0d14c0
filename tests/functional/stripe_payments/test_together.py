"""Concurrent events are handled in one transaction, with the same results as separately."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import structlog
from sqlalchemy import text

from autonomy_core.db.group_commit import BatchItem
from autonomy_core.grants.models import Grant
from autonomy_core.payments.duplicates import bought_before
from autonomy_core.payments.models import HookRun, Payment
from autonomy_core.plugin_api.models import uuid7
from autonomy_core.webhooks.models import WebhookEvent
from stripe_payments.events.fast_path import PAID_SESSIONS
from stripe_payments.testing import checkout_session, stripe_event
from tests.functional.stripe_payments import shop as shops
from tests.functional.stripe_payments.bulk import open_payments, post_all, rows
from tests.functional.stripe_payments.hooks import HOOKS
from tests.functional.stripe_payments.recorded_rows import rows_of
from tests.functional.stripe_payments.shop import COMPLETED, SUCCEEDED

pytestmark = pytest.mark.concurrent

TIMEOUT_S = 120


@pytest.fixture(scope="module")
def chosen():
    return []


@pytest.fixture(scope="module")
def autonomy_plugins(chosen):
    def choosable(event):
        for hook in chosen:
            hook(event)

    return shops.plugins_with(choosable=choosable)


@pytest.fixture
def shop(committed, simulator, chosen, monkeypatch):
    chosen.clear()
    for name in ("turn_within_s", "done_within_s", "slow_group_s"):
        monkeypatch.setattr(committed.runtime.group_commit, name, TIMEOUT_S)
    yield Together(committed, simulator, chosen)
    chosen.clear()


class Together(shops.Shop):
    """A shop where events wait while the hook of another one is at work."""

    def __init__(self, autonomy, simulator, chosen):
        super().__init__(autonomy, simulator, hooks=["choosable"])
        self._chosen = chosen

    def payments(self, number):
        return open_payments(self.autonomy, self.id, number)

    def post_together(self, events):
        """Post events so that they are handled together, in this order, after one more."""
        with self.posting_together(events) as answers:
            pass
        return [answer.result() for answer in answers]

    @contextmanager
    def posting_together(self, events):
        """The same; yields the futures of the answers."""
        (first,) = self.payments(1)
        reached, opened = threading.Event(), threading.Event()

        def hold(event):
            if event.payment.id == first.id:
                reached.set()
                assert opened.wait(TIMEOUT_S)

        self._chosen.append(hold)
        with ThreadPoolExecutor(len(events) + 1) as threads, self._opened_at_end(opened):
            answers = [threads.submit(self._post, self.completed(first))]
            assert reached.wait(TIMEOUT_S)
            for number, event in enumerate(events, start=1):
                answers.append(threads.submit(self._post, event))
                self._wait_for(number)
            opened.set()
            yield answers[1:]

    @contextmanager
    def _opened_at_end(self, opened):
        try:
            yield
        finally:
            opened.set()

    def _wait_for(self, number):
        self._poll(lambda: len(self._waiting()) >= number)

    def _waiting(self):
        return self.autonomy.runtime.group_commit._waiting.get((PAID_SESSIONS, self.id), ())

    def _poll(self, holds):
        deadline = time.monotonic() + TIMEOUT_S
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def give_up_only_when_taken_along(self, monkeypatch):
        """An item waits without limit until it is in a batch, and then as long as usual."""
        wait = BatchItem.wait

        def wait_for_turn_first(member, seconds):
            if seconds == TIMEOUT_S:
                self._poll(lambda: member not in self._waiting())
            else:
                wait(member, seconds)

        monkeypatch.setattr(BatchItem, "wait", wait_for_turn_first)

    def _post(self, event):
        return post_all(self.autonomy, [(self.id, event)])

    def completed(self, payment, event_type=COMPLETED, **changes):
        return stripe_event(event_type, checkout_session(payment, **changes))

    def transactions(self, events):
        """In how many transactions events were stored."""
        names = [event["id"] for event in events]
        with self.scope() as scope:
            return scope.session.scalar(
                text("SELECT count(DISTINCT xmin::text) FROM webhook_events WHERE event_id = ANY (:names)"),
                {"names": names},
            )

    def statuses(self, events):
        return [self.stored(event).status for event in events]

    def settled(self):
        """The numbers of completed payments, of grants and of hook runs."""
        completed = [
            payment for payment in rows(self.autonomy, self.id, Payment) if payment.status == "completed"
        ]
        succeeded = [run for run in rows(self.autonomy, self.id, HookRun) if run.outcome == "succeeded"]
        return len(completed), len(rows(self.autonomy, self.id, Grant)), len(succeeded)


def test_waiting_events_are_handled_in_one_transaction(shop):
    events = [shop.completed(payment) for payment in shop.payments(5)]
    assert shop.post_together(events) == [{200}] * 5
    assert shop.statuses(events) == ["processed"] * 5
    assert shop.transactions(events) == 1
    assert shop.settled() == (6, 6, 12)


def test_a_failing_hook_affects_only_its_own_payment(shop, chosen):
    payments = shop.payments(4)

    def fail(event):
        if event.payment.id == payments[1].id:
            raise RuntimeError("the disk is full")

    chosen.append(fail)
    events = [shop.completed(payment) for payment in payments]
    assert shop.post_together(events) == [{200}] * 4
    assert shop.statuses(events) == ["processed"] * 4
    assert shop.settled() == (5, 5, 9)
    chosen.clear()
    assert shop.autonomy.run_jobs(shop.id) == []
    assert shop.settled() == (5, 5, 10)


def test_an_event_that_differs_is_set_aside_alone(shop):
    first, second, third = shop.payments(3)
    events = [shop.completed(first), shop.completed(second, amount_total=1), shop.completed(third)]
    assert shop.post_together(events) == [{200}] * 3
    assert shop.statuses(events) == ["processed", "set_aside", "processed"]
    assert shop.settled() == (3, 3, 6)
    assert shop.present(second).status == "pending"


def test_an_unusual_event_undoes_no_other(shop):
    known, first, second = shop.payments(3)
    before = shop.completed(known)
    assert shop._post(before) == {200}
    nobodys = shop.completed(first, id="cs_test_nobodys", client_reference_id=None, metadata={})
    events = [shop.completed(first), before, nobodys, shop.completed(second)]
    assert shop.post_together(events) == [{200}] * 4
    assert shop.transactions([events[0], events[3]]) == 1
    assert shop.statuses([events[0], before, events[3]]) == ["processed"] * 3
    assert shop.stored(nobodys).status != "processed"
    assert shop.settled() == (4, 4, 8)


def test_repeated_and_equivalent_events_settle_once(shop):
    (payment,) = shop.payments(1)
    event, of_the_same_fact = shop.completed(payment), shop.completed(payment, SUCCEEDED)
    assert shop.post_together([event, event, of_the_same_fact]) == [{200}] * 3
    assert shop.statuses([event, of_the_same_fact]) == ["processed"] * 2
    assert shop.stored(event).attempts == 1
    assert shop.settled() == (2, 2, 4)


def test_each_hook_sees_its_own_payment_completed(shop, chosen):
    seen = {}

    def look(event):
        payment = event.scope.session.get_one(Payment, (shop.id, event.payment.id))
        seen[payment.id] = payment.status
        payment.failure_reason = None

    chosen.append(look)
    payments = shop.payments(3)
    events = [shop.completed(payment) for payment in payments]
    assert shop.post_together(events) == [{200}] * 3
    assert shop.transactions(events) == 1
    assert {payment.id: "completed" for payment in payments}.items() <= seen.items()
    assert shop.settled() == (4, 4, 8)


def test_each_log_line_has_its_own_request_id(shop, chosen):
    logged = {}

    def log(event):
        logged[str(event.payment.id)] = structlog.contextvars.get_contextvars()["request_id"]

    chosen.append(log)
    payments = shop.payments(3)
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        shop.post_together([shop.completed(payment) for payment in payments])
    settled = {line["payment_id"]: line["request_id"] for line in lines if line["event"] == "payment.settled"}
    assert len(set(settled.values())) == 4
    assert settled == logged


def test_a_hanging_hook_does_not_delay_later_events(shop, chosen, monkeypatch):
    monkeypatch.setattr(shop.autonomy.runtime.group_commit, "turn_within_s", 0.05)
    hanging, other = shop.payments(2)
    reached, end = threading.Event(), threading.Event()

    def hang(event):
        if event.payment.id == hanging.id:
            reached.set()
            assert end.wait(TIMEOUT_S)

    chosen.append(hang)
    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(shop._post, shop.completed(hanging))
        assert reached.wait(TIMEOUT_S)
        try:
            assert shop._post(shop.completed(other)) == {200}
            assert shop.present(other).status == "completed"
            assert shop.present(hanging).status == "pending"
        finally:
            end.set()
        assert held.result(TIMEOUT_S) == {200}
    assert shop.settled() == (2, 2, 4)


def test_a_lost_connection_makes_each_event_handled_alone(shop, chosen):
    payments = shop.payments(3)
    lost = []

    def disconnect_once(event):
        if event.payment.id == payments[1].id and not lost:
            lost.append(event.payment.id)
            event.scope.session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    chosen.append(disconnect_once)
    events = [shop.completed(payment) for payment in payments]
    assert shop.post_together(events) == [{200}] * 3
    assert lost
    assert shop.statuses(events) == ["processed"] * 3
    assert [row.attempts for row in shop.rows(WebhookEvent)] == [1] * 4
    assert shop.settled() == (4, 4, 8)


def test_one_of_two_payments_completed_together_is_a_duplicate(shop):
    payments = shop.payments(2)
    with shop.scope() as scope:
        second = scope.session.get_one(Payment, (shop.id, payments[1].id))
        second.customer_id = payments[0].customer_id
    events = [shop.completed(payment) for payment in payments]
    assert shop.post_together(events) == [{200}] * 2
    assert shop.transactions(events) == 1
    with shop.scope() as scope:
        assert [bought_before(scope, payment.id) for payment in payments] == [None, payments[0].id]


def test_hooks_run_in_the_order_of_products_and_arrival(shop, chosen):
    seen = []
    chosen.append(lambda event: seen.append(event.payment.id))
    of_one, of_another = shop.payments(2), shop.payments(2)
    assert of_one[0].product_id < of_another[0].product_id
    events = [shop.completed(payment) for payment in (of_another[0], of_one[0], of_another[1], of_one[1])]
    assert shop.post_together(events) == [{200}] * 4
    assert seen[1:] == [payment.id for payment in (*of_one, *of_another)]
    assert shop.settled() == (5, 5, 10)


def test_events_batched_with_a_hanging_one_are_handled_later(shop, chosen, monkeypatch):
    monkeypatch.setattr(shop.autonomy.runtime.group_commit, "done_within_s", 0.3)
    shop.give_up_only_when_taken_along(monkeypatch)
    hanging, *others = shop.payments(3)
    end, held = threading.Event(), []

    def hang_once(event):
        if event.payment.id == hanging.id and not held:
            held.append(event.payment.id)
            assert end.wait(TIMEOUT_S)

    chosen.append(hang_once)
    events = [shop.completed(payment) for payment in (hanging, *others)]
    with shop.posting_together(events) as answers:
        try:
            assert [answer.result(TIMEOUT_S) for answer in answers[1:]] == [{200}] * 2
            assert shop.statuses(events[1:]) == ["processed"] * 2
        finally:
            end.set()
    assert held
    assert answers[0].result() == {200}
    assert shop.statuses(events) == ["processed"] * 3
    assert shop.settled() == (4, 4, 8)


def test_an_undone_batch_is_logged_for_each_event(shop, chosen):
    payments = shop.payments(3)
    chosen.append(lambda event: 1 / (event.payment.id != payments[1].id))
    events = [shop.completed(payment) for payment in payments]
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        shop.post_together(events)
    undone = [line for line in lines if line["event"] == "payment.batch_undone"]
    assert [(line["reference"], line["reason"], line["together"]) for line in undone] == [
        (event["data"]["object"]["id"], "ZeroDivisionError", 3) for event in events
    ]
    assert len({line["request_id"] for line in undone}) == 3


def grants_what_does_not_exist(event):
    event.grant(uuid7())


@pytest.mark.parametrize("misbehave", [*HOOKS, grants_what_does_not_exist])
def test_a_batch_with_any_hook_ends_like_separate_events(shop, chosen, misbehave):
    def recorded(post_all):
        payments = shop.payments(3)
        chosen[:] = [lambda event: misbehave(event) if event.payment.id == payments[1].id else None]
        answers = post_all([shop.completed(payment) for payment in payments])
        return answers, [rows_of(shop, payment) for payment in payments]

    assert recorded(shop.post_together) == recorded(lambda events: [shop._post(event) for event in events])


def test_an_event_that_cannot_be_stored_is_refused_alone(shop):
    first, second, third = shop.payments(3)
    with_nul = shop.completed(second, customer_details={"name": "Ada\0"})
    events = [shop.completed(first), with_nul, shop.completed(third)]
    assert shop.post_together(events) == [{200}, {400}, {200}]
    assert shop.stored(with_nul) is None
    assert shop.present(second).status == "pending"
    assert shop.settled() == (3, 3, 6)


def test_one_event_id_for_two_sessions_is_one_event(shop):
    first, second = shop.payments(2)
    event, impostor = shop.completed(first), shop.completed(second)
    impostor["id"] = event["id"]
    assert shop.post_together([event, impostor]) == [{200}] * 2
    assert shop.stored(event).payment_id == first.id
    assert shop.present(second).status == "pending"
    assert shop.settled() == (2, 2, 4)
