"""A request is one transaction: kept when it is answered, undone when it is refused, tried again when it collided."""

import pytest

from autonomy_core.testing.conformance import UNCHECKED


def ordered(acme, outcome, status, **more):
    acme.app.post_json(
        "/acme/api/v1/trials/order", {"outcome": outcome, **more}, status=status, extra_environ=UNCHECKED
    )
    return sorted(item["title"] for item in acme.app.get("/acme/api/v1/products").json["items"])


def test_what_is_answered_is_kept(acme):
    assert ordered(acme, "done", 200) == ["after"]


@pytest.mark.parametrize(("outcome", "status"), [("refused", 409), ("crash", 500), ("answered", 409)])
def test_what_is_refused_is_undone_whether_it_is_raised_or_answered(acme, outcome, status):
    assert ordered(acme, outcome, status) == []


def test_a_refusal_with_something_to_keep_keeps_it(acme):
    assert ordered(acme, "refused_and_kept", 409) == ["after"]


def test_what_is_committed_early_stays_whatever_comes_after(acme):
    assert ordered(acme, "refused", 409, early=True) == ["before"]
    assert ordered(acme, "done", 200, early=True) == ["after", "before", "before"]


@pytest.mark.parametrize("outcome", ["again", "deadlock"])
def test_a_request_that_collided_is_tried_again_and_writes_once(acme, attempts, outcome):
    assert ordered(acme, outcome, 200) == ["after"]
    assert attempts == [outcome] * 3


def test_a_request_that_always_collides_is_given_up_and_undone(acme, attempts):
    assert ordered(acme, "always", 500) == []
    assert attempts == ["always"] * 3


def test_a_request_that_has_committed_is_not_tried_again(acme, attempts):
    assert ordered(acme, "always", 500, early=True) == ["before"]
    assert attempts == ["always"]


def test_a_deadlock_after_something_was_committed_is_answered_and_not_tried_again(acme, attempts):
    assert ordered(acme, "deadlock", 503, early=True) == ["before"]
    assert attempts == ["deadlock"]


def test_a_crash_tells_the_caller_nothing_of_its_cause(acme):
    answer = acme.app.post_json(
        "/acme/api/v1/trials/order", {"outcome": "crash"}, status=500, extra_environ=UNCHECKED
    )
    assert answer.json["code"] == "internal_error"
    assert b"ZeroDivision" not in answer.body
