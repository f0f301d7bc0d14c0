"""The object of an event is fetched if the event lacks it.

A provider that does not answer is asked once for many events.
"""

import pytest

from autonomy_core.errors import Unavailable
from autonomy_core.kernel.webhooks import Delivery, WebhookSource
from autonomy_core.payments.services import PaymentsUnavailable
from autonomy_core.webhooks.fetching import UntilNoAnswer, completed, is_incomplete, lacking, subject_of

SCOPE = object()


class Source(WebhookSource):
    name, title, header = "source", "Source", "Signature"
    handled = frozenset({"paid"})

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0

    def verify(self, scope, body, signature): ...

    def handle(self, search, event_type, subject): ...

    def subject(self, payload):
        return payload.get("object") or {}

    def lacking(self, payload):
        return payload.get("lacks")

    def fetch(self, scope, environment, lacking):
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def delivery(**payload):
    return Delivery("1", "paid", "test", payload)


def test_what_is_fetched_takes_the_place_of_what_was_posted():
    source = Source({"amount": 2})
    event = completed(SCOPE, source, delivery(lacks="it", object={"amount": 1}))
    assert (event.fetched, subject_of(source, event), lacking(source, event)) == (
        {"amount": 2},
        {"amount": 2},
        None,
    )
    assert completed(SCOPE, source, event) is event
    assert source.asked == 1


def test_what_lacks_nothing_is_not_fetched():
    source = Source()
    event = delivery(object={"amount": 1})
    assert completed(SCOPE, source, event) is event


@pytest.mark.parametrize("error", [Unavailable(), PaymentsUnavailable()])
def test_without_an_answer_the_delivery_stays_as_it_was(error):
    event = delivery(lacks="it")
    assert completed(SCOPE, Source(error), event) is event


@pytest.mark.parametrize(
    ("payload", "incomplete"),
    [
        ({"lacks": "it", "object": {"amount": 1}}, True),
        ({"lacks": "it"}, False),
        ({"object": {"amount": 1}}, False),
    ],
)
def test_incomplete_is_what_has_an_object_in_another_form(payload, incomplete):
    assert is_incomplete(Source(), delivery(**payload)) is incomplete


def test_a_silent_provider_is_asked_about_one_of_many_events():
    source, complete = Source(Unavailable()), UntilNoAnswer()
    events = [delivery(lacks="it") for _ in range(3)]
    assert [complete(SCOPE, source, event) for event in events] == events
    assert source.asked == 1


def test_a_refusal_is_an_answer():
    source, complete = Source(PaymentsUnavailable(), {"amount": 2}), UntilNoAnswer()
    first, second = (complete(SCOPE, source, delivery(lacks="it")) for _ in range(2))
    assert (first.fetched, second.fetched) == (None, {"amount": 2})
