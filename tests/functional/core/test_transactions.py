"""The two kinds of transaction: the request's own, which is one, and those that a view begins."""

from uuid import uuid4

import pytest

from autonomy_core.testing.conformance import UNCHECKED


def ordered(acme, outcome, status, view="order"):
    acme.app.post_json(
        f"/acme/api/v1/trials/{view}", {"outcome": outcome}, status=status, extra_environ=UNCHECKED
    )
    return sorted(item["title"] for item in acme.app.get("/acme/api/v1/products").json["items"])


def test_the_work_of_a_successful_request_is_committed(acme):
    assert ordered(acme, "done", 200) == ["after"]


@pytest.mark.parametrize(("outcome", "status"), [("refused", 409), ("crash", 500), ("answered", 409)])
def test_the_work_of_a_refused_request_is_rolled_back(acme, outcome, status):
    assert ordered(acme, outcome, status) == []


def test_an_error_that_commits_keeps_the_work(acme):
    assert ordered(acme, "refused_and_kept", 409) == ["after"]


def test_each_of_a_views_own_transactions_commits_separately(acme):
    assert ordered(acme, "refused", 409, "steps") == ["before"]
    assert ordered(acme, "crash", 500, "steps") == ["before", "before"]
    assert ordered(acme, "done", 200, "steps") == ["after", "before", "before", "before"]


def test_an_error_that_commits_keeps_a_views_own_transaction(acme):
    assert ordered(acme, "refused_and_kept", 409, "steps") == ["after", "before"]


def test_a_view_with_own_transactions_has_no_request_session(acme, caplog):
    answer = acme.app.get("/acme/api/v1/trials/db", status=500, extra_environ=UNCHECKED)
    assert answer.json["code"] == "internal_error"


def test_a_public_view_with_own_transactions_may_ask_who_calls(acme):
    def caller(headers):
        return acme.app.get("/acme/api/v1/trials/caller", headers=headers).json["title"]

    assert [caller({}), caller(acme.as_staff())] == ["nobody", "staff"]


def test_a_view_without_a_transaction_has_the_customers_product(acme):
    product, headers = acme.product(title="First Light"), acme.as_customer(acme.customer())
    path = f"/acme/api/v1/customers/products/{product.id}/title"
    assert acme.app.get(path, headers=headers).json == {"title": "First Light"}
    acme.app.get(f"/acme/api/v1/customers/products/{uuid4()}/title", headers=headers, status=404)


def test_a_public_view_with_own_transactions_is_idempotent_per_caller(acme):
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
def test_a_request_that_collides_is_retried_and_writes_once(acme, attempts, outcome):
    assert ordered(acme, outcome, 200) == ["after"]
    assert attempts == [outcome] * 3


def test_a_request_that_always_collides_is_given_up_and_undone(acme, attempts):
    assert ordered(acme, "always", 500) == []
    assert attempts == ["always"] * 3


def test_a_collision_in_a_views_own_transaction_is_not_retried(acme, attempts):
    assert ordered(acme, "deadlock", 503, "steps") == ["before"]
    assert attempts == ["deadlock"]


def test_a_crash_does_not_reveal_its_cause(acme):
    answer = acme.app.post_json(
        "/acme/api/v1/trials/order", {"outcome": "crash"}, status=500, extra_environ=UNCHECKED
    )
    assert answer.json["code"] == "internal_error"
    assert b"ZeroDivision" not in answer.body
