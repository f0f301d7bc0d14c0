"""The bare application of the benchmark is correct, and executes what pgbench executes."""

import io
import json
from itertools import chain

import pytest
from stripe import WebhookSignature

from autonomy_core.runtime import APPLICATION_ROLE
from bench.database import conninfo, count, prepare
from bench.installation import install
from bench.webhooks import bare_app, events, ours, pgbench
from tests.support.round_trips import listening
from tests.unit.bench.outlines import COMMENT, outlines

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def address(postgresql, tmp_path_factory):
    yield install(postgresql, tmp_path_factory.mktemp("bare"), "bare_app").address
    postgresql.drop_database("bare_app")


@pytest.fixture
def app(address, postgresql, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", conninfo(postgresql, "bare_app", APPLICATION_ROLE))
    monkeypatch.setenv("WEBHOOK_SECRET", events.SECRET)
    monkeypatch.setenv("POOL_SIZE", "1")
    made = bare_app.create_app()
    yield made
    made.pool.close()


def post(app, number, secret=events.SECRET, **changes):
    event = ours.completed_event(number)
    event["data"]["object"].update(changes)
    body = json.dumps(event)
    answers = []
    environ = {
        "wsgi.input": io.BytesIO(body.encode()),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_STRIPE_SIGNATURE": WebhookSignature.generate_signature_header(body, secret),
    }
    list(app(environ, lambda status, _: answers.append(status)))
    return answers[0]


def test_an_event_completes_its_payment_and_grants_the_product_once(app, address):
    prepare(address, ours.PENDING, range(1))
    assert [post(app, 0), post(app, 0)] == ["200 OK", "200 OK"]
    assert set(count(address, ours.SETTLED).values()) == {1}


@pytest.mark.parametrize(
    ("number", "changes"),
    [
        (1, {"amount_total": 1}),
        (2, {"currency": "usd"}),
        (3, {"id": "cs_test_unknown"}),
        (4, {"payment_status": "unpaid"}),
    ],
)
def test_an_event_that_differs_from_the_payment_is_rolled_back(app, address, number, changes):
    prepare(address, ours.PENDING, range(number, number + 1))
    before = count(address, ours.SETTLED)
    assert post(app, number, **changes) == "400 Bad Request"
    assert post(app, number, secret="whsec_other") == "400 Bad Request"
    assert count(address, ours.SETTLED) == before
    assert post(app, number) == "200 OK"


def test_an_event_takes_six_round_trips_and_a_known_one_three(app, address):
    prepare(address, ours.PENDING, range(10, 30))
    for number in range(10, 20):  # until all statements are prepared
        post(app, number)
    with app.pool.connection() as driver:
        pass
    with listening(driver) as first:
        assert [post(app, number) for number in range(20, 30)] == ["200 OK"] * 10
        assert first.round_trips == 10 * len(bare_app.SIX) == 60
    with listening(driver) as again:
        assert post(app, 20) == "200 OK"
        assert again.round_trips == 3


def test_the_bare_app_executes_the_statements_of_pgbench_six():
    script = (pgbench.SCRIPTS_DIRECTORY / pgbench.SCRIPTS[pgbench.SIX]).read_text("utf-8")
    executed = ";".join(chain.from_iterable(bare_app.SIX)).split(";")
    assert outlines(COMMENT.sub("", script).split(";\n")) == outlines(executed)
