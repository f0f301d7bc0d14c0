"""The two kinds of transaction: the request's own, which is one, and those that a view begins."""

import pytest

from autonomy_core.testing.conformance import UNCHECKED


def ordered(acme, outcome, status, view="order"):
    acme.app.post_json(
        f"/acme/api/v1/trials/{view}", {"outcome": outcome}, status=status, extra_environ=UNCHECKED
    )
    return sorted(item["title"] for item in acme.app.get("/acme/api/v1/products").json["items"])


def test_what_is_answered_is_kept(acme):
    assert ordered(acme, "done", 200) == ["after"]


@pytest.mark.parametrize(("outcome", "status"), [("refused", 409), ("crash", 500), ("answered", 409)])
def test_what_is_refused_is_undone_whether_it_is_raised_or_answered(acme, outcome, status):
    assert ordered(acme, outcome, status) == []


def test_a_refusal_with_something_to_keep_keeps_it(acme):
    assert ordered(acme, "refused_and_kept", 409) == ["after"]


def test_each_transaction_that_a_view_begins_is_kept_or_undone_by_itself(acme):
    assert ordered(acme, "refused", 409, "steps") == ["before"]
    assert ordered(acme, "crash", 500, "steps") == ["before", "before"]
    assert ordered(acme, "done", 200, "steps") == ["after", "before", "before", "before"]


def test_a_refusal_with_something_to_keep_keeps_it_in_a_transaction_that_a_view_begins(acme):
    assert ordered(acme, "refused_and_kept", 409, "steps") == ["after", "before"]


def test_a_view_that_begins_its_own_transactions_cannot_use_the_requests(acme, caplog):
    answer = acme.app.get("/acme/api/v1/trials/db", status=500, extra_environ=UNCHECKED)
    assert answer.json["code"] == "internal_error"


def test_a_public_view_that_begins_its_own_transactions_knows_who_repeats_it(acme):
    headers = {**acme.as_staff(), "Idempotency-Key": "0198c0de-0000-7000-8000-000000000001"}
    for _ in range(2):
        acme.app.post_json(
            "/acme/api/v1/trials/steps",
            {"outcome": "done"},
            headers=headers,
            status=200,
            extra_environ=UNCHECKED,
        )
    assert [item["title"] for item in acme.app.get("/acme/api/v1/products").json["items"]].count("after") == 1


@pytest.mark.parametrize("outcome", ["again", "deadlock"])
def test_a_request_that_collided_is_tried_again_and_writes_once(acme, attempts, outcome):
    assert ordered(acme, outcome, 200) == ["after"]
    assert attempts == [outcome] * 3


def test_a_request_that_always_collides_is_given_up_and_undone(acme, attempts):
    assert ordered(acme, "always", 500) == []
    assert attempts == ["always"] * 3


def test_a_collision_in_a_transaction_that_a_view_begins_does_not_repeat_the_request(acme, attempts):
    assert ordered(acme, "deadlock", 503, "steps") == ["before"]
    assert attempts == ["deadlock"]


def test_a_crash_tells_the_caller_nothing_of_its_cause(acme):
    answer = acme.app.post_json(
        "/acme/api/v1/trials/order", {"outcome": "crash"}, status=500, extra_environ=UNCHECKED
    )
    assert answer.json["code"] == "internal_error"
    assert b"ZeroDivision" not in answer.body
