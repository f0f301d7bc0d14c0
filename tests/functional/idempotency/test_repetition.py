"""The same request with the same key is executed once and replayed; any other is executed."""

from datetime import timedelta

import pytest
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.response import Response
from pyramid_retry import RetryableException
from sqlalchemy import text

from autonomy_core.errors import Conflict
from autonomy_core.idempotency import services
from tests.functional.idempotency import works
from tests.functional.idempotency.shop import KEY, is_replay


class Refused(Conflict):
    code, title = "refused", "Refused"


class RefusedAndKept(Conflict):
    code, title, commits = "refused_and_kept", "Refused and kept", True


def fail(error):
    raise error


def test_a_request_with_the_same_key_is_executed_once(shop):
    first, second = shop.work(), shop.work()
    assert first.status_int == second.status_int == 201
    assert first.body == second.body
    assert not is_replay(first)
    assert is_replay(second)
    assert shop.works == ["A work"]


def test_a_replay_has_the_same_headers_except_per_request_ones(shop):
    of_the_request = {"X-Request-ID", "Idempotent-Replayed"}
    first, second = (
        {name: value for name, value in answer.headers.items() if name not in of_the_request}
        for answer in (shop.work(), shop.work())
    )
    assert first == second
    assert "Content-Type" in first


@pytest.mark.parametrize("keys", [(KEY, f"{KEY}-2"), (None, None), (KEY, f'"{KEY}"'), (KEY, KEY.upper())])
def test_a_request_with_another_key_or_none_is_executed_again(shop, keys):
    for key in keys:
        assert not is_replay(shop.work(key=key, status=201))
    assert shop.works == ["A work", "A work"]


def test_the_same_key_with_another_body_is_refused(shop):
    ada = shop.autonomy.as_customer(shop.autonomy.customer())
    shop.work("first", by=ada)
    refused = shop.work("second", by=ada, status=422)
    assert refused.json["code"] == "idempotency_key_reused"
    assert shop.works == ["first"]
    assert is_replay(shop.work("first", by=ada, status=201))


def test_bodies_are_compared_byte_by_byte(shop):
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    for body, status in ((b'{"note": "a"}', 201), (b'{"note":"a"}', 422)):
        shop.autonomy.app.post("/acme/api/v1/works", body, headers=headers, status=status)


def test_the_same_key_for_another_path_is_another_request(shop):
    staff = shop.autonomy.as_staff()
    shop.post("admin/products", {"title": "A", "kind": "thing", "amount": 1}, by=staff, status=201)
    shop.work(by=staff, status=201)
    assert shop.works == ["A", "A work"]


def test_a_request_by_host_and_by_path_is_the_same(shop):
    first = shop.work()
    headers = {"Idempotency-Key": KEY, "Host": "acme.example"}
    second = shop.autonomy.app.post_json("/api/v1/works", {"note": ""}, headers=headers)
    assert is_replay(second)
    assert second.json == first.json


@pytest.mark.parametrize("key", ["", "  ", "a b", "ü", "x" * 256])
def test_an_invalid_key_is_refused_before_any_work(shop, key):
    assert shop.work(key=key, status=400).json["code"] == "idempotency_key_invalid"
    assert shop.works == []


def test_the_longest_key_is_accepted(shop):
    assert [is_replay(shop.work(key="x" * 255, status=201)) for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (lambda request: fail(Refused()), 409),
        (lambda request: fail(RefusedAndKept()), 409),
        (lambda request: Response(status=409), 409),
        (lambda request: request.context.scope.session.execute(text("SELECT * FROM no_such_table")), 503),
        (lambda request: request.tm.get().addBeforeCommitHook(lambda: fail(Refused())), 409),
    ],
)
def test_a_refused_or_failed_request_may_be_retried_with_its_key(shop, outcome, status):
    works.orders.after = outcome
    shop.work("before", checked=False, status=status)
    before = shop.works
    works.orders.after = None
    assert not is_replay(shop.work("after", status=201))
    assert shop.works == sorted(["after", *before])


def test_a_rolled_back_request_is_executed_again(shop):
    works.orders.after = lambda request: request.tm.doom()
    shop.work(status=201)
    assert shop.works == []
    works.orders.after = None
    assert not is_replay(shop.work(status=201))


def test_invalid_input_does_not_use_up_the_key(shop):
    shop.post("works", {"unknown": 1}, status=422)
    assert not is_replay(shop.work(status=201))


