"""A source of webhooks has defaults for all but its verifier and its handler; a search records lookups."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from autonomy_core.kernel.answers import problem_with
from autonomy_core.kernel.webhooks import Delivery, Search, WebhookSource

PAYMENT = UUID(int=1)


class Least(WebhookSource):
    name, title, header = "least", "Least", "Least-Signature"
    handled = frozenset({"paid"})

    def verify(self, scope, body, signature):
        return Delivery("1", "paid", "test", {})

    def handle(self, search, event_type, subject): ...


class WithoutHandler:
    name = "without"


def test_a_verifier_and_a_handler_are_enough():
    assert problem_with("register_webhook_sources", [Least()]) is None
    found = problem_with("register_webhook_sources", [WithoutHandler()])
    assert found == "returned a WithoutHandler, which has no method verify(scope, body, signature)"


def test_by_default_an_event_is_about_itself_and_lacks_nothing():
    source, payload = Least(), {"id": "1"}
    assert (source.subject(payload), source.lacking(payload)) == (payload, None)


def test_by_default_a_source_fetches_shares_and_explains_nothing():
    source, scope = Least(), object()
    delivery = source.verify(scope, b"", None)
    assert tuple(source.list_undelivered(scope, datetime.now(UTC))) == ()
    assert source.owner_of(scope, delivery, "") is scope
    assert source.handle_fast(scope, delivery, 1) is None
    assert source.concerns(scope, {}) is False
    assert source.agreed(scope, PAYMENT, object()) is None
    assert source.naming(scope, PAYMENT, object()) == {}
    assert source.happened_at({}) is None


def test_what_lacks_something_has_to_be_able_to_fetch_it():
    with pytest.raises(NotImplementedError, match="least"):
        Least().fetch(object(), "test", "an object")


def test_a_search_records_each_lookup_and_what_the_last_one_found():
    search = Search(object(), "test")
    search.record("session", None)
    search.record("metadata", PAYMENT)
    assert search.tried == ["session: none", "metadata: found"]
    assert (search.matched_by, search.payment_id) == ("metadata", PAYMENT)
