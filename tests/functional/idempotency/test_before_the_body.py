"""With a slow body, `autonomy serve` runs the request until it reads the body, and again later."""

import json

import pytest
from structlog.testing import capture_logs
from webob import Request as Asked

from autonomy_core.counters import REGISTRY
from autonomy_core.edge.answer import call
from autonomy_core.edge.body import Unread
from tests.functional.idempotency import works
from tests.functional.idempotency.shop import KEY, is_replay

pytestmark = pytest.mark.concurrent


@pytest.fixture
def shop(committed_shop):
    return committed_shop


def ask(shop, tmp_path, **headers):
    """Run the request without the body; return the answer, or None if the body is needed."""
    body = json.dumps({"note": ""}).encode()
    asked = Asked.blank(f"/{shop.id}/api/v1/works", method="POST", headers=headers)
    environ = {**asked.environ, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}
    environ |= {"wsgi.input": Unread(), "webob.is_body_seekable": True}
    return call(shop.autonomy.app.app, environ, tmp_path)


def counted():
    return {
        (sample.name, *sample.labels.items()): sample.value
        for metric in REGISTRY.collect()
        for sample in metric.samples
        if sample.name.endswith(("requests_total", "duration_seconds_count"))
    }


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": KEY}])
def test_an_attempt_without_the_body_has_no_effect(shop, tmp_path, headers):
    worked = []
    works.orders.before = worked.append
    before = counted()

    with capture_logs() as logged:
        assert ask(shop, tmp_path, **headers) is None

    assert (worked, shop.rows) == ([], [])
    assert shop.autonomy.database.engine.pool.checkedout() == 0
    assert (counted(), logged) == (before, [])
    with capture_logs() as logged:
        shop.work(status=201)
    assert ([line["event"] for line in logged], counted() == before) == (["request"], False)


def test_an_attempt_without_the_body_keeps_a_running_requests_key(shop, tmp_path):
    def ask_meanwhile(request):
        answers.append(ask(shop, tmp_path, **{"Idempotency-Key": KEY}))

    answers = []
    works.orders.after = ask_meanwhile
    shop.work_like_another_process()
    assert [answer.status for answer in answers] == [409]
    works.orders.after = None
    assert is_replay(shop.work(status=201))
    assert shop.works == ["A work"]