def test_a_retried_collision_is_executed_once(shop):
    attempts = []

    def collide(request):
        attempts.append(request)
        return fail(RetryableException()) if len(attempts) < 3 else None

    works.orders.after = collide
    assert [is_replay(shop.work(status=201)) for _ in range(2)] == [False, True]
    assert len(attempts) == 3
    assert shop.works == ["A work"]


@pytest.mark.parametrize(
    "see_other",
    [
        lambda request: fail(HTTPSeeOther("https://acme.example/thanks")),
        lambda request: HTTPSeeOther("https://acme.example/thanks"),
        lambda request: Response(status=303, location="https://acme.example/thanks", content_type=None),
    ],
)
def test_a_redirect_is_replayed_raised_or_returned(shop, see_other):
    works.orders.after = see_other
    first, second = (shop.work(checked=False, status=303) for _ in range(2))
    assert is_replay(second)
    assert first.headers["Location"] == second.headers["Location"] == "https://acme.example/thanks"
    assert first.body == second.body
    assert shop.works == ["A work"]


def test_an_answer_without_a_body_is_replayed(shop):
    works.orders.after = lambda request: Response(status=204, content_type=None)
    assert [is_replay(shop.work(status=204)) for _ in range(2)] == [False, True]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: Response(
            status=201, app_iter=iter([b'{"id": "', KEY.encode(), b'"}']), content_type="application/json"
        ),
        lambda: Response(status=201, json_body={"id": KEY, "more": "x" * 1024 * 1024}),
    ],
)
def test_a_streamed_or_huge_answer_is_refused_at_the_replay(shop, answer):
    works.orders.after = lambda request: answer()
    assert shop.work(checked=False, status=201).json["id"] == KEY
    assert shop.work(status=409).json["code"] == "idempotency_answer_not_kept"
    assert shop.works == ["A work"]


def test_a_key_is_new_again_after_a_day(shop):
    shop.work("first")
    shop.let_pass(timedelta(hours=23, minutes=59))
    assert is_replay(shop.work("first", status=201))
    shop.let_pass(timedelta(minutes=1))
    assert not is_replay(shop.work("second", status=201))
    assert is_replay(shop.work("second", status=201))


def test_a_caller_who_lost_access_gets_no_replay(shop):
    staff = shop.autonomy.as_staff(scopes=["catalog.write"])
    product = {"title": "A", "kind": "thing", "amount": 1}
    shop.post("admin/products", product, by=staff, status=201)
    with shop.autonomy.scope() as scope:
        scope.session.execute(text("UPDATE api_keys SET scopes = '{catalog.read}'"))
    shop.post("admin/products", product, by=staff, status=403)


def test_other_methods_and_webhooks_ignore_the_key(shop):
    for _ in range(2):
        shop.autonomy.app.put("/acme/api/v1/works", headers={"Idempotency-Key": KEY}, status=204)
        shop.post("told", status=204)
    assert shop.works == ["Put"] * 4
    operations = shop.autonomy.app.get("/acme/api/v1/openapi.json").json["paths"]
    assert "Idempotency-Key" not in str(operations["/works"]["put"])
    assert "Idempotency-Key" not in str(operations["/told"])
    assert "Idempotency-Key" in str(operations["/works"]["post"]["parameters"])


def test_only_expired_keys_are_removed(shop):
    shop.work(key=KEY)
    shop.let_pass(timedelta(hours=24))
    shop.work(key=f"{KEY}-2")
    with shop.autonomy.scope() as scope:
        services.purge(scope)
    assert len(shop.rows) == 1
    assert is_replay(shop.work(key=f"{KEY}-2", status=201))


def test_no_body_or_answer_is_readable_in_the_database(shop):
    answer = shop.work("confidential note", key="confidential-key")
    with shop.autonomy.scope() as scope:
        (row,) = scope.session.scalars(text("SELECT t::text FROM idempotency_keys t"))
        (kept,) = scope.session.scalars(text("SELECT answer FROM idempotency_keys"))
    for word in ("confidential", answer.json["id"], "nobody", "works"):
        assert word not in row
        assert word.encode() not in bytes(kept)


def test_a_view_with_own_transactions_is_executed_once_too(shop):
    first, again = shop.post("steps", status=201), shop.post("steps", status=201)
    assert (is_replay(first), is_replay(again), again.json) == (False, True, first.json)
    assert shop.works == ["A step"]
